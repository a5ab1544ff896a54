// A gated site behind a reverse proxy or CDN, which speaks HTTPS to browsers and HTTP to the site: who the client is, that it
// is HTTPS, and that all leads back to the address the browser knows.
import { test, describe, before, after } from "node:test";
import http from "node:http";
import { KINDS, site, eq, assert, newEmail, PASSWORD } from "./gate.mjs";

const PUBLIC = "https://www.example.org", CLIENT = "198.51.100.7", FORGED = "203.0.113.9";

/** One request as the proxy passes it on: it adds who asked to what the client claimed. from: the proxy's own address. */
function through(s, method, target, { cookie, json, claim, by = CLIENT, from = "127.0.0.1", headers = {} } = {}) {
	const body = json && JSON.stringify(json), forwarded = [claim, by].filter(Boolean).join(", ");
	return new Promise((resolve, reject) => {
		const q = http.request({ host: "127.0.0.1", port: s.port, localAddress: from, method, path: target, headers: { host: "www.example.org", "x-forwarded-proto": "https", ...(forwarded && { "x-forwarded-for": forwarded }), ...(method !== "GET" && { origin: PUBLIC }), ...(body && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }), ...(cookie && { cookie }), ...headers } }, (r) => {
			let text = "";
			r.setEncoding("utf8").on("data", (d) => (text += d)).on("end", () => resolve({ status: r.statusCode, headers: r.headers, text, cookies: r.headers["set-cookie"] ?? [] }));
		});
		q.on("error", reject).end(body);
	});
}
const signUp = (s, o) => through(s, "POST", "/auth/sign-up/email", { json: { name: "Ann", email: newEmail(), password: PASSWORD }, ...o });
const cookieOf = (r) => r.cookies[0].split(";")[0];
const address = async (s, cookie, o) => JSON.parse((await through(s, "GET", "/auth/session", { cookie, ...o })).text).session.ipAddress;

for (const kind of KINDS) describe(kind.name, () => {
	let s;
	before(async () => { s = await site(kind, { set: { "auth.base_url": PUBLIC, "auth.trusted_proxies": "127.0.0.1", "cookie.name": "auto" } }); });
	after(() => s.stop());

	test("the cookie is that of HTTPS, the page is served, and nobody is sent to another address", async () => {
		const r = await signUp(s);
		eq(r.status, 200, r.text);
		assert.match(r.cookies[0], /^__Host-latchkey\.session_token=[^;]+; .*\bSecure\b/);
		const page = await through(s, "GET", "/protected/", { cookie: cookieOf(r) });
		eq(page.status, 200, page.text); assert.match(page.text, /^AUTH_NAME=Ann$/m);
		const no = await through(s, "GET", "/protected/?a=1", { headers: { accept: "text/html", "sec-fetch-mode": "navigate" } });
		if (kind.redirects) { eq(no.status, 302); assert.match(no.headers.location, /^\/auth\/login\?next=/); }
		else { eq(no.status, 401); assert.match(no.text, /name="callbackURL" value="\/protected\/\?a=1"/); }
	});
	test("the client is whom the proxy names, whatever the client claims", async () => {
		eq(await address(s, cookieOf(await signUp(s))), CLIENT);
		eq(await address(s, cookieOf(await signUp(s, { claim: FORGED }))), CLIENT);
		eq(await address(s, cookieOf(await signUp(s, { claim: "127.0.0.1" }))), CLIENT);
	});
	test("who comes past the proxy is taken for who connects", async () => {
		eq(await address(s, cookieOf(await signUp(s, { from: "127.0.0.2", claim: FORGED, by: null }))), "127.0.0.2");
	});
	test("pages behind the gate are kept by no cache on the way", async () => {
		const page = await through(s, "GET", "/protected/", { cookie: cookieOf(await signUp(s)) });
		assert.match(page.headers["cache-control"], /\bprivate\b/);
	});
});
