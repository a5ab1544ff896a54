// The order of checks (D16): route, media type and syntax of the body, origin, shape of the body, session, handler. Each
// test sends a request that is wrong in two ways and looks which of them is told.
import { after, test } from "node:test";
import { FOREIGN, PASSWORD, clears, eq, fails, newEmail, setsNothing, start } from "./server.mjs";

const s = await start({ workers: 1 });
after(() => s.stop());
const u = await s.user();
const json = { "content-type": "application/json" };

test("route before everything: an unknown path tells of nothing else", async () => {
	fails(await s.send("POST", "/nope", { body: "{oops", headers: { "content-type": "text/plain" }, origin: FOREIGN, cookie: u.cookie }), 404, "NOT_FOUND");
});
test("method before body and origin", async () => {
	fails(await s.send("PUT", "/sign-in/email", { body: "{oops", headers: json, origin: FOREIGN, cookie: u.cookie }), 405, "METHOD_NOT_ALLOWED");
});
test("media type and syntax before origin", async () => {
	for (const p of ["/sign-in/email", "/sign-up/email", "/sign-out", "/revoke-session", "/revoke-sessions", "/revoke-other-sessions", "/change-password", "/verify-password", "/reset-password", "/update-user", "/delete-user", "/update-session"]) {
		fails(await s.send("POST", p, { body: "{}", headers: { "content-type": "text/plain" }, origin: FOREIGN }), 415, "UNSUPPORTED_MEDIA_TYPE");
		fails(await s.send("POST", p, { body: "{oops", headers: json, origin: FOREIGN }), 400, "BAD_REQUEST");
	}
});
test("size before syntax and origin", async () => {
	fails(await s.send("POST", "/sign-in/email", { body: `{oops${"x".repeat(70000)}`, headers: json, origin: FOREIGN }), 413, "PAYLOAD_TOO_LARGE");
});
test("origin before the shape of the body", async () => {
	for (const p of ["/sign-in/email", "/sign-up/email", "/revoke-session", "/change-password", "/verify-password", "/reset-password"]) fails(await s.post(p, {}, { origin: FOREIGN }), 403, "INVALID_ORIGIN");
});
test("origin before the session", async () => {
	for (const p of ["/revoke-sessions", "/update-user", "/delete-user", "/update-session"]) fails(await s.post(p, {}, { origin: FOREIGN }), 403, "INVALID_ORIGIN");
	fails(await s.del("/sessions", { origin: FOREIGN }), 403, "INVALID_ORIGIN");
});
test("callbackURL before the shape of the rest", async () => {
	fails(await s.post("/sign-in/email", { callbackURL: `${FOREIGN}/x` }), 403, "INVALID_CALLBACK_URL");
	fails(await s.post("/sign-out?callbackURL=https%3A%2F%2Fevil.example%2F", {}), 403, "INVALID_CALLBACK_URL");
	const res = await s.post("/sign-in/email", { callbackURL: 1 });
	eq(res.status, 400); eq(res.json.message, "Invalid callbackURL: expected a string"); eq("code" in res.json, false);
});
test("shape of the body before the session: a stranger's malformed body is 400", async () => {
	for (const p of ["/revoke-session", "/change-password", "/verify-password"]) fails(await s.post(p, {}), 400, "VALIDATION_ERROR");
	for (const [p, bad] of [["/update-user", { name: 1 }], ["/delete-user", { password: 1 }], ["/update-session", []]]) fails(await s.post(p, bad), 400, "VALIDATION_ERROR");
	fails(await s.del("/sessions?keep=some"), 400, "VALIDATION_ERROR");
	fails(await s.get("/sessions?disableRefresh=perhaps"), 400, "VALIDATION_ERROR");
});
test("session before the handler", async () => {
	const res = await s.del(`/sessions/${"a".repeat(32)}`, { cookie: s.withValue(s.sign("Q".repeat(32))) });
	fails(res, 401, "UNAUTHORIZED"); clears(s, res);
	for (const [p, body] of [["/change-password", { currentPassword: "", newPassword: "short" }], ["/verify-password", { password: "x".repeat(129) }], ["/update-user", { email: u.email }], ["/update-user", {}], ["/delete-user", { token: "x" }], ["/update-session", {}]]) fails(await s.post(p, body), 401, "UNAUTHORIZED");
});
test("freshness after the session and before the handler", async () => {
	const c = await start({ workers: 1, clock: true, set: { "session.fresh_age": "1h", "auth.delete_user": "off" } });
	try {
		const v = await c.user(); c.move(3600_000);
		fails(await c.post("/delete-user", {}), 401, "UNAUTHORIZED"); fails(await c.post("/delete-user", { password: null }, { cookie: v.cookie }), 400, "VALIDATION_ERROR");
		fails(await c.post("/delete-user", {}, { cookie: v.cookie }), 403, "SESSION_NOT_FRESH"); fails(await c.post("/delete-user", { password: "wrong-password" }, { cookie: v.cookie }), 404, "NOT_FOUND"); fails(await c.post("/delete-user", { token: "x" }, { cookie: v.cookie }), 404, "INVALID_TOKEN");
	} finally { await c.stop(); }
});
test("a reset token that is none, the length of the new password, the token itself", async () => {
	fails(await s.post("/reset-password", { token: "x", newPassword: "short" }), 400, "INVALID_TOKEN"); fails(await s.post("/reset-password", { token: "a".repeat(32), newPassword: "short" }), 400, "PASSWORD_TOO_SHORT"); fails(await s.post("/reset-password", { token: "a".repeat(32), newPassword: PASSWORD }), 400, "INVALID_TOKEN");
});
test("the shape of an e-mail before any hashing; a wrong password last", async () => {
	fails(await s.post("/sign-in/email", { email: "nope", password: "x".repeat(200) }), 400, "INVALID_EMAIL");
	fails(await s.post("/sign-in/email", { email: newEmail(), password: "x".repeat(129) }), 400, "PASSWORD_TOO_LONG");
	fails(await s.post("/sign-in/email", { email: newEmail(), password: PASSWORD }), 401, "INVALID_EMAIL_OR_PASSWORD");
});
test("a refused sign-in sets and ends nothing", async () => {
	for (const [extra, o] of [[{ password: "wrong-password" }, {}], [{}, { origin: FOREIGN }], [{ callbackURL: FOREIGN }, {}], [{ rememberMe: "x" }, {}]]) {
		setsNothing(await s.post("/sign-in/email", { email: u.email, password: PASSWORD, ...extra }, { cookie: u.cookie, ...o }));
		eq(await s.alive(u.cookie), true);
	}
});
