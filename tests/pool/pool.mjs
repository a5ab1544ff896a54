// What the suites of the process pool share: a client that tells how a request failed, load, processes and signals,
// sockets that are passed. SOAK: seconds of load in each test (4 unless set; scripts/soak takes 60).
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { BUILD, PASSWORD, PATIENCE, Server, assert, becomes, children, cleanEnv, eq, gone, newDir, newEmail, settled, start, until, wait } from "../endpoint/server.mjs";
import { END, STDOUT, parseAnswer, records, request } from "../endpoint/fcgi.mjs";

export * from "../endpoint/server.mjs";
export const SOAK = Number(process.env.SOAK ?? 4);
export const IS_ROOT = process.getuid() === 0;
/** Runs f with a server of its own, as start() makes it; without a housekeeper unless jobs.every is set. */
export async function own({ set = {}, ...options }, f) {
	const s = await start({ ...options, set: { "jobs.every": "0", ...set } });
	s.loads = [];
	try { await becomes(() => s.workers().length, options.workers ?? 2, "all workers are there"); return await f(s); } finally { for (const l of s.loads) l.on = false; await s.stop(); }
}
/** A directory for sockets and logs, which the server may write, while f runs. */
export async function place(f) {
	const dir = newDir("place");
	try { return await f(dir); } finally { fs.rmSync(dir, { recursive: true }); }
}
/** The same server, asked at another socket: a path, or what net.connect takes. */
export const at = (s, socket) => Object.create(s, { socket: { value: socket } });

// --- one request

/** Never throws. kind: "answer" (whole; with status, headers, json, …), "broken" (the connection ended and no byte of an
 * answer had come), "half" (some had), "refused" (nobody listened), "late" (nothing within timeout). */
export function talk(to, bytes, { timeout = 30_000 * PATIENCE } = {}) {
	return new Promise((resolve) => {
		const began = performance.now(), got = [], k = net.connect(typeof to === "string" ? { path: to } : to);
		let connected = false, done = false;
		const finish = (why) => {
			if (done) return;
			done = true; clearTimeout(timer); k.destroy();
			resolve(outcome(Buffer.concat(got), why, connected, performance.now() - began));
		};
		const timer = setTimeout(() => finish("late"), timeout);
		k.on("connect", () => { connected = true; k.write(bytes); });
		k.on("data", (d) => { got.push(d); if (records(Buffer.concat(got)).list.some((r) => r.type === END)) finish("ended"); });
		k.on("error", (e) => finish(e.code)).on("end", () => finish("closed")).on("close", () => finish("closed"));
	});
}
function outcome(raw, why, connected, ms) {
	const { list } = records(raw), stdout = Buffer.concat(list.filter((r) => r.type === STDOUT).map((r) => r.content));
	if (why === "ended" && stdout.length) return { kind: "answer", ms, ...parseAnswer(stdout) };
	// a reset is of a connection that was there, whether node had told of it yet or not
	const there = connected || why === "ECONNRESET";
	return { kind: why === "late" ? "late" : raw.length ? "half" : there ? "broken" : "refused", why, ms };
}
/** A request as bytes. */
export const bytesOf = (s, method, p, o = {}) => request(s.parts(method, p, o));

// --- load

/** A clock of this process: a moment in which the machine let it do nothing, and so ask nothing, counts for little. */
function ticking() {
	let sum = 0, last = performance.now();
	const tick = () => { const now = performance.now(); sum += Math.min(now - last, 100); last = now; };
	setInterval(tick, 10).unref();
	return () => { tick(); return sum; };
}
export const running = ticking();
/** Clients that ask without pause, one request after another, each a user of his own. `step(c)` is one turn of a client.
 * What must not happen is gathered in `seen`: nothing is thrown while the load runs.
 * away: for a while nobody may be listening; who is refused then asks again.
 * may: (answer) => is this status right all the same? */
export class Load {
	constructor(s, { clients = 16, step = mixed, status = [200], signIn = s, pause = 0, away = false, may = () => false } = {}) {
		Object.assign(this, { s, n: clients, step, status, signIn, pause, away, may, on: true });
		this.seen = { asked: 0, served: 0, status: {}, broken: [], wrong: [], ms: [] };
	}
	async begin() {
		this.clients = [];
		for (let i = 0; i < this.n; i++) { const u = await this.s.user(); this.clients.push(new Client(this, i, u, (await this.s.another(u)).cookie)); }
		this.s.loads?.push(this);
		this.began = performance.now();
		this.all = Promise.all(this.clients.map(async (c) => { while (this.on) { await this.step(c); if (this.pause) await wait(this.pause); } }));
		return this;
	}
	/** Undisturbed for a second, once it is in full flow: what this machine can serve, which share() goes by. */
	async calm() {
		await wait(300);
		const from = this.seen.served, began = running();
		while (running() - began < 1000) await wait(50);
		this.since = running();
		this.before = this.seen.served;
		this.rate = (this.before - from) / (this.since - began) * 1000;
	}
	async stop() {
		this.on = false;
		await this.all;
		this.until = running();
		this.seconds = (performance.now() - this.began) / 1000;
		return this.seen;
	}
	wrong(what) { if (this.seen.wrong.length < 20) this.seen.wrong.push(what); else this.seen.wrong[20] = "and more"; }
	/** Nobody has lost his session. */
	async allIn() {
		for (const c of this.clients) for (const cookie of [c.cookie, c.kept]) if (cookie) { const r = await this.s.get("/session", { cookie }); eq(r.status, 200, r.text); eq(r.json?.user.id, c.user.id, `client ${c.i}`); }
	}
	/** After calm(): since then a quarter of that rate was served. */
	share(t) {
		const rate = (this.seen.served - this.before) / (this.until - this.since) * 1000;
		t.diagnostic(`${Math.round(this.rate)}/s undisturbed, ${Math.round(rate)}/s then`);
		assert.ok(rate >= this.rate / 4 && rate > 0, `${rate.toFixed(1)}/s of ${this.rate.toFixed(1)}/s`);
	}
	/** Nothing went wrong, and at most `broken` connections broke before an answer. */
	judge(t, { broken = 0, least = 1 } = {}) {
		const { seen } = this;
		t.diagnostic(`${seen.asked} requests in ${this.seconds.toFixed(1)} s (${Math.round(seen.asked / this.seconds)}/s): ${JSON.stringify(seen.status)}, ${seen.broken.length} broken; ${spread(seen.ms)}`);
		if (seen.wrong.length) t.diagnostic(this.s.log().split("\n").filter((l) => /Z (error|warn )/.test(l)).slice(-12).map((l) => l.slice(0, 200)).join("\n"));
		assert.deepEqual(seen.wrong, []);
		assert.ok(seen.broken.length <= broken, `${seen.broken.length} broken, at most ${broken} may be: ${seen.broken.slice(0, 10).join("; ")}`);
		assert.ok(seen.served >= least, `${seen.served} served, of at least ${least}`);
	}
}
class Client {
	/** kept: a session that is never signed out. */
	constructor(load, i, user, kept) { Object.assign(this, { load, i, user, cookie: user.cookie, kept, n: i }); }
	/** null: the connection broke, or the status is not one of those that mean success. */
	async ask(method, p, o = {}, s = this.load.s) {
		const { load } = this, { seen } = load, r = await talk(s.socket, bytesOf(s, method, p, o)), what = `${method} ${p}`;
		seen.asked++; seen.ms.push(r.ms);
		if (r.kind === "broken") { seen.broken.push(`${what} ${r.why} after ${Math.round(r.ms)} ms`); return null; }
		if (r.kind !== "answer") {
			if (!(load.away && r.why === "ECONNREFUSED")) load.wrong(`${what}: ${r.kind} (${r.why}) after ${Math.round(r.ms)} ms`);
			if (r.kind === "refused") await wait(20);
			return null;
		}
		seen.status[r.status] = (seen.status[r.status] ?? 0) + 1;
		if (!load.status.includes(r.status) && !load.may(r)) load.wrong(`${what}: ${r.status} ${r.text}`);
		if (r.status === 503 && !/^[1-9]\d*$/.test(r.headers["retry-after"] ?? "")) load.wrong(`${what}: 503 without Retry-After`);
		if (r.status >= 400 && r.setCookies.length) load.wrong(`${what}: ${r.status} with Set-Cookie`);
		if (r.status !== 200) return null;
		seen.served++;
		return r;
	}
	async look() {
		const r = await this.ask("GET", "/session", { cookie: this.cookie });
		if (r && r.json?.user.id !== this.user.id) this.load.wrong(`client ${this.i}: signed out: ${r.text}`);
		if (r && r.setCookies.length) this.load.wrong(`client ${this.i}: ${r.setCookies[0].raw}`);
	}
	async list() {
		const r = await this.ask("GET", "/sessions", { cookie: this.cookie });
		if (r && !r.json?.length) this.load.wrong(`client ${this.i}: no sessions: ${r.text}`);
	}
	/** A sign-out whose answer was lost may or may not have happened; a sign-in is tried until it is answered. */
	async renew() {
		const old = this.cookie, out = await this.ask("POST", "/sign-out", { json: {}, cookie: old });
		this.cookie = null;
		while (!this.cookie && this.load.on) {
			const r = await this.ask("POST", "/sign-in/email", { json: { email: this.user.email, password: PASSWORD } }, this.load.signIn);
			if (r) this.cookie = this.load.s.browser(r).cookie; else await wait(10);
		}
		if (out && this.load.on) { const r = await this.ask("GET", "/session", { cookie: old }); if (r && r.json !== null) this.load.wrong(`client ${this.i}: alive after its sign-out`); }
	}
}
/** Mostly session checks, some lists, a sign-out and sign-in in every 25. */
export async function mixed(c) {
	const n = c.n++ % 25;
	if (n === 24 || !c.cookie) await c.renew(); else if (n % 8 === 7) await c.list(); else await c.look();
}
export const looks = (c) => c.look();

/** Calls f every ms milliseconds for so many seconds; f gets the count. Returns how often it was called. */
export async function every(ms, seconds, f) {
	const began = performance.now(), end = began + seconds * 1000;
	let n = 0;
	for (;;) {
		const due = began + (n + 1) * ms;
		if (due > end) { await wait(Math.max(0, end - performance.now())); return n; }
		await wait(Math.max(0, due - performance.now()));
		await f(n++);
	}
}
export function quantile(list, q) {
	const sorted = [...list].sort((a, b) => a - b);
	return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : NaN;
}
export const median = (list) => quantile(list, 0.5);
export const spread = (ms) => `p50 ${median(ms).toFixed(1)} ms, p99 ${quantile(ms, 0.99).toFixed(1)} ms, slowest ${quantile(ms, 1).toFixed(0)} ms`;
export const random = (list) => list[Math.floor(Math.random() * list.length)];

// --- processes

export const proc = (pid, file) => fs.readFileSync(`/proc/${pid}/${file}`, "utf8");
const here = (pid) => !gone(pid);
/** Sends a signal if the process is there. */
export function signal(pid, name) {
	try { process.kill(pid, name); return true; } catch (e) { if (e.code !== "ESRCH") throw e; return false; }
}
/** Sign-in workers and the housekeeper. */
export const lowWorkers = (s) => { const upper = s.workers(); return children(s.master()).filter((pid) => !upper.includes(pid)); };
export const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;
/** What the workers have open, as text, once none of them closes or opens anything any more. */
export const atRest = (s) => settled(() => s.workers().map(descriptors).join());
/** The worker that holds one connection more than before f. Root only. */
export async function whoTakes(s, f) {
	await atRest(s);
	const before = new Map(s.workers().map((p) => [p, descriptors(p)]));
	const held = await f(), pid = await until(() => s.workers().find((p) => before.has(p) && descriptors(p) > before.get(p)), 5000, 10);
	assert.ok(pid, "a worker took the connection");
	return { pid, held };
}
/** HUP, and all children of before are gone. */
export async function reload(s, set = {}) {
	const before = children(s.master());
	if (Object.keys(set).length) s.configure(set);
	process.kill(s.master(), "SIGHUP");
	assert.ok(await until(() => before.every(gone), 10_000), "the old workers have left");
	assert.ok(here(s.master()), "the master lives");
}
/** Lines of the log that came while f ran. */
export async function logged(s, f) {
	const from = s.log().length;
	await f();
	return s.log().slice(from);
}

// --- a server with a configuration of our own, in the style of scripts/testbed (which also stops it)

/** set ("section.key": value), owner (of the directory; pool.user unless null), mode (of the directory). Not started. */
const USER = IS_ROOT ? account("www-data") : null;
export function raise({ set = {}, owner = USER, mode = 0o700 } = {}) {
	const dir = newDir("testbed"), socket = set["pool.socket"] ?? path.join(dir, "latchkey.sock");
	const all = { "auth.base_url": "http://127.0.0.1:80", "auth.trusted_proxies": "127.0.0.1 ::1", "password.scrypt": "10,8,1", "password.slots": "64", "password.min_strength": "0", "limits.sign_in": "off", "limits.sign_up": "off", "limits.password": "off", "limits.mail": "off", "limits.mail_account": "off", "limits.total": "off", "limits.account": "0", "database.path": path.join(dir, "latchkey.db"),
		"secret.file": path.join(dir, "secret"), "pool.workers": "2", "pool.socket": socket, "pool.state": dir, ...(owner && { "pool.user": owner.name }), ...set };
	const sections = {};
	for (const [k, v] of Object.entries(all)) (sections[k.split(".")[0]] ??= []).push(`${k.split(".")[1]} = ${v}`);
	const conf = path.join(dir, "latchkey.conf");
	fs.writeFileSync(conf, Object.entries(sections).map(([k, lines]) => `[${k}]\n${lines.join("\n")}\n`).join("\n"), { mode: 0o640 });
	fs.writeFileSync(path.join(dir, ".testbed"), "made by tests/pool\n");
	fs.mkdirSync(path.join(dir, "htdocs"));
	if (owner) { fs.chownSync(dir, owner.uid, owner.gid); fs.chownSync(conf, 0, owner.gid); }
	fs.chmodSync(dir, mode);
	return new Server({ BASE_URL: "http://127.0.0.1:80/auth", COOKIE_NAME: "latchkey.session_token", DIR: dir, CONF: conf, SOCKET: socket, SECRET_FILE: all["secret.file"] }, undefined);
}
/** The user and group id of a name. */
export function account(name) {
	const [, , uid, gid] = fs.readFileSync("/etc/passwd", "utf8").split("\n").map((l) => l.split(":")).find((l) => l[0] === name);
	return { name, uid: Number(uid), gid: Number(gid) };
}
/** Runs latchkey with listening sockets that it did not make. names: what LISTEN_FDNAMES says; null: the (one) socket
 * becomes descriptor 0. count: so many processes side by side. Node would accept connections itself, hence Perl. */
export async function passSockets(s, sockets, { names = null, count = 1, env = {} } = {}) {
	const script = `use Socket; use POSIX (); $^F = 255; my ($names, $count, $n, @rest) = @ARGV; my @paths = splice @rest, 0, $n; my @fds;
		for my $p (@paths) { socket(my $k, AF_UNIX, SOCK_STREAM, 0) or die $!; unlink $p; bind($k, sockaddr_un($p)) or die $!; listen($k, 1024) or die $!; push @fds, POSIX::dup(fileno $k) + 0; POSIX::dup2($fds[-1], 100 + $#fds); }
		for (1 .. $count) { my $pid = fork; next if $pid && print "$pid\\n"; POSIX::setsid();
			if ($names eq "-") { POSIX::dup2(100, 0); } else { POSIX::dup2(100 + $_, 3 + $_) for 0 .. $#fds; @ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, scalar @fds, $names); delete $ENV{LISTEN_FDNAMES} if $names eq ""; }
			POSIX::close($_) for ($names eq "-" ? 3 : 3 + @fds) .. 110; open STDOUT, ">&STDERR"; exec { $rest[0] } @rest; die $!; }`;
	const log = fs.openSync(path.join(s.dir, "latchkey.log"), "a");
	const text = execFileSync("perl", ["-e", script, names === null ? "-" : names, String(count), String(sockets.length), ...sockets, path.join(BUILD, "latchkey"), "-c", s.conf],
		{ encoding: "utf8", stdio: ["ignore", "pipe", log], env: { ...cleanEnv(), ...env } });
	fs.closeSync(log);
	return text.trim().split("\n").map(Number);
}
export async function end(pids, name = "SIGTERM", ms = 15_000) {
	const began = performance.now();
	for (const pid of pids) signal(pid, name);
	const ended = await until(() => pids.every(gone), ms, 5);
	if (!ended) for (const pid of pids) signal(pid, "SIGKILL");
	return ended ? performance.now() - began : null;
}

// --- through a web server

/** A request over HTTP on a kept connection. Never throws: status 0 and `why` where there was no answer. */
export function web(agent, s, method, p, { cookie, json } = {}) {
	return new Promise((resolve) => {
		const began = performance.now(), body = json && JSON.stringify(json);
		const headers = { ...(cookie && { cookie }), ...(method !== "GET" && { origin: s.origin }), ...(body && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }) };
		const r = http.request(`${s.base}${p}`, { agent, method, headers }, (res) => {
			let text = "";
			res.setEncoding("utf8").on("data", (d) => (text += d)).on("end", () => resolve({ status: res.statusCode, text, headers: res.headers, ms: performance.now() - began }));
			res.on("error", (e) => resolve({ status: 0, why: e.code, ms: performance.now() - began }));
		});
		r.on("error", (e) => resolve({ status: 0, why: e.code, ms: performance.now() - began }));
		r.end(body);
	});
}
