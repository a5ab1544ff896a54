// The pages as they leave the program: their headers, the form tokens that they hand out, where forms and links of theirs may
// lead, and what a site puts in their place. What people see of them is looked at in tests/browser.
import { after, before, describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BUILD, FOREIGN, PASSWORD, ROOT, assert, cleanEnv, eq, newDir, newEmail, ok, same, setsNothing, start, times } from "./server.mjs";
import { follow, startMailing } from "./mailbox.mjs";

const HTML = { accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8" }, NEXT = "another-horse-2", A32 = "a".repeat(32);
const s = await startMailing({ "auth.delete_user": "mail" }, { workers: 1 });
after(() => s.stop());
const field = (html, name) => new RegExp(`<input type="hidden" name="${name}" value="([^"]*)">`).exec(html)?.[1];
const page = (p, o = {}) => s.get(p, { ...o, headers: { ...HTML, ...o.headers } });
const submit = (p, form, o = {}) => s.send("POST", p, { form, ...o, headers: { ...HTML, ...o.headers } });
/** What a browser holds and shows once it has opened a page. */
async function opened(p, cookie) {
	const res = await page(p, { cookie }), form = res.setCookies.find((c) => c.name === "latchkey.form");
	return { res, token: field(res.text, "formToken"), cookie: [cookie, form && `${form.name}=${form.value}`].filter(Boolean).join("; ") || undefined };
}
/** Stops it and starts it anew. */
const again = async (t) => { assert.notEqual(await t.halt(), null); await t.launch(); };
const html = (res, status, text) => { eq(res.status, status, res.text); eq(res.headers["content-type"], "text/html; charset=utf-8"); assert.match(res.text, text); return res; };

// --- headers ---------------------------------------------------------------------------------------------------------------

const POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'";
const FIXED = { "cache-control": "no-store", "content-security-policy": POLICY, "content-type": "text/html; charset=utf-8", "cross-origin-opener-policy": "same-origin", "referrer-policy": "same-origin", vary: "Accept-Language, Cookie", "x-content-type-options": "nosniff" };
/** The fields of an answer but those that differ by design. */
const fixed = (res) => Object.fromEntries(Object.entries(res.headers).filter(([k]) => !["status", "set-cookie", "latchkey-session-ended", "retry-after", "x-retry-after", "x-request-id"].includes(k)));

describe("headers (S41, S44)", () => {
	test("of every page, and of every answer that is one", async () => {
		const u = await s.user(), gone = await s.user(), o = { cookie: u.cookie };
		await s.post("/sign-out", {}, { cookie: gone.cookie });
		ok(await s.post("/delete-user", { password: PASSWORD }, o)); ok(await s.post("/request-password-reset", { email: u.email })); await s.another(u, {}, { remote: "203.0.113.5" });
		const links = (await s.mails(u.email, 4)).map((m) => follow(s, m.link).path), login = await opened("/login"), account = await opened("/account", u.cookie);
		const all = [
			...["/login", "/login?next=/x", "/login?done=password", "/register", "/forgot", "/forgot?done=sent", "/verify", "/signed-out", "/error", "/error?error=X", "/error?error=%3Cb%3E", "/reset", `/reset?token=${A32}`, "/not-me", `/not-me?token=${A32}`, "/verify-email", `/verify-email?token=${A32}`, `/reset-password/${A32}`, ...links.filter((l) => !l.startsWith("/verify-email"))].map((p) => [p, () => page(p, o)]),
			...["/account", "/devices", "/reauth", "/reauth?next=/x", `/delete-user/callback?token=${A32}`, "/delete-user/callback"].map((p) => [p, () => page(p, o)]),
			...["/account", "/devices", "/reauth"].map((p) => [`${p}, ended`, () => page(p, { cookie: gone.cookie })]),
			["sign-in, wrong", () => submit("/sign-in/email", { email: u.email, password: "wrong-horse-1", formToken: login.token }, { cookie: login.cookie })],
			["sign-in, no token", () => submit("/sign-in/email", { email: u.email, password: PASSWORD }, { cookie: login.cookie })],
			["sign-in, from elsewhere", () => submit("/sign-in/email", { email: u.email, password: PASSWORD, formToken: login.token }, { cookie: login.cookie, origin: FOREIGN })],
			["sign-in, a bad callback", () => submit("/sign-in/email", { email: u.email, password: PASSWORD, formToken: login.token, callbackURL: FOREIGN }, { cookie: login.cookie })],
			["sign-up, taken", () => submit("/sign-up/email", { name: "A", email: u.email, password: PASSWORD, formToken: login.token }, { cookie: login.cookie })],
			["account, wrong", () => submit("/change-password", { currentPassword: "wrong-horse-1", newPassword: NEXT, formToken: account.token }, o)],
			["account, no token", () => submit("/update-user", { name: "B" }, o)],
			["too large", () => submit("/update-user", { name: "B".repeat(70000), formToken: account.token }, o)],
			["reset, dead", () => submit("/reset-password", { newPassword: NEXT, token: A32 })],
			["verify-email", () => page(links.find((l) => l.startsWith("/verify-email")), o)],
		];
		for (const [what, f] of all) {
			const res = await f();
			same(fixed(res), FIXED, `${what}: ${res.status}`); assert.doesNotMatch(res.text, /<script|<style|\son[a-z]+=|\sstyle=|javascript:/i, what);
			assert.doesNotMatch(res.text, /https?:\/\//, `${what} names no other place`);
		}
	});
	test("where a form leads to a listed origin, that may be the answer's, and nothing else", async () => {
		const t = await startMailing({ "auth.trusted_origins": "https://app.example.net https://*.example.org" });
		try {
			const csp = async (p) => (await t.get(p, { headers: HTML })).headers["content-security-policy"];
			eq(await csp("/login?next=https://app.example.net/a;b"), POLICY.replace("form-action 'self'", "form-action 'self' https://app.example.net"));
			for (const next of ["https://x.example.org/", "https://evil.example/", "https://app.example.net;evil/", "https://app.example.net%20evil/"]) eq(await csp(`/login?next=${encodeURIComponent(next)}`), POLICY);
			// a page that another trusted origin reads
			const res = await t.get("/login", { headers: { ...HTML, origin: "https://app.example.net" } });
			eq(res.headers.vary, "Accept-Language, Cookie, Origin"); eq(res.headers["access-control-allow-origin"], "https://app.example.net");
		} finally { await t.stop(); }
	});
	test("every kind of answer says its type exactly", async () => {
		const u = await s.user(), o = { cookie: u.cookie };
		for (const [res, type] of [[await s.get("/style.css"), "text/css; charset=utf-8"], [await s.get("/login"), "text/html; charset=utf-8"], [await s.get("/session", o), "application/json"], [await s.get("/nope"), "application/json"], [await s.get("/nope", { headers: HTML }), "text/html; charset=utf-8"], [await s.post("/sign-out", {}), "application/json"], [await s.get("/account"), "application/json"], [await page("/account", o), "text/html; charset=utf-8"]]) eq(res.headers["content-type"], type);
		for (const r of s.routes()) {
			const res = await s.send(r.method, r.path.replace("{id}", A32), { headers: HTML, ...(r.method === "GET" ? {} : { json: {} }) });
			const type = res.headers["content-type"];
			if ([302, 303].includes(res.status)) eq(type, undefined, r.path); else assert.ok(["application/json", "text/html; charset=utf-8", "text/css; charset=utf-8"].includes(type), `${r.path}: ${type}`);
		}
	});
	test("forms and links that lead on have no body, and carry nothing that leaks", async () => {
		const p = await opened("/login"), u = await s.user(), res = await submit("/sign-in/email", { email: u.email, password: PASSWORD, formToken: p.token }, { cookie: p.cookie });
		eq(res.status, 303); eq(res.text, ""); eq(res.headers.location, "/"); same(Object.keys(res.headers).sort(), ["cache-control", "location", "status", "x-content-type-options"]);
		eq(res.setCookies.length, 1);
	});
});

// --- HTML and JSON on one endpoint ----------------------------------------------------------------------------------------------

test("the same endpoint answers a form with a page and a client with JSON", async () => {
	const u = await s.user(), { token } = await opened("/account", u.cookie), cookie = u.cookie;
	const as = (accept, form) => s.send("POST", "/update-user", { form, cookie, headers: { accept } });
	eq((await as("text/html", { name: "B", formToken: token })).headers.location, `${s.prefix}/account?done=saved`);
	for (const accept of ["application/json", "*/*", undefined]) same(ok(await as(accept, { name: "C" })), { status: true });
	same(ok(await s.post("/update-user", { name: "D" }, { cookie, headers: HTML })), { status: true }, "JSON is answered as JSON");
	html(await as("text/html", { formToken: token }), 400, /That did not work|alert/);
	eq((await as("application/json", { x: "1" })).json.message, "No fields to update");
	// who is signed out
	eq((await submit("/update-user", { name: "X" })).headers.location, `${s.prefix}/login`); eq((await s.post("/update-user", { name: "X" })).status, 401);
	eq((await page("/account")).headers.location, `${s.prefix}/login?next=${encodeURIComponent(`${s.prefix}/account`)}`);
	eq((await page("/devices?x=%2F&y=//evil.example")).headers.location, `${s.prefix}/login?next=${encodeURIComponent(`${s.prefix}/devices?x=%2F&y=//evil.example`)}`);
});
test("a form that was too old is shown once more, works then, and leads where it would have led", async () => {
	const u = await s.user(), fields = { email: u.email, password: PASSWORD, callbackURL: "/x?y" };
	const res = html(await submit("/sign-in/email", { ...fields, formToken: "old" }), 403, /form was too old/), form = res.setCookies.find((c) => c.name === "latchkey.form");
	eq(field(res.text, "callbackURL"), "/x?y"); assert.ok(res.text.includes(`value="${u.email}"`));
	eq((await submit("/sign-in/email", { ...fields, formToken: field(res.text, "formToken") }, { cookie: `${form.name}=${form.value}` })).headers.location, "/x?y");
});
test("a foreign page's form is answered with an error that repeats nothing of it", async () => {
	for (const [p, form] of [["/sign-in/email", { email: "call-0900@evil.example", password: "x" }], ["/sign-up/email", { name: "Your account is locked", email: "call-0900@evil.example", password: PASSWORD }], ["/request-password-reset", { email: "call-0900@evil.example" }]])
		for (const o of [{ origin: FOREIGN }, { origin: "null", headers: { "sec-fetch-mode": "navigate" } }, { origin: FOREIGN, headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" } }]) {
			const res = html(await submit(p, form, o), 403, /That did not work/);
			assert.doesNotMatch(res.text, /call-0900|locked/); eq(field(res.text, "formToken"), undefined); setsNothing(res);
		}
});
test("the page of an account that is gone shows nobody", async () => {
	const u = await s.user(), { path: p } = follow(s, (ok(await s.post("/delete-user", { password: PASSWORD }, { cookie: u.cookie })), (await s.mails(u.email, 2)).find((m) => m.link.includes("/delete-user")).link));
	const ask = html(await page(p, { cookie: u.cookie }), 200, /Delete your account\?/), res = html(await submit("/delete-user", { formToken: field(ask.text, "formToken"), token: field(ask.text, "token") }, { cookie: u.cookie }), 200, /Your account is deleted/);
	assert.doesNotMatch(res.text, /sign-out|formToken/); assert.ok(!res.text.includes(u.email)); eq(res.setCookies[0].attrs["max-age"], "0");
});
test("an address that is none of ours, or not to be opened, is told to people by a page", async () => {
	for (const [p, status, says, method = "GET"] of [["/nothing", 404, /There is no such page/], ["/", 404, /There is no such page/], ["/login/", 404, /There is no such page/], ["/sign-in/email", 405, /That did not work/], ["/sign-out", 405, /That did not work/]]) {
		const res = html(await s.send(method, p, { headers: HTML }), status, says);
		setsNothing(res); assert.match(res.text, new RegExp(`href="${s.prefix}/login"`)); eq(res.headers["content-security-policy"], POLICY);
		const told = await s.send(method, p);
		eq(told.status, status); eq(told.json.code, status === 404 ? "NOT_FOUND" : "METHOD_NOT_ALLOWED"); eq(told.headers.allow, res.headers.allow);
	}
	eq((await s.send("POST", "/nothing", { headers: HTML, form: { a: "b" } })).json.code, "NOT_FOUND");
});
test("where no mail is sent a dead link leads nowhere", async () => {
	const t = await start();
	try { assert.doesNotMatch(html(await t.get("/reset?token=x", { headers: HTML }), 400, /This link does not work any more/).text, /class="button"/); } finally { await t.stop(); }
});
test("more devices than a page holds: this one, those last used, and how many there are besides", async () => {
	const t = await startMailing({ "session.max_per_user": "0", "limits.total": "off" });
	try {
		const u = await t.user();
		for (let i = 0; i < 21; i++) await Promise.all(times(10, () => t.another(u)));
		const list = html(await t.get("/devices", { cookie: u.cookie, headers: HTML }), 200, /<p>Further sessions that are not shown: 11<\/p>/).text;
		eq(list.match(/<li>/g).length, 200); eq(list.match(/this device/g).length, 1); assert.ok(list.indexOf("this device") < list.indexOf("/revoke-session"), "this one is the first, and not for ending");
	} finally { await t.stop(); }
});

// --- form tokens --------------------------------------------------------------------------------------------------------------------

describe("form tokens (S37)", () => {
	/** Every endpoint that takes a form, a good one of it, whether it asks for somebody, and what must not have happened. */
	const BODIES = {
		"/sign-in/email": (u) => ({ email: u.email, password: PASSWORD }), "/sign-up/email": () => ({ name: "A", email: newEmail(), password: PASSWORD }), "/sign-out": () => ({}), "/revoke-session": () => ({ token: "x" }), "/revoke-sessions": () => ({}), "/revoke-other-sessions": () => ({}),
		"/change-password": () => ({ currentPassword: PASSWORD, newPassword: PASSWORD, revokeOtherSessions: "false" }), "/verify-password": () => ({ password: PASSWORD }), "/reset-password": () => ({ newPassword: PASSWORD }), "/request-password-reset": (u) => ({ email: u.email }), "/send-verification-email": (u) => ({ email: u.email }),
		"/change-email": () => ({ newEmail: newEmail() }), "/not-me": () => ({}), "/update-user": () => ({ name: "B" }), "/delete-user": () => ({ password: PASSWORD }),
	};
	const FORMS = s.routes().filter((r) => r.method === "POST" && /form/.test(r.body));
	test("all endpoints that take a form are known here", () => same(FORMS.map((r) => r.path).sort(), Object.keys(BODIES).sort()));
	const state = () => s.sql("SELECT COUNT(*) FROM user; SELECT COUNT(*) FROM session; SELECT COUNT(*) FROM latchkey_mail; SELECT MAX(updatedAt) FROM user;");
	for (const r of FORMS) test(`${r.path}: none, another's, of another session, of before, of one that ended: refused`, async () => {
		const u = await s.user(), v = await s.user(), other = await s.another(u), ended = await s.another(u), before = await opened("/login");
		const [own, of_v, of_other, of_ended] = [await opened("/account", u.cookie), await opened("/account", v.cookie), await opened("/account", other.cookie), await opened("/account", ended.cookie)].map((x) => x.token);
		await s.post("/sign-out", {}, { cookie: ended.cookie });
		const both = `${u.cookie}; ${before.cookie}`, stranger = await opened("/login"), somebody = ["signed-in", "proven", "fresh"].includes(r.who);
		const was = state(), bad = [[undefined, u.cookie], ["", u.cookie], [of_v, u.cookie], [of_other, u.cookie], [of_ended, u.cookie], [own.slice(0, -1), u.cookie], [`${own}A`, u.cookie], [own.toLowerCase(), u.cookie], [own, v.cookie], [A32, u.cookie], [u.token, u.cookie], [stranger.token, both], [own, before.cookie], [before.token, stranger.cookie]];
		if (somebody) bad.push([before.token, both]);
		for (const [formToken, cookie] of bad) {
			const res = await submit(r.path, { ...BODIES[r.path](u), ...(formToken !== undefined && { formToken }) }, { cookie });
			// who holds no session is sent to where one signs in, whatever his form says
			if (somebody && !cookie.includes(s.cookieName)) { eq(res.status, 303); eq(res.headers.location, `${s.prefix}/login`); } else html(res, 403, /form was too old/);
			eq(res.setCookies.filter((c) => c.name === s.cookieName).length, 0);
		}
		eq(state(), was, "nothing was done");
		const [formToken, cookie] = somebody || r.who === "either" ? [own, u.cookie] : [before.token, before.cookie];
		const res = await submit(r.path, { ...BODIES[r.path](u), formToken }, { cookie });
		if (["/reset-password", "/not-me"].includes(r.path)) assert.ok([400, 403].includes(res.status), "these go by the token of a mail"); else assert.ok([200, 303].includes(res.status), `${res.status} ${res.text}`);
	});
	test("of two sessions that a browser shows, the form must be of the one that acts", async () => {
		const u = await s.user(), v = await s.user(), token = (await opened("/account", v.cookie)).token, was = state();
		html(await submit("/update-user", { name: "B", formToken: token }, { cookie: `${u.cookie}; ${v.cookie}` }), 403, /form was too old/);
		eq(state(), was, "nothing was done");
		eq((await submit("/update-user", { name: "B", formToken: token }, { cookie: `${v.cookie}; ${u.cookie}` })).status, 303);
	});
	test("one that was mailed stands for a form token only where it is spent", async () => {
		const u = await s.user();
		for (const r of FORMS.filter((x) => !["/reset-password", "/not-me"].includes(x.path))) html(await submit(r.path, { ...BODIES[r.path](u), token: A32 }, { cookie: u.cookie }), 403, /form was too old/);
	});
	test("a token is bound to the secret: after two new secrets it is worth nothing, after one it is", async () => {
		const t = await startMailing();
		try {
			const login = await t.get("/login", { headers: HTML }), form = login.setCookies[0], cookie = `${form.name}=${form.value}`, token = field(login.text, "formToken"), u = await t.user();
			const sent = () => t.send("POST", "/sign-in/email", { headers: HTML, cookie, form: { email: u.email, password: PASSWORD, formToken: token } });
			eq((await sent()).status, 303); t.ctl("secret", "new"); await again(t); eq((await sent()).status, 303); t.ctl("secret", "new"); await again(t); eq((await sent()).status, 403);
		} finally { await t.stop(); }
	});
});

// --- where one may be led ----------------------------------------------------------------------------------------------------------

const CORPUS = JSON.parse(fs.readFileSync(path.join(ROOT, "tests/endpoint/redirects.json"), "utf8")).map((x) => x.replaceAll("OWNHOST", new URL(s.origin).hostname).replaceAll("OWN", s.origin)).filter((x, i, all) => all.indexOf(x) === i);
describe("open redirects (S43)", () => {
	/** Where a browser would go. */
	const leads = (url, from) => new URL(url, s.origin + s.prefix + from).origin;
	const stays = (url, from, what) => eq(leads(url, from), s.origin, `${JSON.stringify(what)} leads to ${url}`);
	const plain = (x) => x.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
	const MORE = ["/", "/a?b=c&d=//evil.example#e", "/a;b", "/%20", `${s.origin}/x`, s.origin];
	test("the corpus is one", () => { assert.ok(CORPUS.length >= 350, `${CORPUS.length}`); assert.ok(CORPUS.filter((x) => { try { return leads(x, "/login") !== s.origin; } catch { return true; } }).length >= 200, "of which a browser would follow that many elsewhere, or nowhere"); });
	for (const p of ["/login", "/register", "/reauth"]) test(`next of ${p}`, async () => {
		const u = await s.user(), cookie = p === "/reauth" ? u.cookie : undefined;
		let taken = 0;
		for (const x of [...CORPUS, ...MORE]) for (const value of new Set([encodeURIComponent(x.toWellFormed?.() ?? x), encodeURIComponent(encodeURIComponent(x)), encodeURI(x).replaceAll("#", "%23"), /^[\x21-\x7e]*$/.test(x) ? x.replaceAll("#", "") : "x"])) {
			const res = await page(`${p}?next=${value}`, { cookie });
			if (res.status === 431 || res.status === 400) continue; // longer than a head may be, or no request at all
			eq(res.status, 200, x);
			const next = field(res.text, "callbackURL");
			if (next === undefined) continue;
			taken++; stays(plain(next), "/sign-in/email", value);
			for (const [, href] of res.text.matchAll(/href="([^"]*)"/g)) stays(plain(href), p, value);
		}
		assert.ok(taken >= MORE.length, `${taken} taken`);
	});
	test("the link to go on, for who is signed in", async () => {
		const u = await s.user();
		for (const x of CORPUS) { const res = await page(`/login?next=${encodeURIComponent(x)}`, { cookie: u.cookie }); if (res.status === 200) stays(plain(/\. <a href="([^"]*)"/.exec(res.text)[1]), "/login", x); }
	});
	test("callbackURL of a form and of JSON", async () => {
		const u = await s.user(), { token } = await opened("/account", u.cookie), o = { cookie: u.cookie };
		let refused = 0;
		for (const x of [...CORPUS, ...MORE]) {
			const res = await submit("/update-user", { name: "B", formToken: token, callbackURL: x }, o);
			if (res.status === 303) stays(res.headers.location, "/update-user", x); else { html(res, x.includes("\0") ? 400 : 403, /address to go on to is not one of this site|did not understand/); refused++; }
			const json = await s.post("/sign-out", { callbackURL: x });
			eq(json.status === 200, res.status === 303, x); eq(json.headers.location, undefined);
		}
		assert.ok(refused >= 200, `${refused} refused`);
		for (const x of MORE) eq((await submit("/update-user", { name: "B", formToken: token, callbackURL: x }, o)).headers.location, x);
	});
	test("callbackURL of a link", async () => {
		for (const p of [`/verify-email?token=${A32}&`, `/reset-password/${A32}?`]) for (const x of CORPUS) {
			const res = await page(`${p}callbackURL=${encodeURIComponent(x)}`);
			if (res.status === 302) stays(res.headers.location, "/verify-email", x); else assert.ok([400, 401, 403, 431].includes(res.status), `${res.status}: ${x}`);
		}
	});
	test("where one signs in for the sake of another page, and signed-out", async () => {
		for (const x of CORPUS.filter((v) => /^[\x21-\x7e]*$/.test(v))) {
			const res = await page(`/devices?${x.replaceAll("#", "")}`);
			if (res.status !== 302) continue;
			stays(res.headers.location, "/devices", x); const next = new URL(res.headers.location, s.origin).searchParams.get("next");
			if (next) stays(next, "/devices", x);
		}
	});
});

// --- a site's own ----------------------------------------------------------------------------------------------------------------------

describe("a site's own files (pages.directory)", () => {
	const dir = newDir("pages"), put = (name, text) => fs.writeFileSync(path.join(dir, name), text);
	let t;
	before(async () => { t = await startMailing({ "pages.directory": dir, "pages.language": "fr", "pages.home": "/espace?x=1", "mail.from_name": "Verein <Söhne>" }); });
	after(async () => { await t.stop(); fs.rmSync(dir, { recursive: true }); });
	const get = (p, o = {}) => t.get(p, { ...o, headers: { ...HTML, ...o.headers } });
	const clean = () => { for (const f of fs.readdirSync(dir)) fs.rmSync(path.join(dir, f), { recursive: true }); };
	/** What latchkeyctl check tells of pages. */
	const check = () => { let out; try { out = t.ctl("--json", "check"); } catch (e) { out = e.stdout; } return JSON.parse(out).filter((x) => x.what === "pages").map((x) => [x.state, x.detail]); };
	const lines = () => t.log().split("\n").filter((l) => /page: |words of pages/.test(l));

	test("templates, read anew with each page; what lacks is built in", async () => {
		clean();
		assert.match((await get("/login")).text, /<h1>Sign in<\/h1>/);
		put("sign-in.html", "<p class=mine>{{t-sign-in}} {{site}} {{base}} {{home}} {{lang}}</p>{{#next}}<i>{{next}}</i>{{/next}}<input type=\"hidden\" name=\"formToken\" value=\"{{form_token}}\">");
		const res = await get("/login?next=/%3Cb%3E");
		html(res, 200, /<p class=mine>Sign in Verein &lt;Söhne&gt; \/auth \/espace\?x=1 fr<\/p><i>\/%3Cb%3E<\/i>/); same(fixed(res), FIXED); assert.match(res.text, /<title>Sign in · Verein &lt;Söhne&gt;<\/title>/);
		put("layout.html", "<!doctype html><title>{{title}}</title><div id=own>{{{body}}}</div>");
		html(await get("/forgot"), 200, /^<!doctype html><title>Set a new password<\/title><div id=own><p>We send you/); same(fixed(await get("/forgot")), FIXED);
		same(check(), [["FAIL", "fr.strings: there is no such template"]], "the language has no words yet");
	});
	test("words of a third language: from the next start on, English for what they lack", async () => {
		clean(); put("fr.strings", "\ufeff# mots\r\nsign-in-title = Connexion\r\ne-INVALID_EMAIL_OR_PASSWORD = Adresse ou mot de passe « faux » <b>\r\n");
		await again(t);
		const login = html(await get("/login"), 200, /<html lang="fr">[^]*<h1>Connexion<\/h1>[^]*Forgot your password/), form = login.setCookies[0];
		html(await t.send("POST", "/sign-in/email", { headers: HTML, cookie: `${form.name}=${form.value}`, form: { email: newEmail(), password: PASSWORD, formToken: field(login.text, "formToken") } }), 401, /Adresse ou mot de passe « faux » &lt;b&gt;/);
		html(await get("/login", { headers: { "accept-language": "de" } }), 200, /Connexion/);
		same(check(), [["ok", `${dir}: well`]]);
	});
	test("the stylesheet", async () => {
		clean(); eq((await get("/style.css")).text, fs.readFileSync(path.join(ROOT, "templates/pages/style.css"), "utf8"));
		put("style.css", "body { color: red }\n"); const res = await get("/style.css");
		eq(res.text, "body { color: red }\n"); eq(res.headers["content-type"], "text/css; charset=utf-8");
	});
	test("where signing in leads", async () => {
		clean(); const u = await t.user(), login = await get("/login"), form = login.setCookies[0];
		eq((await t.send("POST", "/sign-in/email", { headers: HTML, cookie: `${form.name}=${form.value}`, form: { email: u.email, password: PASSWORD, formToken: field(login.text, "formToken") } })).headers.location, "/espace?x=1");
		assert.match((await get("/login", { cookie: u.cookie })).text, /href="\/espace\?x=1"/);
	});
	test("a fault costs no page: the built-in ones stand in, the log and latchkeyctl check tell", async () => {
		clean(); put("fr.strings", "sign-in-title = Connexion\n"); await again(t);
		const faults = { "sign-in.html": ["x\n{{#user}}", "line 2: a section has no end"], "layout.html": ["{{> head}}", "line 1: partials and other delimiters are not taken"], "message.html": ["a\0b", "holds a NUL byte"], "account.html": ["x".repeat(65537), "is longer than 64 KiB"], "style.css": ["x".repeat(65537), "is longer than 64 KiB"] };
		for (const [name, [text, what]] of Object.entries(faults)) {
			clean(); put("fr.strings", "sign-in-title = Connexion\n"); put(name, text);
			const before = lines().length, u = await t.user();
			if (name === "style.css") eq((await get("/style.css")).text, fs.readFileSync(path.join(ROOT, "templates/pages/style.css"), "utf8"));
			else html(await get(name === "message.html" ? "/error" : name === "account.html" ? "/account" : "/login", { cookie: u.cookie }), 200, /<main>\n<h1>/);
			assert.match(lines().slice(before).join("\n"), new RegExp(`page: ${dir}/${name}: ${what}; .*built in stand`), name);
			same(check(), [["FAIL", `${dir}/${name}: ${what}`]]);
		}
		// no file at all, and one that may not be read
		clean(); fs.mkdirSync(path.join(dir, "sign-in.html")); html(await get("/login"), 200, /<h1>/); same(check(), [["FAIL", "fr.strings: there is no such template"]]);
		put("fr.strings", "sign-in-title = Connexion\nnonsense\n"); await again(t); html(await get("/login"), 200, /Connexion/);
		assert.match(lines().at(-1) + lines().join("\n"), new RegExp(`words of pages: ${dir}/fr.strings: line 2 is no 'key = text'`)); same(check(), [["FAIL", `${dir}/fr.strings: line 2 is no 'key = text'`]]);
	});
	test("a directory that is not there is told by check, and costs no page", async () => {
		clean(); fs.rmdirSync(dir);
		try { html(await get("/login"), 200, /<h1>Sign in|<h1>Connexion/); same(check(), [["FAIL", "fr.strings: there is no such template"]]); } finally { fs.mkdirSync(dir); if (process.getuid() === 0) execFileSync("chown", ["www-data:", dir]); }
	});
	test("files that are none of a page: check doubts it", () => {
		const conf = path.join(dir, "x.conf"); clean(); fs.writeFileSync(conf, fs.readFileSync(t.conf, "utf8").replace("language = fr", "language = auto"), { mode: 0o600 }); put("signin.html", "x");
		let out; try { out = execFileSync(path.join(BUILD, "latchkeyctl"), ["-c", conf, "--json", "check"], { encoding: "utf8", env: cleanEnv() }); } catch (e) { out = e.stdout; }
		same(JSON.parse(out).filter((x) => x.what === "pages").map((x) => [x.state, x.detail]), [["warn", `${dir}: no file that is of a page`]]);
	});
	test("a site's template cannot break out of its escaping, whatever a visitor types", async () => {
		clean(); const u = await t.user({ name: "{{{t-x}}}<script>" }); put("account.html", "[{{name}}|{{user}}]");
		html(await get("/account", { cookie: u.cookie }), 200, /\[\{\{\{t-x\}\}\}&lt;script&gt;\|t-/);
	});
});
