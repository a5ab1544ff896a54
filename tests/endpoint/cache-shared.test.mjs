// The file behind the session cache: shared by all processes of a host however they were started, given up and made anew
// with the configuration, gone, or not to be had; and what of it an outage of the store shows.
import { describe, test } from "node:test";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { parseAnswer } from "./fcgi.mjs";
import { BUILD, assert, cleanEnv, eq, fails, newDir, ok, start, times, until, uniq, wait } from "./server.mjs";
import { end, passSockets } from "../pool/pool.mjs";

const WORKERS = 3, MANY = 4 * WORKERS, AGE = "session.cache_max_age", SIZE = "session.cache_size", CACHE = { [AGE]: "5m" };
async function with_(f, { set, ...o } = {}) {
	const s = await start({ workers: WORKERS, ...o, set: { ...CACHE, ...set } });
	try { await f(s); } finally { await s.stop(); }
}
const often = async (f) => { await Promise.all(times(MANY, f)); };
const lives = (s, b, alive = true) => often(async () => eq(await s.alive(b.cookie), alive));
const rename = (s, b) => { const name = `n-${uniq()}`; s.sql(`UPDATE user SET name = '${name}' WHERE id = '${b.id}'`); return name; };
/** Is it answered from the cache? */
async function cached(s, b, ask = () => s.session(b.cookie)) { const name = rename(s, b); return (await ask()).user.name !== name; }
async function born(s) { const u = await s.user(); await lives(s, u); eq(await cached(s, u), true); return u; }
const file = (s) => path.join(s.dir, "session-cache"), inode = (s) => fs.statSync(file(s)).ino, there = (s) => fs.existsSync(file(s));
const out = (s, b) => s.post("/sign-out", {}, { cookie: b.cookie });
/** HUP, and the new configuration is in force. */
async function reload(s, set = {}) {
	const times = () => s.log().match(/configuration read anew/g)?.length ?? 0, before = times();
	s.configure(set);
	process.kill(s.master(), "SIGHUP");
	assert.ok(await until(() => times() > before), s.log());
}
/** One request to the program as plain CGI. */
function cgi(s, method, p, { cookie, json } = {}) {
	const body = json ? JSON.stringify(json) : "", env = { PATH: process.env.PATH, GATEWAY_INTERFACE: "CGI/1.1", SERVER_PROTOCOL: "HTTP/1.1", REQUEST_METHOD: method, REQUEST_URI: `/auth${p}`, QUERY_STRING: "", SCRIPT_NAME: "/auth.cgi", PATH_INFO: p, REMOTE_ADDR: "127.0.0.1", HTTP_ORIGIN: s.origin, ...(cookie && { HTTP_COOKIE: cookie }), ...(json && { CONTENT_TYPE: "application/json", CONTENT_LENGTH: String(body.length) }) };
	return parseAnswer(execFileSync(path.join(BUILD, "latchkey"), ["-c", s.conf], { input: body, env, stdio: ["pipe", "pipe", "pipe"] }));
}
/** A process that serves a socket alone, as mod_fcgid starts one, while f runs with it. */
async function lone(s, f) {
	const socket = path.join(newDir("lone"), "sock"), pids = await passSockets(s, [socket], { env: { LATCHKEY_POOL_WORKERS: "1", LATCHKEY_POOL_SOCKET: socket } }), one = Object.create(s, { socket: { value: socket } });
	try {
		if (process.getuid() === 0) fs.chmodSync(socket, 0o777);
		await one.ready();
		return await f(one);
	} finally { await end(pids); fs.rmSync(path.dirname(socket), { recursive: true }); }
}

describe("one cache for all processes of the host", () => {
	test("pool, plain CGI and a process that serves alone: what one has read the others know, what one ends is over for all", () => with_((s) => lone(s, async (one) => {
		const asks = [(b) => s.session(b.cookie), async (b) => ok(cgi(s, "GET", "/session", b)), (b) => one.session(b.cookie)], outs = [(b) => out(s, b), async (b) => cgi(s, "POST", "/sign-out", { json: {}, cookie: b.cookie }), (b) => out(one, b)];
		for (const first of asks) {
			const u = await s.user();
			await first(u);
			for (const ask of asks) eq(await cached(s, u, () => ask(u)), true);
		}
		for (const end of outs) {
			const u = await born(s);
			ok(await end(u));
			for (const ask of asks) eq(await ask(u), null);
			await lives(s, u, false);
		}
		for (const ask of asks) { const u = await born(s); s.ctl("user", "disable", u.email); eq(await ask(u), null); }
	})));
	test("the file is for its owner alone, and of the size that is set", () => with_((s) => {
		const st = fs.statSync(file(s));
		eq(st.mode & 0o7777, 0o600); eq(st.uid, fs.statSync(s.dir).uid); assert.ok(st.size <= 2 << 20 && st.size > (2 << 20) - 12288);
	}, { set: { [SIZE]: "2m" } }));
	test("a program that starts anew finds it; with another secret it knows nobody", () => with_(async (s) => {
		const u = await born(s), is = inode(s);
		await s.halt(); await s.launch();
		eq(inode(s), is); eq(await cached(s, u), true); await lives(s, u);
		ok(await out(s, u)); await lives(s, u, false);
	}));
	test("two sites that share state and secret, not the database: what one knows is nothing to the other", () => with_(async (a) => {
		const { uid, gid } = fs.statSync(a.dir), secret = path.join(a.dir, "second");
		fs.copyFileSync(a.secretFile, secret); fs.chmodSync(secret, 0o600); fs.chownSync(secret, uid, gid);
		await with_(async (b) => {
			eq(fs.existsSync(file(b)), false);
			const u = await born(a), v = await born(b);
			for (let i = 0; i < 3; i++) { await lives(a, u); await lives(b, u, false); await lives(b, v); await lives(a, v, false); }
		}, { set: { "pool.state": a.dir, "secret.file": secret } });
	}));
});

describe("the configuration read anew", () => {
	test("a secret that is taken out: what it signed is refused at once, though it is cached", () => with_(async (s) => {
		const u = await born(s);
		s.ctl("secret", "new"); await reload(s);
		await lives(s, u); eq(await cached(s, u), true);
		const v = await born(s);
		fs.writeFileSync(s.secretFile, `${s.secret()}\n`); await reload(s);
		await lives(s, u, false); await lives(s, v);
	}));
	test("another max_age, another size, none, and one again", () => with_(async (s) => {
		const u = await born(s), is = inode(s);
		await reload(s, { [AGE]: "4m" });
		eq(inode(s), is); eq(await cached(s, u), true);
		await reload(s, { [SIZE]: "3m" });
		assert.ok(fs.statSync(file(s)).size > 2 << 20); await lives(s, u); eq(await cached(s, u), true);
		await reload(s, { [AGE]: "0" });
		eq(there(s), false); await lives(s, u); eq(await cached(s, u), false); eq(there(s), false);
		s.ctl("status"); eq(there(s), false);
		await reload(s, { [AGE]: "1m" });
		await lives(s, u); eq(await cached(s, u), true);
		const v = await born(s);
		ok(await out(s, u)); await lives(s, u, false); s.ctl("user", "disable", v.email); await lives(s, v, false);
	}));
	test("a sign-out that began without a cache is over for who has one when it is done", () => with_(async (s) => {
		const u = await s.user(), w = await s.user(), held = hold(s, u);
		await held.ready;
		const leaving = out(s, u);
		await wait(300);
		await reload(s, { [AGE]: "5m" });
		await lives(s, u); await lives(s, w); eq(there(s), true);
		held.free();
		ok(await leaving);
		await lives(s, u, false); await lives(s, w);
	}, { set: { [AGE]: "0", "audit.store": "off", "database.busy_timeout": "20s", "database.timeout": "20s", "limits.request": "60s" } }));
	test("a sign-out that began with another cache", () => with_(async (s) => {
		const u = await born(s), held = hold(s, u);
		await held.ready;
		const leaving = out(s, u);
		await wait(300);
		await reload(s, { [SIZE]: "3m" });
		await lives(s, u);
		held.free();
		ok(await leaving);
		await lives(s, u, false);
	}, { set: { "audit.store": "off", "database.busy_timeout": "20s", "database.timeout": "20s", "limits.request": "60s" } }));
});
/** Lets nobody write to the session of u until free() is called. */
function hold(s, u) {
	const child = spawn(...s.client(), { stdio: ["pipe", "pipe", "inherit"] }), ready = new Promise((r) => child.stdout.once("data", r));
	child.stdin.write(s.db ? "BEGIN IMMEDIATE;\nSELECT 1;\n" : `BEGIN; SELECT 1 FROM session WHERE userId = '${u.id}' FOR UPDATE;\n`);
	return { ready, free: () => child.stdin.end(s.db ? "COMMIT;\n" : "COMMIT;\n") };
}

describe("the file", () => {
	test("removed while all run: ends are seen at once, and a new one is in use within a second or two", () => with_(async (s) => {
		for (let i = 0; i < 4; i++) {
			const u = await born(s), v = await born(s);
			fs.rmSync(file(s));
			if (i % 2) await wait(1100); // some have seen it
			ok(await out(s, u)); s.ctl("session", "revoke-all", "--user", v.email);
			await lives(s, u, false); await lives(s, v, false);
			eq(there(s), true);
			await wait(1100);
			await lives(s, u, false); await lives(s, v, false); await born(s);
		}
	}));
	test("workers that die leave it whole", () => with_(async (s) => {
		const u = await born(s), is = inode(s);
		for (let i = 0; i < 3; i++) {
			const before = s.workers();
			const traffic = times(20, () => s.session(u.cookie).catch(() => null));
			for (const pid of before) process.kill(pid, "SIGKILL");
			await Promise.all(traffic);
			assert.ok(await until(() => s.workers().filter((p) => !before.includes(p)).length === WORKERS, 15_000));
			await lives(s, u); eq(inode(s), is);
		}
		ok(await out(s, u)); await lives(s, u, false);
	}));
	const refuses = (what, set, text) => test(`${what}: it does not start, and says why`, () => assert.rejects(with_(() => {}, { set }), (e) => { assert.match(e.message, text); assert.match(e.message, /cannot start/); return true; }));
	refuses("no directory for it", { "pool.state": "/nonexistent/state" }, /\/nonexistent\/state\/\S+: No such file or directory/);
	test("no room for it: it does not start, and says why", async (t) => {
		const dir = newDir("little");
		try { execFileSync("mount", ["-t", "tmpfs", "-o", "size=512k,mode=777", "tmpfs", dir], { stdio: "ignore" }); } catch { fs.rmSync(dir, { recursive: true }); return t.skip("no file system can be made here"); }
		try {
			await assert.rejects(with_(() => {}, { set: { "pool.state": dir } }), (e) => { assert.match(e.message, /session-cache: no room \(session\.cache_size\): No space left on device/); return true; });
			await with_(async (s) => { await s.user(); eq(fs.existsSync(path.join(dir, "session-cache")), false); }, { set: { "pool.state": dir, [AGE]: "0" } });
		} finally { execFileSync("umount", [dir]); fs.rmSync(dir, { recursive: true }); }
	});
	test("what another user has put there is not taken, nor harmed", { skip: process.getuid() !== 0 && "takes root" }, async () => {
		const dir = newDir("state"), there = path.join(dir, "session-cache");
		fs.writeFileSync(there, "theirs"); fs.chmodSync(there, 0o666); fs.chownSync(there, 65534, 65534);
		await assert.rejects(with_(() => {}, { set: { "pool.state": dir } }), /session-cache: is not ours/);
		eq(fs.readFileSync(there, "utf8"), "theirs");
		fs.rmSync(dir, { recursive: true });
	});
});

test("the store is away: who is cached is answered until that is over, then told so; others at once", () => with_(async (s) => {
	const began = Date.now(), u = await born(s), v = await s.user();
	s.sql("DELETE FROM session WHERE userId <> '" + u.id + "' AND userId <> '" + v.id + "'");
	for (const suffix of ["", "-wal", "-shm"]) if (fs.existsSync(s.db + suffix)) fs.renameSync(s.db + suffix, `${s.db}${suffix}.away`);
	try {
		const r = await s.get("/session", { cookie: u.cookie });
		if (Date.now() - began < 2500) eq(ok(r).user.id, u.id); // else this machine was too slow to look
		fails(await s.get("/session", { cookie: v.cookie }), 503); fails(await s.get("/sessions", { cookie: u.cookie }), 503);
		assert.ok(await until(async () => (await s.get("/session", { cookie: u.cookie })).status === 503, 6000, 50), "it is over");
		assert.ok(Date.now() - began >= 3000);
	} finally { for (const suffix of ["", "-wal", "-shm"]) if (fs.existsSync(`${s.db}${suffix}.away`)) fs.renameSync(`${s.db}${suffix}.away`, s.db + suffix); }
	assert.ok(await until(async () => (await s.get("/session", { cookie: u.cookie })).status === 200), "and well again");
	for (const b of [u, v]) await lives(s, b);
}, { store: "sqlite", set: { [AGE]: "3s" } }));
