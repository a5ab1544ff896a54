// What a signed-in user does to the own account, and resetting a forgotten password. In both modes, with a clock that stands
// still but for being moved.
import { after, describe, test } from "node:test";
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { BUILD, DAY, FOREIGN, HOUR, ID, PASSWORD, SECOND, assert, cleanEnv, clears, eq, fails, feed, newEmail, ok, same, setsNothing, start, times } from "./server.mjs";

const NEXT = "another-horse-2", THIRD = "yet-another-horse-3", WRONG = "not-the-password", FRESH = 2 * HOUR;
const MODES = ["session", "bearer"], servers = {};
for (const mode of MODES) servers[mode] = await start({ workers: 2, clock: "still", set: { "jobs.every": "0", "auth.mode": mode, "session.fresh_age": "2h" } });
after(async () => { for (const s of Object.values(servers)) await s.stop(); });

const TABLES = ["user", "session", "account", "verification", "latchkey_user"], OWNER = { user: "id", session: "userId", account: "userId", latchkey_user: "userId", verification: "value" };
/** All that the store holds, without the turns of locks. */
const dump = (s) => s.sql(TABLES.map((t) => `SELECT '${t}', ${t === "latchkey_user" ? "userId, disabledAt" : `${t}.*`} FROM ${t} ORDER BY 2`).join("; "));
/** The same of one user. */
const rowsOf = (s, u) => s.sql(TABLES.map((t) => `SELECT '${t}', ${t}.* FROM ${t} WHERE ${OWNER[t]} LIKE '${u.id}%' ORDER BY 2`).join("; "));
const countOf = (s, u, t) => Number(s.sql(`SELECT COUNT(*) FROM ${t} WHERE ${OWNER[t]} LIKE '${u.id}%'`));
const hash = (s, u) => s.sql(`SELECT password FROM account WHERE userId = '${u.id}'`);
const nothing = (res) => { eq(res.status, 400, res.text); same(res.json, { message: "No fields to update" }); return res; };
const invalid = (res, message) => fails(res, 400, "VALIDATION_ERROR", message);
const resetOf = (s, u) => JSON.parse(s.ctl("--json", "user", "reset", u.email));
const setPassword = (s, u, password) => execFileSync(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, "user", "set-password", u.email], { input: `${password}\n`, env: cleanEnv(), stdio: "pipe" });
const withoutPassword = (s, u) => s.sql(`UPDATE account SET password = NULL WHERE userId = '${u.id}'`);
const withoutAccount = (s, u) => s.sql(`DELETE FROM account WHERE userId = '${u.id}'`);

/** What the tests say to one server, in its mode. */
function tools(mode) {
	const s = servers[mode], as = (b) => (mode === "bearer" ? { bearer: b.token } : { cookie: b.cookie });
	const post = (p) => (b, json, o = {}) => s.post(p, json, { ...as(b), ...o });
	const me = async (b) => (await s.get("/session", as(b))).json, alive = async (b) => (await me(b)) !== null;
	/** A browser signed in at the server's time t. */
	const born = async (extra) => { s.move(0); const u = await s.user(extra), { session } = await me(u); return { ...u, t: Date.parse(session.createdAt), first: session }; };
	const at = (b, ms) => s.move(b.t + ms - s.still);
	const change = (b, extra, o) => post("/change-password")(b, { currentPassword: PASSWORD, newPassword: NEXT, ...extra }, o);
	const verify = (b, password = PASSWORD, o) => post("/verify-password")(b, { password }, o);
	const signsIn = async (u, password) => { const r = await s.signIn(u.email, { password }); if (r.status !== 200) fails(r, 401, "INVALID_EMAIL_OR_PASSWORD"); return r.status === 200; };
	/** The cookie that an answer sets; in bearer mode it stands in a header too. */
	const given = (res) => { const b = s.browser(res); eq(res.setCookies.length, 1); eq(res.headers["set-auth-token"], mode === "bearer" ? decodeURIComponent(b.value) : undefined); return { ...b, attrs: res.setCookies[0].attrs }; };
	/** Nothing that the store holds is another after f. */
	const changesNothing = async (f) => { const before = dump(s), res = await f(); eq(dump(s), before); return res; };
	return { s, as, me, alive, born, at, change, verify, signsIn, given, changesNothing, update: post("/update-user"), updateSession: post("/update-session"), leave: post("/delete-user"), list: (b, o) => s.get("/list-accounts", { ...as(b), ...o }) };
}
const both = (name, f) => { for (const mode of MODES) describe(`${name}, ${mode} mode`, () => f({ mode, ...tools(mode) })); };

both("change-password", ({ mode, s, me, alive, born, at, change, signsIn, given, changesNothing, list }) => {
	test("ends all sessions and opens a new one here; others keep theirs", async () => {
		const u = await born(), others = [await s.another(u), await s.another(u, { rememberMe: false })], stranger = await s.user(), untouched = rowsOf(s, stranger), old = hash(s, u), { user } = await me(u);
		at(u, HOUR);
		const res = await change(u), b = given(res);
		same(Object.keys(ok(res)), ["token", "user"]); eq(res.json.token, mode === "bearer" ? b.token : null); same(res.json.user, user); same(Object.keys(res.json.user), Object.keys(u.user));
		assert.match(b.token, ID); assert.notEqual(b.token, u.token); eq(b.attrs["max-age"], "604800");
		for (const x of [u, ...others]) eq(await alive(x), false);
		const { session } = await me(b);
		assert.notEqual(session.id, u.first.id); eq(session.rememberMe, true); eq(countOf(s, u, "session"), 1); eq(countOf(s, u, "account"), 1);
		for (const k of ["createdAt", "authenticatedAt", "lastSeenAt"]) eq(Date.parse(session[k]), u.t + HOUR, k);
		eq(Date.parse(session.diesAt), u.t + HOUR + 30 * DAY, "diesAt");
		assert.notEqual(hash(s, u), old); const [account] = ok(await list(b)); eq(Date.parse(account.updatedAt), u.t + HOUR, "updatedAt"); eq(account.createdAt, u.user.createdAt);
		eq(await signsIn(u, PASSWORD), false); eq(await signsIn(u, NEXT), true);
		eq(rowsOf(s, stranger), untouched); eq(await alive(stranger), true);
	});
	test("a session that is not to be remembered stays so, and one that is too", async () => {
		for (const rememberMe of [false, true]) {
			const u = await born({ rememberMe: !rememberMe }), b = await s.another(u, { rememberMe }), c = given(await change(b)), { session } = await me(c);
			eq(session.rememberMe, rememberMe); eq(c.attrs["max-age"], rememberMe ? "604800" : undefined); eq(Date.parse(session.expiresAt) - Date.parse(session.createdAt), rememberMe ? 7 * DAY : DAY);
		}
	});
	test("revokeOtherSessions false: all sessions stay, this one is fresh, no cookie is set", async () => {
		const u = await born(), other = await s.another(u), before = await me(other);
		at(u, HOUR);
		const res = await change(u, { revokeOtherSessions: false });
		eq(ok(res).token, null); same(Object.keys(res.json), ["token", "user"]); setsNothing(res); eq(res.headers["set-auth-token"], undefined);
		const { session } = await me(u);
		eq(Date.parse(session.authenticatedAt), u.t + HOUR, "authenticatedAt"); eq((await me(other)).session.authenticatedAt, before.session.authenticatedAt); eq((await me(other)).session.id, before.session.id);
		for (const k of ["id", "expiresAt", "createdAt", "diesAt", "rememberMe", "token"]) eq(session[k], u.first[k], k);
		eq(countOf(s, u, "session"), 2); eq(await signsIn(u, PASSWORD), false); eq(await signsIn(u, NEXT), true);
	});
	test("the length of the new password is told before the current one is looked at", async () => {
		const u = await born(), wrong = { currentPassword: WRONG }, long = "x".repeat(129);
		for (const [extra, code] of [[{ newPassword: "1234567", ...wrong }, "PASSWORD_TOO_SHORT"], [{ newPassword: "", ...wrong }, "PASSWORD_TOO_SHORT"], [{ newPassword: long, ...wrong }, "PASSWORD_TOO_LONG"], [{ newPassword: long, currentPassword: long }, "PASSWORD_TOO_LONG"],
			[{ newPassword: "1234567", currentPassword: long }, "PASSWORD_TOO_SHORT"], [{ currentPassword: long }, "PASSWORD_TOO_LONG"], [wrong, "INVALID_PASSWORD"], [{ currentPassword: "" }, "INVALID_PASSWORD"], [{ currentPassword: PASSWORD.toUpperCase() }, "INVALID_PASSWORD"], [{ currentPassword: `${PASSWORD} ` }, "INVALID_PASSWORD"]])
			setsNothing(fails(await changesNothing(() => change(u, extra)), 400, code));
		eq(await alive(u), true); eq(await signsIn(u, PASSWORD), true);
	});
	test("lengths are counted as the browser counts them", async () => {
		for (const [newPassword, code] of [["\u{1f511}".repeat(3), "PASSWORD_TOO_SHORT"], ["\u{1f511}".repeat(4)], ["\u{1f511}".repeat(64)], ["\u{1f511}".repeat(65), "PASSWORD_TOO_LONG"], ["x".repeat(8)], ["x".repeat(128)]]) {
			const u = await born(), res = await change(u, { newPassword });
			if (code) fails(res, 400, code); else { ok(res); eq(await signsIn(u, newPassword), true); }
		}
	});
	test("the shape of the body", async () => {
		const u = await born();
		invalid(await changesNothing(() => change(u, { currentPassword: undefined, newPassword: undefined })), "[body.newPassword] Invalid input: expected string, received undefined; [body.currentPassword] Invalid input: expected string, received undefined");
		for (const revokeOtherSessions of ["false", null, 0, [], {}]) { invalid(await changesNothing(() => change(u, { revokeOtherSessions }))); eq(await alive(u), true); }
	});
	test("who is not signed in, or comes from elsewhere, changes nothing", async () => {
		const u = await born(), body = { currentPassword: PASSWORD, newPassword: NEXT };
		fails(await changesNothing(() => s.post("/change-password", body)), 401, "UNAUTHORIZED"); fails(await changesNothing(() => s.post("/change-password", body, { cookie: s.withValue(s.sign("Z".repeat(32))) })), 401, "UNAUTHORIZED");
		fails(await changesNothing(() => change(u, {}, { cookie: u.cookie, origin: FOREIGN })), 403, "INVALID_ORIGIN");
		fails(await changesNothing(() => change(u, { email: u.email }, { cookie: undefined, bearer: undefined })), 401, "UNAUTHORIZED");
	});
	test("the same password again is a change like any other", async () => {
		const u = await born(), b = given(await change(u, { newPassword: PASSWORD }));
		eq(await alive(u), false); eq(await alive(b), true); eq(await signsIn(u, PASSWORD), true);
	});
	test("a user without a password", async () => {
		for (const take of [withoutPassword, withoutAccount]) {
			const u = await born(); take(s, u);
			fails(await changesNothing(() => change(u)), 400, "CREDENTIAL_ACCOUNT_NOT_FOUND", "Credential account not found"); fails(await changesNothing(() => change(u, { newPassword: "short" })), 400, "PASSWORD_TOO_SHORT"); eq(await alive(u), true);
		}
	});
	test("a user who was disabled: the session is gone; and one that somehow is not changes nothing", async () => {
		const u = await born(), v = await born();
		s.ctl("user", "disable", u.email);
		const res = await changesNothing(() => change(u));
		fails(res, 401, "UNAUTHORIZED"); clears(s, res);
		s.sql(`UPDATE latchkey_user SET disabledAt = ${s.time(s.now())} WHERE userId = '${v.id}'`);
		setsNothing(fails(await changesNothing(() => change(v)), 401, "UNAUTHORIZED"));
	});
	test("the ceiling of sessions is no hindrance", async () => {
		const c = await start({ workers: 1, set: { "session.max_per_user": "1", "session.at_max": "refuse" } });
		try {
			const u = await c.user(), b = c.browser(await c.post("/change-password", { currentPassword: PASSWORD, newPassword: NEXT }, { cookie: u.cookie }));
			eq(await c.alive(b.cookie), true); eq(await c.alive(u.cookie), false); fails(await c.signIn(u.email, { password: NEXT }), 403, "TOO_MANY_SESSIONS");
		} finally { await c.stop(); }
	});
});

both("verify-password", ({ s, as, me, alive, born, at, change, verify, changesNothing, leave }) => {
	test("makes the session fresh and leaves all else: id, cookie and ends", async () => {
		const u = await born(), other = await s.another(u), before = await me(other);
		at(u, HOUR);
		const res = await verify(u);
		same(ok(res), { status: true }); setsNothing(res); eq(res.headers["set-auth-token"], undefined);
		const { session } = await me(u);
		eq(Date.parse(session.authenticatedAt), u.t + HOUR, "authenticatedAt"); same({ ...session, authenticatedAt: u.first.authenticatedAt }, { ...u.first, lastSeenAt: session.lastSeenAt }); eq((await me(other)).session.authenticatedAt, before.session.authenticatedAt);
	});
	test("a stale session is fresh again, for as long as a new one", async () => {
		for (const [offset, status] of [[-SECOND, 200], [0, 403], [SECOND, 403]]) {
			const u = await born();
			at(u, FRESH); fails(await leave(u, {}), 403, "SESSION_NOT_FRESH");
			at(u, 3 * HOUR); ok(await verify(u)); const t = Date.parse((await me(u)).session.authenticatedAt);
			s.move(t + FRESH + offset - s.still); eq((await leave(u, {})).status, status);
		}
	});
	test("a wrong password, none, or one that is too long changes nothing", async () => {
		const u = await born(), again = (password) => changesNothing(() => verify(u, password));
		at(u, 5 * 60 * SECOND); // not yet to be noted as used
		for (const password of [WRONG, "", PASSWORD.toUpperCase(), `${PASSWORD} `, "x".repeat(128)]) setsNothing(fails(await again(password), 400, "INVALID_PASSWORD", "Invalid password"));
		fails(await again("x".repeat(129)), 400, "PASSWORD_TOO_LONG"); for (const p of [null, 1, [], {}]) invalid(await again(p)); invalid(await changesNothing(() => s.post("/verify-password", {}, as(u))), "[body.password] Invalid input: expected string, received undefined");
		eq((await me(u)).session.authenticatedAt, u.first.authenticatedAt);
	});
	test("the password of another, and no session", async () => {
		const u = await born(), other = await s.user({ password: NEXT });
		fails(await changesNothing(() => verify(u, NEXT)), 400, "INVALID_PASSWORD"); ok(await verify(other, NEXT)); fails(await changesNothing(() => s.post("/verify-password", { password: PASSWORD })), 401, "UNAUTHORIZED");
	});
	test("the old password after a change", async () => {
		const u = await born(); ok(await change(u, { revokeOtherSessions: false }));
		fails(await changesNothing(() => verify(u)), 400, "INVALID_PASSWORD"); ok(await verify(u, NEXT));
	});
	test("a user without a password", async () => {
		for (const take of [withoutPassword, withoutAccount]) { const u = await born(); take(s, u); fails(await changesNothing(() => verify(u)), 400, "CREDENTIAL_ACCOUNT_NOT_FOUND"); eq(await alive(u), true); }
	});
});

describe("a hash of a weaker kind", async () => {
	const OLD = /^\$scrypt\$ln=10,r=8,p=1\$/, NEW = /^\$scrypt\$ln=12,r=8,p=1\$/, w = await start({ workers: 9, set: { "password.scrypt": "10,8,1", "password.wait": "30s" } }), old = {};
	after(() => w.stop());
	for (const k of ["verified", "wrong", "changed", "kept", "left", "parallel", "mixed"]) old[k] = await w.user();
	await w.halt(); await w.launch({ "password.scrypt": "12,8,1" });
	const post = (u, p, json) => w.post(p, json, { cookie: u.cookie }), verify = (u, password = PASSWORD) => post(u, "/verify-password", { password });
	test("is renewed when the password was proven, and only then", async () => {
		fails(await verify(old.wrong, WRONG), 400, "INVALID_PASSWORD"); fails(await post(old.wrong, "/change-password", { currentPassword: WRONG, newPassword: NEXT }), 400, "INVALID_PASSWORD"); fails(await post(old.wrong, "/delete-user", { password: WRONG }), 400, "INVALID_PASSWORD"); assert.match(hash(w, old.wrong), OLD);
		ok(await verify(old.verified)); assert.match(hash(w, old.verified), NEW); const one = hash(w, old.verified);
		ok(await verify(old.verified)); eq(hash(w, old.verified), one, "and not again"); eq(await w.alive(old.verified.cookie), true); ok(await w.signIn(old.verified.email));
	});
	test("does not stand in the way of changing or leaving", async () => {
		ok(await post(old.changed, "/change-password", { currentPassword: PASSWORD, newPassword: NEXT })); ok(await post(old.kept, "/change-password", { currentPassword: PASSWORD, newPassword: NEXT, revokeOtherSessions: false }));
		for (const u of [old.changed, old.kept]) { assert.match(hash(w, u), NEW); fails(await w.signIn(u.email), 401); ok(await w.signIn(u.email, { password: NEXT })); }
		ok(await post(old.left, "/delete-user", { password: PASSWORD })); eq(countOf(w, old.left, "user"), 0);
	});
	test("who proves it at the same moment as others is believed like them", async () => {
		for (const r of await Promise.all(times(8, () => verify(old.parallel)))) same(ok(r), { status: true });
		for (const r of await Promise.all(times(8, (i) => (i % 2 ? verify(old.mixed) : w.signIn(old.mixed.email))))) ok(r);
		for (const u of [old.parallel, old.mixed]) assert.match(hash(w, u), NEW);
	});
});

both("delete-user", ({ s, as, me, alive, born, at, leave, verify, changesNothing, signsIn }) => {
	const done = (res) => { same(ok(res), { success: true, message: "User deleted" }); same(Object.keys(res.json), ["success", "message"]); clears(s, res); eq(res.headers["set-auth-token"], undefined); };
	const gone = (u) => { for (const t of TABLES) eq(countOf(s, u, t), 0, t); };
	test("of a fresh session: the user is gone with everything, nobody else is", async () => {
		const u = await born(), other = await s.another(u), stranger = await s.user(), untouched = rowsOf(s, stranger);
		resetOf(s, u); // a one-time token goes too
		for (const t of TABLES) assert.ok(countOf(s, u, t) > 0, t);
		done(await leave(u, {}));
		gone(u); for (const x of [u, other]) eq(await alive(x), false);
		eq(await signsIn(u, PASSWORD), false); eq(rowsOf(s, stranger), untouched); eq(await alive(stranger), true);
		const again = await s.post("/sign-up/email", { name: "Ann", email: u.email, password: PASSWORD }); assert.notEqual(ok(again).user.id, u.id);
	});
	test("a stale session alone is not enough; with the password it is", async () => {
		for (const [offset, fresh] of [[-SECOND, true], [0, false], [SECOND, false], [DAY - HOUR, false]]) {
			const u = await born(); at(u, FRESH + offset);
			if (fresh) { done(await leave(u, {})); gone(u); continue; }
			const before = countOf(s, u, "session");
			for (const body of [{}, { password: "" }, { token: "" }, { password: "", token: "" }, { callbackURL: "/bye" }]) fails(await leave(u, body), 403, "SESSION_NOT_FRESH", "Session is not fresh");
			eq(countOf(s, u, "user") + countOf(s, u, "account"), 2); eq(countOf(s, u, "session"), before); eq(await alive(u), true);
			done(await leave(u, { password: PASSWORD })); gone(u);
		}
	});
	test("an empty password or token is none", async () => {
		for (const body of [{ password: "" }, { token: "" }, { password: "", token: "" }]) { const u = await born(); done(await leave(u, body)); gone(u); }
	});
	test("a wrong password deletes nothing, however fresh the session", async () => {
		for (const ms of [0, 5 * 60 * SECOND, FRESH + SECOND]) {
			const u = await born(); at(u, ms); await me(u);
			for (const [password, code] of [[WRONG, "INVALID_PASSWORD"], [" ", "INVALID_PASSWORD"], ["x".repeat(129), "PASSWORD_TOO_LONG"]]) setsNothing(fails(await changesNothing(() => leave(u, { password })), 400, code));
			for (const password of [null, 1, true, [], {}]) invalid(await changesNothing(() => leave(u, { password })));
			eq(await alive(u), true);
		}
	});
	test("a token: none is given out yet, so none is known", async () => {
		for (const ms of [0, FRESH + SECOND]) {
			const u = await born(); at(u, ms); await me(u);
			for (const body of [{ token: "a".repeat(32) }, { token: "x", password: PASSWORD }, { token: u.token }]) setsNothing(fails(await changesNothing(() => leave(u, body)), 404, "INVALID_TOKEN", "Invalid token"));
			eq(await alive(u), true);
		}
	});
	test("without a body, or one that is no object", async () => {
		const u = await born();
		invalid(await changesNothing(() => leave(u, undefined))); for (const body of [[], null, 1, "x", true]) invalid(await changesNothing(() => leave(u, body)));
		fails(await changesNothing(() => s.post("/delete-user", {})), 401, "UNAUTHORIZED"); eq(await alive(u), true);
	});
	test("a user without a password leaves by a fresh session only", async () => {
		const u = await born(), v = await born(); withoutPassword(s, u); withoutAccount(s, v);
		for (const x of [u, v]) { fails(await changesNothing(() => leave(x, { password: PASSWORD })), 400, "CREDENTIAL_ACCOUNT_NOT_FOUND"); done(await leave(x, {})); gone(x); }
	});
	test("freshness is not what use makes: only the password counts", async () => {
		const u = await born();
		for (const h of [1, 1.5, 1.9]) { at(u, h * HOUR); await me(u); }
		at(u, FRESH + SECOND); fails(await leave(u, {}), 403, "SESSION_NOT_FRESH");
		at(u, DAY + SECOND); eq(s.browser(await s.get("/session", as(u))).value, u.value, "it was extended"); fails(await leave(u, {}), 403, "SESSION_NOT_FRESH"); ok(await verify(u)); done(await leave(u, {}));
	});
});
test("delete-user where it is switched off", async () => {
	const c = await start({ workers: 1, set: { "auth.delete_user": "off" } });
	try {
		const u = await c.user();
		for (const body of [{}, { password: PASSWORD }, { password: WRONG }]) setsNothing(fails(await c.post("/delete-user", body, { cookie: u.cookie }), 404, "NOT_FOUND"));
		eq(await c.alive(u.cookie), true); eq(countOf(c, u, "user"), 1); c.ctl("user", "delete", u.email); eq(countOf(c, u, "user"), 0);
	} finally { await c.stop(); }
});
test("delete-user with session.fresh_age 0: every session is fresh", async () => {
	const c = await start({ workers: 1, clock: "still", set: { "jobs.every": "0", "session.fresh_age": "0" } });
	try { const u = await c.user(); c.move(6 * DAY); ok(await c.post("/delete-user", {}, { cookie: u.cookie })); eq(countOf(c, u, "user"), 0); } finally { await c.stop(); }
});

both("update-user", ({ s, me, alive, born, at, update, given, changesNothing, signsIn }) => {
	const image = "https://example.org/a.png";
	test("name and picture, each alone and both; null takes the picture away", async () => {
		const u = await born(), shows = async (want) => { const { user } = await me(u); same({ name: user.name, image: user.image }, want); };
		for (const [body, want] of [[{ name: "Zo\u00eb \u{1f511}" }, { name: "Zo\u00eb \u{1f511}", image: null }], [{ image }, { name: "Zo\u00eb \u{1f511}", image }], [{ name: "B", image: null }, { name: "B", image: null }], [{ name: "C", image }, { name: "C", image }],
			[{ image: null }, { name: "C", image: null }], [{ image: null }, { name: "C", image: null }], [{ image: "" }, { name: "C", image: "" }], [{ name: "D" }, { name: "D", image: "" }], [{ name: "" }, { name: "", image: "" }], [{ name: "' OR 1=1 --\\" }, { name: "' OR 1=1 --\\", image: "" }]]) { same(ok(await update(u, body)), { status: true }); await shows(want); }
	});
	test("notes when; leaves what was not asked for, and other users", async () => {
		const u = await born(), stranger = await s.user(), untouched = rowsOf(s, stranger), others = () => s.sql(`SELECT * FROM session WHERE userId = '${u.id}'; SELECT * FROM account WHERE userId = '${u.id}'`), before = others();
		at(u, 5 * 60 * SECOND); ok(await update(u, { name: "B" }));
		const { user } = await me(u);
		eq(Date.parse(user.updatedAt), u.t + 300 * SECOND, "updatedAt"); same({ ...user, updatedAt: u.user.updatedAt }, { ...u.user, name: "B" }); eq(others(), before); eq(rowsOf(s, stranger), untouched); eq(await signsIn(u, PASSWORD), true);
	});
	test("the cookie is sent again, of its kind", async () => {
		for (const [rememberMe, age] of [[true, "604800"], [false, undefined]]) { const u = await born({ rememberMe }), b = given(await update(u, { name: "B" })); eq(b.value, u.value); eq(b.attrs["max-age"], age); eq((await me(b)).session.rememberMe, rememberMe); eq((await me(b)).session.expiresAt, u.first.expiresAt); }
	});
	test("nor does it outlive the session", async () => {
		const u = await born(); for (let d = 1; d <= 24; d++) { at(u, d * DAY + d * 60 * SECOND); await me(u); }
		at(u, 29 * DAY); const b = given(await update(u, { name: "B" }));
		assert.ok(Number(b.attrs["max-age"]) <= 86400 + 60, b.attrs["max-age"]);
	});
	test("nothing to update", async () => {
		const u = await born();
		for (const body of [{}, { role: "admin" }, { email: null }, { email: "" }, { email: false }]) setsNothing(nothing(await changesNothing(() => update(u, body))));
		invalid(await changesNothing(() => update(u, undefined))); for (const body of [[], null, 1, "x"]) invalid(await changesNothing(() => update(u, body)));
	});
	test("what is of the wrong kind or too long", async () => {
		const u = await born();
		for (const name of [null, 1, true, [], {}]) invalid(await changesNothing(() => update(u, { name }))); for (const x of [1, true, [], {}]) invalid(await changesNothing(() => update(u, { image: x, name: "B" })));
		const long = "[body.name] Too big: expected string to have <=255 characters";
		for (const name of ["x".repeat(256), "\u{1f511}".repeat(256), "x".repeat(10_000)]) setsNothing(invalid(await changesNothing(() => update(u, { name, image })), long));
		for (const name of ["x".repeat(255), "\u{1f511}".repeat(255)]) { ok(await update(u, { name })); eq((await me(u)).user.name, name); }
	});
	test("text that is no UTF-8", async () => {
		const u = await born(), raw = (bytes) => update(u, undefined, { body: Buffer.concat([Buffer.from('{"name":"'), Buffer.from(bytes), Buffer.from('"}')]), headers: { "content-type": "application/json" }, json: undefined });
		for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80]]) fails(await changesNothing(() => raw(bytes)), 400, "BAD_REQUEST", "Invalid JSON in request body");
		fails(await changesNothing(() => raw(Buffer.from("a\\u0000b"))), 400, "BAD_REQUEST"); ok(await raw([0xc3, 0xab])); eq((await me(u)).user.name, "\u00eb");
	});
	test("an e-mail address, whatever it is", async () => {
		const u = await born();
		for (const email of [newEmail(), u.email, "x", " ", 1, true, [], {}, [u.email], { a: 1 }]) for (const more of [{}, { name: "B" }, { image: null }]) setsNothing(fails(await changesNothing(() => update(u, { email, ...more })), 400, "EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated"));
	});
	test("unknown fields are never stored (S82)", async () => {
		const u = await born(), other = await s.user(), { name: _, updatedAt: __, ...before } = (await me(u)).user, untouched = rowsOf(s, other);
		ok(await update(u, { name: "B", id: "x".repeat(32), userId: other.id, emailVerified: true, createdAt: "2001-01-01T00:00:00.000Z", updatedAt: "2001-01-01T00:00:00.000Z", role: "admin", password: NEXT, disabledAt: null, token: other.token }));
		const { name, updatedAt, ...now } = (await me(u)).user;
		same(now, before); eq(name, "B"); assert.notEqual(updatedAt, "2001-01-01T00:00:00.000Z"); eq(rowsOf(s, other), untouched); eq(await signsIn(u, NEXT), false); eq(await alive(u), true);
	});
	test("without a session", async () => { fails(await changesNothing(() => s.post("/update-user", { name: "B" })), 401, "UNAUTHORIZED"); });
});

both("update-session", ({ s, me, born, updateSession, changesNothing }) => {
	test("there is nothing to update, whatever is sent, and nothing of it is stored", async () => {
		const u = await born();
		for (const body of [{}, { theme: "dark" }, { expiresAt: "2099-01-01T00:00:00.000Z", diesAt: "2099-01-01T00:00:00.000Z", rememberMe: false, authenticatedAt: "2099-01-01T00:00:00.000Z", userId: "x".repeat(32), token: "t".repeat(32), id: "i".repeat(32) }]) setsNothing(nothing(await changesNothing(() => updateSession(u, body))));
		same((await me(u)).session, u.first); for (const body of [undefined, [], null, 1, "x"]) invalid(await changesNothing(() => updateSession(u, body))); fails(await changesNothing(() => s.post("/update-session", {})), 401, "UNAUTHORIZED");
	});
});

both("list-accounts", ({ s, born, at, list, changesNothing }) => {
	test("exactly these keys, in this order; no secret", async () => {
		const u = await born(), res = await changesNothing(() => list(u)), [a] = ok(res);
		eq(res.json.length, 1); same(Object.keys(a), ["accountId", "providerId", "userId", "createdAt", "updatedAt", "id", "scopes"]); setsNothing(res);
		assert.match(a.id, ID); same(a, { accountId: u.id, providerId: "credential", userId: u.id, createdAt: u.user.createdAt, updatedAt: u.user.createdAt, id: a.id, scopes: [] });
	});
	test("others of the same user follow, with their scopes; those of other users do not", async () => {
		const u = await born(), stranger = await s.user(), add = (id, accountId, owner, scope, ms) => s.sql(`INSERT INTO account (id, accountId, providerId, userId, scope, accessToken, refreshToken, idToken, createdAt, updatedAt) VALUES ('${id}', '${accountId}', 'github', '${owner}', ${scope}, 'access-secret', 'refresh-secret', 'id-secret', ${s.time(u.t + ms)}, ${s.time(u.t + ms)})`);
		const ids = ["3", "2", "1", "0"].map((n) => `${n}${u.id.slice(1)}`);
		add(ids[0], "gh-3", u.id, "'repo,read:user'", SECOND); add(ids[1], "gh-1", u.id, "NULL", -HOUR); add(ids[2], "gh-2", u.id, "''", 2 * SECOND); add(ids[3], "gh-0", stranger.id, "'all'", 0);
		const res = await list(u), all = ok(res);
		same(all.map((a) => [a.accountId, a.scopes]), [["gh-1", []], [u.id, []], ["gh-3", ["repo", "read:user"]], ["gh-2", []]]);
		for (const a of all) same(Object.keys(a), ["accountId", "providerId", "userId", "createdAt", "updatedAt", "id", "scopes"]);
		eq(all[2].createdAt, new Date(u.t + SECOND).toISOString()); assert.ok(!/secret|scrypt|password/i.test(res.text)); eq(ok(await list(stranger)).length, 2);
	});
	test("a user without any, and nobody", async () => { const u = await born(); withoutAccount(s, u); same(ok(await list(u)), []); fails(await s.get("/list-accounts"), 401, "UNAUTHORIZED"); });
	test("reading slides the session like any other reading", async () => { const u = await born(); at(u, DAY + SECOND); const res = await list(u); eq(ok(res).length, 1); eq(res.setCookies[0].value, u.value); });
});

both("reset-password", ({ s, as, me, alive, born, at, change, signsIn, changesNothing }) => {
	const reset = (body, o = {}) => s.post(`/reset-password${o.query ?? ""}`, { newPassword: NEXT, ...body }, o), refused = async (body, o) => setsNothing(fails(await changesNothing(() => reset(body, o)), 400, "INVALID_TOKEN", "Invalid token"));
	test("sets the password, ends all sessions, and works once", async () => {
		const u = await born(), other = await s.another(u), stranger = await s.user(), untouched = rowsOf(s, stranger), began = Date.now(), given = resetOf(s, u);
		same(Object.keys(given), ["id", "email", "token", "expires"]); eq(given.id, u.id); eq(given.email, u.email); assert.match(given.token, ID); const end = Date.parse(given.expires) - HOUR; assert.ok(end >= began && end <= Date.now(), given.expires); eq(await alive(u), true, "giving it out ends nothing"); eq(await signsIn(u, PASSWORD), true);
		const res = await reset({ token: given.token }, as(u));
		same(ok(res), { status: true }); setsNothing(res); eq(countOf(s, u, "session"), 0); for (const x of [u, other]) eq(await alive(x), false);
		eq(countOf(s, u, "verification"), 0); await refused({ token: given.token }); await refused({ token: given.token, newPassword: THIRD });
		eq(await signsIn(u, PASSWORD), false); eq(await signsIn(u, NEXT), true); eq(rowsOf(s, stranger), untouched); eq(await alive(stranger), true);
	});
	test("a newer token makes the older one void, of this user and of no other", async () => {
		const u = await born(), v = await born(), [first, second, others] = [resetOf(s, u), resetOf(s, u), resetOf(s, v)];
		assert.notEqual(first.token, second.token); eq(countOf(s, u, "verification"), 1); await refused({ token: first.token });
		ok(await reset({ token: second.token })); eq(await signsIn(v, PASSWORD), true); ok(await reset({ token: others.token })); eq(await signsIn(v, NEXT), true);
	});
	test("a password that changed in another way makes it void", async () => {
		for (const another of [(u) => change(u, { newPassword: THIRD }).then(ok), (u) => change(u, { newPassword: THIRD, revokeOtherSessions: false }).then(ok), (u) => change(u, { newPassword: PASSWORD }).then(ok), (u) => setPassword(s, u, THIRD), (u) => withoutPassword(s, u), (u) => withoutAccount(s, u)]) {
			const u = await born(), { token } = resetOf(s, u); await another(u); await refused({ token });
			const next = resetOf(s, u); await refused({ token }); ok(await reset({ token: next.token })); eq(await signsIn(u, NEXT), true);
		}
	});
	test("what signs in, reads or changes a name does not", async () => {
		const u = await born(), { token } = resetOf(s, u); await me(u); eq(await signsIn(u, PASSWORD), true); eq(await signsIn(u, WRONG), false); ok(await s.post("/update-user", { name: "B" }, as(u))); ok(await s.post("/verify-password", { password: PASSWORD }, as(u))); ok(await reset({ token }));
	});
	for (const [name, offset, good] of [["a second before its end", -SECOND, true], ["at its end", 0, false], ["a second after its end", SECOND, false], ["a day later", DAY, false]]) test(`${name}`, async () => {
		const u = await born(), { token, expires } = resetOf(s, u); s.move(Date.parse(expires) + offset - s.still);
		if (good) { ok(await reset({ token })); eq(await signsIn(u, NEXT), true); } else { await refused({ token }); eq(await signsIn(u, PASSWORD), true); eq(await alive(u), true); }
	});
	test("the token may stand in the query; the body's goes first", async () => {
		const [u, v, x] = [await born(), await born(), await born()], [a, b, c] = [u, v, x].map((y) => resetOf(s, y).token);
		ok(await reset({}, { query: `?token=${a}` })); eq(await signsIn(u, NEXT), true);
		await refused({ token: "Q".repeat(32) }, { query: `?token=${b}` }); ok(await reset({ token: b }, { query: `?token=${c}` })); eq(await signsIn(v, NEXT), true); eq(await signsIn(x, PASSWORD), true);
		ok(await reset({ token: "" }, { query: `?token=${c}` })); eq(await signsIn(x, NEXT), true); await refused({}, { query: `?token=${c}` }); await refused({}, { query: "?token=" });
	});
	test("wrong tokens of all kinds are one answer", async () => {
		const u = await born(), { token } = resetOf(s, u), [id, identifier, value] = s.sql(`SELECT id, identifier, value FROM verification WHERE value LIKE '${u.id}%'`).split("|"), digest = createHash("sha256").update(token).digest("hex");
		eq(identifier, `reset-password:${digest}`);
		const flipped = token.replace(/[a-z]/i, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));
		for (const wrong of [undefined, "", " ", "x", "a".repeat(31), "a".repeat(32), "a".repeat(33), "%".repeat(32), "a".repeat(10_000), `${token} `, ` ${token}`, `${token}a`, token.slice(1), flipped, token.split("").reverse().join(""), s.sign(token), decodeURIComponent(s.sign(token)), u.token, u.first.id, u.id, id, identifier, value, digest, digest.slice(0, 32), "' OR '1'='1", `reset-password:${token}`]) await refused({ token: wrong });
		for (const wrong of [null, 1, true, [], {}, [token]]) invalid(await changesNothing(() => reset({ token: wrong })));
		await refused({ newPassword: "short" }); for (const t of [token, "a".repeat(32)]) fails(await changesNothing(() => reset({ token: t, newPassword: "short" })), 400, "PASSWORD_TOO_SHORT"); // which tells nothing of the token
		eq(await alive(u), true); ok(await reset({ token }));
	});
	test("what is refused for another reason does not use it up", async () => {
		const u = await born(), { token } = resetOf(s, u);
		for (const [newPassword, code] of [["1234567", "PASSWORD_TOO_SHORT"], ["", "PASSWORD_TOO_SHORT"], ["x".repeat(129), "PASSWORD_TOO_LONG"], [undefined, "VALIDATION_ERROR"], [null, "VALIDATION_ERROR"]]) fails(await changesNothing(() => reset({ token, newPassword })), 400, code);
		fails(await changesNothing(() => reset({ token }, { origin: FOREIGN, cookie: u.cookie })), 403, "INVALID_ORIGIN"); ok(await reset({ token }));
	});
	test("a session is neither needed nor made, nor is that of another user ended", async () => {
		const u = await born(), v = await born(), { token } = resetOf(s, u), res = await reset({ token }, as(v));
		ok(res); setsNothing(res); eq(await alive(v), true); eq(await alive(u), false); eq(countOf(s, u, "session"), 0);
	});
	test("a disabled user stays disabled", async () => {
		const u = await born(), { token: before } = resetOf(s, u); s.ctl("user", "disable", u.email);
		await refused({ token: before }); const { token } = resetOf(s, u); ok(await reset({ token })); eq(await signsIn(u, NEXT), false); eq(await signsIn(u, PASSWORD), false); eq(countOf(s, u, "session"), 0);
		const next = resetOf(s, u); ok(await reset({ token: next.token, newPassword: THIRD })); eq(await signsIn(u, THIRD), false); s.ctl("user", "enable", u.email); eq(await signsIn(u, THIRD), true);
	});
	test("a user who is gone: nothing is left, and nothing comes back", async () => {
		for (const leave of [(u) => s.ctl("user", "delete", u.email), (u) => s.post("/delete-user", {}, as(u)).then(ok), (u) => s.sql(`DELETE FROM session WHERE userId = '${u.id}'; DELETE FROM account WHERE userId = '${u.id}'; DELETE FROM user WHERE id = '${u.id}'`)]) { const u = await born(), { token } = resetOf(s, u); await leave(u); await refused({ token }); for (const t of ["user", "session", "account"]) eq(countOf(s, u, t), 0, t); }
	});
	test("a user without a password gets one", async () => {
		for (const take of [withoutPassword, withoutAccount]) { const u = await born(); take(s, u); ok(await reset({ token: resetOf(s, u).token })); eq(await signsIn(u, NEXT), true); eq(countOf(s, u, "account"), 1); }
	});
	test("the store, its files and the log hold no token in the clear", async () => {
		const u = await born(), { token } = resetOf(s, u), other = resetOf(s, await s.user()).token;
		await s.get(`/session?token=${token}`); await s.get(`/reset-password?token=${token}`); await refused({}, { query: `?token=${token}x` }); ok(await reset({}, { query: `?token=${other}` }));
		const bytes = [dump(s), s.log(), ...fs.readdirSync(s.dir, { recursive: true }).map((f) => path.join(s.dir, String(f))).filter((f) => fs.statSync(f).isFile()).map((f) => fs.readFileSync(f))];
		assert.ok(dump(s).includes(createHash("sha256").update(token).digest("hex")));
		for (const t of [token, other]) for (const spelt of [t, Buffer.from(t).toString("hex"), Buffer.from(t).toString("base64").replace(/=*$/, "")]) for (const b of bytes) assert.ok(!b.includes(spelt), spelt);
		for (const p of [NEXT, THIRD, PASSWORD, WRONG]) for (const b of bytes) assert.ok(!b.includes(p), p);
		at(u, 0); ok(await reset({ token }));
	});
});

both("any password", ({ s, as, born, change, signsIn }) => {
	/** Each way to set one, for a user of its own. */
	const ways = { "sign-up": async (password) => { const email = newEmail(), res = await s.post("/sign-up/email", { name: "A", email, password }); return { email, res }; }, change: async (newPassword) => { const u = await born(); return { ...u, res: await change(u, { newPassword }) }; }, reset: async (newPassword) => { const u = await born(); return { ...u, res: await s.post("/reset-password", { newPassword, token: resetOf(s, u).token }) }; } };
	for (const [name, way] of Object.entries(ways)) {
		test(`8 to 128 characters at ${name} (S48)`, async () => {
			for (const n of [0, 1, 7, 8, 9, 64, 72, 127, 128, 129, 1024, 1025, 60_000]) {
				const password = "p".repeat(n), u = await way(password);
				if (n >= 8 && n <= 128) { ok(u.res); eq(await signsIn(u, password), true); if (n < 128) eq(await signsIn(u, `${password}p`), false); eq(await signsIn(u, password.slice(1)), false); continue; }
				fails(u.res, 400, name === "sign-up" && n === 0 ? "VALIDATION_ERROR" : n < 8 ? "PASSWORD_TOO_SHORT" : "PASSWORD_TOO_LONG");
				if (n > 128) fails(await s.signIn(u.email, { password }), 400, "PASSWORD_TOO_LONG");
			}
		});
		test(`is compared as it came, in one Unicode form, set by ${name} (S49)`, async () => {
			const a = "a".repeat(72);
			for (const [password, ...others] of [[`${a}b`, `${a}c`, a], [" blanks count ", "blanks count", " blanks count", "blanks count "], ["Correct-Horse", "correct-horse", "CORRECT-HORSE"], ["caf\u00e9-noir", "cafe-noir", "caf\u00e8-noir"], ["tab\tand\nline\r\n", "tab\tand\nline\n", "tab\tand\nline"], ["%41%42%43%44", "ABCD%44", "ABCD"], ["\u{1f511}\u{1f511}\u{1f511}\u{1f511}", "\u{1f512}\u{1f512}\u{1f512}\u{1f512}"]]) {
				const u = await way(password); ok(u.res); eq(await signsIn(u, password), true, password); for (const other of others) eq(await signsIn(u, other), false, other);
			}
			for (const [password, ...same] of [["caf\u00e9-noir", "cafe\u0301-noir"], ["cafe\u0301-noir", "caf\u00e9-noir"], ["\uff50\uff41\uff53\uff53word", "password"]]) { const u = await way(password); for (const spelt of same) eq(await signsIn(u, spelt), true, spelt); } // typed on another system
			const u = await way("pass\0word"); fails(u.res, 400, "BAD_REQUEST"); // none is cut at a NUL
		});
	}
});

both("what an administrator does meanwhile", ({ s, as, alive, born }) => {
	const ctl = (input, ...args) => new Promise((resolve, reject) => feed(execFile(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, ...args], { env: cleanEnv() }, (e, _, err) => (e ? reject(new Error(err)) : resolve())), input));
	for (const verb of ["disable", "delete", "set-password"]) test(`user ${verb}: from then on every answer is 401, at every device (S13, S14)`, async () => {
		const u = await born(), devices = [u, await s.another(u), await s.another(u, { rememberMe: false })], stranger = await s.user(); let over = false;
		const poll = async (b) => { const seen = []; for (let last = false; !last;) { last = over; seen.push([last, (await s.get("/sessions", as(b))).status]); } return seen; };
		for (const b of devices) eq((await s.get("/sessions", as(b))).status, 200);
		const polls = devices.map(poll); await ctl(`${NEXT}\n`, "user", verb, u.email); over = true;
		for (const seen of await Promise.all(polls)) { eq(seen.at(-1)[1], 401); same(seen.map((x) => x[1]), seen.map((x) => x[1]).toSorted((a, b) => a - b), "and never again"); }
		eq(await alive(stranger), true); eq(countOf(s, u, "session"), 0); eq(countOf(s, u, "account"), verb === "delete" ? 0 : 1); eq(countOf(s, u, "latchkey_user"), verb === "delete" ? 0 : 1);
	});
});
