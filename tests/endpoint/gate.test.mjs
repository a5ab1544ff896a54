// The gate as web servers ask it: who passes, in what words it refuses, what it tells the page. Behind real web servers: tests/gate.
import { test, after } from "node:test";
import { AUTHORIZER, STDIN, begin, stream, params, environment, exchange, parseAnswer } from "./fcgi.mjs";
import { start, eq, same, assert, ok, times, until, HOUR, DAY, MINUTE, SECOND } from "./server.mjs";

const s = await start({ clock: "still", set: { "cookie.max_age": "absolute", "gate /admin/.require": "group:staff", "gate /admin/board/.require": "group:staff group:board verified-email", "gate /shop/.require": "verified-email" } });
after(() => s.stop());
const ann = await s.user();

const PAGE = { accept: "text/html,application/xhtml+xml", "sec-fetch-mode": "navigate" };
/** Asks the gate about a page. door: nginx, lighttpd, authnz or fcgid. */
async function ask(door, uri, { cookie, headers = {}, method = "GET", env = {}, server = s, stdin = false, remote } = {}) {
	const authorizer = door !== "nginx", apache = { fcgid: "ACCESS_CHECKER", authnz: "AUTHENTICATOR" }[door];
	const parts = { method, uri, remote, headers: { ...(cookie && { cookie }), ...headers }, env: { ...(authorizer ? { SCRIPT_NAME: undefined } : { LATCHKEY_OP: "check" }), ...(apache && { FCGI_APACHE_ROLE: apache }), ...env } };
	// an authorizer is sent no body, not even the end of one; nginx sends the end
	const bytes = Buffer.concat([begin({ role: authorizer ? AUTHORIZER : 1 }), params(environment(parts)), stdin || (authorizer ? Buffer.alloc(0) : stream(STDIN, ""))]);
	const got = await exchange(server.socket, [bytes], {});
	eq(got.state, "ended", `${door} ${uri}: ${got.state}`);
	return parseAnswer(got.stdout);
}
const DOORS = ["nginx", "lighttpd", "authnz", "fcgid"];
const told = (res) => Object.fromEntries(res.fields.filter(([k]) => k.startsWith("variable-")).map(([k, v]) => [k.slice(9), v]));
const denied = (res, status, code) => { eq(res.status, status, res.text); eq(res.headers["latchkey-denied"], code); eq(res.headers["cache-control"], "no-store"); same(told(res), {}); same(res.setCookies, []); };
const group = (...args) => s.ctl("group", ...args);

test("who is signed in passes every door, and the page learns who it is and nothing else", async () => {
	for (const door of DOORS) {
		const res = await ask(door, "/protected/", ann), id = await s.sessionId(ann);
		eq(res.status, 200, door);
		same(told(res), { remote_user: ann.email, auth_user_id: ann.id, auth_email: ann.email, auth_name: "Ann", auth_session_id: id });
		same(Object.keys(res.headers).filter((k) => !k.startsWith("variable-")), ["status"], door);
		same(res.setCookies, []); eq(res.text, "");
		assert.ok(!JSON.stringify(res.fields).includes(ann.token));
	}
});

test("nobody: 401 for nginx and mod_fcgid; a browser that goes somewhere is sent to sign in where that is passed on", async () => {
	for (const cookie of [undefined, "latchkey.session_token=", `${s.cookieName}=nonsense`, s.withValue(s.sign("b".repeat(32))), s.withValue(s.sign("b".repeat(32), "x".repeat(32)))]) {
		for (const door of ["nginx", "fcgid"]) denied(await ask(door, "/protected/", { cookie, headers: PAGE }), 401, "UNAUTHORIZED");
		for (const door of ["lighttpd", "authnz"]) {
			const res = await ask(door, "/protected/?a=1&b=%20x", { cookie, headers: PAGE });
			denied(res, 302, "UNAUTHORIZED");
			eq(res.headers.location, "/auth/login?next=%2Fprotected%2F%3Fa%3D1%26b%3D%2520x");
			for (const o of [{}, { headers: { accept: "application/json" } }, { headers: { ...PAGE, "sec-fetch-mode": "cors" } }, { headers: PAGE, method: "POST" }]) {
				const other = await ask(door, "/protected/", { cookie, ...o });
				denied(other, 401, "UNAUTHORIZED"); eq(other.json.code, "UNAUTHORIZED");
			}
		}
	}
});

test("the form of a request does not matter: method, query, lengths, bodies that never come", async () => {
	for (const door of DOORS) for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
		eq((await ask(door, "/protected/?x=%ff&y=%zz", { ...ann, method, headers: { origin: "https://evil.example", "content-type": "multipart/form-data" }, env: { CONTENT_LENGTH: "10485760" } })).status, 200, `${door} ${method}`);
		denied(await ask(door, "/protected/", { method, env: { CONTENT_LENGTH: "10485760", HTTP_TRANSFER_ENCODING: "chunked" } }), 401, "UNAUTHORIZED");
	}
	for (const door of DOORS) eq((await ask(door, "/auth-of-others/session", ann)).status, 200);
});

test("our own paths are let through, since they look for themselves; what only looks like one is not", async () => {
	for (const door of DOORS) {
		for (const p of ["/auth/login", "/auth/sign-in/email", "/auth/ok?x=1"]) { const res = await ask(door, p); eq(res.status, 200, p); same(told(res), {}); }
		for (const p of ["/authority", "/auth/../protected/", "/auth/%2e%2e/protected/", "/auth/..;/protected/", "/auth/..%5cprotected/", "/auth/%252e%252e/protected/", "/AUTH/x"]) eq((await ask(door, p)).status, 401, p);
	}
});

test("what the web server does not say is not believed of the client", async () => {
	for (const headers of [{ "latchkey-op": "check" }, { "fcgi-role": "AUTHORIZER" }, { "fcgi-apache-role": "ACCESS_CHECKER" }]) eq((await s.get("/session", { headers })).json, null);
	for (const door of DOORS) for (const headers of [{ "remote-user": "root" }, { "latchkey-path": "/auth/ok" }, { "variable-remote-user": "root" }]) denied(await ask(door, "/protected/", { headers }), 401, "UNAUTHORIZED");
	for (const env of [{ LATCHKEY_OP: "open" }, { LATCHKEY_OP: "" }]) eq((await ask("nginx", "/protected/", { ...ann, env })).status, 400);
});

test("rules: the longest path counts, all words must hold, of several groups one", async () => {
	const u = await s.user(), may = async (uri, status, code, o = {}) => { for (const door of DOORS) { const res = await ask(door, uri, { ...u, ...o }); if (status === 200) eq(res.status, 200, `${door} ${uri} ${res.text}`); else denied(res, status, code); } };
	await may("/protected/", 200);
	await may("/admin/", 403, "NOT_IN_GROUP");
	await may("/admin", 403, "NOT_IN_GROUP");
	await may("/administration", 200);
	await may("/shop/", 403, "EMAIL_NOT_VERIFIED");
	group("add", "board", u.email);
	await may("/admin/x", 403, "NOT_IN_GROUP");
	await may("/admin/board/x", 403, "EMAIL_NOT_VERIFIED");
	s.ctl("user", "verify", u.email);
	await may("/admin/board/x", 200);
	await may("/shop/x", 200);
	group("add", "staff", u.email);
	await may("/admin/x", 200);
	group("remove", "board", u.email);
	await may("/admin/board/x", 200);
	group("remove", "staff", u.email);
	await may("/admin/board/x", 403, "NOT_IN_GROUP");
	await may("/admin/x", 401, "UNAUTHORIZED", { cookie: "" });
});

test("a rule is found by where the web server says the page is, however it is spelled", async () => {
	const at = async (uri, env) => (await ask("nginx", uri, { ...ann, env })).status;
	for (const p of ["/%61dmin/", "//admin//x", "/x/../admin/", "/%2e/admin/x", "/ADMIN/x", "/admin;v=1/x", "/x/..;/admin/", "/x%5c..%5cadmin/x", "/admin%2fx", "/x/%252e%252e/admin/", "/admin./x", "/admin%20/x", "/admin%0a", "/admin%09/x", "/admin%7f", "/x%2500", "//host/admin/x", "///host/admin/", "/%5c/admin/", "//admin", "http://other.example/admin/x", "http://other.example//host/admin/x"]) eq(await at(p), 403, p);
	for (const p of ["/open?/admin/", "/adminx/", "/open/admin", "/admin%0a/.."]) eq(await at(p), 200, p);
	for (const p of ["/a%00", "/a%zz", "/a#/../admin/", "*", "admin"]) eq(await at(p), 403, p);
	eq(await at("/pretty", { LATCHKEY_PATH: "/admin/index.php" }), 403);
	// a front controller goes by what was asked for
	for (const place of [{ LATCHKEY_PATH: "/open/index.php" }, { REDIRECT_URI: "/open/index.php" }]) { eq(await at("/admin/pretty", place), 403); eq(await at("/open/pretty", place), 200); eq(await at("/%zz", place), 403); }
	eq(await at("/admin/x", { LATCHKEY_PATH: "/auth/login" }), 200); // our own page in place of one that was refused
	eq(await at("/pretty", { REDIRECT_URI: "/%61dmin/index.php?x" }), 403);
	eq(await at("/pretty", { LATCHKEY_PATH: "" }), 403);
});
test("a request that cannot be read is denied in the words of whoever asks", async () => {
	const large = Object.fromEntries(times(20, (i) => [`X-Large-${i}`, "x".repeat(4000)]));
	for (const door of ["nginx", "lighttpd", "authnz"]) {
		denied(await ask(door, "/protected/", { ...ann, headers: large }), 403, "REQUEST_HEADER_FIELDS_TOO_LARGE");
		denied(await ask(door, "/protected/", { ...ann, env: { REQUEST_METHOD: "GE\x01T" } }), 403, "BAD_REQUEST");
	}
});

test("a refused browser gets a page where it is passed on", async () => {
	for (const door of ["lighttpd", "authnz"]) {
		const res = await ask(door, "/admin/", { ...ann, headers: PAGE });
		denied(res, 403, "NOT_IN_GROUP"); assert.match(res.headers["content-type"], /^text\/html/); assert.match(res.text, /This page is not for you/);
	}
	assert.match((await ask("lighttpd", "/shop/", { ...ann, headers: PAGE })).text, /confirm your e-mail address/);
	eq((await ask("nginx", "/admin/", { ...ann, headers: PAGE })).json.code, "NOT_IN_GROUP");
});

test("values are one clean line each, whatever a user calls himself (S74)", async () => {
	for (const [name, line] of [["Jürgen Ünal 😀", "Jürgen Ünal 😀"], ["a\r\nVariable-REMOTE_USER: root", "a  Variable-REMOTE_USER: root"], ["tab\there\u0085\u2028x\u202e!", "tab here  x !"], [" \u007f ", ""], ["", ""], ["\"quoted\" \\ <b>", "\"quoted\" \\ <b>"], ["n".repeat(255), "n".repeat(255)]]) {
		const u = await s.user({ name });
		for (const door of DOORS) same(told(await ask(door, "/x", u)), { remote_user: u.email, auth_user_id: u.id, auth_email: u.email, auth_name: line, auth_session_id: await s.sessionId(u) });
	}
});

test("REMOTE_USER is what gate.remote_user says", async () => {
	for (const [kind, want] of [["id", (u) => u.id], ["name", () => "Ann"], ["email", (u) => u.email]]) {
		const t = await start({ set: { "gate.remote_user": kind } });
		try {
			const u = await t.user(), blank = await t.user({ name: " \u007f " }), is = async (x) => told(await ask("lighttpd", "/x", { ...x, server: t })).remote_user;
			eq(await is(u), want(u));
			eq(await is(blank), kind === "email" ? blank.email : blank.id, "never empty");
		} finally { await t.stop(); }
	}
});

test("gate.sign_in: a page of the site's own", async () => {
	const t = await start({ set: { "gate.sign_in": "/members/in", "auth.base_path": "/a/b" } });
	try {
		eq((await ask("lighttpd", "/x?y", { server: t, headers: PAGE })).headers.location, "/members/in?next=%2Fx%3Fy");
		eq((await ask("lighttpd", "/a/b/ok", { server: t })).status, 200);
		eq((await ask("lighttpd", "/auth/ok", { server: t })).status, 401);
	} finally { await t.stop(); }
});

test("who only visits pages stays in to the absolute end: the server slides, the cookie was sent for all of it (S72)", async () => {
	s.move(0);
	const u = await s.user(), cookie = u.res.setCookies[0];
	eq(cookie.attrs["max-age"], String(30 * DAY / SECOND));
	let at = 0;
	for (; at < 30 * DAY; at += 3 * DAY) { s.move(at); const res = await ask("lighttpd", "/x", u); eq(res.status, 200, String(at)); same(res.setCookies, []); }
	eq(s.sql(`SELECT COUNT(*) FROM session WHERE userId = '${u.id}' AND lastSeenAt = ${s.time(s.now())}`), "1");
	s.move(30 * DAY + MINUTE); denied(await ask("lighttpd", "/x", u), 401, "UNAUTHORIZED");
	s.move(0);
	const idle = await s.user();
	s.move(7 * DAY - HOUR); eq((await ask("nginx", "/x", idle)).status, 200);
	s.move(14 * DAY); denied(await ask("nginx", "/x", idle), 401, "UNAUTHORIZED");
	s.move(0);
});

test("a session that ended is refused by the very next request", async () => {
	const u = await s.user(), other = await s.another(u), third = await s.another(u), fourth = await s.another(u);
	const gone = async (b) => { for (const door of DOORS) denied(await ask(door, "/x", b), 401, "UNAUTHORIZED"); };
	ok(await s.post("/sign-out", {}, u)); await gone(u);
	eq((await ask("nginx", "/x", other)).status, 200);
	ok(await s.del(`/sessions/${await s.sessionId(third)}`, other)); await gone(third);
	s.ctl("session", "revoke", await s.sessionId(fourth)); await gone(fourth);
	s.ctl("user", "disable", u.email); await gone(other);
});

test("one statement for one question, rules with groups or none; nothing is asked for who shows nothing", async () => {
	const u = await s.user();
	group("add", "staff", u.email); group("add", "other", u.email);
	if (!s.mysql) { eq((await ask("nginx", "/admin/", u)).status, 200); return; }
	const count = () => Number(/\d+$/.exec(s.sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'"))[0]);
	// other suites use the server too and only ever add to the count: the least of many looks is ours
	for (const [uri, b, status, n] of [["/x", u, 200, 1], ["/admin/", u, 200, 1], ["/x", {}, 401, 0], ["/auth/ok", {}, 200, 0]]) {
		let least = Infinity;
		await ask("nginx", uri, b);
		await until(async () => {
			const before = count();
			eq((await ask("nginx", uri, b)).status, status);
			return (least = Math.min(least, count() - before)) <= n;
		}, 20_000, 0);
		eq(least, n, uri);
	}
});

test("a session of one site is nothing at another, whatever Host says (S75)", async () => {
	const t = await start({ set: { "auth.base_url": "https://www.example.org" } });
	try {
		const u = await t.user(), name = t.cookieName, host = { host: "www.example.org", "x-forwarded-host": "www.example.org" };
		eq((await ask("nginx", "/x", { ...u, server: t })).status, 200);
		for (const cookie of [ann.cookie, `${name}=${ann.value}`, `${name}=${t.sign(ann.token)}`]) denied(await ask("nginx", "/x", { cookie, server: t, headers: host }), 401, "UNAUTHORIZED");
		for (const cookie of [u.cookie, `${s.cookieName}=${u.value}`, `${s.cookieName}=${s.sign(u.token)}`]) denied(await ask("nginx", "/x", { cookie, headers: host }), 401, "UNAUTHORIZED");
	} finally { await t.stop(); }
});

test("a bearer token passes in bearer mode and in no other", async () => {
	const headers = { authorization: `Bearer ${ann.token}` };
	denied(await ask("nginx", "/x", { headers }), 401, "UNAUTHORIZED");
	const t = await start({ set: { "auth.mode": "bearer" } });
	try { const u = await t.user(); eq((await ask("nginx", "/x", { server: t, headers: { authorization: `Bearer ${u.token}` } })).status, 200); } finally { await t.stop(); }
});

test("the store away: 503, and a page is never let through", async () => {
	const t = await start({ set: { "database.busy_timeout": "1s" } });
	try {
		const u = await t.user();
		if (t.db) { const { renameSync } = await import("node:fs"); renameSync(t.db, `${t.db}.away`); } else t.sql("RENAME TABLE session TO session_away");
		for (const door of DOORS) { const res = await ask(door, "/x", { ...u, server: t, headers: PAGE }); assert.ok([500, 503].includes(res.status), String(res.status)); if (t.db) { denied(res, 503, "SERVICE_UNAVAILABLE"); eq(res.headers["retry-after"], "2"); } same(told(res), {}); }
		for (const door of DOORS) assert.ok([401, 302].includes((await ask(door, "/x", { server: t, headers: PAGE })).status), "who shows nothing is told so");
	} finally { await t.stop(); }
});
