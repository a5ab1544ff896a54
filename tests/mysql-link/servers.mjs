// Private MariaDB servers, certificates of an own authority, and the program on top of them. Everything lies below new
// directories in TMPDIR, listens on addresses of this machine only, and ends with the test program.
import { execFile, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { BUILD, Server, cleanEnv, gone, uniq, until } from "../endpoint/server.mjs";

const ROOT_USER = process.getuid() === 0;
const PASSWORD_DB = `Pw-${uniq()}`;
/** All programs of one test program have the same secret: they may come one after the other, or together, to one database. */
const SECRET = randomBytes(32).toString("base64url");
/** The user whom the program runs as where the tests run as root. */
const SERVICE = ROOT_USER ? { name: "www-data", uid: Number(execFileSync("id", ["-u", "www-data"])), gid: Number(execFileSync("id", ["-g", "www-data"])) } : null;
const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;

// --- what must not stay behind
const pids = new Set(), dirs = new Set();
process.on("exit", () => {
	for (const pid of pids) try { process.kill(pid, "SIGKILL"); } catch {}
	for (const d of dirs) fs.rmSync(d, { recursive: true, force: true });
});
for (const s of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(s, () => process.exit(130));
export function newDir(kind, mode = 0o755) {
	const d = fs.mkdtempSync(path.join(process.env.TMPDIR ?? "/tmp", `latchkey-${kind}.`));
	dirs.add(d); fs.chmodSync(d, mode);
	return d;
}
const dropDir = (d) => { fs.rmSync(d, { recursive: true, force: true }); dirs.delete(d); };
const taken = new Set();
/** A port nobody listens on, below the ephemeral range, so that no connection of ours takes it meanwhile. */
export async function freePort() {
	for (;;) {
		const port = 20_000 + Math.floor(Math.random() * 12_000);
		if (taken.has(port)) continue;
		const s = net.createServer();
		const free = await new Promise((r) => s.once("error", () => r(false)).listen(port, "0.0.0.0", () => r(true)));
		if (free) { s.close(); await once(s, "close"); taken.add(port); return port; }
	}
}
/** An address of this machine that is none of loopback; without one 0.0.0.0, which reaches it as well. */
export const OWN_ADDRESS = Object.values(os.networkInterfaces()).flat().find((i) => i.family === "IPv4" && !i.internal)?.address ?? "0.0.0.0";
export { PASSWORD_DB };

// --- MariaDB
const SMALL = ["--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--skip-name-resolve", "--key-buffer-size=1M", "--performance-schema=OFF", "--max-connections=200"];
export class MariaDb {
	/** options: further ones of mariadbd. Its user `root` has no password. humble: where the tests run as root it runs as
	 * the program's user (the tools that bring Galera's nodes to one state do not work as root). */
	static async start({ options = [], bind = "127.0.0.1", database = true, humble = false } = {}) {
		const m = new MariaDb();
		m.as = ROOT_USER ? [`--user=${humble ? SERVICE.name : "root"}`] : [];
		m.dir = newDir("mariadb"); m.socket = path.join(m.dir, "s"); m.port = await freePort(); m.options = options; m.bind = bind;
		if (SERVICE && humble) fs.chownSync(m.dir, SERVICE.uid, SERVICE.gid);
		execFileSync("mariadb-install-db", ["--no-defaults", ...m.as, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", `--datadir=${m.dir}/data`], { stdio: "pipe", env: { ...process.env, PATH, TMPDIR: m.dir } });
		await m.launch();
		if (database) m.database();
		return m;
	}
	async launch() {
		const log = fs.openSync(path.join(this.dir, "log"), "a");
		this.child = spawn("mariadbd", ["--no-defaults", ...this.as, `--datadir=${this.dir}/data`, `--socket=${this.socket}`, `--pid-file=${this.dir}/pid`, `--port=${this.port}`, `--bind-address=${this.bind}`, ...SMALL, ...this.options],
			{ stdio: ["ignore", log, log], env: { ...process.env, PATH, TMPDIR: this.dir } });
		fs.closeSync(log);
		this.ended = once(this.child, "exit");
		pids.add(this.child.pid);
		const up = () => { try { return this.sql("SELECT 1") === "1"; } catch { if (this.child.exitCode !== null) throw new Error(`mariadbd ended:\n${this.log().split("\n").slice(-12).join("\n")}`); return false; } };
		if (!(await until(up, 40_000, 40))) throw new Error("mariadbd does not answer");
	}
	log() { return fs.readFileSync(path.join(this.dir, "log"), "utf8"); }
	sql(text, { db = "mysql" } = {}) { return execFileSync("mariadb", ["--no-defaults", "--skip-ssl", "-u", "root", `--socket=${this.socket}`, "-N", "-B", db], { input: text, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] }).trim(); }
	/** A database with an account that may do all in it. `with`: REQUIRE … */
	database({ name = "latchkey", user = "latchkey", password = PASSWORD_DB, require = "" } = {}) {
		this.sql(`CREATE DATABASE IF NOT EXISTS ${name} CHARACTER SET utf8mb4; CREATE USER IF NOT EXISTS '${user}'@'%' IDENTIFIED BY '${password}' ${require}; CREATE USER IF NOT EXISTS '${user}'@'localhost' IDENTIFIED BY '${password}' ${require}; GRANT ALL ON ${name}.* TO '${user}'@'%'; GRANT ALL ON ${name}.* TO '${user}'@'localhost';`);
	}
	status(name, scope = "GLOBAL") { return Number(this.sql(`SHOW ${scope} STATUS LIKE '${name}'`).split("\t")[1]); }
	/** Connections of the program, by thread id. */
	clients(user = "latchkey") { return this.sql(`SELECT id FROM information_schema.processlist WHERE user = '${user}'`).split("\n").filter(Boolean); }
	kick(user = "latchkey") { for (const id of this.clients(user)) try { this.sql(`KILL ${id}`); } catch {} }
	pause() { this.child.kill("SIGSTOP"); }
	resume() { this.child.kill("SIGCONT"); }
	async halt(signal = "SIGTERM") {
		if (this.child.exitCode === null && this.child.signalCode === null) { this.child.kill("SIGCONT"); this.child.kill(signal); await this.ended; }
		pids.delete(this.child.pid);
	}
	async stop() { await this.halt("SIGKILL"); dropDir(this.dir); }
	/** A connection that is kept, for locks. */
	async session() { const s = new SqlSession(this); await s.run("SELECT 1"); return s; }
	address(host = "127.0.0.1") { return `${host}:${this.port}`; }
}
export class SqlSession {
	#n = 0; #out = "";
	constructor(m, db = "latchkey") {
		this.child = spawn("mariadb", ["--no-defaults", "--skip-ssl", "-u", "root", `--socket=${m.socket}`, "-N", "-B", "-n", "--force", db], { stdio: ["pipe", "pipe", "pipe"] });
		pids.add(this.child.pid); this.err = "";
		this.child.stdout.setEncoding("utf8").on("data", (d) => { this.#out += d; });
		this.child.stderr.setEncoding("utf8").on("data", (d) => { this.err += d; });
		this.child.stdin.on("error", () => {});
	}
	/** Sends statements and waits for the last one; its rows. After ms: null, they go on. */
	async run(text, ms = 20_000) {
		const mark = `end-${++this.#n}-${uniq()}`, from = this.#out.length;
		this.child.stdin.write(`${text};\nSELECT '${mark}';\n`);
		const done = await until(() => this.#out.indexOf(mark, from) >= 0, ms, 2);
		return done ? this.#out.slice(from, this.#out.indexOf(mark, from)).trim() : null;
	}
	async close() { const end = once(this.child, "exit"); this.child.stdin.end(); await end; pids.delete(this.child.pid); }
}

// --- an authority of our own
const openssl = (args, input) => execFileSync("openssl", args, { input, stdio: ["pipe", "pipe", "pipe"], encoding: "utf8" });
const stamp = (ms) => new Date(ms).toISOString().replace(/[-:T]/g, "").slice(2, 14) + "Z";
const YEAR = 365 * 86_400_000;
export class Authority {
	constructor(name = "Test CA", dir = newDir("ca")) {
		Object.assign(this, { dir, name, n: 0, key: path.join(dir, "ca.key"), cert: path.join(dir, "ca.pem") });
		openssl(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", `/CN=${name}`, "-days", "3650", "-keyout", this.key, "-out", this.cert,
			"-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
	}
	/** A certificate: {key, cert} as paths. san: e.g. "DNS:localhost,IP:127.0.0.1". */
	issue({ cn = "server", san, from = Date.now() - YEAR, to = Date.now() + YEAR, usage = "serverAuth", self = false, by = this } = {}) {
		const base = path.join(this.dir, `c${++this.n}`), out = { key: `${base}.key`, cert: `${base}.pem`, ca: by.cert };
		fs.mkdirSync(`${base}.d`); fs.writeFileSync(`${base}.d/index`, ""); fs.writeFileSync(`${base}.d/serial`, `${Date.now().toString(16).padStart(12, "0")}${this.n.toString(16).padStart(4, "0")}\n`);
		fs.writeFileSync(`${base}.cnf`, `[ca]\ndefault_ca=a\n[a]\nnew_certs_dir=${base}.d\ndatabase=${base}.d/index\nserial=${base}.d/serial\ndefault_md=sha256\npolicy=p\nunique_subject=no\nrand_serial=no\n[p]\ncommonName=supplied\n[e]\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=${usage}\n${san ? `subjectAltName=${san}\n` : ""}`);
		openssl(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", `/CN=${cn}`, "-keyout", out.key, "-out", `${base}.csr`]);
		openssl(["ca", "-batch", "-notext", "-config", `${base}.cnf`, "-extensions", "e", "-startdate", stamp(from), "-enddate", stamp(to), "-in", `${base}.csr`, "-out", out.cert,
			...(self ? ["-selfsign", "-keyfile", out.key] : ["-cert", by.cert, "-keyfile", by.key])]);
		fs.chmodSync(out.key, 0o644); // read by the program's own user; nothing depends on these keys
		return out;
	}
	stop() { dropDir(this.dir); }
}
export const tlsOptions = (c, ca = c.ca) => [`--ssl-cert=${c.cert}`, `--ssl-key=${c.key}`, `--ssl-ca=${ca}`];

// --- the program
export class Latchkey extends Server {
	/** hosts: what database.hosts says. set: further settings. Does not start it. */
	static make({ hosts, set = {}, workers = 2, user = "latchkey", password = PASSWORD_DB, name = "latchkey" }) {
		const dir = newDir("link", 0o700), conf = path.join(dir, "latchkey.conf");
		const all = {
			"auth.base_url": "http://127.0.0.1", "auth.trusted_proxies": "127.0.0.1 ::1", "password.scrypt": "10,8,1", "password.slots": "64", "password.min_strength": "0", "limits.sign_in": "off", "limits.sign_up": "off", "limits.password": "off", "limits.total": "off", "limits.account": "0",
			"database.driver": "mysql", "database.hosts": [hosts].flat().join(" "), "database.name": name, "database.user": user, "database.password": password,
			"secret.file": path.join(dir, "secret"), "pool.workers": workers, "pool.socket": path.join(dir, "sock"), "pool.state": dir, "jobs.every": "0",
			...(SERVICE && { "pool.user": SERVICE.name }), ...set,
		};
		const sections = {};
		for (const [k, v] of Object.entries(all)) (sections[k.split(".")[0]] ??= []).push(`${k.split(".")[1]} = ${v}`);
		fs.writeFileSync(conf, Object.entries(sections).map(([s, l]) => `[${s}]\n${l.join("\n")}\n`).join("\n"), { mode: 0o600 });
		fs.writeFileSync(path.join(dir, "latchkey.log"), "");
		fs.writeFileSync(path.join(dir, "secret"), `${SECRET}\n`, { mode: 0o600 });
		if (SERVICE) for (const f of [dir, conf, path.join(dir, "secret")]) fs.chownSync(f, SERVICE.uid, SERVICE.gid);
		const s = new Latchkey({ BASE_URL: "http://127.0.0.1/auth", COOKIE_NAME: "latchkey.session_token", DIR: dir, CONF: conf, SOCKET: path.join(dir, "sock"), SECRET_FILE: path.join(dir, "secret") });
		return s;
	}
	static async start(o) { const s = Latchkey.make(o); await s.launch(); return s; }
	async launch(set) { await super.launch(set); pids.add(this.master()); }
	/** Starts what is expected to fail: exit code, or null if it serves; the lines it logged. */
	async attempt(ms = 20_000) {
		const from = this.log().length, log = fs.openSync(path.join(this.dir, "latchkey.log"), "a");
		const child = spawn(path.join(BUILD, "latchkey"), ["-c", this.conf], { stdio: ["ignore", log, log], env: cleanEnv(), detached: true });
		fs.closeSync(log); pids.add(child.pid);
		const ended = once(child, "exit");
		this.child = child;
		fs.writeFileSync(path.join(this.dir, "latchkey.pid"), `${child.pid} 0\n`);
		const began = Date.now();
		let code;
		await until(async () => { if (child.exitCode !== null || child.signalCode !== null) return true; try { return (await this.get("/ok")).status === 200; } catch { return false; } }, ms, 10);
		if (child.exitCode !== null || child.signalCode !== null) { await ended; code = child.exitCode ?? child.signalCode; pids.delete(child.pid); } else code = null;
		return { code, ms: Date.now() - began, lines: () => this.log().slice(from).split("\n").filter(Boolean) };
	}
	/** Ends it, if it runs; removes all. */
	async stop() {
		try { const pid = this.master(); if (!gone(pid) && (await this.halt()) === null) { process.kill(pid, "SIGKILL"); throw new Error("latchkey does not end"); } pids.delete(pid); } catch (e) { if (e.code !== "ENOENT") throw e; } finally { dropDir(this.dir); }
	}
	/** A cookie that is well signed, whether or not it is of a session: with it every request asks the store. */
	anyCookie() { return this.withValue(this.sign("x".repeat(32))); }
}
/** Runs f with a program that is stopped afterwards, started or not. */
export async function using(o, f) { const s = Latchkey.make(o); try { await s.launch(); return await f(s); } finally { await s.stop(); } }
export async function attempting(o, f) { const s = Latchkey.make(o); try { return await f(s, await s.attempt()); } finally { await s.stop(); } }
