// Requests from other origins (D20): exact answers to those that are trusted, nothing to anybody else.
import { after, test } from "node:test";
import { FOREIGN, assert, eq, fails, ok, same, start } from "./server.mjs";

const APP = "https://app.example.org:8443";
const s = await start({ workers: 1, set: { "auth.trusted_origins": `${APP} https://*.preview.example` } });
after(() => s.stop());
const u = await s.user();
const cors = (res) => Object.fromEntries(Object.entries(res.headers).filter(([k]) => k.startsWith("access-control") || k === "vary"));
const ALLOWED = { "access-control-allow-credentials": "true", vary: "Origin" };

test("a trusted origin gets its own name back, on every kind of answer", async () => {
	for (const origin of [APP, "https://a.preview.example", "https://b.preview.example"]) {
		const o = { cookie: u.cookie, origin }, wanted = { "access-control-allow-origin": origin, ...ALLOWED };
		for (const res of [await s.get("/session", o), await s.get("/sessions", { origin }), await s.get("/nope", o), await s.send("PUT", "/session", o), await s.post("/sign-in/email", {}, o), await s.get("/ok", o),
			await s.send("POST", "/sign-out", { body: "{oops", headers: { "content-type": "application/json" }, origin })]) same(cors(res), wanted, `${res.status}`);
	}
	ok(await s.post("/sign-out", {}, { origin: APP }));
});
test("no other origin ever does", async () => {
	const { hostname, port } = new URL(s.origin);
	for (const origin of [FOREIGN, "null", "", "*", `${APP}.evil.example`, "https://app.example.org", "http://app.example.org:8443", "https://evil.example/app.example.org:8443", "https://preview.example",
		"https://x.preview.example.evil.example", "https://app.example.org:8443@evil.example", `http://${hostname}:1`, `https://${hostname}:${port}`, "file://", `${APP}, ${FOREIGN}`]) {
		for (const res of [await s.get("/session", { cookie: u.cookie, origin }), await s.get("/nope", { origin }), await s.post("/sign-out", {}, { origin })]) {
			eq(res.headers["access-control-allow-origin"], undefined, origin); eq(res.headers["access-control-allow-credentials"], undefined, origin);
		}
		const pre = await s.send("OPTIONS", "/session", { origin, headers: { "access-control-request-method": "GET" } });
		fails(pre, 405, "METHOD_NOT_ALLOWED"); eq(pre.headers["access-control-allow-origin"], undefined);
	}
});
test("our own origin needs none", async () => same(Object.keys(cors(await s.get("/session", { cookie: u.cookie, origin: s.origin }))).filter((k) => k !== "vary"), []));
test("a value is never a list or a wildcard, nor injected", async () => {
	for (const origin of [[APP, APP], [APP, FOREIGN], `${APP}\tx`, `${APP} `, `${APP}/path`, `${APP}#`]) {
		const v = (await s.get("/session", { origin })).headers["access-control-allow-origin"];
		assert.ok(v === undefined || v === APP, `${origin} → ${v}`);
	}
});
test("preflight", async () => {
	const ask = (p, headers) => s.send("OPTIONS", p, { origin: APP, headers });
	const res = await ask("/sessions", { "access-control-request-method": "DELETE" });
	eq(res.text, ""); same(res.headers["access-control-allow-methods"].split(", ").sort(), ["DELETE", "GET", "HEAD"]);
	eq(res.headers["access-control-allow-origin"], APP); eq(res.headers["access-control-allow-credentials"], "true");
	assert.notEqual(res.headers["access-control-allow-headers"], "*");
	fails(await ask("/sessions", {}), 405, "METHOD_NOT_ALLOWED"); // no preflight without the question
	fails(await ask("/nope", { "access-control-request-method": "GET" }), 404, "NOT_FOUND");
});
test("a preflight looks at no session and writes nothing", async () => {
	eq((await s.send("OPTIONS", "/session", { origin: APP, cookie: s.withValue(s.sign("Z".repeat(32))), headers: { "access-control-request-method": "GET" } })).setCookies.length, 0);
});
