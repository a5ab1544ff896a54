// With a session cache: what comes out of it, and that every end and every change, by whichever endpoint or command, is seen
// by all workers at once. What is cached is known from a change behind the program's back, which it cannot see.
import { after, describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { BUILD, DAY, MINUTE, PASSWORD, SECOND, assert, cleanEnv, eq, fails, newEmail, ok, same, setsNothing, start, times, until, uniq } from "./server.mjs";
import { follow, startMailing } from "./mailbox.mjs";

const NEXT = "another-horse-2", WORKERS = 3, MANY = 4 * WORKERS, CACHE = { "session.cache_max_age": "5m" };
const s = await startMailing({ ...CACHE, "gate /staff/.require": "group:staff" }, { workers: WORKERS });
after(() => s.stop());

/** So often that every worker is likely to have answered. */
const often = async (f) => { for (const r of await Promise.all(times(MANY, f))) if (r instanceof Error) throw r; };
const read = (b, o, on = s) => on.get("/session", { cookie: b.cookie, ...o });
const lives = (b, alive = true, on = s) => often(async () => eq(await on.alive(b.cookie), alive));
const gate = (b, uri = "/protected/", on = s) => on.send("GET", "", { uri, cookie: b?.cookie, env: { LATCHKEY_OP: "check" } });
const passes = (b, status, uri) => often(async () => eq((await gate(b, uri)).status, status));
const rename = (b, on = s) => { const name = `n-${uniq()}`; on.sql(`UPDATE user SET name = '${name}' WHERE id = '${b.id}'`); return name; };
/** Is it answered from the cache? */
async function cached(b, on = s) { const name = rename(b, on); return (await read(b, {}, on)).json.user.name !== name; }
/** A user with some sessions, all of them in the cache. */
async function born(n = 2, on = s) {
	const u = await on.user(), all = [u];
	while (all.length < n) all.push({ ...(await on.another(u)), id: u.id, email: u.email });
	for (const b of all) { await lives(b, true, on); b.sid = await on.sessionId(b); }
	eq(await cached(u, on), true);
	return all;
}
const ctl = (on, args, input = "") => execFileSync(path.join(BUILD, "latchkeyctl"), ["-c", on.conf, ...args], { input, encoding: "utf8", env: cleanEnv(), stdio: ["pipe", "pipe", "pipe"] });

describe("from the cache", () => {
	test("what the store has no more, until its time is over; every worker knows it", async () => {
		const t = await start({ workers: WORKERS, set: { "session.cache_max_age": "1500ms" } });
		try {
			const u = await t.user(), before = Date.now();
			eq(await t.alive(u.cookie), true);
			t.sql("DELETE FROM session");
			const took = Date.now() - before;
			if (took < 1000) await lives(u, true, t); // else this machine was too slow to look
			assert.ok(await until(async () => !(await t.alive(u.cookie)), 3000, 10), "it is over");
			assert.ok(Date.now() - before >= 1500);
			await lives(u, false, t);
		} finally { await t.stop(); }
	});
	test("all that is told of a session, and the gate's words, are those of the store", async () => {
		const [u] = await born(1), first = (await read(u)).json, page = await gate(u);
		ok(await s.post("/update-user", { name: "Ännchen \u{1f600}", image: "https://example.org/a?b" }, { cookie: u.cookie }));
		const asked = (await read(u)).json, known = (await read(u)).json, told = await gate(u);
		same(known, asked); eq(known.user.name, "Ännchen \u{1f600}"); eq(known.user.image, "https://example.org/a?b");
		same({ ...known.session }, first.session); same({ ...known.user, name: 0, image: 0, updatedAt: 0 }, { ...first.user, name: 0, image: 0, updatedAt: 0 });
		eq(told.headers["variable-auth_name"], "Ännchen \u{1f600}"); eq(told.status, page.status);
		same((await gate(u)).fields, told.fields);
	});
	test("GET, passive, HEAD and both names of the path alike; other routes always ask", async () => {
		const [u] = await born(1), name = rename(u);
		for (const p of ["/session", "/get-session", "/session?disableRefresh=true"]) assert.notEqual((await read(u, {}, s)).json.user.name, name, p);
		const plain = await start({ workers: 1 });
		try {
			const v = await plain.user(), without = await plain.send("HEAD", "/session", v), w = await s.send("HEAD", "/session", u);
			eq(w.status, without.status); eq(w.text, without.text);
		} finally { await plain.stop(); }
		s.sql(`DELETE FROM session WHERE userId = '${u.id}'`);
		eq(await s.alive(u.cookie), true);
		for (const p of ["/sessions", "/list-accounts"]) fails(await s.get(p, { cookie: u.cookie }), 401, "UNAUTHORIZED");
		fails(await s.post("/update-user", { name: "x" }, { cookie: u.cookie }), 401, "UNAUTHORIZED");
	});
	test("not for who asks for what the store says (disableCookieCache)", async () => {
		const [u] = await born(1), name = rename(u);
		for (const p of ["/session?disableCookieCache=true", "/get-session?disableCookieCache=1"]) eq((await s.get(p, { cookie: u.cookie })).json.user.name, name, p);
	});
	test("nor what another request has found gone", async () => {
		const [u] = await born(1);
		s.sql(`DELETE FROM session WHERE userId = '${u.id}'`);
		await lives(u);
		fails(await s.get("/sessions", { cookie: u.cookie }), 401, "UNAUTHORIZED");
		await lives(u, false);
		const [v] = await born(1);
		s.sql(`DELETE FROM session WHERE userId = '${v.id}'`);
		eq((await s.get("/session?disableCookieCache=true", { cookie: v.cookie })).json, null);
		await lives(v, false);
	});
	test("latchkeyctl takes it from nobody, whatever it is told", async () => {
		const [u] = await born(1), run = (env, ...args) => execFileSync(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, "--json", ...args], { encoding: "utf8", env: { ...cleanEnv(), ...env } });
		assert.ok(JSON.parse(run({}, "status")).cached > 0);
		eq(JSON.parse(run({ LATCHKEY_SESSION_CACHE_MAX_AGE: "0" }, "status")).cacheRoom, 0);
		run({ LATCHKEY_SESSION_CACHE_SIZE: "4m" }, "status");
		eq(await cached(u), true);
		run({ LATCHKEY_SESSION_CACHE_MAX_AGE: "0" }, "session", "revoke", u.sid);
		await lives(u, false);
	});
	test("what does not fit is not kept, and right", async () => {
		const u = await s.user(), b = { ...(await s.another(u, {}, { headers: { "user-agent": `Mozilla/5.0 ${"x".repeat(8000)}` } })), id: u.id };
		await lives(b);
		eq((await read(b)).json.session.userAgent.length, 8012);
		eq(await cached(b), false); eq(await cached(u), false); await lives(b); eq(await cached(u), true);
		ok(await s.post("/sign-out", {}, { cookie: b.cookie })); await lives(b, false); await lives(u);
	});
	test("the database is not asked: statements for each page", { skip: !s.mysql && "counted by MariaDB" }, async () => {
		const [u] = await born(1), count = () => Number(s.sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'").split("|")[1]);
		ctl(s, ["group", "add", "staff", u.email]); eq((await gate(u, "/staff/")).status, 200);
		// others use the server, too: of some rounds the quietest one tells
		const least = async (f) => { let n = Infinity; for (let i = 0; i < 5; i++) { const before = count(); await f(); n = Math.min(n, count() - before); } return n; };
		eq(await least(async () => { await lives(u); await passes(u, 200); await passes(u, 200, "/staff/"); }), 0);
	});
});

describe("who is asked for", () => {
	test("a forged signature of a token that is cached", async () => {
		const [u] = await born(1), signature = decodeURIComponent(u.value).slice(33);
		const others = [signature.replace(/./, (c) => (c === "A" ? "B" : "A")), signature.toLowerCase(), signature.slice(0, 41) + (signature[41] === "A" ? "B" : "A") + signature.slice(42), "", "=".repeat(44)];
		for (const x of others) if (x !== signature) await often(async () => eq((await read({ cookie: s.withValue(encodeURIComponent(`${u.token}.${x}`)) })).json, null, x));
		await often(async () => eq((await read({ cookie: s.withValue(s.sign(u.token, "x".repeat(32))) })).json, null));
		await often(async () => eq((await read({ cookie: s.withValue(u.token) })).json, null));
		eq(await cached(u), true, "nor does it disturb the right one");
	});
	test("two cookies of the name: the one that lives, whichever is cached", async () => {
		const [u, b] = await born(2), [v] = await born(1), two = (x, y) => ({ cookie: `${x.cookie}; ${y.cookie}` });
		eq((await read(two(u, v))).json.user.id, u.id); eq((await read(two(v, u))).json.user.id, v.id);
		ok(await s.post("/sign-out", {}, { cookie: u.cookie }));
		await often(async () => eq((await read(two(u, v))).json.user.id, v.id));
		await often(async () => eq((await read({ cookie: `${s.withValue("nonsense")}; ${b.cookie}` })).json.user.id, b.id));
	});
	for (const mode of ["bearer", "jwt"]) test(`auth.mode ${mode}: a bearer's token, bare or signed, and the cookie beside it`, async () => {
		const t = await start({ workers: WORKERS, set: { ...CACHE, "auth.mode": mode } });
		try {
			const u = await t.user(), v = await t.user(), bare = { bearer: u.token }, whole = { bearer: decodeURIComponent(u.value) }, beside = { cookie: u.cookie, bearer: v.token };
			const ask = async (o) => (await t.get("/session", o)).json?.user.id;
			for (let i = 0; i < 3; i++) {
				for (const o of [bare, whole, { cookie: u.cookie }]) await often(async () => eq(await ask(o), u.id));
				await often(async () => eq(await ask(beside), v.id));
			}
			eq(await cached({ ...u }, t), mode === "bearer", "with a JWT in each answer the store is asked");
			eq((await gate(u, "/protected/", t)).status, 200);
			await often(async () => eq(await ask({ cookie: t.withValue(u.token) }), undefined, "a bare token is no cookie"));
			ok(await t.post("/sign-out", {}, bare));
			for (const o of [bare, whole, { cookie: u.cookie }]) await often(async () => eq(await ask(o), undefined));
			eq((await gate(u, "/protected/", t)).status, 401);
		} finally { await t.stop(); }
	});
});

// --- each way to end or change something

const form = (b) => ({ cookie: b.cookie });
/** Of two sessions u and b: do, and which of them live then. */
const ENDS = {
	"sign-out": [(u) => s.post("/sign-out", {}, form(u)).then(ok), "b"],
	"sign-out with both cookies": [(u, b) => s.post("/sign-out", {}, { cookie: `${u.cookie}; ${b.cookie}` }).then(ok), ""],
	"DELETE /sessions/{id}, another": [(u, b) => s.del(`/sessions/${b.sid}`, form(u)).then(ok), "u"],
	"DELETE /sessions/{id}, its own": [(u) => s.del(`/sessions/${u.sid}`, form(u)).then(ok), "b"],
	"DELETE /sessions": [(u) => s.del("/sessions", form(u)).then(ok), ""],
	"DELETE /sessions?keep=current": [(u) => s.del("/sessions?keep=current", form(u)).then(ok), "u"],
	"revoke-session": [(u, b) => s.post("/revoke-session", { token: b.sid }, form(u)).then(ok), "u"],
	"revoke-sessions": [(u) => s.post("/revoke-sessions", {}, form(u)).then(ok), ""],
	"revoke-other-sessions": [(u) => s.post("/revoke-other-sessions", {}, form(u)).then(ok), "u"],
	"sign-in over an old session": [(u) => s.signIn(u.email, {}, form(u)).then(ok), "b"],
	"sign-up over an old session": [(u) => s.post("/sign-up/email", { name: "N", email: newEmail(), password: PASSWORD }, form(u)).then(ok), "b"],
	"change-password": [async (u) => { const r = await s.post("/change-password", { currentPassword: PASSWORD, newPassword: NEXT, revokeOtherSessions: true }, form(u)); ok(r); }, "?"],
	"reset-password": [async (u) => ok(await s.post("/reset-password", { token: JSON.parse(ctl(s, ["--json", "user", "reset", u.email])).token, newPassword: NEXT })), ""],
	"delete-user": [(u) => s.post("/delete-user", { password: PASSWORD }, form(u)).then(ok), ""],
	"latchkeyctl session revoke": [(u, b) => ctl(s, ["session", "revoke", b.sid]), "u"],
	"latchkeyctl session revoke-all --user": [(u) => ctl(s, ["session", "revoke-all", "--user", u.email]), ""],
	"latchkeyctl session revoke-all --everybody": [() => ctl(s, ["session", "revoke-all", "--everybody"]), "", true],
	"latchkeyctl user disable": [(u) => ctl(s, ["user", "disable", u.email]), ""],
	"latchkeyctl user set-password": [(u) => ctl(s, ["user", "set-password", u.email], `${NEXT}\n`), ""],
	"latchkeyctl user delete": [(u) => ctl(s, ["user", "delete", u.email]), ""],
	"latchkeyctl user erase": [(u) => ctl(s, ["user", "erase", u.email]), ""],
};
describe("ends at once, for all workers", () => {
	for (const [name, [act, left, everybody]] of Object.entries(ENDS)) test(name, async () => {
		const [u, b] = await born(2), [other] = await born(1), rows = () => s.sql(`SELECT id FROM session WHERE userId = '${u.id}'`).split("\n");
		await act(u, b);
		for (const [x, letter] of [[u, "u"], [b, "b"]]) {
			const alive = left === "?" ? rows().includes(x.sid) : left.includes(letter);
			await lives(x, alive); eq((await gate(x)).status, alive ? 200 : 401);
		}
		await lives(other, !everybody);
		if (!everybody) eq(await cached(other), true, "nobody else's is forgotten");
	});
	test("a link: this was not me", async () => {
		const [u] = await born(1);
		await s.mails(u.email);
		const b = await s.another(u, {}, { remote: "203.0.113.77", headers: { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" } });
		await lives(b);
		const { token } = follow(s, (await s.mails(u.email, 2)).find((m) => m.links.some((l) => l.includes("not-me"))).links.find((l) => l.includes("not-me")));
		ok(await s.post("/not-me", { token }));
		await lives(b, false);
	});
	test("at the ceiling the oldest", async () => {
		const t = await start({ workers: WORKERS, set: { ...CACHE, "session.max_per_user": "2" } });
		try {
			const [u, b] = await born(2, t), c = await t.another(u), alive = [];
			for (const x of [u, b, c]) alive.push(await t.alive(x.cookie));
			same(alive.filter(Boolean).length, 2); eq(alive[2], true);
			for (const [i, x] of [u, b, c].entries()) await lives(x, alive[i], t);
		} finally { await t.stop(); }
	});
});

describe("changes at once, for all workers", () => {
	const sees = (b, f) => often(async () => { const r = (await read(b)).json; assert.ok(f(r), JSON.stringify(r)); });
	test("update-user", async () => {
		const [u, b] = await born(2);
		for (const name of ["One", "Two", "Three"]) { ok(await s.post("/update-user", { name }, form(u))); for (const x of [u, b]) await sees(x, (r) => r.user.name === name); eq((await gate(b)).headers["variable-auth_name"], name); }
		ok(await s.post("/update-user", { image: "https://example.org/i" }, form(b))); await sees(u, (r) => r.user.image === "https://example.org/i");
		ok(await s.post("/update-user", { image: null }, form(b))); await sees(u, (r) => r.user.image === null);
	});
	test("verify-password: authenticatedAt", async () => {
		const [u, b] = await born(2), { authenticatedAt } = (await read(u)).json.session, of = (await read(b)).json.session.authenticatedAt;
		ok(await s.post("/verify-password", { password: PASSWORD }, form(u)));
		await sees(u, (r) => r.session.authenticatedAt > authenticatedAt); await sees(b, (r) => r.session.authenticatedAt === of);
	});
	test("verify-email, change-email", async () => {
		const [u, b] = await born(2), first = follow(s, (await s.mails(u.email))[0].link);
		await sees(b, (r) => r.user.emailVerified === false);
		assert.ok((await s.get(first.path)).status < 400);
		for (const x of [u, b]) await sees(x, (r) => r.user.emailVerified === true);
		const to = newEmail(), seen = await s.post("/change-email", { newEmail: to }, form(u));
		ok(seen); await sees(b, (r) => r.user.email === u.email);
		assert.ok((await s.get(follow(s, (await s.mails(to))[0].link).path)).status < 400);
		for (const x of [u, b]) { await sees(x, (r) => r.user.email === to); eq((await gate(x)).headers["variable-remote_user"], to); }
	});
	test("latchkeyctl user verify", async () => {
		const [u] = await born(1);
		await sees(u, (r) => r.user.emailVerified === false); ctl(s, ["user", "verify", u.email]); await sees(u, (r) => r.user.emailVerified === true);
	});
	test("groups, at the gate", async () => {
		const [u] = await born(1);
		await passes(u, 403, "/staff/"); await passes(u, 200);
		for (let i = 0; i < 2; i++) {
			ctl(s, ["group", "add", "staff", u.email]); await passes(u, 200, "/staff/"); await passes(u, 200);
			ctl(s, ["group", "remove", "staff", u.email]); await passes(u, 403, "/staff/"); await passes(u, 200);
		}
		ctl(s, ["group", "add", "staff", u.email]); await passes(u, 200, "/staff/"); await lives(u);
		ok(await s.post("/sign-out", {}, form(u))); await passes(u, 401, "/staff/");
	});
	test("what changes nothing of it leaves it there", async () => {
		const [u] = await born(1);
		for (const act of [() => s.signIn(u.email), () => s.user(), () => s.signIn(u.email, { password: "wrong-horse-1" }), () => s.get("/sessions", form(u)), () => s.post("/request-password-reset", { email: u.email }), () => ctl(s, ["sweep"]), () => ctl(s, ["status"]), () => ctl(s, ["check"])]) {
			await act(); eq(await cached(u), true, String(act));
		}
	});
});

describe("times that move", () => {
	test("lastSeenAt: written once an interval, and seen by all at once", async () => {
		const t = await start({ workers: WORKERS, clock: "still", set: { ...CACHE, "session.last_seen_every": "1m" } });
		try {
			const [u] = await born(1, t);
			t.sql("CREATE TABLE counted (n INT)"); t.trigger("counting", "UPDATE", "session", "INSERT INTO counted VALUES (1)");
			for (let i = 1; i <= 3; i++) {
				t.move(i * MINUTE - 1); setsNothing(await read(u, {}, t)); eq(t.sql("SELECT COUNT(*) FROM counted"), String(i - 1));
				t.move(i * MINUTE);
				eq((await read(u, {}, t)).json.session.lastSeenAt, new Date(t.now()).toISOString());
				await often(async () => eq((await read(u, {}, t)).json.session.lastSeenAt, new Date(t.now()).toISOString()));
				eq(t.sql("SELECT COUNT(*) FROM counted"), String(i)); eq(await cached(u, t), true);
			}
			t.move(4 * MINUTE);
			await often(async () => eq((await t.get("/session?disableRefresh=true", { cookie: u.cookie })).json.session.lastSeenAt, new Date(t.still + 3 * MINUTE).toISOString()));
			eq(t.sql("SELECT COUNT(*) FROM counted"), "3", "a passive read writes nothing");
			await Promise.all(times(MANY, () => read(u, {}, t)));
			eq(t.sql("SELECT COUNT(*) FROM counted"), "4", "of many at once one writes");
		} finally { await t.stop(); }
	});
	test("sliding: the cookie is sent again once; an end that has come is one", async () => {
		const t = await start({ workers: WORKERS, clock: "still", set: { ...CACHE, "session.expires_in": "10m", "session.update_age": "2m", "session.last_seen_every": "0" } });
		try {
			const [u] = await born(1, t);
			for (let i = 1; i <= 3; i++) {
				t.move(i * 2 * MINUTE);
				const all = await Promise.all(times(MANY, () => read(u, {}, t)));
				eq(all.filter((r) => r.setCookies.length).length, 1);
				await often(async () => { const r = await read(u, {}, t); setsNothing(r); eq(r.json.session.expiresAt, new Date(t.now() + 10 * MINUTE).toISOString()); });
			}
			t.move(16 * MINUTE - 1); eq((await t.get("/session?disableRefresh=true", { cookie: u.cookie })).json.user.id, u.id);
			t.move(16 * MINUTE); await lives(u, false, t);
		} finally { await t.stop(); }
	});
	test("the time of day steps: what is cached does not live longer", async () => {
		const t = await start({ workers: 1, clock: "still", set: { ...CACHE, "session.expires_in": "2h", "session.update_age": "1h", "session.last_seen_every": "0" } });
		try {
			const [u] = await born(1, t), is = async (ms, from) => { t.move(ms); eq(await cached(u, t), from, `${ms} ms`); };
			await is(5 * MINUTE - SECOND, true); await is(5 * MINUTE, false);
			t.move(0); await read(u, {}, t); // of later, by a clock that is set back since
			await is(0, true); await is(-5 * MINUTE + SECOND, true); await is(-5 * MINUTE, false);
			t.move(DAY); eq(await t.alive(u.cookie), false);
		} finally { await t.stop(); }
	});
});
