// Every row of the route table, asked rightly and wrongly in every way that is common to all of them. A route that is
// added to the program is walked without a change here, unless it needs a body: then BODIES must know one.
import { after, describe, test } from "node:test";
import { begin, environment, params, pair, PARAMS, record, STDIN, stream } from "./fcgi.mjs";
import { FOREIGN, PASSWORD, assert, clears, eq, fails, newEmail, ok, pathOf, plain, same, setsNothing, uniq } from "./server.mjs";
import { startMailing } from "./mailbox.mjs";

const TRUSTED = "https://app.example";
// one worker, so that "the worker lives" means the one that was asked; in the mode that has all routes, with mail
const s = await startMailing({ "auth.mode": "jwt", "auth.trusted_origins": TRUSTED, "jobs.every": "0" }, { workers: 1 });
after(() => s.stop());

const rows = s.routes();
assert.ok(rows.length >= 12, "the route table is there");
const u = await s.user(), forgetful = await s.user();
/** A good body for the routes that need one. */
const BODIES = {
	"POST /sign-up/email": () => ({ name: "Ann", email: newEmail(), password: PASSWORD }),
	"POST /sign-in/email": () => ({ email: u.email, password: PASSWORD }),
	"POST /revoke-session": () => ({ token: "a".repeat(32) }),
	"POST /sign-out": () => ({}), "POST /revoke-sessions": () => ({}), "POST /revoke-other-sessions": () => ({}),
	"POST /change-password": () => ({ currentPassword: PASSWORD, newPassword: PASSWORD }),
	"POST /verify-password": () => ({ password: PASSWORD }),
	"POST /reset-password": () => ({ newPassword: PASSWORD, token: JSON.parse(s.ctl("--json", "user", "reset", forgetful.email)).token }),
	"POST /update-user": () => ({ name: "B" }), "POST /delete-user": () => ({}), "POST /update-session": () => ({}),
	"POST /request-password-reset": () => ({ email: u.email }), "POST /send-verification-email": () => ({ email: newEmail() }), "POST /change-email": () => ({ newEmail: newEmail() }), "POST /not-me": () => ({ token: "a".repeat(32) }),
};
/** They answer with HTML, whoever asks and however. */
const PAGES = rows.filter((r) => r.method === "GET" && /^\/(login|register|forgot|reset|reset-password\/\{id\}|verify|reauth|devices|account|signed-out|not-me|error)$/.test(r.path)).map((r) => `GET ${r.path}`);
/** Links of mails need a token; none that could be made up is one. */
const QUERY = Object.fromEntries(["GET /verify-email", "GET /not-me", "GET /delete-user/callback"].map((k) => [k, `?token=${"a".repeat(32)}`]));
const VAIN = { "GET /verify-email": 401, "GET /not-me": 400, "GET /reset-password/{id}": 400, "GET /reset": 400, "GET /delete-user/callback": 404, "POST /not-me": 400, "DELETE /sessions/{id}": 404 };
const REQUIRED = ["POST /request-password-reset", "POST /send-verification-email", "POST /change-email", "POST /not-me", "POST /sign-up/email", "POST /sign-in/email", "POST /revoke-session", "POST /change-password", "POST /verify-password", "POST /reset-password"];
const key = (r) => `${r.method} ${r.path}`;
const takesForms = (r) => /\bform\b/.test(r.body);
const unsafe = (r) => !["GET", "HEAD", "OPTIONS"].includes(r.method);
const body = (r) => (r.method === "POST" ? { json: (BODIES[key(r)] ?? assert.fail(`no body known for ${key(r)}`))() } : {});
const at = (r, more = "") => `${pathOf(r)}${QUERY[key(r)] ?? ""}${more && `${QUERY[key(r)] ? "&" : "?"}${more}`}`;
/** Asked rightly, by whoever may. */
const right = (r, res) => eq(res.status, VAIN[key(r)] ?? 200, `${key(r)}: ${res.text}`);
const ask = (r, o = {}) => s.send(r.method, o.path ?? at(r), { ...body(r), ...o });
const allowed = (r) => [...new Set(rows.filter((x) => x.path === r.path).flatMap((x) => (x.method === "GET" ? ["GET", "HEAD"] : [x.method])))].sort();
const STALE = s.withValue(s.sign("Z".repeat(32)));
const forged = () => s.withValue(s.sign("Z".repeat(32), "not the secret"));

let pids = s.workers();
eq(pids.length, 1);
const workerLives = () => same(s.workers(), pids, "the worker that was asked still lives");

/** What a caller without a session gets. */
function stranger(r, res, cookie) {
	const page = PAGES.includes(key(r));
	if (["signed-in", "proven", "fresh"].includes(r.who)) fails(res, 401, "UNAUTHORIZED");
	else if (r.who === "maybe" && !page) eq(ok(res), null);
	else { right(r, res); plain(res); }
	// what a form is bound to comes with its page
	if (page) res = { ...res, setCookies: res.setCookies.filter((c) => c.name !== "latchkey.form") };
	const gives = /sign-(up|in)/.test(r.path), drops = r.path === "/sign-out";
	if (gives) eq(res.setCookies.filter((c) => c.value).length, 1);
	else if (drops || (cookie === STALE && !["anyone", "store", "presents"].includes(r.who))) clears(s, res);
	else setsNothing(res);
}

for (const r of rows) describe(key(r), () => {
	test("says who may call it", () => assert.ok(["anyone", "store", "presents", "maybe", "either", "signed-in", "proven", "fresh"].includes(r.who), r.who));
	test("without a cookie", async () => stranger(r, await ask(r)));
	test("with a stale cookie", async () => stranger(r, await ask(r, { cookie: STALE }), STALE));
	test("with a forged cookie", async () => stranger(r, await ask(r, { cookie: forged() })));
	test("with the cookie of another site", async () => stranger(r, await ask(r, { cookie: `other=${u.value}; PHPSESSID=${uniq()}` })));
	if (PAGES.includes(key(r))) test("a page, whoever asks", async () => {
		for (const cookie of r.who === "signed-in" ? [u.cookie] : [undefined, u.cookie]) eq((await ask(r, { cookie })).headers["content-type"], "text/html; charset=utf-8");
	});
	test("with a good cookie", async () => {
		const b = await s.user(), res = await ask(r, { cookie: b.cookie });
		if (r.path === "/update-session") same([res.status, res.json], [400, { message: "No fields to update" }]); // there are none yet
		else if (r.path === "/send-verification-email") fails(res, 400, "EMAIL_MISMATCH"); // it is another's
		else right(r, res);
		plain(res);
	});
	test("from a foreign Origin", async () => {
		for (const cookie of [undefined, u.cookie]) {
			const res = await ask(r, { cookie, origin: FOREIGN });
			if (unsafe(r)) { fails(res, 403, "INVALID_ORIGIN"); setsNothing(res); } else if (r.who === "signed-in" && !cookie) fails(res, 401, "UNAUTHORIZED"); else right(r, res);
			eq(res.headers["access-control-allow-origin"], undefined);
		}
	});
	test("from a trusted Origin", async () => {
		const res = await ask(r, { origin: TRUSTED });
		assert.notEqual(res.status, 403, res.text);
		eq(res.headers["access-control-allow-origin"], TRUSTED);
	});
	test("without Origin beside a cookie", async () => {
		for (const origin of [null, "", "null"]) {
			const res = await ask(r, { cookie: u.cookie, origin });
			if (unsafe(r)) fails(res, 403, "MISSING_OR_NULL_ORIGIN"); else right(r, res);
		}
	});
	test("wrong methods", async () => {
		for (const method of ["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "BREW", r.method.toLowerCase(), "X".repeat(200)]) {
			if (allowed(r).includes(method)) continue;
			const res = await s.send(method, pathOf(r), { cookie: u.cookie, headers: { "x-http-method-override": r.method } });
			if (method === "HEAD") { eq(res.status, 405); eq(res.text, ""); } else fails(res, 405, "METHOD_NOT_ALLOWED");
			same(res.headers.allow.split(/\s*,\s*/).sort(), allowed(r));
			setsNothing(res);
		}
		workerLives();
	});
	test("other spellings of the path are other paths", async () => {
		const p = pathOf(r), last = p.lastIndexOf("/") + 1, hex = (i) => `${p.slice(0, i)}%${p.charCodeAt(i).toString(16)}${p.slice(i + 1)}`;
		const spellings = [`${p}/`, `/${p}`, `${p}//`, `/.${p}`, `/x/..${p}`, hex(1), hex(last), hex(p.length - 1), hex(0), `${p}%00`, `${p}%2f`, `${p};a=b`, `${p}%20`, `${p}.css`,
			`${p}/x.css`, p.replace(/[a-z]/, (c) => c.toUpperCase())].filter((x) => x !== p);
		for (const path of spellings) {
			const res = await ask(r, { path });
			// one more segment below these is taken as an id or a token: then it is a known path
			if (/^\/sessions\/[^%/]+$/.test(path)) fails(res, r.method === "DELETE" ? 401 : 405);
			else if (/^\/reset-password\/[^%/]+$/.test(path)) eq(res.status, r.method === "GET" ? 400 : 405);
			else { fails(res, 404, "NOT_FOUND"); setsNothing(res); }
		}
		for (const uri of [pathOf(r), `/x${s.prefix}${p}`, `${s.prefix}x${p}`, `/${s.prefix}${p}`, `/%61uth${p}`]) fails(await ask(r, { uri }), 404, "NOT_FOUND");
		workerLives();
	});
	test("the query is no part of the path", async () => {
		eq((await ask(r, { path: at(r, "x=1&y=%00%20") })).status >= 500, false);
		stranger(r, await ask(r, { path: at(r, "x=1/../..//") }));
	});
	test("HEAD", async () => {
		const res = await s.send("HEAD", pathOf(r));
		eq(res.text, "");
		plain(res);
		if (!allowed(r).includes("HEAD")) return eq(res.status, 405);
		const g = await s.get(pathOf(r));
		eq(res.status, g.status);
		for (const h of ["content-type", "cache-control", "pragma"]) eq(res.headers[h], g.headers[h], h);
	});
	test("OPTIONS from a trusted Origin is a preflight, from any other it is not", async () => {
		const preflight = (origin) => s.send("OPTIONS", pathOf(r), { origin, headers: { "access-control-request-method": r.method, "access-control-request-headers": "content-type" } });
		const res = plain(await preflight(TRUSTED));
		assert.ok([200, 204].includes(res.status), res.text);
		eq(res.headers["access-control-allow-origin"], TRUSTED); eq(res.headers["access-control-allow-credentials"], "true"); assert.match(res.headers.vary, /\bOrigin\b/);
		assert.ok(res.headers["access-control-allow-methods"].split(/\s*,\s*/).includes(r.method)); assert.match(res.headers["access-control-allow-headers"], /content-type/i);
		for (const origin of [FOREIGN, "null", null, `${TRUSTED}.evil.example`, "http://app.example"]) {
			const no = await preflight(origin);
			fails(no, 405, "METHOD_NOT_ALLOWED");
			same(Object.keys(no.headers).filter((h) => h.startsWith("access-control")), []);
		}
	});
	test("CONTENT_LENGTH that is no number", async () => {
		for (const length of ["-1", "+5", "5 ", " 5", "0x10", "1e3", "5,5", "5.0", "18446744073709551616", "99999999999999999999999999", "\u0665", "five"]) {
			const res = await ask(r, { env: { CONTENT_LENGTH: length } });
			fails(res, 400, "BAD_REQUEST"); setsNothing(res);
		}
		workerLives();
	});
	test("parameters that come twice, lack, or hold what they may not", async () => {
		const list = environment(s.parts(r.method, pathOf(r), { ...body(r) })), place = (name) => list.findIndex(([k]) => k === name);
		const send = (l) => rawAsk([begin(), params(l), stream(STDIN, "")]);
		for (const name of ["REQUEST_METHOD", "REQUEST_URI", "REMOTE_ADDR", "CONTENT_LENGTH"]) fails(await send([...list, list[place(name)]]), 400, "BAD_REQUEST");
		for (const value of ["", undefined]) fails(await send(list.filter(([k]) => k !== "REQUEST_METHOD").concat(value === undefined ? [] : [["REQUEST_METHOD", value]])), 400, "BAD_REQUEST");
		for (const bad of ["\r\nSet-Cookie: x=1", "\n", "\u0001", "\u007f"]) fails(await send(list.map(([k, v]) => [k, k === "REQUEST_URI" ? v + bad : v])), 400, "BAD_REQUEST");
		workerLives();
	});
	test("NUL bytes", async () => {
		const list = environment(s.parts(r.method, pathOf(r), body(r)));
		for (const name of ["REQUEST_METHOD", "REQUEST_URI", "HTTP_COOKIE", "REMOTE_ADDR"]) {
			const raw = list.filter(([k]) => k !== name).map(([k, v]) => pair(k, v)).concat(pair(name, Buffer.from(`${(list.find(([k]) => k === name) ?? [0, "a=b"])[1]}\0x`)));
			const res = await rawAsk([begin(), stream(PARAMS, Buffer.concat(raw)), stream(STDIN, "")]);
			assert.ok(res.status < 500, res.text); plain(res);
		}
		workerLives();
	});
	if (unsafe(r)) bodies(r); else reading(r);
});

const rawAsk = async (chunks) => (await import("./fcgi.mjs")).ask(s.socket, chunks);

function bodies(r) {
	const json = { "content-type": "application/json" };
	const send = (text, headers = json, o = {}) => s.send(r.method, pathOf(r), { body: text, headers, ...o });
	test("a media type that is not taken", async () => {
		const types = ["text/plain", "multipart/form-data; boundary=x", "application/vnd.api+json", "application/jsonx", "json", "text/html", "*/*", "application/xml"];
		for (const type of [...types, ...(takesForms(r) ? [] : ["application/x-www-form-urlencoded"])]) {
			const res = await send("{}", { "content-type": type });
			fails(res, 415, "UNSUPPORTED_MEDIA_TYPE", `Content-Type "${type}" is not allowed. Allowed types: ${takesForms(r) ? "application/x-www-form-urlencoded, " : ""}application/json`);
			setsNothing(res);
		}
	});
	test("the media type in any case, with parameters", async () => {
		for (const type of ["Application/JSON", "application/json; charset=utf-8", " application/json ;x"]) assert.notEqual((await send("{}", { "content-type": type })).status, 415, type);
	});
	test("bad JSON", async () => {
		for (const text of ["{oops", "{", "{}}", "[1,]", "{\"a\":1,}", "'a'", "nul", "{\"a\":NaN}", "\"\\ud800\\u0000", "{}x", "\u0000", "{\"a\":01}", "[".repeat(20000), `${"[".repeat(100)}${"]".repeat(100)}`]) {
			const res = await send(text);
			fails(res, 400, "BAD_REQUEST", "Invalid JSON in request body"); setsNothing(res);
		}
		fails(await send(Buffer.from([0x22, 0xff, 0x22])), 400, "BAD_REQUEST");
		workerLives();
	});
	test("a body over the limit", async () => {
		fails(await send(`"${"x".repeat(65535)}"`), 413, "PAYLOAD_TOO_LARGE");
		fails(await send("{}   ", json, { env: { CONTENT_LENGTH: "4294967297" } }), 413, "PAYLOAD_TOO_LARGE");
		fails(await send("{}   ", json, { env: { CONTENT_LENGTH: "65537" } }), 413, "PAYLOAD_TOO_LARGE");
		fails(await send(`"${"x".repeat(65600)}"`, json, { env: { CONTENT_LENGTH: undefined, HTTP_TRANSFER_ENCODING: "chunked" } }), 413, "PAYLOAD_TOO_LARGE");
		workerLives();
	});
	test("a body shorter or longer than CONTENT_LENGTH says", async () => {
		for (const length of ["3", "1000", "65536"]) fails(await send("{}", json, { env: { CONTENT_LENGTH: length } }), 400, "BAD_REQUEST", "Request body is incomplete");
		fails(await send("{}", json, { env: { CONTENT_LENGTH: "1" } }), 400, "BAD_REQUEST", "Invalid JSON in request body");
		workerLives();
	});
	test("a body without a length is none", async () => {
		const res = await send("{oops", json, { env: { CONTENT_LENGTH: "" } });
		assert.notEqual(res.json.message, "Invalid JSON in request body");
	});
	if (REQUIRED.includes(key(r))) test("fields that lack or are of the wrong kind", async () => {
		for (const value of [{}, [], null, 1, "x", true]) fails(await s.send(r.method, pathOf(r), { json: value }), 400, "VALIDATION_ERROR");
		fails(await s.send(r.method, pathOf(r)), 400, "VALIDATION_ERROR");
		const good = BODIES[key(r)]();
		for (const field of Object.keys(good)) for (const bad of [null, 1, true, [], {}]) {
			const res = await s.send(r.method, pathOf(r), { json: { ...good, [field]: bad } });
			fails(res, 400, "VALIDATION_ERROR"); assert.match(res.json.message, new RegExp(`^\\[body\\.${field}\\] Invalid input: expected string`));
			setsNothing(res);
		}
		workerLives();
	});
}
function reading(r) {
	test("a body is not looked at", async () => stranger(r, await s.send("GET", at(r), { body: "{oops", headers: { "content-type": "text/plain" } })));
}

test("the table of this walk names no route that is gone", () => {
	for (const k of Object.keys(BODIES)) assert.ok(rows.some((r) => key(r) === k), k);
});
test("paths that are none", async () => {
	for (const p of ["", "/", "/nope", "/session/x.css", "/ok/", "/..", "/%2e%2e/", "/sessions/", `/sessions/${"b".repeat(32)}/x`, `/${"a".repeat(30000)}`, "/sign-up", "/sign-in", "/\u00e9", "/*", "/{id}", "/sessions/{id}/"])
		for (const method of ["GET", "POST", "PUT", "OPTIONS"]) fails(await s.send(method, p), 404, "NOT_FOUND");
	workerLives();
});
