// The answer as it leaves the program: the raw bytes of the FastCGI stream, taken apart strictly. Nothing that a client
// sends may end or begin a header line (S80), and every answer has the fixed fields (D17).
import { after, describe, test } from "node:test";
import { request, exchange, parseAnswer, STDERR, STDOUT, END } from "./fcgi.mjs";
import { PASSWORD, assert, eq, newEmail, ok, plain, same, start } from "./server.mjs";

const APP = "https://app.example";
const s = await start({ workers: 1, set: { "auth.trusted_origins": APP } });
after(() => s.stop());
const u = await s.user();
const KNOWN = ["status", "content-type", "cache-control", "x-content-type-options", "set-cookie", "allow", "pragma", "location", "vary", "access-control-allow-origin", "access-control-allow-credentials",
	"access-control-allow-methods", "access-control-allow-headers", "access-control-max-age", "content-security-policy", "cross-origin-opener-policy", "referrer-policy", "retry-after", "x-request-id"];

const CRLF = ["\r\nSet-Cookie: x=1", "\nSet-Cookie: x=1", "\rSet-Cookie: x=1", "%0d%0aSet-Cookie:%20x=1", "%0aSet-Cookie:x=1", "\u2028Set-Cookie: x=1", "\u560d\u560aSet-Cookie: x=1", "\0\r\nSet-Cookie: x=1", "\r\n\r\n<script>"];
/** Nothing but known fields, no cookie of a stranger. */
function clean(res, what) {
	for (const [k] of res.fields) assert.ok(KNOWN.includes(k), `${what}: unknown field ${k}`);
	for (const c of res.setCookies) eq(c.name, s.cookieName, what);
	plain(res);
}
async function inject(method, p, make) {
	for (const x of CRLF) {
		const res = await s.send(method, p, make(x));
		clean(res, `${method} ${p} ${JSON.stringify(x)}`);
	}
}
describe("injection through", () => {
	test("the path", () => inject("GET", "/session", (x) => ({ uri: `/auth/session${x}` })));
	test("the path of an id", () => inject("DELETE", "/sessions/x", (x) => ({ uri: `/auth/sessions/${x}`, cookie: u.cookie })));
	test("the query", async () => { for (const p of ["/session", "/error", "/sessions"]) await inject("GET", p, (x) => ({ uri: `/auth${p}?error=${x}&disableRefresh=${x}&callbackURL=${x}&x=${x}`, cookie: u.cookie })); });
	test("the method", () => inject("GET", "/ok", (x) => ({ env: { REQUEST_METHOD: `GET${x}` } })));
	test("Origin, Referer, Cookie, User-Agent, X-Forwarded-For, Host", async () => {
		for (const h of ["origin", "referer", "cookie", "user-agent", "x-forwarded-for", "host", "accept", "authorization", "access-control-request-method", "access-control-request-headers"])
			for (const base of [APP, u.cookie, ""]) await inject("GET", "/session", (x) => ({ headers: { [h]: base + x } }));
		await inject("OPTIONS", "/session", (x) => ({ origin: APP, headers: { "access-control-request-method": `GET${x}`, "access-control-request-headers": x } }));
		await inject("OPTIONS", "/session", (x) => ({ origin: APP + x, headers: { "access-control-request-method": "GET" } }));
	});
	test("the media type, which the answer repeats", () => inject("POST", "/sign-out", (x) => ({ body: "{}", headers: { "content-type": `text/plain${x}` } })));
	test("callbackURL, which becomes Location", async () => {
		const at = (url) => s.signIn(u.email, { callbackURL: url });
		for (const x of CRLF) for (const url of [`/home${x}`, `/${x}`, `${APP}/${x}`, x]) {
			const res = await at(url);
			clean(res, url);
			if (res.status === 200 && res.headers.location) { eq(res.headers.location, url); assert.match(url, /^[\x21-\x7e]+$/); }
		}
		await inject("POST", "/sign-in/email", (x) => ({ form: { email: u.email, password: PASSWORD, callbackURL: `/home${x}` } }));
	});
	test("names and e-mails, which are stored and shown", async () => {
		for (const x of CRLF) {
			const res = await s.post("/sign-up/email", { name: `Ann${x}`, email: newEmail(), password: PASSWORD, image: x });
			clean(res, x);
			if (res.status === 200) for (const p of ["/session", "/sessions"]) clean(await s.get(p, { cookie: s.browser(res).cookie }), x);
			clean(await s.post("/sign-in/email", { email: `a${x}@example.com`, password: x }), x);
		}
	});
	test("User-Agent, which is stored and shown", async () => {
		for (const x of CRLF) {
			const res = await s.signIn(u.email, {}, { headers: { "user-agent": `Fox${x}` } });
			clean(res, x);
			if (res.status === 200) clean(await s.get("/sessions", { cookie: s.browser(res).cookie }), x);
		}
	});
});
test("a session's device is named by words of our own, whatever the User-Agent holds", async () => {
	const device = async (agent) => { const b = s.browser(await s.signIn(u.email, {}, { headers: agent === undefined ? {} : { "user-agent": agent } })); return (await s.session(b.cookie)).session.device; };
	eq(await device("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox on Linux"); eq(await device("curl/8.5.0"), "curl");
	eq(await device(undefined), ""); eq(await device("<b>\u202ex</b>"), "Unknown device"); eq(await device(`Firefox/<script>${"A".repeat(4000)}`), "Firefox");
	assert.ok(ok(await s.get("/sessions", { cookie: u.cookie })).every((x) => typeof x.device === "string"));
});
test("every answer says no-store and nosniff, and never 304", async () => {
	const odd = { "if-none-match": "*", "if-modified-since": "Mon, 01 Jan 2035 00:00:00 GMT", "cache-control": "max-age=99", range: "bytes=0-1" };
	for (const r of s.routes()) for (const method of [r.method, "OPTIONS", "PUT"]) for (const p of [r.path.replace(/\{.*\}/, "x"), `${r.path}/`, `${r.path}.css`]) {
		const res = await s.send(method, p, { headers: odd, cookie: u.cookie });
		plain(res); assert.notEqual(res.status, 304);
	}
});
test("JSON is safe inside HTML, errors do not repeat what was sent", async () => {
	const v = await s.user({ name: "</script><b>&\u2028\u2029'\"" });
	for (const p of ["/session", "/sessions"]) assert.doesNotMatch((await s.get(p, { cookie: v.cookie })).text, /[<>&\u2028\u2029]/);
	eq((await s.session(v.cookie)).user.name, "</script><b>&\u2028\u2029'\"");
	assert.doesNotMatch((await s.get("/error?error=%3Cscript%3E&error_description=%3Cb%3E")).text, /<script>|<b>/);
	assert.match((await s.get("/error?error=SOME_CODE")).headers["content-type"], /^text\/html/);
});
test("no answer tells what the program is made of (S106)", async () => {
	for (const res of [await s.get("/ok"), await s.get("/nope"), await s.get("/error"), await s.post("/sign-in/email", {})]) {
		for (const h of ["server", "x-powered-by", "via"]) eq(res.headers[h], undefined);
		assert.doesNotMatch(res.text, /latchkey|sqlite|openssl|json-c|\/src\/|\.c:\d/i);
	}
	for (const p of ["/debug", "/status", "/metrics", "/health", "/env", "/.git/config", "/config", "/admin"]) eq((await s.get(p)).status, 404);
});
test("the stream is well formed: records of our request only, one end, nothing on stderr", async () => {
	for (const [m, p] of [["GET", "/ok"], ["HEAD", "/ok"], ["GET", "/sessions"], ["POST", "/sign-in/email"], ["GET", "/nope"]]) {
		const r = await exchange(s.socket, [request({ ...s.parts(m, p, { cookie: u.cookie }), id: 7 })], { untilClose: true });
		eq(r.rest.length, 0); same([...new Set(r.records.map((x) => x.id))], [7]); same([...new Set(r.records.map((x) => x.version))], [1]);
		eq(r.records.filter((x) => x.type === END).length, 1); eq(r.records.at(-1).type, END); eq(r.end.protocol, 0); eq(r.end.app, 0);
		for (const x of r.records) assert.ok([STDOUT, STDERR, END].includes(x.type));
		eq(r.stderr, ""); parseAnswer(r.stdout);
	}
});
