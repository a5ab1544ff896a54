// The audit log (S112, S113): every event of events.def and every reason of reasons.def, in the database, in audit.file and
// by latchkeyctl; what is told and what never is. What goes to syslog is tested by tests/unit/test_audit.c.
import { after, describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { BUILD, DAY, FOREIGN, ID, MINUTE, PASSWORD, ROOT, SECOND, assert, cleanEnv, clears, eq, fails, newDir, newEmail, ok, same, setsNothing, start, times, until } from "./server.mjs";
import { startMailing } from "./mailbox.mjs";

const def = (file, re) => [...fs.readFileSync(path.join(ROOT, "include/auth", file), "utf8").matchAll(re)];
const EVENTS = new Map(def("events.def", /^EVENT\(\w+,\s*"([a-z-]+)",\s*(true|false),/gm).map((m) => [m[1], { stored: m[2] === "true" }]));
const REASONS = def("reasons.def", /^REASON\(\w+,\s*"([a-z-]+)",/gm).map((m) => m[1]);
const ADMIN = `administrator ${(process.getuid() === 0 && process.env.SUDO_USER) || os.userInfo().username}`;
const TRUSTED = "https://app.example.org", WRONG = "wrong-password-7", NEW = "another-horse-2", IP = "203.0.113.7", AGENT = "Fox/1.0 (of the tests)", KEPT = 2 * DAY;
const FROM = { remote: IP, headers: { "user-agent": AGENT } };
const HEADER = "latchkey-session-ended";
/** All that must never be written down, however it came in or went out. */
const secrets = new Set([PASSWORD, WRONG, NEW]), outputs = [];

// --- the log's three places
const dirs = [], auditDir = () => { dirs.push(newDir("audit")); return dirs.at(-1); }, auditFile = () => path.join(auditDir(), "audit.log");
process.on("exit", () => { for (const d of dirs) fs.rmSync(d, { recursive: true, force: true }); });
const fileOf = (s) => /^file = (.*audit\.log)$/m.exec(fs.readFileSync(s.conf, "utf8"))[1];
const lines = (s) => fs.readFileSync(fileOf(s), "utf8").split("\n").slice(0, -1).map((l) => JSON.parse(l));
const COLUMNS = { event: "event", actor: "actor", userId: "userId", email: "email", sessionId: "sessionId", reason: "reason", ipAddress: "ipAddress", userAgent: "userAgent", requestId: "requestId" };
/** Rows as the same objects as in the file: what is NULL or empty is left out. */
function rows(s, after = 0) {
	const out = s.sql(`SELECT id, at, ${Object.values(COLUMNS).map((c) => `HEX(${c})`).join(", ")} FROM latchkey_audit WHERE id > ${after} ORDER BY id`);
	return out.split("\n").filter(Boolean).map((l) => {
		const [, at, ...v] = l.split("|");
		return Object.fromEntries([["at", at], ...Object.keys(COLUMNS).map((k, i) => [k, Buffer.from(v[i], "hex").toString("utf8")]).filter(([, x]) => x !== "")]);
	});
}
const last = (s) => Number(s.sql("SELECT COALESCE(MAX(id), 0) FROM latchkey_audit"));
/** In any order: what one statement writes for many sessions has none. */
const sorted = (list) => list.map((e) => JSON.stringify(Object.fromEntries(Object.entries(e).sort()))).sort().map((x) => JSON.parse(x));

function ctl(s, args, input = "") {
	const out = execFileSync(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, ...args], { encoding: "utf8", input, stdio: "pipe", env: cleanEnv() });
	outputs.push(out);
	return out;
}
const note = (b) => { for (const v of [b.token, b.value, decodeURIComponent(b.value)]) secrets.add(v); return b; };
const user = async (s, extra, o) => { const u = note(await s.user(extra, { ...FROM, ...o })); u.sid = await s.sessionId(u); return u; };
const another = async (s, u, o) => { const b = note(await s.another(u, {}, { ...FROM, ...o })); b.sid = await s.sessionId(b); return b; };
async function with_(set, f, o) {
	const s = await start({ workers: 2, set: { "audit.file": auditFile(), ...set }, ...o });
	try { return await f(s); } finally { secrets.add(s.secret()); await s.stop(); }
}

/** A line follows the answer; waits until the file has all that the database has. */
async function quiet(s) {
	const stored = () => lines(s).filter((e) => EVENTS.get(e.event).stored).length, n = Number(s.sql("SELECT COUNT(*) FROM latchkey_audit"));
	await until(() => stored() >= n, 5000, 2);
	eq(stored(), n, "as many lines as rows");
}
/** Runs f; then the log tells exactly these events more, in the file and, those that belong there, in the database. */
async function told(s, f, want, { erased = false } = {}) {
	await quiet(s);
	const n = lines(s).length, id = last(s), began = s.now(), got = await f(), list = typeof want === "function" ? await want(got) : want;
	await until(() => lines(s).length >= n + list.length, 5000, 2); await quiet(s);
	const inFile = lines(s).slice(n), log = s.log();
	same(sorted(inFile.map(({ at: _, requestId: __, ...e }) => e)), sorted(list));
	if (!erased) same(sorted(rows(s, id)), sorted(inFile.filter((e) => EVENTS.get(e.event).stored)));
	for (const e of inFile) {
		assert.match(e.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/); assert.ok(Date.parse(e.at) >= began - SECOND && Date.parse(e.at) <= s.now() + SECOND, e.at);
		eq("requestId" in e, "ipAddress" in e, "requests have one, latchkeyctl has none");
		if (e.requestId) { assert.match(e.requestId, /^[A-Za-z0-9]{12}$/); assert.ok(log.includes(` [${e.requestId}] `), "and the log has its line"); }
		seen.add(e.event);
	}
	return got;
}
const seen = new Set();
const visitor = (event, e) => ({ event, actor: "visitor", ipAddress: IP, userAgent: AGENT, ...e });
const signedIn = (event, e) => ({ event, actor: "user", ipAddress: IP, userAgent: AGENT, ...e });
const admin = (event, e) => ({ event, actor: ADMIN, ...e });
const ended = (b, reason, e = {}) => ({ event: "session-ended", userId: b.id ?? b.of, sessionId: b.sid, reason, ...e });

const s = await startMailing({ "audit.file": auditFile(), "auth.mode": "bearer", "auth.delete_user": "on", "auth.trusted_origins": TRUSTED,
	"session.max_per_user": "3", "audit.reason_kept": "2d", "jobs.every": "0" }, { clock: true });
/** The token of the newest mail to an address; it is a secret like any other. */
const mailed = (email, server = s) => { const token = server.tokenOf(email); secrets.add(token); return token; };
after(() => s.stop());
const as = (b, o = {}) => ({ ...FROM, cookie: b.cookie, ...o });

// --- events
const CASES = {
	"configured": async () => {
		same(lines(s).slice(0, 1).map(({ at: _, ...e }) => e), [{ event: "configured", actor: "system" }]);
		same(rows(s).slice(0, 1), lines(s).slice(0, 1));
		await told(s, async () => { const n = lines(s).length; process.kill(s.master(), "SIGHUP"); assert.ok(await until(() => lines(s).length > n)); await s.ready(); }, [{ event: "configured", actor: "system" }]);
	},
	"sign-up": () => told(s, () => user(s), (u) => [visitor("sign-up", { userId: u.id, email: u.email, sessionId: u.sid })]),
	"sign-up-refused": async () => {
		const u = await user(s);
		await told(s, () => s.post("/sign-up/email", { name: "A", email: u.email.toUpperCase(), password: PASSWORD }, FROM), [visitor("sign-up-refused", { email: u.email, reason: "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL" })]);
	},
	"sign-in": async () => {
		const u = await user(s);
		await told(s, () => another(s, u), (b) => [visitor("sign-in", { userId: u.id, sessionId: b.sid })]);
	},
	"sign-in-refused": async () => {
		const u = await user(s), gone = await user(s), email = newEmail();
		ctl(s, ["user", "disable", gone.email]);
		await told(s, async () => fails(await s.signIn(email, {}, FROM), 401), [visitor("sign-in-refused", { email, reason: "unknown-user" })]);
		await told(s, async () => fails(await s.signIn(u.email, { password: WRONG }, FROM), 401), [visitor("sign-in-refused", { userId: u.id, email: u.email, reason: "wrong-password" })]);
		await told(s, async () => fails(await s.signIn(gone.email, {}, FROM), 401), [visitor("sign-in-refused", { userId: gone.id, email: gone.email, reason: "disabled" })]);
	},
	"session-ended": async () => { // its reasons follow below
		const u = await user(s);
		await told(s, async () => ok(await s.post("/sign-out", {}, as(u))), [ended(u, "signed-out", signedIn("session-ended"))]);
	},
	"everybody-ended": () => told(s, () => ctl(s, ["session", "revoke-all", "--everybody"]), [admin("everybody-ended", { reason: "administrator" })]),
	"re-authenticated": async () => {
		const u = await user(s);
		await told(s, async () => ok(await s.post("/verify-password", { password: PASSWORD }, as(u))), [signedIn("re-authenticated", { userId: u.id, sessionId: u.sid })]);
	},
	"password-refused": async () => {
		const u = await user(s);
		await told(s, async () => fails(await s.post("/verify-password", { password: WRONG }, as(u)), 400), [signedIn("password-refused", { userId: u.id, sessionId: u.sid, reason: "wrong-password" })]);
	},
	"password-changed": async () => {
		const u = await user(s), b = await user(s);
		await told(s, async () => ok(await s.post("/change-password", { currentPassword: PASSWORD, newPassword: NEW, revokeOtherSessions: false }, as(u))), [signedIn("password-changed", { userId: u.id, sessionId: u.sid })]);
		await told(s, async () => note(s.browser(await s.post("/change-password", { currentPassword: NEW, newPassword: PASSWORD }, as(u)))), [signedIn("password-changed", { userId: u.id, sessionId: u.sid }), ended(u, "password-changed", signedIn("session-ended"))]);
		await told(s, () => ctl(s, ["user", "set-password", b.email], `${NEW}\n`), [admin("password-changed", { userId: b.id }), ended(b, "password-changed", admin("session-ended"))]);
	},
	"reset-offered": async () => { const u = await user(s); await told(s, () => offer(u), [admin("reset-offered", { userId: u.id })]); },
	"password-reset": async () => {
		const u = await user(s), token = offer(u);
		await told(s, async () => ok(await s.post("/reset-password", { newPassword: NEW, token }, FROM)), [visitor("password-reset", { userId: u.id }), ended(u, "password-changed", visitor("session-ended"))]);
	},
	"reset-requested": async () => {
		const u = await user(s), gone = await user(s), email = newEmail(), ask = (to) => s.post("/request-password-reset", { email: to }, FROM);
		ctl(s, ["user", "disable", gone.email]);
		await told(s, async () => ok(await ask(u.email)), [visitor("reset-requested", { userId: u.id, email: u.email })]); mailed(u.email);
		await told(s, async () => ok(await ask(email)), [visitor("reset-requested", { email, reason: "unknown-user" })]);
		await told(s, async () => ok(await ask(gone.email)), [visitor("reset-requested", { userId: gone.id, email: gone.email, reason: "disabled" })]);
	},
	"verify-requested": async () => {
		const u = await user(s), first = mailed(u.email), email = newEmail(), ask = (to, o = FROM) => s.post("/send-verification-email", { email: to }, o);
		await told(s, async () => ok(await ask(u.email, as(u))), [signedIn("verify-requested", { userId: u.id, email: u.email })]);
		await told(s, async () => ok(await ask(email)), [visitor("verify-requested", { email, reason: "unknown-user" })]);
		fails(await s.get(`/verify-email?token=${first}`), 401, "INVALID_TOKEN"); ok(await s.get(`/verify-email?token=${mailed(u.email)}`));
		await told(s, async () => ok(await ask(u.email)), [visitor("verify-requested", { userId: u.id, email: u.email, reason: "verified-already" })]);
	},
	"email-verified": async () => {
		const u = await user(s), token = mailed(u.email), follow = async () => ok(await s.get(`/verify-email?token=${token}`, FROM));
		await told(s, follow, [visitor("email-verified", { userId: u.id, email: u.email })]); await told(s, follow, []);
	},
	"email-change-requested": async () => {
		const u = await user(s), email = newEmail();
		await told(s, async () => ok(await s.post("/change-email", { newEmail: email }, as(u))), [signedIn("email-change-requested", { userId: u.id, sessionId: u.sid, email })]); mailed(email);
	},
	"email-changed": async () => {
		const u = await user(s), email = newEmail(); ok(await s.post("/change-email", { newEmail: email }, as(u)));
		const token = mailed(email), follow = async () => ok(await s.get(`/verify-email?token=${token}`, FROM));
		await told(s, follow, [visitor("email-changed", { userId: u.id, email })]); await told(s, follow, []);
	},
	"not-me": async () => {
		const u = await user(s); mailed(u.email);
		const b = await another(s, u, { remote: "198.51.100.9" }), token = mailed(u.email);
		await told(s, async () => ok(await s.post("/not-me", { token }, FROM)), [visitor("not-me", { userId: u.id, sessionId: b.sid }), ended({ ...b, of: u.id }, "not-me", visitor("session-ended"))]);
	},
	"delete-requested": async () => {
		const t = await startMailing({ "audit.file": auditFile(), "auth.delete_user": "mail", "jobs.every": "0" });
		try {
			const u = await user(t); mailed(u.email, t);
			await told(t, async () => ok(await t.post("/delete-user", {}, as(u))), [signedIn("delete-requested", { userId: u.id, sessionId: u.sid })]);
			const token = mailed(u.email, t);
			await told(t, async () => ok(await t.post("/delete-user", { token }, as(u))), [signedIn("user-deleted", { userId: u.id, sessionId: u.sid }), ended(u, "deleted", signedIn("session-ended"))]);
		} finally { secrets.add(t.secret()); await t.stop(); }
	},
	"mail-failed": async () => {
		const t = await startMailing({ "audit.file": auditFile(), "mail.transport": "sendmail", "mail.sendmail": "/bin/false", "jobs.every": "0" });
		try {
			const u = await user(t), send = () => assert.throws(() => t.ctl("mail", "send"), "it says that something is left"); send();
			t.sql(`UPDATE latchkey_mail SET expiresAt = ${t.time(Date.now() - SECOND)}`);
			await told(t, send, [{ event: "mail-failed", actor: "system", email: u.email, reason: "verify-email" }]);
		} finally { secrets.add(t.secret()); await t.stop(); }
	},
	"user-added": async () => {
		const email = newEmail();
		await told(s, () => ctl(s, ["user", "add", email], `${PASSWORD}\n`), () => [admin("user-added", { userId: s.sql(`SELECT id FROM user WHERE email = '${email}'`), email })]);
		await assert.rejects(async () => ctl(s, ["user", "add", email], `${PASSWORD}\n`)); // as a sign-up that is refused
	},
	"user-updated": async () => { const u = await user(s); await told(s, async () => ok(await s.post("/update-user", { name: "B" }, as(u))), [signedIn("user-updated", { userId: u.id, sessionId: u.sid })]); },
	"user-disabled": async () => { const u = await user(s); await told(s, () => ctl(s, ["user", "disable", u.email]), [admin("user-disabled", { userId: u.id }), ended(u, "disabled", admin("session-ended"))]); },
	"user-enabled": async () => { const u = await user(s); ctl(s, ["user", "disable", u.id]); await told(s, () => ctl(s, ["user", "enable", u.email]), [admin("user-enabled", { userId: u.id })]); },
	"user-deleted": async () => {
		const u = await user(s), b = await another(s, u), c = await user(s);
		await told(s, async () => ok(await s.post("/delete-user", { password: PASSWORD }, as(u))), [signedIn("user-deleted", { userId: u.id, sessionId: u.sid }), ...[u.sid, b.sid].map((sessionId) => signedIn("session-ended", { userId: u.id, sessionId, reason: "deleted" }))]);
		await told(s, () => ctl(s, ["user", "delete", c.email]), [admin("user-deleted", { userId: c.id }), ended(c, "deleted", admin("session-ended"))]);
	},
	"user-exported": async () => { const u = await user(s); await told(s, () => ctl(s, ["user", "export", u.email]), [admin("user-exported", { userId: u.id })]); },
	"user-erased": async () => {
		const u = await user(s), id = last(s);
		await told(s, () => ctl(s, ["user", "erase", u.email]), [admin("user-erased"), ended(u, "deleted", admin("session-ended"))], { erased: true });
		same(rows(s, id).map(({ at: _, ...e }) => e), [{ event: "session-ended", actor: ADMIN, userId: "erased", sessionId: u.sid, reason: "deleted" }, { event: "user-erased", actor: ADMIN }]);
		eq(s.sql(`SELECT COUNT(*) FROM latchkey_audit WHERE userId = '${u.id}' OR email = '${u.email}'`), "0");
	},
	"group-added": async () => {
		const u = await user(s), v = await user(s), add = () => ctl(s, ["group", "add", "staff", u.email, v.email]);
		ctl(s, ["group", "add", "staff", v.id]);
		await told(s, add, [admin("group-added", { userId: u.id, reason: "staff" })]); await told(s, add, []);
	},
	"group-removed": async () => {
		const u = await user(s), v = await user(s), remove = () => ctl(s, ["group", "remove", "staff", u.email]);
		ctl(s, ["group", "add", "staff", u.id, v.id]);
		await told(s, remove, [admin("group-removed", { userId: u.id, reason: "staff" })]); await told(s, remove, []);
	},
	"limit-reached": () => with_({ "limits.account": "2", "limits.known_device": "0" }, async (t) => {
		const u = await user(t), refused = visitor("sign-in-refused", { userId: u.id, email: u.email, reason: "wrong-password" }), wrong = async (status) => fails(await t.signIn(u.email, { password: WRONG }, FROM), status);
		await told(t, () => wrong(401), [refused]);
		await told(t, () => wrong(401), [visitor("limit-reached", { userId: u.id, reason: "sign-in account" }), refused]);
		await told(t, () => wrong(429), []); // or strangers could fill the log
	}),
	"limit-cleared": async () => {
		const u = await user(s);
		await told(s, () => ctl(s, ["limit", "clear", "--user", u.email]), [admin("limit-cleared", { userId: u.id, reason: "user" })]);
		await told(s, () => ctl(s, ["limit", "clear", "--address", IP]), [admin("limit-cleared", { reason: "address" })]);
		await told(s, () => ctl(s, ["limit", "clear", "--everybody"]), [admin("limit-cleared", { reason: "everybody" })]);
	},
	"request-refused": async () => {
		const u = await user(s);
		await told(s, async () => fails(await s.post("/sign-out", {}, as(u, { origin: FOREIGN })), 403, "INVALID_ORIGIN"), [visitor("request-refused", { reason: "INVALID_ORIGIN" })]);
		await told(s, async () => fails(await s.post("/sign-out", {}, as(u, { origin: null })), 403, "MISSING_OR_NULL_ORIGIN"), [visitor("request-refused", { reason: "MISSING_OR_NULL_ORIGIN" })]);
	},
	"secret-added": () => { secrets.add(s.secret()); return told(s, () => ctl(s, ["secret", "new"]), [admin("secret-added")]); },
	"jwt-key-added": () => told(s, () => ctl(s, ["--json", "jwt", "new-key"]), (out) => [admin("jwt-key-added", { reason: JSON.parse(out).kid })]),
	"jwt-key-deleted": async () => {
		const { kid } = JSON.parse(ctl(s, ["--json", "jwt", "new-key"]));
		ctl(s, ["jwt", "new-key"]); // one that signs cannot be taken back
		await told(s, () => ctl(s, ["jwt", "delete-key", kid]), [admin("jwt-key-deleted", { reason: kid })]);
	},
};
function offer(u) {
	const token = /^token +(\S+)$/m.exec(s.ctl("user", "reset", u.email))[1];
	assert.match(token, ID); secrets.add(token);
	return token;
}
describe("every event, and nothing else", () => {
	assert.ok(EVENTS.size > 20 && REASONS.length > 8);
	for (const word of new Set([...EVENTS.keys(), ...Object.keys(CASES)])) test(word, async () => {
		assert.ok(EVENTS.has(word), "it is in the catalogue"); assert.ok(CASES[word], "it has a case");
		await CASES[word]();
		assert.ok(seen.has(word), "it was told");
	});
	test("reading, and what is refused for its form, is none", async () => {
		const u = await user(s);
		await told(s, async () => {
			for (const p of ["/session", "/sessions", "/list-accounts", "/ok", "/nope", "/session?disableRefresh=1"]) await s.get(p, as(u));
			for (const body of [{ email: "no address", password: PASSWORD }, { email: u.email }, { email: u.email, password: "x".repeat(200) }]) fails(await s.post("/sign-in/email", body, FROM), 400);
			fails(await s.post("/sign-up/email", { name: "A", email: newEmail(), password: "short" }, FROM), 400);
			fails(await s.del(`/sessions/${"A".repeat(32)}`, as(u)), 404); fails(await s.del(`/sessions/${u.token}`, as(u)), 404);
			ok(await s.post("/sign-out", {}, FROM)); ok(await s.post("/sign-out", {}, as({ cookie: s.withValue(s.sign("A".repeat(32))) })));
			fails(await s.post("/reset-password", { newPassword: NEW, token: "A".repeat(32) }, FROM), 400); eq((await s.post("/update-user", {}, as(u))).status, 400);
			for (const args of [["audit"], ["user", "list"], ["session", "list"], ["limit", "list"], ["group", "list"], ["group", "of", u.email], ["status"], ["sweep"], ["check"]]) ctl(s, args);
		}, []);
	});
});

// --- why a session ended. Each gives what happens to the browser b of user u, who has another one, o.
const ENDINGS = {
	"signed-out": [["by signing out", (u, b) => s.post("/sign-out", {}, as(b)), "user"]],
	"replaced": [["by signing in anew", (u, b) => another(s, u, { cookie: b.cookie }), "visitor"], ["by signing up", (u, b) => user(s, {}, { cookie: b.cookie }), "visitor"]],
	"revoked": [["by id", (u, b, o) => s.del(`/sessions/${b.sid}`, as(o)), "user"], ["by /revoke-session", (u, b, o) => s.post("/revoke-session", { token: b.sid }, as(o)), "user"],
		["with all others", (u, b, o) => s.post("/revoke-other-sessions", {}, as(o)), "user"], ["with all", (u, b, o) => s.post("/revoke-sessions", {}, as(o)), "user"]],
	"too-many": [["by a fourth sign-in", async (u, b, o) => { await s.get("/session", as(o)); await another(s, u); await another(s, u); }, "visitor"]],
	"password-changed": [["by its change", (u, b, o) => s.post("/change-password", { currentPassword: PASSWORD, newPassword: NEW, revokeOtherSessions: true }, as(o)), "user"],
		["by a reset", (u) => s.post("/reset-password", { newPassword: NEW, token: offer(u) }, FROM), "visitor"], ["by an administrator", (u) => ctl(s, ["user", "set-password", u.email], `${NEW}\n`), ADMIN]],
	"not-me": [["by the link in the mail of a new device", async (u, b) => { mailed(u.email); const c = await another(s, u, { remote: "198.51.100.77" }); Object.assign(b, c); return s.post("/not-me", { token: mailed(u.email) }, FROM); }, "visitor"]],
	"disabled": [["by an administrator", (u) => ctl(s, ["user", "disable", u.email]), ADMIN]],
	"deleted": [["by the user", (u, b, o) => s.post("/delete-user", { password: PASSWORD }, as(o)), "user"], ["by an administrator", (u) => ctl(s, ["user", "delete", u.email]), ADMIN], ["by erasing", (u) => ctl(s, ["user", "erase", u.email]), ADMIN]],
	"administrator": [["alone", (u, b) => ctl(s, ["session", "revoke", b.sid]), ADMIN], ["with all of the user's", (u) => ctl(s, ["session", "revoke-all", "--user", u.email]), ADMIN], ["with everybody's", () => ctl(s, ["session", "revoke-all", "--everybody"]), null]],
	"expired": [["unused", () => s.move(8 * DAY), null]],
};
/** Asked with this cookie, an answer clears it and tells this reason, or none (undefined). */
async function tells(b, reason, o = {}) {
	for (const [p, status] of [["/session", 200], ["/sessions", 401], ["/get-session", 200]]) {
		const r = await s.get(p, as(b, o));
		eq(r.status, status, r.text); clears(s, r); eq(r.headers[HEADER], reason, p);
	}
}
describe("why a session ended", () => {
	for (const word of new Set([...REASONS, ...Object.keys(ENDINGS)])) describe(word, () => {
		test("has a case", () => assert.ok(REASONS.includes(word) && ENDINGS[word]));
		for (const [how, end, actor] of ENDINGS[word] ?? []) test(how, async () => {
			s.move(0);
			const u = await user(s), b = { ...u }, o = word === "too-many" ? await another(s, u) : await another(s, u, { remote: "198.51.100.1" });
			await quiet(s);
			const n = lines(s).length;
			await end(u, b, o);
			await quiet(s);
			const events = lines(s).slice(n).filter((e) => e.event === "session-ended" && e.sessionId === b.sid);
			same(events.map((e) => [e.reason, e.actor, e.userId]), actor === null ? [] : [[word, actor, u.id]], "one event, of this session");
			const moved = s.offset, living = await user(s);
			await tells(b, word);
			const forged = { cookie: s.withValue(s.sign(b.token, "another secret of thirty-two or more")) };
			for (const x of [living, forged, { cookie: s.withValue("x") }, { cookie: undefined }]) { const r = await s.get("/session", as(x)); eq(r.headers[HEADER], undefined); setsNothing(r); }
			await tells({ cookie: s.withValue(s.sign("A".repeat(32))) }, undefined); // well signed, and never a session
			if (word === "expired") return;
			s.move(moved + KEPT - MINUTE); await tells(b, word);
			s.move(moved + KEPT + MINUTE); await tells(b, undefined);
			s.move(0);
		});
	});
	test("a cookie that lives beside one that does not is not told of", async () => {
		s.move(0);
		const u = await user(s), b = await another(s, u);
		ok(await s.post("/sign-out", {}, as(b)));
		const r = await s.get("/session", as({ cookie: `${b.cookie}; ${u.cookie}` }));
		eq(r.json.session.id, u.sid); eq(r.headers[HEADER], undefined); setsNothing(r);
		const dead = await another(s, u);
		ok(await s.del(`/sessions/${dead.sid}`, as(u)));
		await tells({ cookie: `${s.withValue(s.sign("A".repeat(32)))}; ${dead.cookie}; ${b.cookie}` }, "revoked"); // the first that is known
	});
	test("by a bearer token too", async () => {
		const u = await user(s);
		ok(await s.post("/sign-out", {}, as(u)));
		for (const bearer of [u.token, decodeURIComponent(u.value)]) eq((await s.get("/session", { ...FROM, bearer })).headers[HEADER], "signed-out");
		eq((await s.get("/session", { ...FROM, bearer: "A".repeat(32) })).headers[HEADER], undefined);
	});
	test("pages of a trusted origin can read it", async () => {
		const u = await user(s), seenBy = async (origin) => (await s.get("/session", as(u, { origin }))).headers;
		eq((await seenBy(TRUSTED))["access-control-expose-headers"], undefined);
		ok(await s.post("/sign-out", {}, as(u)));
		const h = await seenBy(TRUSTED);
		eq(h[HEADER], "signed-out"); eq(h["access-control-expose-headers"], "Latchkey-Session-Ended");
		eq((await seenBy(FOREIGN))["access-control-expose-headers"], undefined);
	});
	test("an outage tells nothing and clears nothing", async () => {
		const u = await user(s);
		ok(await s.post("/sign-out", {}, as(u)));
		for (const table of ["latchkey_ended", "session"]) {
			s.sql(`ALTER TABLE ${table} RENAME TO away`);
			try { const r = await s.get("/session", as(u)); assert.ok(r.status >= 500, r.status); eq(r.headers[HEADER], undefined); setsNothing(r); } finally { s.sql(`ALTER TABLE away RENAME TO ${table}`); }
		}
		assert.ok(await until(async () => (await s.get("/session", as(u))).status === 200));
		await tells(u, "signed-out");
	});
	test("audit.reason_kept 0: no row, and not a word", () => with_({ "audit.reason_kept": "0", "jobs.every": "0" }, async (t) => {
		const u = await user(t), b = await another(t, u), c = await another(t, u);
		ok(await t.post("/sign-out", {}, as(u))); ok(await t.del(`/sessions/${b.sid}`, as(c)));
		eq(t.sql("SELECT COUNT(*) FROM latchkey_ended"), "0");
		t.sql(`INSERT INTO latchkey_ended (token, reason, expiresAt) VALUES ('${createHash("sha256").update(b.token).digest("hex")}', 'revoked', ${t.time(Date.now() + DAY)})`); // of before
		t.move(8 * DAY);
		for (const x of [u, b, c]) { const r = await t.get("/session", as(x)); eq(r.json, null); clears(t, r); eq(r.headers[HEADER], undefined); }
	}, { clock: true }));
});

// --- what is written
const HOSTILE = { newline: "a\nb\r\nc", "as if it were a line": 'x"}\n{"event":"sign-in","actor":"system"}', escape: "\x1b[2J\x1b]0;t\x07", "every control": times(31, (i) => String.fromCharCode(i + 1)).join("") + "\x7f",
	C1: times(32, (i) => String.fromCharCode(0x80 + i)).join("|"), "line separators": "a\u2028b\u2029c\u0085d", direction: "\u202e\u2066abc\u200f", quotes: `"'\\"; -- \\u0000 %s %n \${x}`,
	"not UTF-8": Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0xc2]), "512 bytes": "\u20ac".repeat(170) + "ab", "more than that": "\x1b\ud83e\udd8a".repeat(3000) };
/** How many replacement characters stand for invalid bytes is told differently. */
const squeezed = (x) => x.replace(/\ufffd+/g, "\ufffd");
/** Bytes that no line of the log and no output may have. */
function clean(bytes, what) {
	const text = bytes.toString("utf8");
	assert.ok(Buffer.from(text, "utf8").equals(bytes), `${what}: UTF-8`);
	assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/, what);
}
describe("what comes from outside", () => {
	for (const [name, agent] of Object.entries(HOSTILE)) test(`User-Agent: ${name}`, async () => {
		s.move(0);
		await quiet(s);
		const bytes = Buffer.from(agent), n = lines(s).length, id = last(s), from = { remote: IP, headers: { "user-agent": agent } };
		const u = note(await s.user({ name: bytes.toString("utf8").slice(0, 100) }, from));
		fails(await s.signIn(u.email, { password: WRONG }, from), 401);
		ok(await s.post("/sign-out", {}, { ...from, cookie: u.cookie }));
		await quiet(s);
		const got = sorted(lines(s).slice(n)), whole = bytes.toString("utf8");
		same(got.map((e) => e.event).sort(), ["session-ended", "sign-in-refused", "sign-up"]); same(sorted(rows(s, id)), got);
		for (const e of got) {
			if (bytes.length <= 512) eq(squeezed(e.userAgent), squeezed(whole));
			else { const n = Buffer.byteLength(e.userAgent); assert.ok(n <= 512 && n > 512 - 4, `cut at a character: ${n}`); assert.ok(whole.startsWith(e.userAgent)); }
		}
	});
	test("an e-mail address of 8 KiB is none, and no event; at a closed door it is one for the streams only", async () => {
		const email = `${"a".repeat(8000)}@example.org`;
		await told(s, async () => fails(await s.signIn(email, {}, FROM), 400, "INVALID_EMAIL"), []);
		await with_({ "auth.sign_up": "closed" }, (t) => told(t, async () => fails(await t.post("/sign-up/email", { name: "A", email, password: PASSWORD }, FROM), 403), [visitor("request-refused", { reason: "SIGN_UP_CLOSED" })]));
	});
	test("no line of the file, and nothing that latchkeyctl prints, steers a terminal or ends a line", () => {
		const file = fs.readFileSync(fileOf(s));
		clean(file, "audit.file"); assert.ok(file.includes("\\u001b[2J") && file.includes("\\u0085") && file.includes("\\u2028"));
		clean(Buffer.from(ctl(s, ["audit"])), "audit"); clean(Buffer.from(ctl(s, ["audit", "--json"])), "audit --json"); clean(Buffer.from(s.log()), "log");
		const list = JSON.parse(ctl(s, ["audit", "--json"]));
		same(list, rows(s)); eq(ctl(s, ["audit"]).trimEnd().split("\n").length, list.length + 1, "one line for each");
	});
});

// --- what happened, and only that
describe("what is undone is not told", () => {
	test("too many sessions: neither the sign-in nor the end of the one presented", () => with_({ "session.max_per_user": "1", "session.at_max": "refuse" }, async (t) => {
		const u = await user(t), v = await user(t);
		await told(t, async () => fails(await t.signIn(u.email, {}, as(v)), 403, "TOO_MANY_SESSIONS"), [visitor("sign-in-refused", { userId: u.id, reason: "too-many-sessions" })]);
		eq(await t.alive(v.cookie), true); eq(t.sql("SELECT COUNT(*) FROM latchkey_ended"), "0");
	}));
	test("of many at once who end the same session one is told", async () => {
		s.move(0);
		const u = await user(s), b = await another(s, u), c = await another(s, u);
		await told(s, async () => { const all = await Promise.all(times(12, () => s.del(`/sessions/${b.sid}`, as(u)))); eq(all.filter((r) => r.status === 200).length, 1); }, [signedIn("session-ended", { userId: u.id, sessionId: b.sid, reason: "revoked" })]);
		await told(s, async () => { for (const r of await Promise.all(times(12, () => s.post("/sign-out", {}, as(c))))) ok(r); }, [signedIn("session-ended", { userId: u.id, sessionId: c.sid, reason: "signed-out" })]);
		const token = offer(u);
		await told(s, async () => { const all = await Promise.all(times(6, () => s.post("/reset-password", { newPassword: NEW, token }, FROM))); eq(all.filter((r) => r.status === 200).length, 1); }, [visitor("password-reset", { userId: u.id }), ended(u, "password-changed", visitor("session-ended"))]);
	});
	test("of many at once who sign in each is told once", async () => {
		const u = await user(s);
		await quiet(s);
		const n = lines(s).length, id = last(s), all = await Promise.all(times(12, () => s.signIn(u.email, {}, FROM)));
		for (const r of all) note(s.browser(r));
		await quiet(s);
		const got = lines(s).slice(n);
		same(sorted(rows(s, id)), sorted(got));
		eq(got.filter((e) => e.event === "sign-in").length, 12); eq(new Set(got.filter((e) => e.event === "sign-in").map((e) => e.sessionId)).size, 12);
		const gone = got.filter((e) => e.event === "session-ended").map((e) => e.sessionId);
		eq(gone.length, 10, "13 sessions, of which three may live"); eq(new Set(gone).size, 10);
		eq(s.sql(`SELECT COUNT(*) FROM session WHERE userId = '${u.id}'`), "3");
	});
	test("an event that the database does not take undoes what it tells of; a refusal is answered, and the log says so", () => with_({}, async (t) => {
		const u = await user(t);
		await quiet(t);
		const n = lines(t).length, sessions = () => t.sql(`SELECT COUNT(*) FROM session WHERE userId = '${u.id}'`);
		t.trigger("test_full", "INSERT", "latchkey_audit", t.db ? "SELECT RAISE(ABORT, 'full')" : "SIGNAL SQLSTATE '45000'");
		try {
			for (const f of [() => t.signIn(u.email, {}, FROM), () => t.post("/sign-out", {}, as(u)), () => t.del(`/sessions/${u.sid}`, as(u)), () => t.post("/change-password", { currentPassword: PASSWORD, newPassword: NEW }, as(u))]) { const r = await f(); assert.ok(r.status >= 500, `${r.status}`); eq(r.headers[HEADER], undefined); }
			eq(sessions(), "1"); eq((await t.session(u.cookie)).user.name, u.user.name); eq(t.sql(`SELECT COUNT(*) FROM latchkey_ended e JOIN session s ON s.token = e.token`), "0");
			same(lines(t).slice(n), []);
			fails(await t.signIn(u.email, { password: WRONG }, FROM), 401);
			assert.ok(await until(() => lines(t).length > n)); same(lines(t).slice(n).map((e) => e.reason), ["wrong-password"]); assert.match(t.log(), /error .*the event sign-in-refused is not in the audit log/);
		} finally { t.sql("DROP TRIGGER test_full"); }
		await another(t, u);
	}));
});

// --- the file
describe("audit.file", () => {
	test("without audit.store it has them all, and there is no row", () => with_({ "audit.store": "off" }, async (t) => {
		const u = await user(t);
		fails(await t.signIn(u.email, { password: WRONG }, FROM), 401); ok(await t.post("/sign-out", {}, as(u))); ctl(t, ["user", "delete", u.email]);
		assert.ok(await until(() => lines(t).length >= 5));
		same(lines(t).map((e) => e.event).sort(), ["configured", "session-ended", "sign-in-refused", "sign-up", "user-deleted"]);
		eq(t.sql("SELECT COUNT(*) FROM latchkey_audit"), "0"); eq(ctl(t, ["audit", "--json"]).replace(/\s/g, ""), "[]");
	}));
	test("without it there are rows, and nothing is opened", async () => {
		const t = await start({ workers: 1 });
		try { const u = note(await t.user()); eq(rows(t).filter((e) => e.userId === u.id).length, 1); assert.doesNotMatch(t.log(), /audit file/); } finally { await t.stop(); }
	});
	test("that cannot be written to: it does not start, and says why", async () => {
		for (const [file, why] of [["/nonexistent/audit.log", "No such file or directory"], [auditDir(), "Is a directory"]])
			await assert.rejects(start({ workers: 1, set: { "audit.file": file } }), (e) => { assert.ok(e.message.includes(`audit file ${file}: ${why}`), e.message); return true; });
	});
	test("is the service's and its group's only, new ones too; moved away under traffic nothing is lost, and every line is whole", () => with_({}, async (t) => {
		const u = await user(t), file = fileOf(t), away = [], headers = { "user-agent": `${"x".repeat(8000)}\x1b` };
		let done = 0;
		const clients = times(8, async () => { for (let i = 0; i < 40; i++) { fails(await t.signIn(newEmail(), {}, { remote: IP, headers }), 401); done++; } });
		const moves = (async () => { for (let i = 1; i <= 5; i++) { await until(() => done >= i * 50); fs.renameSync(file, `${file}.${i}`); away.push(`${file}.${i}`); } })();
		await Promise.all([...clients, moves]);
		await t.halt(); // all is written then
		const files = [...away, file], all = files.flatMap((f) => fs.readFileSync(f, "utf8").split("\n").slice(0, -1)).map((l) => JSON.parse(l));
		for (const f of files) { eq(fs.statSync(f).mode & 0o777, 0o640); eq(fs.statSync(f).uid, fs.statSync(t.conf).uid); assert.ok(fs.readFileSync(f, "utf8").endsWith("}\n")); }
		eq(all.filter((e) => e.event === "sign-in-refused" && e.userAgent.length === 512).length, 320); eq(all.filter((e) => e.userId === u.id).length, 1);
		same(all.map((e) => e.requestId ?? "-").sort(), t.sql("SELECT COALESCE(requestId, '-') FROM latchkey_audit").split("\n").sort());
	}, { workers: 4 }));
	test("whose directory goes away while it runs is missed in the log, and costs no answer", () => with_({}, async (t) => {
		const dir = path.dirname(fileOf(t));
		fs.renameSync(dir, `${dir}.away`);
		const u = note(await t.user());
		eq(await t.alive(u.cookie), true); assert.ok(await until(() => new RegExp(`error .*audit file ${fileOf(t)}: No such file`).test(t.log()))); eq(rows(t).filter((e) => e.userId === u.id).length, 1);
		fs.renameSync(`${dir}.away`, dir);
		ok(await t.post("/sign-out", {}, { cookie: u.cookie })); assert.ok(await until(() => lines(t).at(-1).event === "session-ended"));
	}));
});

test("no password, token, cookie, secret or reset token of all this is in a row, in the file, in the log or in what latchkeyctl printed (S113)", () => {
	secrets.add(s.secret());
	assert.ok(secrets.size > 150 && outputs.length > 20);
	const all = s.sql(`SELECT ${Object.values(COLUMNS).map((c) => `HEX(COALESCE(${c}, ''))`).join(", ")} FROM latchkey_audit`).split(/[|\n]/).map((h) => Buffer.from(h, "hex").toString("latin1")).join("\n");
	const places = { rows: all, file: fs.readFileSync(fileOf(s), "latin1"), log: s.log(), latchkeyctl: outputs.join("\n") };
	for (const [where, text] of Object.entries(places)) {
		assert.ok(text.length > 1000, where);
		for (const v of secrets) for (const x of [v, Buffer.from(v).toString("hex"), Buffer.from(v).toString("base64").replace(/=*$/, ""), createHash("sha256").update(v).digest("hex")]) assert.ok(!text.includes(x), `${where} holds ${x.slice(0, 10)}…`);
	}
});
