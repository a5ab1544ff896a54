// The store goes away, comes back, is another one, or is locked, while the program runs (D9, S62, S115). An outage is 503
// and never "signed out": no answer touches a cookie.
import { after, describe, test } from "node:test";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { DAY, MINUTE, PASSWORD, PATIENCE, STORE, assert, eq, fails, newEmail, ok, setsNothing, start, times, until } from "./server.mjs";

const FILES = ["", "-wal", "-shm"];
// What becomes of a store that is a file. How a database server goes away, and comes back as another, is tested with servers
// made for it (tests/mysql-link).
const IS_FILE = STORE === "sqlite";
async function with_(f, o) {
	const s = await start({ workers: 2, ...o });
	try { await f(s); } finally { await s.stop(); }
}
/** Takes the database away; gives back what puts it there again. */
function takeAway(s) {
	const dir = fs.mkdtempSync(path.join(s.dir, "away.")), moved = FILES.map((x) => s.db + x).filter((f) => fs.existsSync(f));
	for (const f of moved) fs.renameSync(f, path.join(dir, path.basename(f)));
	return () => { for (const f of moved) fs.renameSync(path.join(dir, path.basename(f)), f); };
}
const noFile = (s) => { for (const x of FILES) eq(fs.existsSync(s.db + x), false, `no new ${path.basename(s.db + x)}`); };
function down(res, what) {
	eq(res.status, 503, `${what}: ${res.status} ${res.text}`);
	fails(res, 503, "SERVICE_UNAVAILABLE"); setsNothing(res);
	assert.match(res.headers["retry-after"] ?? "", /^[1-9]\d*$/, what); assert.match(res.headers["x-request-id"] ?? "", /^\w+$/, what);
}
const LINKS = new Set(["/verify-email", "/not-me", "/delete-user/callback"]);
/** Every route that looks into the store, with a request that is right in all else. */
function requests(s, u) {
	const bodies = { "/sign-up/email": { name: "A", email: newEmail(), password: PASSWORD }, "/sign-in/email": { email: u.email, password: PASSWORD }, "/revoke-session": { token: "x" },
		"/change-password": { currentPassword: PASSWORD, newPassword: PASSWORD }, "/verify-password": { password: PASSWORD }, "/reset-password": { newPassword: PASSWORD, token: "a".repeat(32) }, "/update-user": { name: "B" },
		"/request-password-reset": { email: u.email }, "/send-verification-email": { email: u.email }, "/change-email": { newEmail: newEmail() }, "/not-me": { token: "a".repeat(32) } };
	return s.routes().filter((r) => r.who !== "anyone").map((r) => {
		const p = r.path.replace("{id}", "a".repeat(32));
		const query = r.method === "GET" && LINKS.has(r.path) ? `?token=${"a".repeat(32)}` : "";
		return [`${r.method} ${p}`, () => s.send(r.method, p + query, { cookie: u.cookie, ...(r.method === "POST" && { json: bodies[r.path] ?? {} }) })];
	});
}
async function outage(s, u) {
	for (const [what, f] of requests(s, u)) down(await f(), what);
	down(await s.post("/sign-in/email", { email: u.email, password: "wrong-password" }), "a wrong password");
	down(await s.post("/sign-in/email", { email: newEmail(), password: PASSWORD }), "an unknown user");
	eq(ok(await s.get("/ok", { cookie: u.cookie })).ok, true);
	// nobody needs the store to be nobody
	for (const cookie of [undefined, s.withValue("junk")]) { const r = await s.get("/session", { cookie }); eq(r.text, "null"); setsNothing(r); fails(await s.get("/sessions", { cookie }), 401); }
	noFile(s);
}
async function killWorkers(s) {
	const before = s.workers();
	for (const pid of before) process.kill(pid, "SIGKILL");
	assert.ok(await until(async () => s.workers().filter((p) => !before.includes(p)).length === before.length), "new workers");
}
const ask = (s, u, n = 16) => Promise.all(times(n, () => s.get("/session", { cookie: u.cookie })));
async function allIn(s, u) { for (const r of await ask(s, u)) { eq(r.status, 200, r.text); eq(r.json?.user.id, u.id); setsNothing(r); } }

if (IS_FILE) describe("away and back", () => {
	test("under workers that have it open", () => with_(async (s) => {
		const u = await s.user();
		await allIn(s, u);
		for (let i = 0; i < 2; i++) {
			const putBack = takeAway(s);
			await outage(s, u);
			putBack();
			await allIn(s, u);
		}
		const v = await s.user();
		await allIn(s, v);
		eq(s.sql("PRAGMA integrity_check"), "ok"); eq(s.sql("SELECT COUNT(*) FROM user"), "2", "nobody was added meanwhile");
	}));
	test("under workers that never saw it", () => with_(async (s) => {
		const u = await s.user(), putBack = takeAway(s);
		await killWorkers(s);
		await outage(s, u);
		await killWorkers(s); // what has tried and failed, too
		await outage(s, u);
		putBack();
		await allIn(s, u); await allIn(s, await s.user());
		eq(s.sql("PRAGMA integrity_check"), "ok");
	}));
	test("an empty file in its place is no store, and gets no tables", () => with_(async (s) => {
		const u = await s.user(), putBack = takeAway(s);
		fs.writeFileSync(s.db, "", { mode: 0o600 });
		for (const r of [await s.get("/session", { cookie: u.cookie }), await s.get("/sessions", { cookie: u.cookie }), await s.signIn(u.email)]) { assert.ok([500, 503].includes(r.status), r.text); setsNothing(r); }
		eq(s.sql("SELECT COUNT(*) FROM sqlite_master"), "0");
		for (const x of FILES) fs.rmSync(s.db + x, { force: true });
		putBack();
		await allIn(s, u);
	}));
	test("rubbish in its place signs nobody out", () => with_(async (s) => {
		const u = await s.user(), putBack = takeAway(s);
		fs.writeFileSync(s.db, "no database ".repeat(1000), { mode: 0o600 });
		for (const r of [await s.get("/session", { cookie: u.cookie }), await s.post("/sign-out", {}, { cookie: u.cookie }), await s.signIn(u.email)]) down(r, "rubbish");
		for (const x of FILES) fs.rmSync(s.db + x, { force: true });
		putBack();
		await allIn(s, u);
	}));
});

if (IS_FILE) test("another one in its place, a restored backup, is served from the next request on", () => with_(async (s) => {
	const early = await s.user(), backup = path.join(s.dir, "backup.db");
	execFileSync("sqlite3", [s.db, `.backup '${backup}'`]);
	const { uid, gid } = fs.statSync(s.db);
	fs.chmodSync(backup, 0o600); fs.chownSync(backup, uid, gid);
	const late = await s.user();
	await allIn(s, early); await allIn(s, late); // all workers hold the old one open
	for (const x of FILES.slice(1)) fs.rmSync(s.db + x, { force: true });
	fs.renameSync(backup, s.db);
	for (const r of await ask(s, late)) { eq(ok(r), null, "a session of the old one"); eq(r.setCookies.length, 1); }
	await allIn(s, early);
	fails(await s.signIn(late.email), 401, "INVALID_EMAIL_OR_PASSWORD");
	// what is written goes to the new one, from all workers, and stays
	const users = await Promise.all(times(8, () => s.user()));
	for (const v of users) await allIn(s, v);
	await killWorkers(s);
	for (const v of [...users, early]) await allIn(s, v);
	eq(s.sql("PRAGMA integrity_check"), "ok"); eq(s.sql("SELECT COUNT(*) FROM user"), "9");
}, { workers: 4 }));

describe("locked by another program", () => {
	const BUSY = 5000;
	/** Holds the write lock, or a lock on every row and on the room between them, while f runs. */
	const LOCK = { sqlite: "BEGIN EXCLUSIVE;", mysql: `BEGIN; ${["user", "session", "account", "latchkey_user"].map((x) => `SELECT * FROM ${x} FOR UPDATE;`).join(" ")}` };
	async function locked(s, f) {
		const holder = spawn(...s.client(), { stdio: ["pipe", "pipe", "inherit"] });
		holder.stdin.write(`${LOCK[STORE]} SELECT 'held';\n`);
		for await (const d of holder.stdout.iterator({ destroyOnReturn: false })) if (/held/.test(d)) break;
		try { await f(); } finally { const ended = once(holder, "exit"); holder.stdin.end("ROLLBACK;\n"); await ended; }
	}
	/** Reads have a patience of their own, of a second at most. */
	const quick = (r, what) => assert.ok(r.ms < 0.8 * BUSY, `${what}: ${Math.round(r.ms)} ms`);
	const made = start({ workers: 5, clock: true, set: { "database.busy_timeout": `${BUSY / 1000}s`, "database.timeout": `${BUSY / 1000 + 1}s`, "limits.request": `${4 * BUSY / 1000}s` } });
	after(async () => (await made).stop());

	for (const [name, ms] of [["nothing is due", 0], ["the last use is due", 11 * MINUTE], ["the extension is due", 2 * DAY]]) test(`reads answer when ${name}`, async () => {
		const s = await made;
		s.move(0);
		const u = await s.user(), first = (await s.session(u.cookie)).session;
		await locked(s, async () => {
			s.move(ms);
			for (const p of ["/session", "/sessions"]) for (let i = 0; i < 2; i++) {
				const r = await s.get(p, { cookie: u.cookie });
				eq(r.status, 200, `${p}: ${r.text}`); quick(r, p); setsNothing(r); // a cookie would promise what is not written
				eq(p === "/session" ? r.json.session.expiresAt : r.json[0].expiresAt, first.expiresAt);
			}
		});
		const r = await s.get("/session", { cookie: u.cookie });
		eq(ok(r).user.id, u.id); eq(r.setCookies.length, ms >= DAY ? 1 : 0, "afterwards it is extended");
		eq(r.json.session.lastSeenAt > first.lastSeenAt, ms > 0);
	});
	test("an expired session is none, and its cookie may go", async () => {
		const s = await made;
		s.move(0);
		const u = await s.user();
		await locked(s, async () => { s.move(8 * DAY); const r = await s.get("/session", { cookie: u.cookie }); eq(ok(r), null); quick(r, "expired"); });
	});
	test("what must be written is 503 after busy_timeout, and all is well afterwards", async () => {
		const s = await made;
		s.move(0);
		const u = await s.user(), { id } = (await s.session(u.cookie)).session, { token } = JSON.parse(s.ctl("--json", "user", "reset", u.email));
		await locked(s, async () => {
			const rounds = [() => ({ "sign-in": s.signIn(u.email), "sign-up": s.post("/sign-up/email", { name: "A", email: newEmail(), password: PASSWORD }), "sign-out": s.post("/sign-out", {}, { cookie: u.cookie }), revoke: s.del(`/sessions/${id}`, { cookie: u.cookie }) }),
				() => ({ "change-password": s.post("/change-password", { currentPassword: PASSWORD, newPassword: PASSWORD }, { cookie: u.cookie }), "verify-password": s.post("/verify-password", { password: PASSWORD }, { cookie: u.cookie }), "update-user": s.post("/update-user", { name: "B" }, { cookie: u.cookie }) }),
				() => ({ "delete-user": s.post("/delete-user", {}, { cookie: u.cookie }), "reset-password": s.post("/reset-password", { newPassword: PASSWORD, token }) })];
			for (const round of rounds) for (const [what, asked] of Object.entries(round())) {
				const r = await asked;
				down(r, what);
				assert.ok(r.ms > 0.8 * BUSY && r.ms < 4 * BUSY * PATIENCE, `${what}: ${Math.round(r.ms)} ms`);
			}
			eq(await s.alive(u.cookie), true);
		});
		ok(await s.signIn(u.email)); eq(await s.alive(u.cookie), true);
		ok(await s.post("/sign-out", {}, { cookie: u.cookie })); eq(await s.alive(u.cookie), false);
		ok(await s.post("/reset-password", { newPassword: PASSWORD, token })); ok(await s.signIn(u.email));
	});
});
