// The page to sign in by: its form, its token, where it leads; and its place as Apache's error page for the gate.
import { test, after } from "node:test";
import { start, eq, same, assert, FOREIGN, PASSWORD, newEmail, setsNothing } from "./server.mjs";

const s = await start({ set: { "auth.trusted_origins": "https://app.example.net https://*.example.org", "gate /admin/.require": "group:staff" } });
after(() => s.stop());
const HTML = { accept: "text/html,*/*;q=0.8" };
const text = (html, name) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1]?.replaceAll("&amp;", "&");
/** Opens the page as a browser; `cookie` is what it holds. */
async function open(query = "", { cookie, env, ...o } = {}) {
	const res = await s.get(`/login${query}`, { headers: HTML, cookie, env, ...o }), form = res.setCookies.find((c) => c.name.endsWith("form"));
	return { res, token: text(res.text, "formToken"), next: text(res.text, "callbackURL"), cookie: [cookie, form && `${form.name}=${form.value}`].filter(Boolean).join("; ") || undefined };
}
const submit = (page, fields, o = {}) => s.send("POST", "/sign-in/email", { headers: { ...HTML, ...o.headers }, cookie: page.cookie, form: { ...(page.token && { formToken: page.token }), ...(page.next && { callbackURL: page.next }), rememberMe: "true", ...fields }, ...o });

test("from a page at the gate to the form, and back to the page, signed in", async () => {
	const u = await s.user(), page = await open("?next=/protected/?a=1&b=%20c");
	eq(page.res.status, 200); assert.match(page.res.headers["content-type"], /^text\/html/);
	eq(page.next, "/protected/?a=1&b=%20c");
	for (const h of ["content-security-policy", "referrer-policy"]) assert.ok(page.res.headers[h]);
	const res = await submit(page, { email: u.email, password: PASSWORD });
	eq(res.status, 303, res.text); eq(res.headers.location, page.next); eq(res.text, "");
	assert.ok(await s.alive(s.browser(res).cookie));
	const there = await submit(await open(), { email: u.email, password: PASSWORD });
	eq(there.status, 303); eq(there.headers.location, "/");
});

test("what was wrong is said above the form, which keeps the address and the way on, never the password", async () => {
	const u = await s.user(), page = await open("?next=%2Fp%3Fq");
	const res = await submit(page, { email: u.email, password: "wrong-<password>" });
	eq(res.status, 401); assert.match(res.headers["content-type"], /^text\/html/);
	assert.match(res.text, /role="alert"[^>]*>\s*<a href="#email">E-mail address or password is wrong\.</);
	assert.ok(res.text.includes(`value="${u.email}"`)); assert.ok(!res.text.includes("wrong-"));
	eq(text(res.text, "callbackURL"), "/p?q"); eq(text(res.text, "formToken"), page.token);
	setsNothing(res);
	const evil = await submit(page, { email: "\"><script>alert(1)</script>", password: "x" });
	eq(evil.status, 400); assert.ok(!evil.text.includes("<script>")); assert.ok(evil.text.includes("&quot;&gt;&lt;script&gt;"));
});

test("not to be remembered: a box that is not ticked", async () => {
	const u = await s.user(), page = await open(), sent = (ticked) => s.send("POST", "/sign-in/email", { headers: { ...HTML, "content-type": "application/x-www-form-urlencoded" }, cookie: page.cookie, body: new URLSearchParams([["formToken", page.token], ["email", u.email], ["password", PASSWORD], ...(ticked ? [["rememberMe", "true"]] : []), ["rememberMe", "false"]]).toString() });
	for (const [ticked, age] of [[true, "604800"], [false, undefined]]) { const res = await sent(ticked); eq(res.status, 303); eq(res.setCookies.find((c) => c.name === s.cookieName).attrs["max-age"], age); }
});

test("a form counts in the browser and the session it was shown in, and nowhere else", async () => {
	const u = await s.user(), fields = { email: u.email, password: PASSWORD }, page = await open(), other = await open();
	const refused = async (p, o) => { const res = await submit(p, fields, o); eq(res.status, 403, res.text); assert.match(res.text, /too old/); setsSession(res, false); };
	const setsSession = (res, is) => eq(res.setCookies.some((c) => c.name === s.cookieName), is);
	await refused({ ...page, token: undefined });
	await refused({ ...page, token: other.token });
	await refused({ ...page, token: page.token.slice(0, -1) + (page.token.endsWith("A") ? "B" : "A") });
	await refused({ ...page, token: "" });
	await refused({ ...page, cookie: other.cookie });
	const bare = await submit({ ...page, cookie: undefined }, fields);
	eq(bare.status, 403); setsSession(bare, false);
	// shown to who is signed in: bound to the session, and dead with it
	const signed = await open("", { cookie: u.cookie });
	assert.ok(signed.res.text.includes(`signed in as <strong>${u.email}</strong>`)); eq(signed.cookie, u.cookie, "no further cookie");
	await refused({ ...signed, cookie: page.cookie });
	await refused({ ...signed, cookie: (await s.another(u)).cookie });
	eq((await submit(signed, fields)).status, 303);
	// the cookie is kept, so a second tab does not spoil the first
	const again = await open("", { cookie: page.cookie });
	eq(again.token, page.token); setsNothing(again.res);
	eq((await submit(page, fields)).status, 303);
});

test("a form from another origin is refused whatever it carries, and a JSON client needs no token", async () => {
	const u = await s.user(), page = await open(), fields = { email: u.email, password: PASSWORD };
	for (const origin of [FOREIGN, "null", null]) eq((await submit(page, fields, { origin, headers: { "sec-fetch-site": "same-site", "sec-fetch-mode": "navigate" } })).status, 403, String(origin));
	eq((await s.post("/sign-in/email", fields)).status, 200);
	eq((await s.send("POST", "/sign-in/email", { form: fields })).status, 200, "no browser: no Accept of a page");
});

test("next: a path of ours or an origin that is listed as it is; anything else leads home", async () => {
	const good = ["/", "/a", "/a/b?c=d&e=/f#g", "/a%20b", "https://app.example.net/x", s.origin + "/x", "/?next=https://evil.example/"];
	const bad = ["//evil.example/", "/\\evil.example", "\\\\evil.example", "https://evil.example/", "https://sub.example.org/", "javascript:alert(1)", "evil", "/a%2f/../b", "/%5cevil.example", "http://app.example.net/", "https://app.example.net@evil.example/", "https://app.example.net.evil.example/", " /a", "/a\tb", "data:text/html,x", "ftp://app.example.net/", "/\n/evil.example", "%2f%2fevil.example", "", "https:evil.example", "https:///evil.example", "///evil.example", "/\u00e9"];
	for (const v of good) eq((await open(`?next=${encodeURIComponent(v)}`)).next, v, v);
	for (const v of bad) eq((await open(`?next=${encodeURIComponent(v)}`)).next, undefined, v);
	for (const v of ["/a?b=c&d=e", "/a?b=%zz&c=%ff", "/%ff"]) eq((await open(`?next=${v}`)).next, v, "as a web server puts it there");
	for (const v of ["//evil.example&x", "/\\evil", "https://evil.example"]) eq((await open(`?next=${v}`)).next, undefined, v);
	eq((await open("?x=1&next=/a")).next, "/a");
	eq((await open("?xnext=/a")).next, undefined);
	const off = await open("?next=https://app.example.net/x");
	assert.match(off.res.headers["content-security-policy"], /form-action 'self' https:\/\/app\.example\.net;/);
	const u = await s.user();
	eq((await submit(off, { email: u.email, password: PASSWORD })).headers.location, "https://app.example.net/x");
	eq((await submit({ ...off, next: "https://evil.example/" }, { email: u.email, password: PASSWORD })).status, 403);
});

test("as error page of Apache: the status of the gate, the page that was refused as the way on", async () => {
	const u = await s.user();
	const refused = (uri, o = {}) => s.get("/login", { headers: HTML, uri, env: { SCRIPT_NAME: "/auth", PATH_INFO: "/login", REDIRECT_STATUS: "401", REDIRECT_URL: uri.split("?")[0] }, ...o });
	const nobody = await refused("/protected/x?y=1&z=2");
	eq(nobody.status, 401); eq(text(nobody.text, "callbackURL"), "/protected/x?y=1&z=2"); assert.ok(text(nobody.text, "formToken"));
	const api = await refused("/protected/", { headers: { accept: "application/json" } });
	eq(api.status, 401); eq(api.json.code, "UNAUTHORIZED");
	const other = await refused("/admin/", { cookie: u.cookie });
	eq(other.status, 403); assert.match(other.text, /This page is not for you/);
	for (const headers of [HTML, { accept: "application/json" }]) {
		const meanwhile = await refused("/protected/", { cookie: u.cookie, headers });
		eq(meanwhile.status, 503, "the store was away for a moment: nobody was signed out"); eq(meanwhile.headers["retry-after"], "2"); eq(meanwhile.setCookies.length, 0);
	}
	const own = { SCRIPT_NAME: "/auth", PATH_INFO: "/login", REDIRECT_STATUS: "401", REDIRECT_AUTH_USER_ID: u.id };
	eq((await refused("/protected/", { cookie: u.cookie, env: own })).status, 401, "the gate said yes, the page itself no");
	for (const uri of ["//evil.example/x", "/\\evil.example"]) eq(text((await refused(uri)).text, "callbackURL"), undefined, uri);
	eq((await refused("/p%00", {})).status, 401);
	if (s.db) {
		const { renameSync } = await import("node:fs");
		renameSync(s.db, `${s.db}.away`);
		try { eq((await refused("/protected/", { cookie: u.cookie })).status, 503); } finally { renameSync(`${s.db}.away`, s.db); }
	}
});

test("too many tries: the form says so, and when to come again", async () => {
	const trusted = "https://app.example.net", t = await start({ set: { "limits.sign_in": "2/10m", "auth.trusted_origins": trusted } });
	try {
		const page = await t.get("/login", { headers: HTML }), form = page.setCookies[0], email = newEmail(), sent = (o) => t.send("POST", "/sign-in/email", { headers: HTML, cookie: `${form.name}=${form.value}`, form: { formToken: text(page.text, "formToken"), email, password: "wrong-password", callbackURL: "/there" }, ...o });
		for (let i = 0; i < 2; i++) eq((await sent()).status, 401);
		const res = await sent();
		eq(res.status, 429); eq(text(res.text, "callbackURL"), "/there"); assert.ok(res.text.includes(`value="${email}"`), "what was typed is still there");
		eq((await sent({ origin: trusted, headers: {} })).headers["access-control-expose-headers"], "Retry-After");
		const foreign = await sent({ origin: FOREIGN });
		eq(foreign.status, 403); assert.ok(!foreign.text.includes(email), "what another site put there is not"); assert.ok(Number(res.headers["retry-after"]) > 0); assert.match(res.text, /role="alert"[^>]*>\s*Too many tries/);
	} finally { await t.stop(); }
});

test("the form's cookie has the attributes of the session's", async () => {
	const t = await start({ set: { "cookie.name": "sid", "cookie.path": "/app", "auth.base_path": "/app/auth", "cookie.same_site": "strict" } });
	try { const [c] = (await t.get("/login")).setCookies; eq(c.name, "sid.form"); same(c.attrs, { path: "/app", httponly: true, samesite: "Strict" }); } finally { await t.stop(); }
});

test("a way on that is too long to be taken is left out, and signing in works", async () => {
	const u = await s.user(), long = `/p/${"a".repeat(1100)}`, page = await open(`?next=${long}`);
	eq(page.next, undefined);
	const res = await submit(page, { email: u.email, password: PASSWORD });
	eq(res.status, 303, res.text); eq(res.headers.location, "/");
	eq((await open(`?next=/p/${"a".repeat(997)}`)).next.length, 1000);
});
