// What goes by mail: setting a password, proving an address, changing it, leaving, and "this was not me". The links are
// taken from the mails that were sent.
import { after, describe, test } from "node:test";
import { DAY, FOREIGN, HOUR, ID, MINUTE, PASSWORD, assert, eq, fails, newEmail, ok, same, setsNothing, start, times, uniq, until } from "./server.mjs";
import { follow, startMailing } from "./mailbox.mjs";

const NEXT = "another-horse-2", HTML = { accept: "text/html,*/*;q=0.8" };
const s = await startMailing({ "account.link_life": "1h" }, { clock: true });
after(() => s.stop());
const from = (ip) => ({ remote: ip });
/** A new user, whose first mail (to prove his address) has come. */
async function born(server = s) {
	const u = await server.user();
	[u.verify] = await server.mails(u.email);
	return u;
}
const mailed = async (u, n) => (await s.mails(u.email, n))[n - 1];
const redirects = (res, url) => { assert.ok([302, 303].includes(res.status), `${res.status} ${res.text}`); eq(res.headers.location, url); };
const page = (res, status, text) => { eq(res.status, status, res.text); assert.match(res.headers["content-type"], /^text\/html/); assert.match(res.text, text); assert.match(res.headers["content-security-policy"], /default-src 'none'/); return res; };
/** What the form of a page would send; the one above all of them signs out. */
const main = (html) => html.slice(html.indexOf("<main>"));
const form = (html) => Object.fromEntries([...main(html).matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)].map((m) => [m[1], m[2]]));
const action = (html) => /<form method="post" action="([^"]+)">/.exec(main(html))[1];
const submit = (res, more = {}, o = {}) => s.send("POST", "", { uri: action(res.text), form: { ...form(res.text), ...more }, ...o, headers: { ...HTML, ...o.headers } });
const askReset = (email, more = {}, o) => s.post("/request-password-reset", { email, ...more }, o);

describe("request-password-reset", () => {
	const ANSWER = { status: true, message: "If this email exists in our system, check your email for the reset link" };
	test("a link sets a new password, once, and ends all sessions; the user is told", async () => {
		const u = await born(), other = await s.another(u), third = await s.another(u, { rememberMe: false });
		same(ok(await askReset(u.email)), ANSWER);
		const m = await mailed(u, 2), { path, token } = follow(s, m.link);
		assert.match(m.subject, /password/i); assert.match(token, ID); assert.ok(m.html.includes(m.link.replaceAll("&", "&amp;")));
		const got = page(await s.get(path), 200, /new password/i);
		eq(await s.alive(u.cookie), true, "opening the link does nothing"); page(await s.get(path), 200, /new password/i);
		redirects(await submit(got, { newPassword: NEXT }), `${s.prefix}/login?done=password`); page(await s.get("/login?done=password"), 200, /password is set/i);
		for (const x of [u, other, third]) eq(await s.alive(x.cookie), false);
		eq((await s.signIn(u.email)).status, 401); ok(await s.signIn(u.email, { password: NEXT }));
		page(await submit(got, { newPassword: PASSWORD }), 400, /does not work/); page(await s.get(path), 400, /does not work/);
		assert.match((await mailed(u, 3)).subject, /password/i);
	});
	test("unknown, disabled and known addresses are answered alike, and only the last gets a mail", async () => {
		const u = await born(), d = await born(), nobody = newEmail();
		s.ctl("user", "disable", d.email);
		const all = [await askReset(u.email), await askReset(d.email), await askReset(nobody)];
		for (const r of all) { same(ok(r), ANSWER); setsNothing(r); same(r.fields.map(([k]) => k), all[0].fields.map(([k]) => k)); }
		await mailed(u, 2);
		eq(s.allMails().filter((m) => m.to === nobody).length, 0); eq(s.allMails().filter((m) => m.to === d.email).length, 1);
	});
	test("redirectTo: the browser is sent there with the token, or the error", async () => {
		const u = await born();
		ok(await askReset(u.email, { redirectTo: "/set?x=1#here" }));
		const { path, token } = follow(s, (await mailed(u, 2)).link);
		redirects(await s.get(path), `/set?x=1&token=${token}#here`);
		redirects(await s.get(`/reset-password/${"a".repeat(32)}?callbackURL=%2Fset`), "/set?error=INVALID_TOKEN");
		ok(await s.post("/reset-password", { token, newPassword: NEXT }));
		redirects(await s.get(path), "/set?x=1&error=INVALID_TOKEN#here");
		fails(await askReset(u.email, { redirectTo: `${FOREIGN}/x` }), 403, "INVALID_REDIRECT_URL");
		fails(await s.get(`/reset-password/${token}?callbackURL=${encodeURIComponent(`${FOREIGN}/x`)}`), 403, "INVALID_CALLBACK_URL");
	});
	test("a newer link voids the older; a change of the password, the address or the hour voids both", async () => {
		const u = await born();
		ok(await askReset(u.email)); const first = follow(s, (await mailed(u, 2)).link).token;
		ok(await askReset(u.email)); const second = follow(s, (await mailed(u, 3)).link).token;
		const refused = async (token) => fails(await s.post("/reset-password", { token, newPassword: NEXT }), 400, "INVALID_TOKEN");
		await refused(first);
		try { s.move(HOUR + MINUTE); await refused(second); } finally { s.move(0); }
		s.sql(`UPDATE user SET email = '${newEmail()}' WHERE id = '${u.id}'`); await refused(second);
	});
	test("a link that went to the address proves it; a token that an administrator passes on does not", async () => {
		const u = await born(), v = await born(), proven = (x) => s.sql(`SELECT emailVerified FROM user WHERE id = '${x.id}'`);
		ok(await askReset(u.email)); ok(await s.post("/reset-password", { token: follow(s, (await mailed(u, 2)).link).token, newPassword: NEXT })); eq(proven(u), "1");
		ok(await s.post("/reset-password", { token: JSON.parse(s.ctl("--json", "user", "reset", v.email)).token, newPassword: NEXT })); eq(proven(v), "0");
	});
	test("the page of a link that a new password has voided says so; so does that of a disabled user", async () => {
		for (const f of [(u) => s.post("/change-password", { currentPassword: PASSWORD, newPassword: NEXT }, { cookie: u.cookie }), (u) => s.ctl("user", "disable", u.email)]) {
			const u = await born(); ok(await askReset(u.email)); const { path } = follow(s, (await mailed(u, 2)).link);
			await f(u); page(await s.get(path), 400, /does not work/);
		}
	});
	test("a form without a token is refused, whatever else it holds (A3)", async () => {
		const u = await born();
		for (const [p, fields] of [["/reset-password", { newPassword: NEXT }], ["/delete-user", { password: PASSWORD }], ["/delete-user", { token: "" }], ["/delete-user", { token: "x", password: PASSWORD }], ["/not-me", { x: "1" }], ["/sign-in/email", { email: u.email, password: PASSWORD, token: "a".repeat(32) }]])
			page(await s.send("POST", p, { form: fields, cookie: u.cookie, headers: HTML }), 403, /form was too old/);
		eq(await s.alive(u.cookie), true);
	});
	test("used by many at once: one sets it", async () => {
		for (let i = 0; i < 5; i++) {
			const u = await born(); ok(await askReset(u.email));
			const { token } = follow(s, (await mailed(u, 2)).link), all = await Promise.all(times(6, (k) => s.post("/reset-password", { token, newPassword: `${NEXT}-${k}` })));
			eq(all.filter((r) => r.status === 200).length, 1); for (const r of all) if (r.status !== 200) fails(r, 400, "INVALID_TOKEN");
		}
	});
	test("what is no address", async () => { for (const email of ["x", "", null, 1, `a@b\r\nBcc: c@example.org`]) fails(await askReset(email), 400, "VALIDATION_ERROR"); });
	test("nobody's mailbox is filled: five for an address, known or not, thirty from one place", async () => {
		const t = await startMailing({ "limits.mail": "30/1h", "limits.mail_account": "5/1h" });
		try {
			const u = await born(t), v = await born(t);
			for (let i = 0; i < 8; i++) ok(await t.post("/change-password", { currentPassword: PASSWORD, newPassword: PASSWORD, revokeOtherSessions: false }, { cookie: v.cookie }));
			for (let i = 0; i < 5; i++) ok(await t.post("/request-password-reset", { email: v.email }, from("10.0.7.7")));
			ok(await t.post("/request-password-reset", { email: v.email }), "from where he is known"); await t.mails(v.email, 1 + 5 + 6);
			for (const email of [u.email, newEmail()]) {
				for (let i = 0; i < 5; i++) ok(await t.post("/request-password-reset", { email }, from(`10.0.0.${i}`)));
				fails(await t.post("/request-password-reset", { email }, from("10.0.0.9")), 429, "TOO_MANY_REQUESTS");
			}
			for (let i = 0; i < 30; i++) ok(await t.post("/send-verification-email", { email: newEmail() }, from("10.0.1.1")));
			fails(await t.post("/request-password-reset", { email: newEmail() }, from("10.0.1.1")), 429, "TOO_MANY_REQUESTS");
			await t.mails(u.email, 6);
		} finally { await t.stop(); }
	});
});

describe("verify-email", () => {
	const verified = async (u) => (await s.session(u.cookie)).user.emailVerified;
	test("who signs up gets a link, which proves the address as often as it is followed", async () => {
		const u = await born(), { path } = follow(s, u.verify.link);
		eq(await verified(u), false);
		for (let i = 0; i < 3; i++) { const r = await s.get(path); same(ok(r), { status: true, user: null }); setsNothing(r); eq(await verified(u), true); }
		eq(s.sql(`SELECT COUNT(*) FROM latchkey_audit WHERE event = 'email-verified' AND userId = '${u.id}'`), "1");
	});
	test("asked for: with a session, without one, and where there is nothing to prove", async () => {
		const u = await born(), post = (email, o, more) => s.post("/send-verification-email", { email, ...more }, o);
		same(ok(await post(u.email, {}, { callbackURL: "/welcome" })), { status: true });
		const { path } = follow(s, (await mailed(u, 2)).link);
		fails(await post(newEmail(), { cookie: u.cookie }), 400, "EMAIL_MISMATCH");
		same(ok(await post(u.email.toUpperCase(), { cookie: u.cookie })), { status: true });
		await mailed(u, 3);
		redirects(await s.get(path), "/welcome?error=INVALID_TOKEN");
		const again = follow(s, (await mailed(u, 3)).link).path; ok(await s.get(again)); eq(await verified(u), true);
		fails(await post(u.email, { cookie: u.cookie }), 400, "EMAIL_ALREADY_VERIFIED");
		same(ok(await post(u.email)), { status: true }); same(ok(await post(newEmail())), { status: true });
		fails(await post("nonsense"), 400, "VALIDATION_ERROR");
	});
	test("a browser gets a page", async () => {
		const u = await born(), { path } = follow(s, u.verify.link), o = { headers: HTML };
		page(await s.get(path, o), 200, /confirmed/); page(await s.get(`/verify-email?token=${"a".repeat(32)}`, o), 401, /does not work/); redirects(await s.get(`${path}&callbackURL=%2Fx`, o), "/x");
	});
	test("expired, wrong, of another purpose, or none", async () => {
		const u = await born(), { path, token } = follow(s, u.verify.link);
		ok(await askReset(u.email)); const reset = follow(s, (await mailed(u, 2)).link).token;
		for (const t of ["a".repeat(32), "x", reset, `${token}a`]) fails(await s.get(`/verify-email?token=${t}`), 401, "INVALID_TOKEN");
		fails(await s.post("/reset-password", { token, newPassword: NEXT }), 400, "INVALID_TOKEN");
		fails(await s.get("/verify-email"), 400, "VALIDATION_ERROR");
		try {
			s.move(HOUR + MINUTE); fails(await s.get(path), 401, "TOKEN_EXPIRED"); redirects(await s.get(`${path}&callbackURL=%2Fx`), "/x?error=TOKEN_EXPIRED");
		} finally { s.move(0); }
		eq(await verified(u), false);
	});
});

describe("change-email", () => {
	const change = (u, newEmail, more = {}) => s.post("/change-email", { newEmail, ...more }, { cookie: u.cookie });
	test("takes effect by a link to the new address; the old one is told; sessions stay", async () => {
		const u = await born(), to = newEmail();
		ok(await askReset(u.email)); const reset = follow(s, (await mailed(u, 2)).link).token;
		same(ok(await change(u, to.toUpperCase())), { status: true });
		eq((await s.session(u.cookie)).user.email, u.email);
		const [m] = await s.mails(to), { path } = follow(s, m.link);
		for (let i = 0; i < 2; i++) { same(ok(await s.get(path)), { status: true, user: null }); const { user } = await s.session(u.cookie); eq(user.email, to); eq(user.emailVerified, true); }
		const told = await mailed(u, 3); assert.ok(told.text.includes(to), told.text); eq(told.link, undefined);
		eq((await s.signIn(u.email)).status, 401); ok(await s.signIn(to));
		fails(await s.post("/reset-password", { token: reset, newPassword: NEXT }), 400, "INVALID_TOKEN");
	});
	test("an address that is taken: the same answer, no mail, no change; also when it is taken meanwhile", async () => {
		const u = await born(), v = await born(), to = newEmail();
		same(ok(await change(u, v.email)), { status: true }); same(ok(await change(u, to)), { status: true });
		const { path } = follow(s, (await s.mails(to))[0].link);
		eq(s.allMails().filter((m) => m.to === v.email).length, 1);
		ok(await s.post("/sign-up/email", { name: "A", email: to, password: PASSWORD })); fails(await s.get(path), 401, "INVALID_TOKEN");
		eq((await s.session(u.cookie)).user.email, u.email);
	});
	test("the same address, none, no session, a stale one", async () => {
		const u = await born();
		fails(await change(u, u.email), 400, "EMAIL_IS_THE_SAME"); fails(await change(u, "x"), 400, "VALIDATION_ERROR");
		fails(await s.post("/change-email", { newEmail: newEmail() }), 401, "UNAUTHORIZED");
		try { s.move(DAY + MINUTE); fails(await change(u, newEmail()), 403, "SESSION_NOT_FRESH"); } finally { s.move(0); }
	});
	test("whoever asked must still be signed in; HEAD follows no link; a mailbox is not filled from many accounts", async () => {
		const u = await born(), b = await s.another(u), to = newEmail(); ok(await change(b, to));
		const { path } = follow(s, (await s.mails(to))[0].link);
		eq((await s.send("HEAD", path)).status, 200); eq((await s.session(u.cookie)).user.email, u.email);
		ok(await s.post("/revoke-other-sessions", {}, { cookie: u.cookie })); fails(await s.get(path), 401, "INVALID_TOKEN"); eq((await s.session(u.cookie)).user.email, u.email);
		const t = await startMailing({ "limits.mail_account": "3/1h" });
		try { const victim = newEmail(); for (let i = 0; i < 6; i++) { const x = await t.user(); ok(await t.post("/change-email", { newEmail: victim }, { cookie: x.cookie })); } await t.mails(victim, 3); } finally { await t.stop(); }
	});
	test("a new password voids the link", async () => {
		const u = await born(), to = newEmail(); ok(await change(u, to));
		const { path } = follow(s, (await s.mails(to))[0].link);
		ok(await s.post("/change-password", { currentPassword: PASSWORD, newPassword: NEXT }, { cookie: u.cookie })); fails(await s.get(path), 401, "INVALID_TOKEN");
	});
});

describe("delete-user by mail", async () => {
	const t = await startMailing({ "auth.delete_user": "mail" });
	after(() => t.stop());
	test("a link asks, its form deletes; nobody else's session can use it", async () => {
		const u = await born(t), v = await born(t);
		same(ok(await t.post("/delete-user", { password: PASSWORD, callbackURL: "/bye" }, { cookie: u.cookie })), { success: true, message: "Verification email sent" });
		eq(await t.alive(u.cookie), true);
		const [, m] = await t.mails(u.email, 2), { path, token } = follow(t, m.link);
		fails(await t.get(path), 401, "UNAUTHORIZED"); fails(await t.get(path, { cookie: v.cookie }), 404, "INVALID_TOKEN"); fails(await t.post("/delete-user", { token }, { cookie: v.cookie }), 404, "INVALID_TOKEN");
		const got = page(await t.get(path, { cookie: u.cookie }), 200, /Delete your account/);
		eq(await t.alive(u.cookie), true, "the page deletes nothing");
		const res = await t.send("POST", "", { uri: action(got.text), form: form(got.text), cookie: u.cookie, headers: HTML });
		redirects(res, "/bye"); eq(res.setCookies[0].value, "");
		eq(t.sql(`SELECT COUNT(*) FROM user WHERE id = '${u.id}'`), "0"); eq(await t.alive(v.cookie), true);
	});
	test("used by many at once", async () => {
		const u = await born(t), cookie = u.cookie; ok(await t.post("/delete-user", {}, { cookie }));
		const { token } = follow(t, (await t.mails(u.email, 2))[1].link), all = await Promise.all(times(5, () => t.post("/delete-user", { token }, { cookie })));
		eq(all.filter((r) => r.status === 200).length, 1); for (const r of all) assert.ok([200, 401, 404].includes(r.status), r.text);
	});
});

describe("a new device", () => {
	test("is told of once, with a link that ends its session and nothing else", async () => {
		const u = await born(), thief = await s.another(u, {}, { ...from("203.0.113.7"), headers: { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" } });
		const m = await mailed(u, 2); assert.match(m.subject, /sign-in/i); assert.ok(m.text.includes("203.0.113.7") && m.text.includes("Firefox on Linux"), m.text);
		await s.another(u, {}, from("203.0.113.7")); await s.another(u); await s.mails(u.email, 2);
		const { path } = follow(s, m.link), got = page(await s.get(path), 200, /not yours/);
		eq(await s.alive(thief.cookie), true, "the page ends nothing");
		page(await submit(got), 200, /has ended/);
		eq(await s.alive(thief.cookie), false); eq(await s.alive(u.cookie), true);
		page(await submit(got), 400, /does not work/); page(await s.get(path), 400, /does not work/);
		eq(s.sql(`SELECT reason FROM latchkey_audit WHERE event = 'session-ended' AND sessionId = '${(await s.session(u.cookie)).session.id}'`), "");
	});
	test("of which the stranger had several: all go, and what he had begun; the next one is told of again", async () => {
		const u = await born(), place = from("203.0.113.21"), to = newEmail(), thief = [await s.another(u, {}, place), await s.another(u, {}, place)];
		const { token } = follow(s, (await mailed(u, 2)).link);
		ok(await s.post("/change-email", { newEmail: to }, { cookie: thief[0].cookie })); const { path } = follow(s, (await s.mails(to))[0].link);
		ok(await s.post("/not-me", { token }));
		for (const b of thief) eq(await s.alive(b.cookie), false);
		eq(await s.alive(u.cookie), true); fails(await s.get(path), 401, "INVALID_TOKEN"); eq((await s.session(u.cookie)).user.email, u.email);
		await s.another(u, {}, place); await mailed(u, 3);
	});
	test("used by many at once: one ends it", async () => {
		for (let i = 0; i < 5; i++) {
			const u = await born(), b = await s.another(u, {}, from(`203.0.113.${30 + i}`)), { token } = follow(s, (await mailed(u, 2)).link), all = await Promise.all(times(6, () => s.post("/not-me", { token })));
			eq(all.filter((r) => r.status === 200).length, 1); for (const r of all) if (r.status !== 200) fails(r, 400, "INVALID_TOKEN");
			eq(await s.alive(b.cookie), false);
		}
	});
	test("whose session has ended already: fine; JSON works as well; a link of another kind does not", async () => {
		const u = await born(), b = await s.another(u, {}, from("203.0.113.8")), { token } = follow(s, (await mailed(u, 2)).link);
		ok(await s.post("/sign-out", {}, { cookie: b.cookie })); fails(await s.post("/not-me", { token: follow(s, u.verify.link).token }), 400, "INVALID_TOKEN");
		same(ok(await s.post("/not-me", { token })), { status: true }); fails(await s.post("/not-me", { token }), 400, "INVALID_TOKEN"); fails(await s.post("/not-me", {}), 400, "VALIDATION_ERROR");
	});
	test("a browser that presents its session is known wherever it is", async () => {
		const u = await born(); await s.another(u, {}, { ...from("203.0.113.9"), cookie: u.cookie }); await s.mails(u.email, 1);
	});
	test("switched off", async () => {
		const t = await startMailing({ "account.new_device_notice": "off" });
		try { const u = await born(t); await t.another(u, {}, from("203.0.113.7")); ok(await t.post("/request-password-reset", { email: u.email })); await t.mails(u.email, 2); } finally { await t.stop(); }
	});
});

describe("account.require_verified_email", async () => {
	const t = await startMailing({ "account.require_verified_email": "on" });
	after(() => t.stop());
	const up = (email, more = {}) => t.post("/sign-up/email", { name: "Ann", email, password: PASSWORD, ...more });
	test("nobody is in before the link was followed", async () => {
		const email = newEmail(), res = await up(email, { callbackURL: "/in" });
		eq(ok(res).token, null); setsNothing(res); eq(res.json.user.email, email); eq(res.json.user.emailVerified, false);
		fails(await t.signIn(email, { password: "wrong-horse-1" }), 401, "INVALID_EMAIL_OR_PASSWORD");
		await t.mails(email); fails(await t.signIn(email), 403, "EMAIL_NOT_VERIFIED");
		const mails = await t.mails(email, 2); eq((await t.get(follow(t, mails[0].link).path)).headers.location, "/in?error=INVALID_TOKEN");
		ok(await t.get(follow(t, mails[1].link).path)); ok(await t.signIn(email));
	});
	test("signing up with an address that has an account looks alike, changes nothing, and tells its owner", async () => {
		const email = newEmail(), fresh = newEmail(); await up(email);
		ok(await t.get(follow(t, (await t.mails(email))[0].link).path)); ok(await t.signIn(email));
		const [a, b] = [await up(email, { name: "Bob", password: "another-horse-2" }), await up(fresh, { name: "Bob" })];
		for (const r of [a, b]) { eq(ok(r).token, null); setsNothing(r); assert.match(r.json.user.id, ID); eq(r.json.user.name, "Bob"); }
		same(Object.keys(a.json.user), Object.keys(b.json.user)); same(a.fields.map(([k]) => k), b.fields.map(([k]) => k));
		eq(t.sql(`SELECT COUNT(*), MAX(name) FROM user WHERE email = '${email}'`), "1|Ann"); eq((await t.signIn(email, { password: "another-horse-2" })).status, 401);
		const mails = await t.mails(email, 2); assert.ok(mails.some((m) => !m.link), "one without a link of a token");
	});
	test("of two at once with one address both are answered alike", async () => {
		for (let i = 0; i < 5; i++) { const email = newEmail(), all = await Promise.all(times(4, () => up(email))); for (const r of all) { eq(ok(r).token, null); setsNothing(r); } eq(t.sql(`SELECT COUNT(*) FROM user WHERE email = '${email}'`), "1"); }
	});
});

test("where there is no mail", async () => {
	const t = await start({ workers: 1 });
	try {
		const u = await t.user(), o = { cookie: u.cookie };
		fails(await t.post("/request-password-reset", { email: u.email }), 400, "RESET_PASSWORD_DISABLED"); fails(await t.post("/send-verification-email", { email: u.email }), 400, "VERIFICATION_EMAIL_NOT_ENABLED");
		fails(await t.post("/change-email", { newEmail: newEmail() }, o), 400, "CHANGE_EMAIL_DISABLED"); fails(await t.get(`/verify-email?token=${"a".repeat(32)}`), 401, "INVALID_TOKEN");
		eq(t.sql("SELECT COUNT(*) FROM latchkey_mail"), "0"); eq(t.sql("SELECT COUNT(*) FROM verification"), "0");
	} finally { await t.stop(); }
});

test("links are built from base_url, whatever the request says of its host (S60)", async () => {
	const u = await born();
	ok(await askReset(u.email, {}, { headers: { host: "evil.example", "x-forwarded-host": "evil.example", forwarded: "host=evil.example" }, env: { SERVER_NAME: "evil.example", HTTP_HOST: "evil.example" } }));
	const m = await mailed(u, 2); assert.ok(!m.raw.includes("evil.example")); follow(s, m.link);
});
test("nothing of a token is in the store, the queue, the logs", async () => {
	const t = await startMailing({ "jobs.every": "0" });
	try {
		const u = await t.user(); ok(await t.post("/request-password-reset", { email: u.email }));
		const was = t.sql("SELECT recipient, data FROM latchkey_mail"); assert.ok(was.includes(u.email)); assert.doesNotMatch(was, /reset-password\//);
		t.ctl("mail", "send");
		const [, m] = await t.mails(u.email, 2), { token } = follow(t, m.link);
		for (const text of [was, t.log(), t.sql("SELECT * FROM verification"), t.sql("SELECT * FROM latchkey_audit")]) assert.ok(!text.includes(token));
		eq(t.sql("SELECT COUNT(*) FROM latchkey_mail"), "0");
	} finally { await t.stop(); }
});
