// The origin rule (D5), one for every unsafe request: what Origin, Referer, Cookie and Sec-Fetch-* say together.
import { after, describe, test } from "node:test";
import { FOREIGN, PASSWORD, eq, fails, ok, setsNothing, start } from "./server.mjs";

const APP = "https://app.example.org";
const s = await start({ workers: 1, set: { "auth.trusted_origins": `${APP} *.wild.example 192.168.*` } });
after(() => s.stop());
const u = await s.user(), own = s.origin, { hostname, port } = new URL(own);
const OK = "accepted", INVALID = "INVALID_ORIGIN", MISSING = "MISSING_OR_NULL_ORIGIN", BLOCKED = "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED";
const fetch = (site, mode, dest) => ({ "sec-fetch-site": site, "sec-fetch-mode": mode, ...(dest && { "sec-fetch-dest": dest }) });
const SAME = fetch("same-origin", "cors", "empty"), NAV = fetch("cross-site", "navigate", "document");

/** origin, further headers, what happens without a cookie, with one. */
const MATRIX = [
	[own, {}, OK, OK], [own.toUpperCase(), {}, OK, OK], [APP, {}, OK, OK], ["https://x.wild.example", {}, OK, OK], ["http://192.168.1.7:3000", {}, OK, OK],
	[own, SAME, OK, OK], [APP, fetch("cross-site", "cors"), OK, OK],
	[FOREIGN, {}, INVALID, INVALID], [FOREIGN, SAME, INVALID, INVALID], [FOREIGN, { referer: `${own}/` }, INVALID, INVALID],
	[`${own}.evil.example`, {}, INVALID, INVALID], [`http://${hostname}@evil.example`, {}, INVALID, INVALID], [`https://${hostname}:${port || 80}`, {}, INVALID, INVALID], [`http://${hostname}:1`, {}, INVALID, INVALID],
	["https://app.example.org:444", {}, INVALID, INVALID], ["http://app.example.org", {}, INVALID, INVALID], ["https://xapp.example.org", {}, INVALID, INVALID], ["https://app.example.org.", {}, INVALID, INVALID],
	["https://wild.example", {}, INVALID, INVALID], ["https://x.wild.example.evil.example", {}, INVALID, INVALID], ["http://192.168.evil.example", {}, INVALID, INVALID],
	["garbage", {}, INVALID, INVALID], ["javascript:alert(1)", {}, INVALID, INVALID], [`${own}\\@evil.example`, {}, INVALID, INVALID], [`${own}, ${FOREIGN}`, {}, INVALID, INVALID],
	// Referer stands in for a missing Origin
	[null, { referer: `${own}/page?x=1` }, OK, OK], [null, { referer: `${APP}/` }, OK, OK], [null, { referer: `${FOREIGN}/?${own}` }, INVALID, INVALID], [null, { referer: `https://evil.example/${hostname}` }, INVALID, INVALID],
	[null, { referer: `${own}/`, ...SAME }, OK, OK], ["", { referer: `${own}/` }, OK, OK],
	// none at all: a program, unless there is a cookie or a browser's Sec-Fetch
	[null, {}, OK, MISSING], ["", {}, OK, MISSING], [null, { referer: "" }, OK, MISSING],
	[null, SAME, MISSING, MISSING], ["", SAME, MISSING, MISSING], [null, { "sec-fetch-dest": "empty" }, MISSING, MISSING], [null, { "sec-fetch-user": "?1" }, MISSING, MISSING], [null, fetch("none", "navigate"), MISSING, MISSING],
	["null", {}, INVALID, MISSING], ["null", SAME, MISSING, MISSING],
];
const ROUTES = [["POST", "/sign-in/email", { email: u.email, password: PASSWORD }], ["POST", "/sign-out", {}], ["POST", "/revoke-session", { token: "x" }], ["POST", "/update-user", { name: "B" }], ["POST", "/delete-user", { token: "x" }], ["DELETE", "/sessions?keep=current"], ["DELETE", `/sessions/${"a".repeat(32)}`]];

for (const [method, p, json] of ROUTES) describe(`${method} ${p.slice(0, 40)}`, () => {
	const send = async (origin, headers, cookie) => s.send(method, p, { json, origin, headers, cookie });
	for (const cookie of [undefined, "", "theme=dark", "the session"]) test(`cookie: ${cookie ?? "none"}`, async () => {
		for (const [origin, headers, without, beside] of MATRIX) {
			const b = cookie === "the session" ? await s.another(u) : null, wanted = cookie === undefined ? without : beside;
			const res = await send(origin, headers, b ? b.cookie : cookie), what = JSON.stringify([origin, headers, cookie]);
			if (wanted === OK) eq([401, 404, 200].includes(res.status), true, `${what}: ${res.status} ${res.text}`);
			else { eq(res.json.code, wanted, what); fails(res, 403, wanted); setsNothing(res); if (b) eq(await s.alive(b.cookie), true, what); }
		}
	});
});
describe("cross-site navigation", () => {
	test("cannot sign in or up, whatever the Origin", async () => {
		for (const [p, body] of [["/sign-in/email", { email: u.email, password: PASSWORD }], ["/sign-up/email", { name: "A", email: "nav@example.com", password: PASSWORD }]])
			for (const origin of [null, own, APP, FOREIGN, "null"]) for (const o of [{ json: body }, { form: body }]) for (const cookie of [undefined, "a=b", u.cookie]) {
				const res = await s.send("POST", p, { ...o, origin, headers: NAV, cookie });
				fails(res, 403, BLOCKED); setsNothing(res);
			}
		eq(s.sql("SELECT COUNT(*) FROM user WHERE email = 'nav@example.com'"), "0");
	});
	test("other combinations of Sec-Fetch are not meant", async () => {
		for (const h of [fetch("same-origin", "navigate", "document"), fetch("cross-site", "cors"), fetch("same-site", "navigate"), fetch("none", "navigate")]) ok(await s.signIn(u.email, {}, { headers: h }));
	});
});
test("reading asks for no Origin, and answers a foreign one", async () => {
	const b = await s.another(u);
	for (const origin of [null, FOREIGN, "null", "garbage"]) for (const p of ["/session", "/sessions"]) eq((await s.get(p, { cookie: b.cookie, origin })).status, 200);
});
test("a bearer token is no reason to ask for an Origin, nor to do without the rule", async () => {
	const b = await start({ workers: 1, set: { "auth.mode": "bearer" } });
	try {
		const v = await b.user(), o = { bearer: v.token };
		fails(await b.post("/revoke-other-sessions", {}, { ...o, origin: FOREIGN }), 403, INVALID);
		fails(await b.post("/revoke-other-sessions", {}, { ...o, origin: null, cookie: "a=b" }), 403, MISSING);
		ok(await b.post("/revoke-other-sessions", {}, { ...o, origin: null }));
	} finally { await b.stop(); }
});
