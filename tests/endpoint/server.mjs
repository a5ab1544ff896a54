// The program under test, started by scripts/testbed without a web server, and what the tests say to it.
import { execFile, execFileSync, spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { ask, request } from "./fcgi.mjs";

export { assert };
export const eq = assert.equal, same = assert.deepEqual;
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const TESTBED = path.join(ROOT, "scripts/testbed");
export const BUILD = process.env.LATCHKEY_BUILD ?? [path.join(ROOT, "build"), ROOT].find((d) => fs.existsSync(path.join(d, "latchkeyctl")));
if (!BUILD) throw new Error("latchkey is not built: set LATCHKEY_BUILD or build into ./build");
/** Sanitizers and slow machines: how much longer than usual things may take. */
export const PATIENCE = Number(process.env.PATIENCE ?? 1);
/** The store that servers get unless start() is told another: sqlite or mysql (then LATCHKEY_TEST_MYSQL names a socket). */
export const STORE = process.env.STORE ?? "sqlite";
/** Settings that all servers get unless start() is told otherwise: SETTINGS="section.key=value ...". */
const EVERYWHERE = Object.fromEntries((process.env.SETTINGS ?? "").split(" ").filter(Boolean).map((s) => [s.slice(0, s.indexOf("=")), s.slice(s.indexOf("=") + 1)]));

export const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
export const PASSWORD = "correct-horse-1", FOREIGN = "https://evil.example";
export const ID = /^[A-Za-z0-9]{32}$/;
export const wait = (ms) => new Promise((r) => setTimeout(r, ms));
export const uniq = () => randomBytes(8).toString("hex");
export const newEmail = () => `t-${uniq()}@example.com`;
export const times = (n, f) => Array.from({ length: n }, (_, i) => f(i));

/** For programs of ours: what names the build is no setting. */
export const cleanEnv = () => { const { LATCHKEY_BUILD: _, LATCHKEY_BIN: __, ...env } = process.env; return env; };
/** A new directory that the program can use, whoever it runs as: where the tests run as root, that is www-data. */
export function newDir(name) {
	const dir = fs.mkdtempSync(path.join(process.env.TMPDIR ?? "/tmp", `latchkey-${name}.`));
	if (process.getuid() === 0) execFileSync("chown", ["www-data:", dir]);
	return dir;
}
/** All that a program gets to read. One that ends without reading it is judged by its end, not by the broken pipe. */
export const feed = (child, text) => { child.stdin.on("error", (e) => { if (e.code !== "EPIPE") throw e; }); child.stdin.end(text); };
const run = (file, args, env) => new Promise((resolve, reject) =>
	execFile(file, args, { env: { ...process.env, ...env } }, (e, stdout, stderr) => (e ? reject(new Error(`${path.basename(file)} ${args[0]}: ${stderr || e.message}`)) : resolve(stdout))));

/** Starts a server. set: settings by "section.key". args: further options of scripts/testbed. as: its class here. clock: with a clock that the test moves
 * (server.move), which goes on between (true) or stands still ("still": nothing depends on how fast the machine is). store: sqlite or
 * mysql; mysql: socket of another database server than the usual one. */
export async function start({ set = {}, workers = 2, clock = false, server = "none", store = STORE, signIn = false, mysql = process.env.LATCHKEY_TEST_MYSQL, args: more = [], as = Server } = {}) {
	const args = ["up", "--server", server, "--store", store, "--workers", String(workers), ...(signIn ? ["--sign-in"] : []), ...more], env = { LATCHKEY_BUILD: BUILD, ...(mysql && { LATCHKEY_TEST_MYSQL: mysql }) };
	for (const [k, v] of Object.entries({ ...EVERYWHERE, ...set })) args.push("--set", `${k}=${v}`);
	let clockFile;
	if (clock) {
		clockFile = path.join(newDir("clock"), "offset");
		Object.assign(env, { LATCHKEY_BIN: path.join(BUILD, "tests/latchkey-test"), LATCHKEY_TEST_CLOCK: clockFile });
	}
	const still = clock === "still" ? Date.now() : null;
	if (clock) fs.writeFileSync(clockFile, clockLine(still, 0));
	const known = Object.fromEntries((await run(TESTBED, args, env)).trim().split("\n").map((l) => [l.slice(0, l.indexOf("=")), l.slice(l.indexOf("=") + 1)]));
	const s = new as(known, clockFile, still);
	try { await s.ready(); } catch (e) { await s.stop(); throw e; }
	return s;
}

/** What tests/lib/moved_clock.c reads. */
const clockLine = (still, ms) => (still === null ? `${ms}\n` : `=${still + ms}\n`);

export class Server {
	constructor(known, clockFile, still = null) {
		Object.assign(this, { base: known.BASE_URL, cookieName: known.COOKIE_NAME, dir: known.DIR, conf: known.CONF, socket: known.SOCKET, secretFile: known.SECRET_FILE, signInSocket: known.SIGN_IN_SOCKET, clockFile, still, offset: 0 });
		/** Where rows are looked at by root, behind the program's back. */
		this.mysql = known.MYSQL_SOCKET && { socket: known.MYSQL_SOCKET, database: known.DATABASE };
		const config = Object.fromEntries(fs.readFileSync(this.conf, "utf8").split("\n").flatMap((l) => (/^base_url = (.*)/.exec(l) ? [["url", /^base_url = (.*)/.exec(l)[1]]] : [])));
		this.origin = new URL(config.url).origin;
		this.prefix = new URL(this.base).pathname;
		this.db = this.mysql ? null : path.join(this.dir, "latchkey.db");
	}
	async ready() {
		for (const end = Date.now() + 10_000 * PATIENCE; ;) {
			try { if ((await this.get("/ok")).status === 200) return; } catch (e) { if (Date.now() > end) throw e; }
			await wait(20);
		}
	}
	async stop() {
		await run(TESTBED, ["down", this.dir]);
		if (this.clockFile) fs.rmSync(path.dirname(this.clockFile), { recursive: true });
	}
	/** TERM to the master; ms it took, or null if it did not end. */
	async halt(signal = "SIGTERM", ms = 15_000) {
		const master = this.master(), began = Date.now();
		process.kill(master, signal);
		return (await until(() => gone(master), ms, 5)) ? Date.now() - began : null;
	}
	/** Starts it again after halt(), with further settings, and so that stop() knows it. */
	async launch(set = {}) {
		if (Object.keys(set).length) this.configure(set);
		const log = fs.openSync(path.join(this.dir, "latchkey.log"), "a"), env = { ...cleanEnv(), ...(this.clockFile && { LATCHKEY_TEST_CLOCK: this.clockFile }) };
		const child = spawn(path.join(BUILD, this.clockFile ? "tests/latchkey-test" : "latchkey"), ["-c", this.conf], { stdio: ["ignore", log, log], env, detached: true });
		let failed = null;
		child.on("exit", (code, signal) => { failed = `ended with ${code ?? signal}`; });
		child.unref(); fs.closeSync(log);
		fs.writeFileSync(path.join(this.dir, "latchkey.pid"), `${child.pid} ${startedAt(child.pid)}\n`);
		for (const end = Date.now() + 10_000 * PATIENCE; ; await wait(20)) {
			try { if ((await this.get("/ok")).status === 200) return; } catch (e) { if (failed || Date.now() > end) throw new Error(`it does not start: ${failed ?? e.message}\n${this.log().split("\n").slice(-4).join("\n")}`); }
		}
	}
	/** Changes settings by "section.key" in the file; they count from the next start on. */
	configure(set) {
		const lines = fs.readFileSync(this.conf, "utf8").split("\n");
		for (const [name, value] of Object.entries(set)) {
			const [section, key] = name.split("."), head = lines.indexOf(`[${section}]`);
			if (head < 0) { lines.push(`[${section}]`, `${key} = ${value}`); continue; }
			let end = lines.findIndex((l, i) => i > head && l.startsWith("["));
			if (end < 0) end = lines.length;
			const at = lines.findIndex((l, i) => i > head && i < end && l.startsWith(`${key} = `));
			lines.splice(at < 0 ? head + 1 : at, at < 0 ? 0 : 1, `${key} = ${value}`);
		}
		fs.writeFileSync(this.conf, lines.join("\n"));
	}
	/** Moves the server's clock by `ms`, counted from the real one, or from the start where it stands still. */
	move(ms) {
		fs.writeFileSync(`${this.clockFile}.new`, clockLine(this.still, ms));
		fs.renameSync(`${this.clockFile}.new`, this.clockFile);
		this.offset = ms;
	}
	now() { return (this.still ?? Date.now()) + this.offset; }

	/** A request's parts as fcgi.mjs takes them. Unsafe methods carry the right Origin unless `origin` says otherwise
	 * (null: none). */
	parts(method, p, o = {}) {
		const headers = { ...o.headers };
		const origin = "origin" in o ? o.origin : ["GET", "HEAD", "OPTIONS"].includes(method) ? null : this.origin;
		if (origin !== null) headers.origin = origin;
		if (o.cookie !== undefined) headers.cookie = o.cookie;
		if (o.bearer !== undefined) headers.authorization = `Bearer ${o.bearer}`;
		let { body } = o;
		if (o.json !== undefined) (body = JSON.stringify(o.json)), (headers["content-type"] ??= "application/json");
		if (o.form !== undefined) (body = new URLSearchParams(o.form).toString()), (headers["content-type"] ??= "application/x-www-form-urlencoded");
		return { method, uri: o.uri ?? this.prefix + p, headers, body, remote: o.remote, env: o.env, ...o.wire };
	}
	send(method, p, o = {}) { return ask(this.socket, [request(this.parts(method, p, o))], { timeout: 15_000 * PATIENCE, ...o.exchange }); }
	get(p, o) { return this.send("GET", p, o); }
	post(p, json, o) { return this.send("POST", p, { json, ...o }); }
	del(p, o) { return this.send("DELETE", p, o); }

	// --- users and browsers
	async user(extra = {}, o = {}) {
		const email = newEmail(), res = await this.post("/sign-up/email", { name: "Ann", email, password: PASSWORD, ...extra }, o);
		if (res.status !== 200) throw new Error(`sign-up: ${res.status} ${res.text}`);
		return { email, id: res.json.user.id, user: res.json.user, res, ...this.browser(res) };
	}
	signIn(email, extra = {}, o = {}) { return this.post("/sign-in/email", { email, password: PASSWORD, ...extra }, o); }
	async another(u, extra, o) { return this.browser(await this.signIn(u.email, extra, o)); }
	browser(res) {
		const c = res.setCookies.find((x) => x.name === this.cookieName);
		if (!c) throw new Error(`no cookie: ${res.status} ${res.text}`);
		return { cookie: `${c.name}=${c.value}`, value: c.value, token: decodeURIComponent(c.value).slice(0, 32), res };
	}
	async session(cookie, o = {}) { return (await this.get("/session", { cookie, ...o })).json; }
	async alive(cookie, o) {
		const r = await this.get("/session", { cookie, ...o });
		eq(r.status, 200, r.text);
		return r.json !== null;
	}
	async sessionId(b) { return (await this.session(b.cookie)).session.id; }
	secret() { return fs.readFileSync(this.secretFile, "utf8").split("\n")[0].trim(); }
	sign(token, secret = this.secret()) { return encodeURIComponent(`${token}.${createHmac("sha256", secret).update(token).digest("base64")}`); }
	/** A cookie header with a value of this name. */
	withValue(value) { return `${this.cookieName}=${value}`; }

	// --- around it
	/** The command that takes SQL from standard input. */
	client() {
		return this.db ? ["sqlite3", ["-cmd", ".timeout 10000", this.db]]
			: ["mariadb", ["--no-defaults", "--default-character-set=utf8mb4", "-u", "root", "-S", this.mysql.socket, "-N", "-B", "--unbuffered", this.mysql.database]];
	}
	/** Rows as lines, values with "|" between, NULL as nothing, times as in JSON, on either store. */
	sql(text) { return this.rows(execFileSync(...this.client(), { input: text, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] })); }
	sqlSoon(text) { return new Promise((resolve, reject) => feed(execFile(...this.client(), (e, out) => (e ? reject(e) : resolve(this.rows(out)))), text)); }
	rows(out) { return (this.db ? out : out.split("\n").map((l) => l.split("\t").map(plainValue).join("|")).join("\n")).trim(); }
	/** Lets the store do `statement` for each row that is inserted, updated or deleted; `of`: only where this column changes. */
	trigger(name, event, table, statement, of) {
		const column = of && (this.db ? ` OF ${of}` : ""), body = of && !this.db ? `IF NOT (new.${of} <=> old.${of}) THEN ${statement}; END IF` : statement;
		this.sql(`${this.db ? "" : "DELIMITER //\n"}CREATE TRIGGER ${name} AFTER ${event}${column ?? ""} ON ${table} FOR EACH ROW BEGIN ${body}; END${this.db ? ";" : "//"}`);
	}
	/** A time for SQL text. */
	time(ms) { const t = new Date(ms).toISOString(); return this.db ? `'${t}'` : `'${t.slice(0, -1).replace("T", " ")}'`; }
	ctl(...args) { return execFileSync(path.join(BUILD, "latchkeyctl"), ["-c", this.conf, ...args], { encoding: "utf8", env: cleanEnv() }); }
	/** Of the mode it is in. */
	routes() { const jwt = /^mode = jwt$/m.test(fs.readFileSync(this.conf, "utf8")); return JSON.parse(this.ctl("print", "routes", "--json")).filter((r) => jwt || r.mode === null); }
	log() { return fs.readFileSync(path.join(this.dir, "latchkey.log"), "utf8"); }
	master() { return Number(fs.readFileSync(path.join(this.dir, "latchkey.pid"), "utf8").split(" ")[0]); }
	/** Those that serve pool.socket; the housekeeper and the sign-in workers stand back behind them. */
	workers() { const master = this.master(), n = nice(master); return children(master).filter((pid) => nice(pid) === n); }
}
/** A value of mariadb's batch mode. */
function plainValue(v) {
	if (v === "NULL") return "";
	if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(v)) return `${v.replace(" ", "T")}Z`;
	return v.replace(/\\([0nt\\])/g, (_, c) => ({ 0: "\0", n: "\n", t: "\t", "\\": "\\" })[c]);
}
function nice(pid) {
	try { return Number(fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /s, "").split(" ")[16]); } catch { return null; }
}
const startedAt = (pid) => fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /s, "").split(" ")[19];
export function gone(pid) {
	try { return /^State:\s*Z/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8")); } catch { return true; }
}
/** Living child processes. */
export function children(pid) {
	return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number)
		.filter((c) => { try { return !/^State:\s*Z/m.test(fs.readFileSync(`/proc/${c}/status`, "utf8")); } catch { return false; } });
}
/** Waits until every worker sleeps. connect() and write() wake all that could take what was sent: once the client's write is
 * flushed and all of them sleep again, each connection is accepted and every byte read (unless a worker waits for the database). */
export async function asleep(s) {
	const state = (pid) => { try { return fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /s, "")[0]; } catch { return null; } };
	assert.ok(await until(() => { const pids = s.workers(); return pids.length > 0 && pids.every((pid) => state(pid) === "S"); }, 10_000, 5), "the workers sleep");
}
/** f comes to say n: waited for, and then the same as eq. */
export async function becomes(f, n, what) {
	let v;
	await until(() => (v = f()) === n);
	eq(v, n, what);
}
export async function until(f, ms = 10_000, step = 20) {
	for (const end = Date.now() + ms * PATIENCE; ; await wait(step)) {
		const v = await f();
		if (v) return v;
		if (Date.now() > end) return v;
	}
}
/** The value of f once it has stayed the same for a while: what a load has left behind is closed a moment after the load. */
export async function settled(f, { same = 300, ms = 10_000, step = 20 } = {}) {
	let value = await f(), since = Date.now();
	for (const end = since + ms * PATIENCE; Date.now() - since < same * PATIENCE; await wait(step)) {
		const now = await f();
		if (now !== value) { value = now; since = Date.now(); }
		if (Date.now() > end) throw new Error(`does not come to rest: ${value}`);
	}
	return value;
}
/** The path of a row of `print routes`, with something in the place of its parameter. */
export const pathOf = (r) => r.path.replace(/\{[^}]*\}|:[a-z]+/i, "b".repeat(32));

// --- what answers look like
/** D17: every answer. */
export function plain(res) {
	eq(res.headers["cache-control"], "no-store");
	eq(res.headers["x-content-type-options"], "nosniff");
	return res;
}
/** An error answer of exactly {message, code}. */
export function fails(res, status, code, message) {
	eq(res.status, status, `${res.status} ${res.text}`);
	assert.match(res.headers["content-type"] ?? "", /^application\/json\b/);
	same(Object.keys(res.json).sort(), ["code", "message"]);
	if (code) eq(res.json.code, code, res.text);
	if (message) eq(res.json.message, message);
	return plain(res);
}
export function ok(res) {
	eq(res.status, 200, `${res.status} ${res.text}`);
	return plain(res).json;
}
/** The answer clears the cookie, with the attributes it was set with. */
export function clears(server, res) {
	const cs = res.setCookies;
	eq(cs.length, 1, JSON.stringify(res.fields)); eq(cs[0].name, server.cookieName); eq(cs[0].value, ""); eq(cs[0].attrs["max-age"], "0");
}
export const setsNothing = (res) => same(res.setCookies, []);
