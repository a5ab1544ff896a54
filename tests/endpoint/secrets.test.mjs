// After much use: nothing on disk or in /proc holds a token that works (S2, S20, S98, S101).
import { after, before, describe, test } from "node:test";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { PASSWORD, assert, eq, newEmail, ok, start } from "./server.mjs";

const s = await start({ workers: 2, set: { "auth.mode": "bearer", "log.level": "debug" } });
after(() => s.stop());
const users = [], changed = [], CHANGED = "changed-horse-9";

before(async () => {
	for (let i = 0; i < 20; i++) users.push(await s.user());
	for (const u of users) {
		u.more = await s.another(u);
		await s.get("/session", { cookie: u.cookie }); await s.get("/sessions", { bearer: u.token }); await s.get(`/session?token=${u.token}`);
		await s.post("/revoke-session", { token: u.token }, { cookie: u.cookie });
		await s.del(`/sessions/${u.token}`, { cookie: u.cookie }); // a secret where an id belongs
		await s.signIn(u.email, { password: "not-the-password" }, { cookie: u.cookie });
		await s.post("/sign-in/email", { email: u.email, password: 1, token: u.token }, { cookie: u.cookie });
		await s.get(`/nope/${u.token}`, { cookie: u.cookie, bearer: u.token, headers: { "user-agent": "Fox" } });
		await s.send("POST", "/sign-out", { body: `{"token":"${u.token}"`, headers: { "content-type": "application/json" } });
	}
	for (let i = 0; i < 5; i++) {
		const u = await s.user(), a = s.browser(await s.post("/change-password", { currentPassword: PASSWORD, newPassword: CHANGED }, { cookie: u.cookie }));
		await s.post("/change-password", { currentPassword: "not-the-password", newPassword: CHANGED, token: a.token }, { bearer: a.token }); await s.post("/verify-password", { password: CHANGED }, { cookie: a.cookie }); await s.post("/verify-password", { password: "not-the-password" }, { bearer: a.token });
		await s.post("/update-user", { name: "B", token: a.token }, { cookie: a.cookie }); await s.post("/delete-user", { token: a.token }, { cookie: a.cookie }); await s.post("/delete-user", { password: "not-the-password" }, { cookie: a.cookie }); await s.get("/list-accounts", { bearer: a.token });
		const [used, left] = [0, 1].map(() => JSON.parse(s.ctl("--json", "user", "reset", u.email)).token);
		await s.post(`/reset-password?token=${used}`, { newPassword: "short" }); await s.post(`/reset-password?token=${left}`, { newPassword: "short" }); await s.get(`/reset-password/${left}`);
		const other = await s.user(), { token } = JSON.parse(s.ctl("--json", "user", "reset", other.email)); ok(await s.post(`/reset-password?token=${token}`, { newPassword: CHANGED }));
		changed.push({ ...a, old: u.token, resets: [used, left, token] });
	}
});
/** How a token could be spelled. Each must be absent. */
const spellings = (token) => [token, s.sign(token), decodeURIComponent(s.sign(token)), Buffer.from(token).toString("hex"), Buffer.from(token).toString("base64").replace(/=*$/, ""), Buffer.from(token).toString("base64url")];
const tokens = () => [...users.flatMap((u) => [u.token, u.more.token]), ...changed.flatMap((u) => [u.token, u.old, ...u.resets])];
function contains(where, bytes, list) {
	for (const needle of list) assert.ok(!bytes.includes(needle), `${where} holds ${needle.slice(0, 12)}…`);
}
const files = () => fs.readdirSync(s.dir, { recursive: true }).map((f) => path.join(s.dir, String(f))).filter((f) => fs.statSync(f).isFile());

describe("no token that works is in", () => {
	test("any file of the instance: database, journal, logs", () => {
		assert.ok((s.mysql || files().some((f) => /latchkey\.db/.test(f))) && files().some((f) => /\.log$/.test(f)));
		for (const f of files()) { const bytes = fs.readFileSync(f); for (const t of tokens()) contains(f, bytes, spellings(t)); }
	});
	test("the arguments or the environment of any process", () => {
		for (const pid of [s.master(), ...s.workers()]) for (const f of ["cmdline", "environ"]) {
			let bytes;
			try { bytes = fs.readFileSync(`/proc/${pid}/${f}`); } catch (e) { eq(e.code, "EACCES"); continue; } // not even readable
			for (const t of tokens()) contains(`${f} of ${pid}`, bytes, spellings(t));
			contains(`${f} of ${pid}`, bytes, [s.secret(), PASSWORD]);
		}
	});
	test("any answer but the one that made it", async () => {
		for (const u of users) for (const p of ["/session", "/sessions", "/get-session", "/list-sessions", "/nope"]) contains(p, (await s.get(p, { cookie: u.cookie })).raw, [u.token, u.more.token]);
	});
});
test("no password and no secret is in a log or the database", () => {
	for (const f of files()) if (f !== s.conf && f !== s.secretFile) contains(f, fs.readFileSync(f), [PASSWORD, CHANGED, "not-the-password", s.secret()]);
});
test("nothing that the database holds is a credential", async () => {
	const values = s.sql("SELECT id, token, userId FROM session; SELECT password FROM account; SELECT value FROM latchkey_meta; SELECT id, identifier, value FROM verification").split(/[|\n]/).filter((v) => v.length < 500);
	assert.ok(values.length > 60);
	for (const v of new Set(values)) {
		eq((await s.get("/session", { cookie: s.withValue(encodeURIComponent(v)) })).json, null);
		eq((await s.get("/session", { bearer: v })).json, null);
		eq((await s.get("/session", { cookie: s.withValue(s.sign(v)) })).json, null, "even with the secret at hand");
		for (const token of [v, ...v.split(":")]) eq((await s.post("/reset-password", { token, newPassword: PASSWORD })).json.code, "INVALID_TOKEN");
	}
});
test("what is stored of a token is its SHA-256, in lower-case hex", () => {
	for (const u of users) eq(s.sql(`SELECT COUNT(*) FROM session WHERE token = '${createHash("sha256").update(u.token).digest("hex")}'`), "1");
	for (const u of changed) for (const [i, token] of u.resets.entries()) eq(s.sql(`SELECT COUNT(*) FROM verification WHERE identifier = 'reset-password:${createHash("sha256").update(token).digest("hex")}'`), i === 1 ? "1" : "0", "of the newest that was not used");
});
test("secret, database and socket are nobody else's", () => {
	const mode = (f) => fs.statSync(f).mode & 0o777;
	eq(mode(s.secretFile), 0o600); eq(mode(s.socket), 0o660);
	for (const f of files().filter((x) => /latchkey\.db/.test(x))) eq(mode(f) & 0o007, 0, `${f} ${mode(f).toString(8)}`);
});
test("no extra fields are stored (S82)", async () => {
	const email = newEmail(), id = "x".repeat(32);
	const u = ok(await s.post("/sign-up/email", { name: "A", email, password: PASSWORD, id, role: "admin", emailVerified: true, createdAt: "2001-01-01T00:00:00.000Z", token: "t".repeat(32), userId: id })).user;
	assert.notEqual(u.id, id); eq(u.emailVerified, false); eq("role" in u, false);
	eq(s.sql(`SELECT emailVerified FROM user WHERE email = '${email}'`), "0");
});
test("a worker leaves no core and its memory is closed to its own user", () => {
	for (const pid of s.workers()) assert.match(fs.readFileSync(`/proc/${pid}/limits`, "utf8"), /Max core file size\s+0\s+0/);
});
