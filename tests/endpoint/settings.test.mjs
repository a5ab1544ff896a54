// Each setting of a session, changed to another value, shows in the answers; and a real cookie jar (tough-cookie) is empty
// after sign-out under each of them.
import { describe, test } from "node:test";
import { CookieJar } from "tough-cookie";
import { DAY, HOUR, assert, eq, fails, newEmail, ok, PASSWORD, start } from "./server.mjs";

const LOCAL = "latchkey.session_token", SITE = "https://www.example.org";

/** Runs f with a server of these settings. */
async function with_(set, f, o) {
	const s = await start({ workers: 1, set, ...o });
	try { return await f(s); } finally { await s.stop(); }
}
/** A browser with a real jar: it sends what the jar gives for the address, and keeps what answers set. */
class Browser {
	constructor(s) { this.s = s; this.jar = new CookieJar(); }
	url(p) { return this.s.origin + this.s.prefix + p; }
	async send(method, p, json) {
		const cookie = await this.jar.getCookieString(this.url(p)), headers = method === "GET" ? {} : { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" };
		const res = await this.s.send(method, p, { json, headers, cookie: cookie || undefined });
		for (const c of res.setCookies) await this.jar.setCookie(c.raw, this.url(p)); // throws if a browser would refuse it
		return res;
	}
	async cookies() { return (await this.jar.serialize()).cookies; }
	/** Cookies still alive, wherever they would be sent. */
	async living() { return (await this.jar.getCookies(this.url("/session"), { allPaths: true, expire: true })).length; }
}

/** settings, name of the cookie, and what its attributes are. Attributes that are not named here are the usual ones. */
const CASES = {
	"the defaults": [{}, LOCAL, {}],
	expires_in: [{ "session.expires_in": "2h", "session.update_age": "30m" }, LOCAL, { "max-age": "7200" }],
	"cookie.name": [{ "cookie.name": "nevr.session_token" }, "nevr.session_token", {}],
	"cookie.secure on": [{ "auth.base_url": SITE, "cookie.secure": "on" }, `__Host-${LOCAL}`, { secure: true }],
	"cookie.secure auto with https": [{ "auth.base_url": SITE }, `__Host-${LOCAL}`, { secure: true }],
	"cookie.secure off on loopback": [{ "auth.base_url": "https://localhost", "cookie.secure": "off" }, LOCAL, { secure: undefined }],
	"cookie.same_site strict": [{ "cookie.same_site": "strict" }, LOCAL, { samesite: "Strict" }],
	"cookie.same_site none": [{ "auth.base_url": SITE, "cookie.same_site": "none" }, `__Host-${LOCAL}`, { secure: true, samesite: "None" }],
	"cookie.path": [{ "cookie.path": "/auth" }, LOCAL, { path: "/auth" }],
	"cookie.path with https": [{ "auth.base_url": SITE, "cookie.path": "/auth" }, `__Secure-${LOCAL}`, { secure: true, path: "/auth" }],
	"cookie.http_only off": [{ "cookie.http_only": "off" }, LOCAL, { httponly: undefined }],
	"cookie.domain": [{ "auth.base_url": SITE, "cookie.domain": "example.org" }, `__Secure-${LOCAL}`, { secure: true, domain: "example.org" }],
	"cookie.max_age absolute": [{ "cookie.max_age": "absolute" }, LOCAL, { "max-age": "2592000" }],
	"auth.base_path": [{ "auth.base_path": "/login/api" }, LOCAL, {}],
	"not_remembered": [{ "session.not_remembered": "1h" }, LOCAL, {}],
};
const USUAL = { path: "/", httponly: true, samesite: "Lax", secure: undefined, domain: undefined };

for (const [name, [set, cookie, attrs]] of Object.entries(CASES)) test(`${name}: the cookie, and an empty jar after signing out`, () => with_(set, async (s) => {
	const wanted = { "max-age": "604800", ...USUAL, ...attrs }, { "max-age": _, ...kept } = wanted;
	eq(s.cookieName, cookie);
	for (const rememberMe of [true, false]) for (const ending of ["sign-out", "revoke own", "end all", "ended elsewhere"]) {
		const b = new Browser(s), email = newEmail(), up = await b.send("POST", "/sign-up/email", { name: "A", email, password: PASSWORD, rememberMe });
		eq(ok(up) && up.setCookies.length, 1);
		const set1 = up.setCookies[0];
		eq(set1.name, cookie);
		for (const [k, v] of Object.entries({ ...wanted, "max-age": rememberMe ? wanted["max-age"] : undefined })) eq(set1.attrs[k], v, `${name}: ${k}`);
		eq((await b.cookies()).length, 1);
		const me = ok(await b.send("GET", "/session"));
		eq(me.user.email, email, "the jar sends the cookie back");
		const res = await {
			"sign-out": () => b.send("POST", "/sign-out", {}),
			"revoke own": () => b.send("DELETE", `/sessions/${me.session.id}`),
			"end all": () => b.send("DELETE", "/sessions"),
			"ended elsewhere": async () => { s.ctl("session", "revoke", me.session.id); return b.send("GET", "/session"); },
		}[ending]();
		ok(res);
		const cleared = res.setCookies[0];
		// S29: byte for byte the same but for value and age
		const shape = (c) => c.raw.replace(/^([^=]*)=[^;]*/, "$1=").replace(/; Max-Age=\d+/, "");
		eq(shape(cleared), shape(set1)); eq(cleared.value, ""); eq(cleared.attrs["max-age"], "0");
		for (const [k, v] of Object.entries(kept)) eq(cleared.attrs[k], v, `${name}, clearing: ${k}`);
		eq(await b.living(), 0, `${name}, ${ending}: the jar is empty`);
		eq(ok(await b.send("GET", "/session")), null);
	}
}));

describe("lifetimes", () => {
	test("expires_in decides when the session ends", () => with_({ "session.expires_in": "2h", "session.update_age": "30m" }, async (s) => {
		const u = await s.user(), { session } = await s.session(u.cookie);
		eq(Date.parse(session.expiresAt) - Date.parse(session.createdAt), 2 * HOUR);
	}));
	test("not_remembered decides when a session that is not to be remembered ends", () => with_({ "session.not_remembered": "1h" }, async (s) => {
		const u = await s.user({ rememberMe: false }), { session } = await s.session(u.cookie);
		eq(Date.parse(session.expiresAt) - Date.parse(session.createdAt), HOUR);
	}));
	test("update_age decides when a session is extended", async () => {
		for (const [age, after] of [["30m", HOUR / 2], ["2d", 2 * DAY], ["0", 0]]) await with_({ "session.update_age": age }, async (s) => {
			const u = await s.user();
			if (after) { s.move(after - 60_000); eq((await s.get("/session", { cookie: u.cookie })).setCookies.length, 0); }
			s.move(after + 60_000);
			eq((await s.get("/session", { cookie: u.cookie })).setCookies.length, 1, age);
		}, { clock: true });
	});
	test("absolute decides how long a session can be extended", () => with_({ "session.absolute": "10d" }, async (s) => {
		const u = await s.user(), { session } = await s.session(u.cookie);
		eq(Date.parse(session.diesAt) - Date.parse(session.createdAt), 10 * DAY);
	}));
	test("max_age absolute: the cookie lives until the absolute end, whatever the server extends", () => with_({ "cookie.max_age": "absolute" }, async (s) => {
		const u = await s.user();
		eq(u.res.setCookies[0].attrs["max-age"], String(30 * 86400));
		s.move(5 * DAY);
		const res = await s.get("/session", { cookie: u.cookie }), age = Number(res.setCookies[0].attrs["max-age"]);
		assert.ok(Math.abs(age - 25 * 86400) <= 60, String(age));
	}, { clock: true }));
	test("max_per_user and at_max", async () => {
		await with_({ "session.max_per_user": "3", "session.at_max": "refuse" }, async (s) => {
			const u = await s.user(), more = [await s.another(u), await s.another(u)];
			fails(await s.signIn(u.email), 403, "TOO_MANY_SESSIONS");
			for (const b of [u, ...more]) eq(await s.alive(b.cookie), true);
			ok(await s.post("/sign-out", {}, { cookie: more[0].cookie }));
			ok(await s.signIn(u.email));
		});
		await with_({ "session.max_per_user": "3", "session.at_max": "end-oldest", "session.last_seen_every": "1s" }, async (s) => {
			const u = await s.user(), a = (s.move(2000), await s.another(u)), b = (s.move(4000), await s.another(u));
			s.move(8000);
			eq(await s.alive(u.cookie), true); // now a was used least lately
			const c = (s.move(10_000), await s.another(u));
			eq(await s.alive(a.cookie), false);
			for (const x of [u, b, c]) eq(await s.alive(x.cookie), true);
		}, { clock: true });
	});
	test("sign_up closed", () => with_({ "auth.sign_up": "closed" }, async (s) => {
		const body = { name: "A", email: newEmail(), password: PASSWORD };
		fails(await s.post("/sign-up/email", body), 403, "SIGN_UP_CLOSED");
	}));
});

describe("settings that are refused (S32)", () => {
	const refused = {
		"SameSite none without Secure": { "cookie.same_site": "none" },
		"a __Host- name without https": { "cookie.name": "__Host-x" },
		"a __Host- name with another path": { "auth.base_url": SITE, "cookie.name": "__Host-x", "cookie.path": "/auth" },
		"a __host- name with a domain": { "auth.base_url": SITE, "cookie.name": "__host-x", "cookie.domain": "example.org" },
		"a __Secure- name without Secure": { "cookie.name": "__Secure-x" },
		"Secure off on a real site": { "auth.base_url": SITE, "cookie.secure": "off" },
		"http on a real site": { "auth.base_url": "http://www.example.org" },
		"a cookie older than 400 days": { "session.expires_in": "401d" },
		"update_age as long as expires_in": { "session.expires_in": "1d" },
		"a foreign cookie domain": { "auth.base_url": SITE, "cookie.domain": "evil.example" },
		"a setting that does not exist": { "session.expire_in": "1d" },
		"a trusted origin that trusts everybody": { "auth.trusted_origins": "https://*" },
		"a proxy that is no address": { "auth.trusted_proxies": "proxy.example" },
	};
	for (const [name, set] of Object.entries(refused)) test(name, async () => {
		await assert.rejects(with_(set, () => {}), (e) => {
			// file:line: section.key: what
			assert.match(e.message, /latchkey\.conf(:\d+)?: [a-z_]+\.[a-z_]+/, e.message);
			return true;
		});
	});
});
