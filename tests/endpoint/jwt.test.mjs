// auth.mode jwt: tokens that others verify by /jwks with npm's jose, keys that take over from one another under load, secrets that
// rotate beneath them; and that no JWT is ever a credential here.
import { after, describe, test } from "node:test";
import { createDecipheriv, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { execFile, execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { BUILD, DAY, HOUR, MINUTE, SECOND, assert, cleanEnv, eq, fails, ok, plain, same, setsNothing, start, times, until } from "./server.mjs";

const JWT = { "auth.mode": "jwt" };
async function with_(f, { set, ...o } = {}) {
	const s = await start({ workers: 2, ...o, set: { ...JWT, ...set } });
	try { await f(s); } finally { await s.stop(); }
}
const jwks = async (s) => ok(await s.get("/jwks"));
const token = async (s, u) => ok(await s.get("/token", { cookie: u.cookie })).token;
const kid = async (s, u) => decodeProtectedHeader(await token(s, u)).kid;
const url = (s) => /^base_url = (.*)$/m.exec(fs.readFileSync(s.conf, "utf8"))[1];
const verify = async (s, t, set) => jwtVerify(t, createLocalJWKSet(set ?? (await jwks(s))), { algorithms: ["EdDSA"], issuer: url(s), audience: url(s), currentDate: new Date(s.now()) });
const list = (s) => JSON.parse(s.ctl("--json", "jwt", "list"));
const newKey = (s, ...args) => JSON.parse(s.ctl("--json", "jwt", "new-key", ...args)).kid;
/** latchkeyctl without holding up what runs meanwhile. */
const ctlSoon = async (s, ...args) => (await promisify(execFile)(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, ...args], { env: cleanEnv() })).stdout;
/** By the clock of the server. */
const ctlThen = (s, ...args) => execFileSync(path.join(BUILD, "tests/latchkeyctl-test"), ["-c", s.conf, ...args], { encoding: "utf8", env: { ...cleanEnv(), LATCHKEY_TEST_CLOCK: s.clockFile } });
async function restart(s) { assert.notEqual(await s.halt(), null, "it ends"); await s.launch(); }
const b64 = (x) => Buffer.from(typeof x === "string" ? x : JSON.stringify(x)).toString("base64url");

const s = await start({ workers: 2, clock: "still", set: { ...JWT, "auth.trusted_origins": "https://app.example" } });
after(() => s.stop());
const u = await s.user();
const { session } = await s.session(u.cookie);

describe("a token", () => {
	test("is an EdDSA JWT with the contract's claims, sid among them", async () => {
		const { protectedHeader, payload } = await verify(s, await token(s, u));
		same(Object.keys(protectedHeader), ["alg", "kid"]); eq(protectedHeader.alg, "EdDSA");
		same(Object.keys(payload), ["iat", "name", "email", "emailVerified", "image", "createdAt", "updatedAt", "id", "sub", "sid", "exp", "iss", "aud"]);
		same(Object.fromEntries(Object.keys(u.user).map((k) => [k, payload[k]])), u.user);
		eq(payload.sub, u.id); eq(payload.sid, session.id); eq(payload.iat, Math.floor(s.now() / 1000)); eq(payload.exp, payload.iat + 900);
		eq(payload.iss, url(s)); eq(payload.aud, url(s)); assert.ok(!payload.iss.endsWith("/auth"));
	});
	test("holds any name whole, and no secret", async () => {
		const v = await s.user({ name: "Ännchen </script>\"\\\u2028 😀", image: "https://example.org/a?b&c" }), t = await token(s, v), { payload } = await verify(s, t);
		eq(payload.name, v.user.name); eq(payload.image, v.user.image);
		for (const secret of [v.token, s.secret()]) assert.ok(!Buffer.from(t.split(".")[1], "base64url").includes(secret));
	});
	test("lives as long as jwt.expires_in says", () => with_(async (x) => {
		const { payload } = await verify(x, await token(x, await x.user()));
		eq(payload.exp - payload.iat, 60);
	}, { workers: 1, set: { "jwt.expires_in": "1m" } }));
	test("a life out of range does not start", async () => {
		for (const t of ["59s", "16m", "0"]) await assert.rejects(start({ set: { ...JWT, "jwt.expires_in": t } }), /jwt\.expires_in/);
	});
	test("another for each asking, and the store is not written", async () => {
		const was = s.sql("SELECT COUNT(*) FROM jwks");
		eq((await Promise.all(times(20, () => token(s, u)))).length, 20); eq(s.sql("SELECT COUNT(*) FROM jwks"), was);
	});
	test("none without a session", async () => {
		for (const o of [{}, { cookie: s.withValue("junk") }, { bearer: "x" }]) fails(await s.get("/token", o), 401, "UNAUTHORIZED");
	});
});
describe("/jwks", () => {
	test("shows the public halves and nothing else, signed in or not", async () => {
		const { keys } = await jwks(s);
		eq(keys.length, 1);
		for (const k of keys) { same(Object.keys(k), ["alg", "crv", "x", "kty", "kid"]); same([k.alg, k.crv, k.kty], ["EdDSA", "Ed25519", "OKP"]); assert.match(k.x, /^[\w-]{43}$/); }
		same(ok(await s.get("/jwks", { cookie: u.cookie })).keys, keys); setsNothing(await s.get("/jwks", { cookie: s.withValue(s.sign("Z".repeat(32))) }));
	});
	test("has an alias below /.well-known", async () => eq(plain(await s.get("/.well-known/jwks.json")).text, (await s.get("/jwks")).text));
});
describe("set-auth-jwt (get-session)", () => {
	for (const p of ["/session", "/get-session"]) test(`${p}: a token of this session, that scripts may read`, async () => {
		const res = await s.get(p, { cookie: u.cookie });
		eq(ok(res).user.id, u.id); eq((await verify(s, res.headers["set-auth-jwt"])).payload.sid, session.id);
		eq(res.headers["access-control-expose-headers"], "set-auth-jwt"); setsNothing(res);
	});
	test("beside set-auth-token as one list", () => with_(async (x) => {
		const v = await x.user();
		x.move(2 * DAY);
		const res = await x.get("/session", { cookie: v.cookie });
		eq(ok(res).user.id, v.id); assert.ok(res.headers["set-auth-jwt"]); eq(res.headers["set-auth-token"], decodeURIComponent(v.value));
		same(res.fields.filter(([k]) => k.toLowerCase() === "access-control-expose-headers").length, 1);
		same(res.headers["access-control-expose-headers"].split(", ").sort(), ["set-auth-jwt", "set-auth-token"]);
	}, { workers: 1, clock: "still" }));
	test("none without a session, nor from any other endpoint", async () => {
		for (const res of [await s.get("/session"), await s.get("/session", { cookie: s.withValue("junk") }), await s.get("/sessions", { cookie: u.cookie }), await s.get("/token", { cookie: u.cookie }), await s.get("/jwks"), (await s.user()).res]) eq(res.headers["set-auth-jwt"], undefined);
	});
	test("none that a web server's buffer has no room for; /token has it", async () => {
		const v = await s.user({ image: `data:image/png;base64,${"A".repeat(20_000)}` }), res = await s.get("/session", { cookie: v.cookie });
		eq(ok(res).user.id, v.id); eq(res.headers["set-auth-jwt"], undefined); eq(res.headers["access-control-expose-headers"], undefined);
		eq((await verify(s, await token(s, v))).payload.image.length, v.user.image.length);
	});
});
test("jwt mode is bearer mode too (D2)", async () => {
	const v = await s.user();
	eq(v.res.json.token, v.token); eq(v.res.headers["set-auth-token"], decodeURIComponent(v.value));
	for (const bearer of [v.token, decodeURIComponent(v.value)]) { eq(ok(await s.get("/session", { bearer })).user.id, v.id); eq((await verify(s, ok(await s.get("/token", { bearer })).token)).payload.sub, v.id); }
});

for (const mode of ["session", "bearer"]) test(`in ${mode} mode there is nothing of it (D14)`, () => with_(async (x) => {
	const v = await x.user(), o = { cookie: v.cookie }, app = { origin: "https://app.example", headers: { "access-control-request-method": "GET" } };
	for (const p of ["/token", "/jwks", "/.well-known/jwks.json"]) {
		const none = fails(await x.get("/nope", o), 404, "NOT_FOUND");
		for (const m of ["GET", "POST", "DELETE", "PUT", "OPTIONS"]) { const r = fails(await x.send(m, p, o), 404, "NOT_FOUND"); eq(r.text, none.text); eq(r.headers.allow, undefined); }
		fails(await x.send("OPTIONS", p, app), 404, "NOT_FOUND");
		const head = await x.send("HEAD", p, o);
		eq(head.status, 404); eq(head.text, "");
	}
	const res = await x.get("/session", o);
	eq(ok(res).user.id, v.id); eq(res.headers["set-auth-jwt"], undefined); eq(x.sql("SELECT COUNT(*) FROM jwks"), "0");
}, { workers: 1, set: { "auth.mode": mode, "auth.trusted_origins": "https://app.example" } }));

describe("revocation", () => {
	test("a session that was ended gets no token; one it got lives to its end, and sid tells (S64)", () => with_(async (x) => {
		const v = await x.user(), other = await x.another(v), t = await token(x, other), { payload } = await verify(x, t);
		ok(await x.del(`/sessions/${payload.sid}`, { cookie: v.cookie }));
		fails(await x.get("/token", { cookie: other.cookie }), 401, "UNAUTHORIZED"); fails(await x.get("/token", { bearer: other.token }), 401, "UNAUTHORIZED");
		eq((await x.get("/session", { cookie: other.cookie })).headers["set-auth-jwt"], undefined);
		eq(ok(await x.get("/sessions", { cookie: v.cookie })).some((y) => y.id === payload.sid), false, "asked online it is gone at once");
		await verify(x, t);
		x.move(14 * MINUTE); await verify(x, t);
		x.move(15 * MINUTE + SECOND); await assert.rejects(verify(x, t), /"exp"/);
	}, { clock: "still" }));
	test("so after a password change, a sign-out, and for a disabled user", async () => {
		const v = await s.user(), other = await s.another(v);
		ok(await s.post("/change-password", { currentPassword: "correct-horse-1", newPassword: "correct-horse-2" }, { cookie: v.cookie }));
		fails(await s.get("/token", { cookie: other.cookie }), 401);
		const w = await s.user(), d = await s.user();
		ok(await s.post("/sign-out", {}, { cookie: w.cookie })); s.ctl("user", "disable", d.email);
		for (const y of [w, d]) fails(await s.get("/token", { cookie: y.cookie }), 401);
	});
});

// --- S63: a JWT is nobody's session here --------------------------------------------------------------------------------
const mine = await token(s, u), [head, body, sig] = mine.split("."), claims = JSON.parse(Buffer.from(body, "base64url"));
const { x: publicX, kid: KID } = (await jwks(s)).keys[0];
const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicX }, format: "jwk" });
const stranger = generateKeyPairSync("ed25519").privateKey, rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const signed = (h, p = claims, key = stranger) => { const m = `${b64(h)}.${b64(p)}`; return `${m}.${sign(null, Buffer.from(m), key).toString("base64url")}`; };
const hmac = (alg, key, h = { alg, kid: KID }) => { const m = `${b64(h)}.${b64(claims)}`; return `${m}.${createHmac(`sha${alg.slice(2)}`, key).update(m).digest("base64url")}`; };
const H = { alg: "EdDSA", kid: KID }, with2 = (c) => signed(H, { ...claims, ...c });
const without = (k) => { const { [k]: _, ...rest } = claims; return signed(H, rest); };
const pem = publicKey.export({ type: "spki", format: "pem" });
const FORMS = {
	"our own, valid": mine, "our own with trailing bytes": `${mine}AAAA`, "our own with a trailing dot": `${mine}.`, "our own with padding": `${mine}==`, "padding in each part": `${head}=.${body}==.${sig}==`,
	"our own in upper case": mine.toUpperCase(), "standard base64 for base64url": mine.replace(/-/g, "+").replace(/_/g, "/"), "our own without its signature": `${head}.${body}`, "with an empty signature": `${head}.${body}.`, "with half a signature": `${head}.${body}.${sig.slice(0, 43)}`,
	"with a signature of zeros": `${head}.${body}.${Buffer.alloc(64).toString("base64url")}`, "with a flipped bit": `${head}.${body}.${sig.slice(0, -2)}${sig.at(-2) === "A" ? "B" : "A"}${sig.at(-1)}`, "the payload of another": `${head}.${b64({ ...claims, sub: "x" })}.${sig}`,
	...Object.fromEntries(["none", "None", "NONE", "nOnE"].flatMap((alg) => [[`alg ${alg}, no signature`, `${b64({ alg, kid: KID })}.${b64(claims)}.`], [`alg ${alg}, our signature`, `${b64({ alg, kid: KID })}.${body}.${sig}`]])),
	"alg empty": `${b64({ alg: "", kid: KID })}.${body}.`, "alg null": `${b64({ alg: null })}.${body}.${sig}`, "no alg": `${b64({ kid: KID })}.${body}.${sig}`, "alg a number": `${b64({ alg: 1 })}.${body}.${sig}`, "alg eddsa": signed({ ...H, alg: "eddsa" }), "alg with a blank": signed({ ...H, alg: "EdDSA " }),
	"HS256 with the public key (x)": hmac("HS256", publicX), "HS256 with the public key (bytes)": hmac("HS256", Buffer.from(publicX, "base64url")), "HS256 with the public key (PEM)": hmac("HS256", pem), "HS384 with the PEM": hmac("HS384", pem), "HS512 with the PEM": hmac("HS512", pem), "HS256 with no key": hmac("HS256", ""),
	"RS256": (() => { const m = `${b64({ alg: "RS256", kid: KID })}.${b64(claims)}`; return `${m}.${sign("sha256", Buffer.from(m), rsa.privateKey).toString("base64url")}`; })(),
	"a stranger's key under our kid": signed(H), "no kid": signed({ alg: "EdDSA" }), "kid unknown": signed({ ...H, kid: "A".repeat(32) }), "kid a path": signed({ ...H, kid: "../../../../dev/null" }), "kid SQL": signed({ ...H, kid: "x' OR '1'='1" }), "kid SQL union": signed({ ...H, kid: `' UNION SELECT '${publicX}' --` }), "kid a list": signed({ ...H, kid: [KID] }), "a huge kid": signed({ ...H, kid: "k".repeat(20_000) }),
	"jwk in the header": signed({ ...H, jwk: { kty: "OKP", crv: "Ed25519", x: createPublicKey(stranger).export({ format: "jwk" }).x } }), "jku": signed({ ...H, jku: "http://127.0.0.1:9/jwks" }), "x5u": signed({ ...H, x5u: "http://127.0.0.1:9/x" }), "x5c": signed({ ...H, x5c: ["AAAA"] }), "crit": signed({ ...H, crit: ["exp"] }), "b64 false": signed({ ...H, b64: false, crit: ["b64"] }), "typ at+jwt": signed({ ...H, typ: "at+jwt" }),
	"duplicate header keys": signed(`{"alg":"EdDSA","alg":"none","kid":"${KID}"}`), "duplicate keys the other way": `${b64(`{"alg":"none","alg":"EdDSA","kid":"${KID}"}`)}.${body}.`, "duplicate claims": signed(H, `{"sub":"x","sub":"${claims.sub}","exp":99999999999}`),
	"exp as a string": with2({ exp: String(claims.exp) }), "exp as a float": with2({ exp: claims.exp + 0.5 }), "exp over 64 bits": signed(H, JSON.stringify(claims).replace(/"exp":\d+/, '"exp":18446744073709551616')), "exp 1e400": signed(H, JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e400')), "exp negative": with2({ exp: -1 }), "exp null": with2({ exp: null }), "exp in 9999": with2({ exp: 253402300799 }), "nbf in 9999": with2({ nbf: 253402300799 }),
	"no exp": without("exp"), "no aud": without("aud"), "no iss": without("iss"), "no sub": without("sub"), "another aud": with2({ aud: "https://evil.example" }), "aud a list": with2({ aud: [claims.aud, "https://evil.example"] }), "another iss": with2({ iss: "https://evil.example" }), "sub of somebody": with2({ sub: "' OR 1=1 --" }),
	"no JSON in the header": `${b64("no")}.${body}.${sig}`, "no JSON in the payload": `${head}.${b64("no")}.${sig}`, "an empty header": `.${body}.${sig}`, "empty parts": "..", "one part": head, "four parts": `${mine}.${sig}`, "five parts (JWE)": `${mine}.${sig}.${sig}`, "JWS as JSON": JSON.stringify({ payload: body, protected: head, signature: sig }), "blanks inside": mine.replace(".", " . "), "NUL inside": mine.replace(".", "%00."), "percent-encoded": encodeURIComponent(mine).replace(/\./g, "%2E"), "deep JSON": `${b64("[".repeat(5000))}.${body}.${sig}`,
};
describe("a JWT is never a credential (S63)", () => {
	assert.ok(Object.keys(FORMS).length >= 60);
	const nobody = async (o, what) => {
		for (const [p, status] of [["/session", 200], ["/sessions", 401], ["/token", 401], ["/list-accounts", 401]]) {
			const res = plain(await s.get(p, o));
			eq(res.status, status, `${what} ${p}: ${res.text}`); if (status === 200) eq(res.text, "null", what);
			setsNothing(res); eq(res.headers["set-auth-jwt"], undefined);
		}
	};
	for (const [what, t] of Object.entries(FORMS)) test(what, async () => {
		for (const value of [t, encodeURIComponent(t), s.sign(t), `"${t}"`]) await nobody({ cookie: s.withValue(value) }, "cookie");
		for (const bearer of [t, encodeURIComponent(t), decodeURIComponent(s.sign(t))]) await nobody({ bearer }, "bearer");
		eq(ok(await s.get("/session", { bearer: t, cookie: u.cookie })).user.id, u.id, "beside a good cookie it counts as absent");
	});
	test("nor in a body or the query", async () => {
		fails(await s.get(`/token?token=${mine}`), 401); fails(await s.post("/verify-password", { password: mine }, { bearer: mine }), 401);
		eq(ok(await s.post("/revoke-session", { token: mine }, { cookie: u.cookie })).status, true); eq(await s.alive(u.cookie), true);
	});
	test("the workers that were asked all this live, and the log has no error", () => { assert.doesNotMatch(s.log(), / error /); });
});
test("an Authorization header of any form is nobody, never an error (S66)", async () => {
	const values = ["", " ", "Bearer", "Bearer ", "Bearer  ", "bearer x", "BEARER x y z", "Bearer\tx", "Basic dXNlcjpwYXNz", "Bearer Bearer x", `Bearer ${"a".repeat(32)}`, `Bearer ${"a".repeat(20_000)}`, "Bearer %", "Bearer %zz", "Bearer %00", "Bearer é", "Bearer .", `Bearer ${"a".repeat(32)}.`, `Bearer ${"a".repeat(32)}.${"A".repeat(44)}`, "Digest username=\"x\"", "Bearer x, Bearer y", `Bearer "${u.token}"`, `Bearer:${u.token}`, `Token ${u.token}`, `Bearer${u.token}`, u.token];
	for (const authorization of values) { const r = await s.get("/session", { headers: { authorization } }); eq(r.status, 200, `${authorization}: ${r.text}`); eq(r.text, "null", authorization); }
	for (const env of [{ REMOTE_USER: u.email }, { REMOTE_USER: u.id, AUTH_TYPE: "Basic" }]) eq((await s.get("/session", { env })).text, "null");
});
test("beside a cookie of another the bearer decides alone (S66)", async () => {
	const v = await s.user(), both = { cookie: u.cookie, bearer: v.token };
	eq(ok(await s.get("/session", both)).user.id, v.id); eq((await verify(s, ok(await s.get("/token", both)).token)).payload.sub, v.id);
	const sessions = ok(await s.get("/sessions", both));
	same([sessions.length, sessions[0].userId], [1, v.id]);
	eq((await s.get("/session", { cookie: u.cookie, bearer: "b".repeat(32) })).text, "null", "unknown, yet of our form: the cookie is not asked instead");
	eq(await s.alive(u.cookie), true);
});

// --- keys -------------------------------------------------------------------------------------------------------------------
describe("the first key", () => {
	for (const first of ["/token", "/jwks", "/session"]) test(`is one, though eight workers are asked for it at once (${first})`, () => with_(async (x) => {
		const v = await x.user(), answers = await Promise.all(times(48, () => x.get(first, { cookie: v.cookie })));
		for (const r of answers) eq(r.status, 200, r.text);
		eq(x.sql("SELECT COUNT(*) FROM jwks"), "1");
		const set = await jwks(x);
		for (const t of await Promise.all(times(16, () => token(x, v)))) await verify(x, t, set);
		eq(x.ctl("--json", "audit").match(/"jwt-key-added"/g).length, 1);
	}, { workers: 8 }));
	test("is made anew where all have expired", () => with_(async (x) => {
		const v = await x.user(), a = await kid(x, v);
		x.sql(`UPDATE jwks SET expiresAt = ${x.time(x.now() + MINUTE)}`);
		await restart(x);
		eq(await kid(x, v), a);
		x.move(MINUTE);
		const b = await kid(x, v);
		assert.notEqual(b, a, "not past its end, though it was known a moment ago"); same((await jwks(x)).keys.map((k) => k.kid).sort(), [a, b].sort());
	}, { workers: 1, clock: "still" }));
});
describe("rotation (S67)", () => {
	test("under load: 0 failures, and every key comes to sign", () => with_(async (x) => {
		const users = await Promise.all(times(4, () => x.user())), kids = [await kid(x, users[0])], seen = new Set();
		let done = false, n = 0, fetched = 0;
		const failures = [];
		// as clients do: the keys are fetched again when a token names one that is not known yet
		const client = async (v) => {
			let set = { keys: [] };
			while (!done) try {
				const t = n++ % 2 ? await token(x, v) : (await x.get("/session", { cookie: v.cookie })).headers["set-auth-jwt"], { kid: id } = decodeProtectedHeader(t);
				if (!set.keys.some((k) => k.kid === id)) { set = await jwks(x); fetched++; }
				await verify(x, t, set); seen.add(id);
			} catch (e) { failures.push(e.message); }
		};
		const running = users.map(client);
		for (let i = 0; i < 4; i++) {
			kids.push(JSON.parse(await ctlSoon(x, "--json", "jwt", "new-key")).kid);
			assert.ok(await until(() => seen.has(kids.at(-1)), 30_000), "the new key signs");
		}
		for (let i = 0; i < 3; i++) kids.push(JSON.parse(await ctlSoon(x, "--json", "jwt", "new-key")).kid);
		assert.ok(await until(() => seen.has(kids.at(-1)), 30_000));
		done = true; await Promise.all(running);
		same(failures, []); assert.ok(n > 20); assert.ok(fetched >= 5);
		same((await jwks(x)).keys.map((k) => k.kid).sort(), [...kids].sort(), "all are published"); same(list(x).filter((k) => k.state === "signs").map((k) => k.kid), [kids.at(-1)]);
	}, { workers: 4 }));
	test("what the old key signed stays good; it is live for an hour and listed for 30 days more, then swept", () => with_(async (x) => {
		const v = await x.user(), t = await token(x, v), a = decodeProtectedHeader(t).kid, b = JSON.parse(ctlThen(x, "--json", "jwt", "new-key")).kid;
		assert.ok(await until(async () => (await kid(x, v)) === b, 30_000), "b signs");
		await verify(x, t);
		const [old] = JSON.parse(ctlThen(x, "--json", "jwt", "list")).filter((k) => k.kid === a);
		eq(old.state, "verifies"); eq(Date.parse(old.expires), x.now() + HOUR); eq(Date.parse(old.unlisted), x.now() + HOUR + 30 * DAY);
		const listed = async () => (await jwks(x)).keys.map((k) => k.kid).includes(a);
		x.move(HOUR + 30 * DAY - 1); eq(await listed(), true); ctlThen(x, "run-jobs"); eq(x.sql(`SELECT COUNT(*) FROM jwks WHERE id = '${a}'`), "1");
		x.move(HOUR + 30 * DAY); eq(await listed(), false); ctlThen(x, "run-jobs"); eq(x.sql(`SELECT COUNT(*) FROM jwks WHERE id = '${a}'`), "0");
		eq(x.sql("SELECT COUNT(*) FROM jwks"), "1", "the one that signs has no end");
	}, { clock: "still", set: { "jobs.every": "0", "session.expires_in": "90d", "session.absolute": "90d" } }));
	test("--in: published at once, signs later", () => with_(async (x) => {
		const v = await x.user(), a = await kid(x, v), b = JSON.parse(ctlThen(x, "--json", "jwt", "new-key", "--in", "1h")).kid, state = (k) => JSON.parse(ctlThen(x, "--json", "jwt", "list")).find((y) => y.kid === k).state;
		same((await jwks(x)).keys.map((k) => k.kid), [a, b]); same([state(a), state(b)], ["signs", "next"]);
		await restart(x); eq(await kid(x, v), a);
		x.move(HOUR - 1); await restart(x); eq(await kid(x, v), a); eq(state(a), "signs");
		x.move(HOUR); assert.ok(await until(async () => (await kid(x, v)) === b, 30_000)); same([state(a), state(b)], ["verifies", "signs"]);
		x.move(2 * HOUR); same([state(a), state(b)], ["expired", "signs"]);
	}, { clock: "still", workers: 1 }));
	test("a new key overtakes one that was to sign later", () => with_(async (x) => {
		const v = await x.user(), a = await kid(x, v), later = newKey(x, "--in", "1h"), b = newKey(x);
		same(Object.fromEntries(list(x).map((k) => [k.kid, k.state])), { [a]: "verifies", [later]: "expired", [b]: "signs" });
		assert.ok(await until(async () => (await kid(x, v)) === b, 30_000));
	}));
	test("delete-key: what it signed is good no more; the one that signs stays", () => with_(async (x) => {
		const v = await x.user(), t = await token(x, v), a = decodeProtectedHeader(t).kid;
		assert.throws(() => x.ctl("jwt", "delete-key", a), /signs/); assert.throws(() => x.ctl("jwt", "delete-key", "A".repeat(32)), /no such key/);
		const b = newKey(x);
		x.ctl("jwt", "delete-key", a);
		same((await jwks(x)).keys.map((k) => k.kid), [b]); await assert.rejects(verify(x, t), /no applicable key/);
		assert.ok(await until(async () => (await kid(x, v)) === b, 30_000));
		assert.match(x.ctl("audit"), /jwt-key-deleted/);
	}));
});
describe("sealed by the secret file", () => {
	const line = (x) => fs.readFileSync(x.secretFile, "utf8").split("\n").filter(Boolean);
	/** As src/crypto/seal.c has it, done here by Node. */
	function unseal(x, secret) {
		const [id, pub, sealed] = x.sql("SELECT id, publicKey, privateKey FROM jwks").split("|"), raw = Buffer.from(sealed, "base64");
		const d = createDecipheriv("aes-256-gcm", createHmac("sha256", secret).update("latchkey: key to seal keys of JWTs").digest(), raw.subarray(0, 12));
		d.setAAD(Buffer.from(id)); d.setAuthTag(raw.subarray(-16));
		return [Buffer.concat([d.update(raw.subarray(12, -16)), d.final()]), JSON.parse(pub).x];
	}
	test("the database holds no private key in the clear", () => with_(async (x) => {
		await token(x, await x.user());
		const [seed, pub] = unseal(x, x.secret());
		eq(seed.length, 32);
		const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
		eq(createPublicKey(createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })).export({ format: "jwk" }).x, pub, "it is the private half");
		const tables = x.mysql ? x.sql("SHOW TABLES").split("\n") : [];
		const dump = x.mysql ? Buffer.from(tables.map((t) => x.sql(`SELECT * FROM ${t}`)).join("\n")) : Buffer.concat(["", "-wal"].map((y) => x.db + y).filter((f) => fs.existsSync(f)).map((f) => fs.readFileSync(f)));
		const everything = Buffer.concat([dump, Buffer.from(x.log()), Buffer.from(x.ctl("--json", "jwt", "list") + x.ctl("--json", "audit"))]);
		assert.ok(everything.includes(pub));
		for (const form of [seed, seed.toString("hex"), seed.toString("hex").toUpperCase(), seed.toString("base64"), seed.toString("base64url")]) eq(everything.includes(form), false);
		assert.doesNotMatch(everything.toString("latin1"), /"d":"/);
	}));
	test("secret new, again and again: the key goes on signing", () => with_(async (x) => {
		const v = await x.user(), a = await kid(x, v), secrets = line(x);
		let w = v;
		for (const args of [[], [], [], ["--keep", "3"], ["--keep", "1"], [], []]) {
			x.ctl("secret", "new", ...args);
			secrets.unshift(line(x)[0]);
			eq(await kid(x, w), a, "before the restart");
			await restart(x);
			w = await x.another(v);
			eq(await kid(x, w), a, `after secret new ${args.join(" ")}`); assert.match(x.ctl("check"), new RegExp(`ok +jwt +key ${a} signs`));
			assert.ok(line(x).some((y) => { try { return unseal(x, y); } catch { return false; } }), "sealed under one that is kept");
		}
		for (const gone of secrets.filter((y) => !line(x).includes(y))) assert.throws(() => unseal(x, gone), "a secret that dropped off opens nothing");
	}, { workers: 1 }));
	test("a new worker that knows only the secret before can still sign after secret new", () => with_(async (x) => {
		const v = await x.user(), a = await kid(x, v);
		for (let i = 0; i < 2; i++) { x.ctl("secret", "new"); if (i === 0) await restart(x); }
		const before = x.workers();
		for (const pid of before) process.kill(pid, "SIGKILL");
		assert.ok(await until(() => x.workers().filter((p) => !before.includes(p)).length === before.length), "new workers");
		eq(await kid(x, v), a);
	}, { workers: 1 }));
	test("a key that none of our secrets opens: 500 and a line in the log, sessions go on, check tells, new-key mends it", () => with_(async (x) => {
		const v = await x.user(), a = await kid(x, v), t = await token(x, v);
		x.ctl("secret", "new");
		fs.writeFileSync(x.secretFile, `${line(x)[0]}\n`); // by hand, past latchkeyctl
		await restart(x);
		const w = await x.another(v);
		for (let i = 0; i < 3; i++) { const r = fails(await x.get("/token", { cookie: w.cookie }), 500, "INTERNAL_SERVER_ERROR"); assert.ok(r.headers["x-request-id"]); }
		const res = await x.get("/session", { cookie: w.cookie });
		eq(ok(res).user.id, v.id); eq(res.headers["set-auth-jwt"], undefined); await verify(x, t);
		assert.match(x.log(), new RegExp(`error .*none of our secrets opens the private key ${a}`));
		assert.throws(() => x.ctl("check"), (e) => new RegExp(`FAIL +jwt +none of our secrets opens the key ${a}`).test(e.stdout));
		x.ctl("secret", "new"); await restart(x); // passes it over
		const b = newKey(x);
		assert.ok(await until(async () => (await x.get("/token", { cookie: w.cookie })).status === 200, 30_000)); eq(await kid(x, w), b); await verify(x, t);
		assert.match(x.ctl("check"), new RegExp(`ok +jwt +key ${b} signs`));
	}, { workers: 1 }));
	test("a row of another key's seal opens nothing", () => with_(async (x) => {
		const v = await x.user(), a = await kid(x, v), b = newKey(x);
		x.sql(`CREATE TABLE t AS SELECT privateKey FROM jwks WHERE id = '${a}'; UPDATE jwks SET privateKey = (SELECT privateKey FROM t) WHERE id = '${b}'`);
		await restart(x);
		fails(await x.get("/token", { cookie: v.cookie }), 500, "INTERNAL_SERVER_ERROR");
	}, { workers: 1 }));
});
