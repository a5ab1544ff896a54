// Every call of client.auth in a browser, against the program: what it gives, and what its errors are.
import { after, describe, test } from "node:test";
import http from "node:http";
import { PASSWORD, assert, eq, newEmail, same, wait } from "../endpoint/server.mjs";
import { startMailing } from "../endpoint/mailbox.mjs";
import { furnish, openBrowser, signedInTab, site, tab } from "./browser.mjs";

const s = furnish(await startMailing({ "session.last_seen_every": "1s" }, { server: "nginx" }));
const chromium = await openBrowser();
after(async () => { await chromium.close(); await s.stop(); });

const somebody = async (o) => { const who = await s.user(); return { who, t: await signedInTab(s, await chromium.person(), who, o) }; };
const nobody = async (o) => tab(s, await chromium.person(), o);
/** Calls client.auth.NAME in the page. Dates arrive as dates. */
const call = (t, name, ...args) => t.evaluate(([name, args]) => name.split(".").reduce((x, k) => x[k], client.auth)(...args), [name, args]);
async function gives(t, name, ...args) {
	const { data, error } = await call(t, name, ...args);
	eq(error, null, `${name}: ${JSON.stringify(error)}`);
	return data;
}
async function fails(t, status, code, name, ...args) {
	const { data, error } = await call(t, name, ...args);
	eq(data, null);
	same([error.status, error.code], [status, code], JSON.stringify(error));
	assert.ok(error.message);
	return error;
}
const shown = async (t) => (await t.state()).name;
const SIGN_IN = (who, extra) => ({ email: who.email, password: PASSWORD, ...extra });

describe("signing up and in", () => {
	test("signUp.email", async () => {
		const t = await nobody(), email = newEmail();
		const { token, user } = await gives(t, "signUp.email", { name: "Ida", email, password: PASSWORD });
		same([token, user.email, user.createdAt instanceof Date], [null, email, true]);
		eq(await shown(t), "Ida");
		await fails(await nobody(), 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "signUp.email", { name: "Ida", email, password: PASSWORD });
		await fails(t, 400, "PASSWORD_TOO_SHORT", "signUp.email", { name: "Ida", email: newEmail(), password: "short" });
	});
	test("a name that looks like a date is a name", async () => {
		const t = await nobody(), name = "2026-01-01T00:00:00.000Z";
		eq((await gives(t, "signUp.email", { name, email: newEmail(), password: PASSWORD })).user.name, name);
		eq(await shown(t), name);
	});
	test("signIn.email", async () => {
		const who = await s.user(), t = await nobody();
		const error = await fails(t, 401, "INVALID_EMAIL_OR_PASSWORD", "signIn.email", SIGN_IN(who, { password: "wrong-horse-1" }));
		same(error, { code: "INVALID_EMAIL_OR_PASSWORD", message: "Invalid email or password", status: 401, statusText: "Unauthorized", retryAfter: undefined });
		const data = await gives(t, "signIn.email", SIGN_IN(who));
		same([data.redirect, data.token, data.user.id], [false, null, who.id]);
		eq(await shown(t), "Ann");
	});
	test("signIn.email with rememberMe: false", async () => {
		const t = await nobody();
		await gives(t, "signIn.email", SIGN_IN(await s.user(), { rememberMe: false }));
		eq((await gives(t, "getSession")).session.rememberMe, false);
		eq((await t.context().cookies()).find((c) => c.name === s.cookieName).expires, -1);
	});
	test("signIn.email with a callbackURL goes there; with a foreign one it fails", async () => {
		const who = await s.user(), t = await nobody();
		await fails(t, 403, "INVALID_CALLBACK_URL", "signIn.email", SIGN_IN(who, { callbackURL: "https://evil.example/" }));
		await t.evaluate((input) => void client.auth.signIn.email(input), SIGN_IN(who, { callbackURL: "/other.html?a=1" }));
		await t.waitForURL(`${s.origin}/other.html?a=1`);
	});
	test("no answer makes the page go where a script would run", async () => {
		const t = await nobody();
		await t.route("**/sign-in/email", (r) => r.fulfill({ status: 200, contentType: "application/json", body: JSON.stringify({ redirect: true, url: "javascript:window.ran=1", token: null, user: {} }) }));
		await gives(t, "signIn.email", { email: "a@example.org", password: "x" });
		eq(await t.evaluate(() => window.ran), undefined);
	});
	test("signOut ends the session and forgets the cookie; once more is fine", async () => {
		const { t, who } = await somebody();
		same(await gives(t, "signOut"), { success: true });
		eq(await s.alive(who.cookie), false);
		same(await t.context().cookies(), []);
		eq(await shown(t), null);
		same(await gives(t, "signOut"), { success: true });
	});
	test("signOut as the handler of a click: the event is no body", async () => {
		const { t } = await somebody();
		await t.evaluate(() => { const b = document.body.appendChild(document.createElement("button")); b.onclick = client.auth.signOut; b.click(); });
		await t.shows(null);
	});
});

describe("sessions", () => {
	test("getSession: null, or session and user, with the keys that the types name", async () => {
		eq(await gives(await nobody(), "getSession"), null);
		const { t, who } = await somebody(), { session, user } = await gives(t, "getSession");
		const dates = ["createdAt", "updatedAt", "expiresAt", "diesAt", "authenticatedAt", "lastSeenAt"];
		same(Object.keys(session).sort(), [...dates, "id", "token", "userId", "ipAddress", "userAgent", "lastIpAddress", "device", "current", "rememberMe"].sort());
		for (const d of dates) assert.ok(session[d] instanceof Date, d);
		same(Object.keys(user).sort(), ["createdAt", "email", "emailVerified", "id", "image", "name", "updatedAt"]);
		same([user.id, session.current, session.rememberMe], [who.id, true, true]);
	});
	test("getSession with disableRefresh leaves lastSeenAt", async () => {
		const { t } = await somebody(), seen = async (options) => (await gives(t, "getSession", options)).session.lastSeenAt.getTime();
		const before = await seen();
		await wait(1100);
		eq(await seen({ query: { disableRefresh: true } }), before);
		assert.ok((await seen()) > before);
	});
	test("listSessions, revokeSession by session, by token and by id, revokeOtherSessions, revokeSessions", async () => {
		const { t, who } = await somebody(), others = [];
		for (let i = 0; i < 5; i++) others.push(await s.another(who));
		const alive = async () => (await Promise.all(others.map((o) => s.alive(o.cookie)))).map(Number).join("");
		const list = await gives(t, "listSessions");
		eq(list.length, 6);
		assert.ok(list.every((x) => x.expiresAt instanceof Date));
		const ids = await Promise.all(others.map((o) => s.sessionId(o)));
		same(await gives(t, "revokeSession", ids[0]), { status: true });
		same(await gives(t, "revokeSession", { token: ids[1] }), { status: true });
		same(await gives(t, "revokeSession", list.find((x) => x.id === ids[2])), { status: true });
		eq(await alive(), "00011");
		await fails(t, 404, "SESSION_NOT_FOUND", "revokeSession", ids[2]);
		same(await gives(t, "revokeOtherSessions"), { status: true });
		eq(await alive(), "00000");
		eq(await shown(t), "Ann");
		same(await gives(t, "revokeSessions"), { status: true });
		eq(await shown(t), null);
		await fails(t, 401, "UNAUTHORIZED", "listSessions");
	});
	test("revokeSession of the own session", async () => {
		const { t } = await somebody();
		await gives(t, "revokeSession", (await gives(t, "getSession")).session);
		eq(await shown(t), null);
	});
	test("no id that revokeSession may be given ends anything else", async () => {
		const { t, who } = await somebody(), other = await s.another(who);
		for (const id of ["", ".", "..", "/", "?keep=current", "#", "%2e%2e", "../sessions", "a/../..", "x".repeat(32), "ä"]) await fails(t, 404, "SESSION_NOT_FOUND", "revokeSession", id);
		same([await s.alive(who.cookie), await s.alive(other.cookie)], [true, true]);
	});
});

describe("the account", () => {
	test("changePassword ends the other sessions, or keeps them", async () => {
		const { t, who } = await somebody(), other = await s.another(who);
		await fails(t, 400, "INVALID_PASSWORD", "changePassword", { currentPassword: "wrong-horse-1", newPassword: "brand-new-pass" });
		const { token, user } = await gives(t, "changePassword", { currentPassword: PASSWORD, newPassword: "brand-new-pass", revokeOtherSessions: false });
		same([token, user.id, await s.alive(other.cookie)], [null, who.id, true]);
		await gives(t, "changePassword", { currentPassword: "brand-new-pass", newPassword: PASSWORD });
		same([await s.alive(other.cookie), await shown(t)], [false, "Ann"]);
	});
	test("verifyPassword makes the session fresh, and the store knows", async () => {
		const { t } = await somebody(), at = () => t.evaluate(() => client.$session.get().data.session.authenticatedAt.getTime());
		await fails(t, 400, "INVALID_PASSWORD", "verifyPassword", { password: "wrong-horse-1" });
		const before = await at();
		same(await gives(t, "verifyPassword", { password: PASSWORD }), { status: true });
		assert.ok((await at()) > before);
	});
	test("updateUser", async () => {
		const { t } = await somebody();
		same(await gives(t, "updateUser", { name: "Jo", image: "https://img.example/1.png" }), { status: true });
		same(await t.evaluate(() => { const { name, image } = client.$session.get().data.user; return [name, image]; }), ["Jo", "https://img.example/1.png"]);
		await gives(t, "updateUser", { image: null });
		await fails(t, 400, undefined, "updateUser", {});
		await fails(await nobody(), 401, "UNAUTHORIZED", "updateUser", { name: "x" });
	});
	test("changeEmail, and verifyEmail with the token of its mail", async () => {
		const { t } = await somebody(), newEmail_ = newEmail();
		same(await gives(t, "changeEmail", { newEmail: newEmail_ }), { status: true });
		same(await gives(t, "verifyEmail", { token: s.tokenOf(newEmail_) }), { status: true, user: null });
		same(await t.evaluate(() => { const { email, emailVerified } = client.$session.get().data.user; return [email, emailVerified]; }), [newEmail_, true]);
	});
	test("sendVerificationEmail and verifyEmail", async () => {
		const { t, who } = await somebody();
		same(await gives(t, "sendVerificationEmail", { email: who.email }), { status: true });
		await fails(t, 401, "INVALID_TOKEN", "verifyEmail", { token: "x".repeat(32) });
		await gives(t, "verifyEmail", { token: s.tokenOf(who.email) });
		await fails(t, 400, "EMAIL_ALREADY_VERIFIED", "sendVerificationEmail", { email: who.email });
	});
	test("requestPasswordReset and resetPassword", async () => {
		const { t, who } = await somebody(), other = await nobody();
		eq((await gives(other, "requestPasswordReset", { email: who.email })).status, true);
		await fails(other, 400, "INVALID_TOKEN", "resetPassword", { newPassword: "brand-new-pass", token: "x".repeat(32) });
		const token = s.tokenOf(who.email);
		same(await gives(other, "resetPassword", { newPassword: "brand-new-pass", token }), { status: true });
		await gives(other, "signIn.email", SIGN_IN(who, { password: "brand-new-pass" }));
		await t.evaluate(() => client.$session.get().refetch());
		eq(await shown(t), null);
	});
	test("notMe", async () => {
		const who = await s.user(), t = await nobody();
		await s.mails(who.email);
		await s.signIn(who.email, {}, { remote: "198.51.100.7" });
		same(await gives(t, "notMe", { token: s.tokenOf(who.email) }), { status: true });
		await fails(t, 400, "INVALID_TOKEN", "notMe", { token: "x".repeat(32) });
	});
	test("listAccounts", async () => {
		const { t, who } = await somebody(), [account, more] = await gives(t, "listAccounts");
		same([account.providerId, account.userId, account.createdAt instanceof Date, more], ["credential", who.id, true, undefined]);
	});
	test("deleteUser", async () => {
		const { t, who } = await somebody();
		await fails(t, 400, "INVALID_PASSWORD", "deleteUser", { password: "wrong-horse-1" });
		same(await gives(t, "deleteUser", { password: PASSWORD }), { success: true, message: "User deleted" });
		eq(await shown(t), null);
		await fails(t, 401, "INVALID_EMAIL_OR_PASSWORD", "signIn.email", SIGN_IN(who));
		const second = await somebody();
		same(await gives(second.t, "deleteUser"), { success: true, message: "User deleted" });
	});
	test("token is not there in session mode", async () => {
		await fails((await somebody()).t, 404, "NOT_FOUND", "token");
	});
	test("every call that the types name is made here or below", async () => {
		const t = await nobody(), names = await t.evaluate(() => Object.entries(client.auth).flatMap(([k, v]) => (typeof v === "function" ? [k] : Object.keys(v).map((x) => `${k}.${x}`))));
		same(names.sort(), [...called].sort());
	});
});
const called = ["signUp.email", "signIn.email", "signOut", "getSession", "listSessions", "revokeSession", "revokeOtherSessions", "revokeSessions", "changePassword", "verifyPassword",
	"requestPasswordReset", "resetPassword", "updateUser", "changeEmail", "deleteUser", "sendVerificationEmail", "verifyEmail", "notMe", "listAccounts", "token"];

test("too many tries: 429 with the seconds to wait", async () => {
	const l = await site({ set: { "limits.sign_in": "3/10s" } });
	try {
		const t = await tab(l, await chromium.person());
		for (let i = 0; i < 3; i++) await fails(t, 401, "INVALID_EMAIL_OR_PASSWORD", "signIn.email", { email: newEmail(), password: PASSWORD });
		const { retryAfter } = await fails(t, 429, "TOO_MANY_REQUESTS", "signIn.email", { email: newEmail(), password: PASSWORD });
		assert.ok(retryAfter > 0 && retryAfter <= 10, retryAfter);
	} finally { await l.stop(); }
});
for (const mode of ["bearer", "jwt"]) {
	test(`${mode} mode: the same, and nothing is kept where scripts can read it`, async () => {
		const m = await site({ set: { "auth.mode": mode } });
		try {
			const who = await m.user(), t = await tab(m, await chromium.person());
			assert.ok((await gives(t, "signIn.email", SIGN_IN(who))).token);
			eq(await shown(t), "Ann");
			if (mode === "jwt") assert.match((await gives(t, "token")).token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
			same(await t.evaluate(async () => [{ ...localStorage }, { ...sessionStorage }, await indexedDB.databases(), document.cookie]), [{}, {}, [], ""]);
		} finally { await m.stop(); }
	});
}

describe("where latchkey is", () => {
	const asking = async (t) => (await t.evaluate(() => client.auth.getSession())).data?.user.name ?? null;
	test("another base path", async () => {
		const o = await site({ set: { "auth.base_path": "/members/auth" } });
		try {
			const t = await signedInTab(o, await chromium.person(), await o.user(), { options: { baseURL: "/members/auth/" } });
			eq(await asking(t), "Ann");
		} finally { await o.stop(); }
	});
	test("a page below another path, and one with a <base> elsewhere, ask the own origin", async () => {
		s.put("deep/er/page.html", '<!doctype html><meta charset=utf-8><script src="/latchkey-client.min.js"></script>');
		s.put("based.html", '<!doctype html><meta charset=utf-8><script src="/latchkey-client.min.js"></script><base href="https://evil.example/x/">');
		for (const page of ["deep/er/page.html", "based.html"]) {
			const t = await signedInTab(s, await chromium.person(), await s.user(), { page });
			same(t.asked, ["GET /session"]);
		}
	});
	test("another origin that is trusted: with its cookie; one that is not: no answer", async () => {
		const pages = http.createServer((q, r) => { r.setHeader("content-type", "text/html"); r.end(`<!doctype html><meta charset=utf-8><script src="${own}/latchkey-client.min.js"></script>`); });
		let own = "";
		await new Promise((f) => pages.listen(0, "127.0.0.1", f));
		const origin = `http://127.0.0.1:${pages.address().port}`;
		const trusting = await site({ set: { "auth.trusted_origins": origin } });
		try {
			own = trusting.origin;
			const who = await trusting.user();
			for (const baseURL of [trusting.base, trusting.origin]) {
				const t = await (await chromium.person()).newPage();
				await t.goto(origin);
				const seen = await t.evaluate(async ([baseURL, input]) => {
					const client = latchkey.createTypedClient({ baseURL });
					client.$session.listen(() => {});
					const { error } = await client.auth.signIn.email(input);
					return [error, client.$session.get().data?.user.name, (await client.auth.updateUser({ name: "Ann" })).error, (await client.auth.revokeOtherSessions()).error];
				}, [baseURL, SIGN_IN(who)]);
				same(seen, [null, "Ann", null, null]);
			}
			own = s.origin;
			const t = await (await chromium.person()).newPage();
			await t.goto(origin);
			const { data, error } = await t.evaluate((baseURL) => latchkey.createTypedClient({ baseURL }).auth.getSession(), s.base);
			same([data, error.code, error.status], [null, "NETWORK_ERROR", 0]);
		} finally { pages.close(); await trusting.stop(); }
	});
	test("a fetch of the page's own", async () => {
		const { t } = await somebody();
		same(await t.evaluate(async () => {
			const seen = [], spy = (url, init) => { seen.push(init.method, String(url).replace(location.origin, ""), init.credentials, init.signal instanceof AbortSignal); return fetch(url, init); };
			const { data } = await latchkey.createTypedClient({ fetch: spy }).auth.getSession();
			await latchkey.createTypedClient({ fetch: spy, baseURL: "http://127.0.0.1:1" }).auth.signOut();
			return [data.user.name, ...seen];
		}), ["Ann", "GET", "/auth/session", "same-origin", true, "POST", "http://127.0.0.1:1/auth/sign-out", "include", true]);
	});
	test("a page without an origin: an error, and nothing is thrown", async () => {
		const t = await nobody();
		const error = await t.evaluate(async (script) => {
			const frame = document.createElement("iframe");
			frame.sandbox = "allow-scripts";
			frame.srcdoc = `<script>${script}</` + "script><script>latchkey.createTypedClient().auth.getSession().then((r) => parent.postMessage(r, '*'), (e) => parent.postMessage(String(e), '*'))</" + "script>";
			const told = new Promise((f) => addEventListener("message", (e) => f(e.data)));
			document.body.append(frame);
			return (await told).error;
		}, await (await fetch(`${s.origin}/latchkey-client.min.js`)).text());
		eq(error.code, "NETWORK_ERROR");
	});
	test("a strict content security policy: nothing but connect-src and the script's source is needed", async () => {
		s.put("strict.html", `<!doctype html><meta charset=utf-8><meta http-equiv="content-security-policy" content="default-src 'none'; script-src 'self'; connect-src 'self'"><script src="/latchkey-client.min.js"></script>`);
		const t = await signedInTab(s, await chromium.person(), await s.user(), { page: "strict.html" });
		await gives(t, "signOut");
		same(t.faults, []);
	});
});
