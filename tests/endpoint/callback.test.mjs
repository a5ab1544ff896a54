// Addresses to go to afterwards: four names, in the body of any POST and in its query. Each is the way of an open redirect,
// so each is checked wherever it stands, even on routes that have no use for it.
import { after, describe, test } from "node:test";
import { FOREIGN, PASSWORD, eq, fails, newEmail, ok, plain, same, setsNothing } from "./server.mjs";
import { startMailing } from "./mailbox.mjs";

const APP = "https://app.example.org";
const s = await startMailing({ "auth.trusted_origins": `${APP} https://*.wild.example`, "jobs.every": "0" }, { workers: 1 });
after(() => s.stop());
const u = await s.user();
const KEYS = { callbackURL: "INVALID_CALLBACK_URL", redirectTo: "INVALID_REDIRECT_URL", errorCallbackURL: "INVALID_ERROR_CALLBACK_URL", newUserCallbackURL: "INVALID_NEW_USER_CALLBACK_URL" };
const BODIES = { "/sign-up/email": () => ({ name: "A", email: newEmail(), password: PASSWORD }), "/sign-in/email": () => ({ email: u.email, password: PASSWORD }), "/revoke-session": () => ({ token: "x" }),
	"/change-password": () => ({ currentPassword: PASSWORD, newPassword: PASSWORD, revokeOtherSessions: false }), "/verify-password": () => ({ password: PASSWORD }), "/reset-password": () => ({ newPassword: PASSWORD, token: "a".repeat(32) }), "/update-user": () => ({ name: "B" }), "/request-password-reset": () => ({ email: newEmail() }),
	"/send-verification-email": () => ({ email: u.email }), "/change-email": () => ({ newEmail: newEmail() }), "/not-me": () => ({ token: "a".repeat(32) }) };
/** A sign-in from somewhere new, and the token of the mail that tells of it. */
let places = 0;
const notMe = async () => { const v = await s.user(); s.tokenOf(v.email); await s.another(v, {}, { remote: `198.51.100.${++places % 250}` }); return { token: s.tokenOf(v.email) }; };
/** What a request needs besides, if it is to succeed: a token, or somebody to delete. */
const reset = await s.user(), GOOD = { "/reset-password": () => ({ token: JSON.parse(s.ctl("--json", "user", "reset", reset.email)).token }), "/not-me": notMe };
const CALLERS = { "/delete-user": () => s.user() };
const POSTS = s.routes().filter((r) => r.method === "POST").map((r) => r.path);
const ACCEPTS = new Set(POSTS.filter((p) => !/sign-(in|up)/.test(p))); // the rest has the field itself, and may refuse its shape
const bad = [`${FOREIGN}/x`, FOREIGN, "//evil.example/", "/\\evil.example", "\\\\evil.example", "https:evil.example", "javascript:alert(1)", "data:text/html,x", "evil.example", "/%2fevil.example", "/%5cevil.example", "/\tx", `${APP}.evil.example/`, `${APP}@evil.example/`, " /x"];
const good = [() => "/", () => "/account?x=1#y", () => `${s.origin}/page`, () => `${APP}/page`, () => "https://a.wild.example/"];
/** A POST by a signed-in browser of its own, so that what it ends is nobody else's. */
const post = async (p, extra, { query = "", cookie, ...o } = {}) => s.post(p + query, { ...BODIES[p]?.(), ...(cookie ? {} : await GOOD[p]?.()), ...extra }, { cookie: cookie ?? (await (CALLERS[p]?.() ?? s.another(u))).cookie, ...o });
/** One that is refused before anybody looks at the session: any cookie will do. */
const vain = (p, extra, o) => post(p, extra, { cookie: u.cookie, ...o });
const query = (key, value) => `?${new URLSearchParams({ [key]: value })}`;
const users = () => s.sql("SELECT COUNT(*) FROM user");

for (const [key, code] of Object.entries(KEYS)) describe(key, () => {
	const refused = (res, what) => { eq(res.json?.code, code, `${what}: ${res.status} ${res.text}`); fails(res, 403, code, `Invalid ${key === "redirectTo" ? "redirectURL" : key}`); setsNothing(res); };
	const untyped = (res, what) => {
		eq(res.status, 400, `${what}: ${res.text}`); same(plain(res).json, { message: `Invalid ${key}: expected a string` }); setsNothing(res);
	};
	const fine = (res, what, p) => (p === "/update-session" ? same([res.status, res.json], [400, { message: "No fields to update" }], what) : eq(res.status, 200, `${what}: ${res.status} ${res.text}`));

	for (const p of POSTS) test(`at POST ${p}`, async () => {
		const before = users();
		for (const v of bad) { refused(await vain(p, { [key]: v }), `body ${v}`); refused(await vain(p, {}, { query: query(key, v) }), `query ${v}`); }
		for (const v of [1, true, {}, [], [`${FOREIGN}/`], { a: "/" }, -1.5]) untyped(await vain(p, { [key]: v }), JSON.stringify(v));
		eq(users(), before, "a refused request makes nobody");
		for (const v of good) { fine(await post(p, { [key]: v() }), `body ${v}`, p); fine(await post(p, {}, { query: query(key, v()) }), `query ${v}`, p); }
		for (const v of ["", false, null, 0]) {
			const res = await post(p, { [key]: v });
			if (ACCEPTS.has(p) || key !== "callbackURL" || v === "") fine(res, JSON.stringify(v), p);
			else eq(res.status === 200 || res.json.code === "VALIDATION_ERROR", true, `${JSON.stringify(v)}: ${res.text}`);
		}
		fine(await post(p, {}, { query: `?${key}=` }), "empty in the query", p); fine(await post(p, {}, { query: `?${key}` }), "bare in the query", p);
	});
	test("a good one in one place excuses no bad one in the other", async () => {
		refused(await vain("/sign-out", { [key]: "/" }, { query: query(key, FOREIGN) }), "query");
		refused(await vain("/sign-out", { [key]: FOREIGN }, { query: query(key, "/") }), "body");
		for (const other of Object.keys(KEYS)) if (other !== key) refused(await vain("/sign-out", { [key]: FOREIGN, [other]: "/" }), other);
	});
	test("in a form", async () => {
		for (const p of ["/sign-in/email", "/sign-up/email"]) {
			refused(await s.send("POST", p, { form: { ...BODIES[p](), [key]: FOREIGN } }), p);
			fine(await s.send("POST", p, { form: { ...BODIES[p](), [key]: "/x" } }), p);
			fine(await s.send("POST", p, { form: { ...BODIES[p](), [key]: "" } }), p);
		}
	});
	test("reading has no use for it", async () => {
		const { cookie } = await s.another(u), { session } = await s.session(cookie);
		eq(ok(await s.get(`/session${query(key, FOREIGN)}`, { cookie })).user.id, u.id);
		ok(await s.del(`/sessions/${session.id}${query(key, "/x")}`, { cookie }));
	});
	test("origin first", async () => fails(await s.post("/sign-out", { [key]: FOREIGN }, { origin: FOREIGN }), 403, "INVALID_ORIGIN"));
});
