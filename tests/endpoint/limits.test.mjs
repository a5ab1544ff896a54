// Limits on tries with a password: what is counted, for whom, who is let through all the same, and that a refusal tells and
// writes nothing. The clock stands still but for being moved, nobody waits. RACES=1: ten thousand addresses instead of three hundred.
import { describe, test } from "node:test";
import fs from "node:fs";
import { DAY, FOREIGN, HOUR, MINUTE, PASSWORD, SECOND, assert, eq, fails, newEmail, ok, same, setsNothing, start, times, until } from "./server.mjs";

const MANY = Number(process.env.RACES ?? 0) >= 1 ? 10_000 : 300, WRONG = "wrong-horse-1", MESSAGE = "Too many requests. Please try again later.";
const KINDS = ["sign_in", "sign_up", "password"];

/** A client address that nobody has had yet. */
let addresses = 0;
const ip = () => `10.${(++addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;
const from = (address, o = {}) => ({ ...o, headers: { ...o.headers, "x-forwarded-for": address } });
const wrong = (s, email, address = ip(), o) => s.signIn(email, { password: WRONG }, from(address, o));
const right = (s, email, address = ip(), o) => s.signIn(email, {}, from(address, o));
const signUp = (s, address = ip()) => s.user({}, from(address));
/** One failing request of each kind. */
const FAILING = {
	sign_in: (s, address) => wrong(s, newEmail(), address),
	sign_up: (s, address) => s.post("/sign-up/email", { name: "A", email: newEmail(), password: "short" }, from(address)),
	password: (s, address) => s.post("/reset-password", { token: "a".repeat(32), newPassword: PASSWORD }, from(address)),
};
const STATUS = { sign_in: 401, sign_up: 400, password: 400 };

/** 429 as the documents say; seconds: what Retry-After tells. */
function limited(res, seconds) {
	fails(res, 429, "TOO_MANY_REQUESTS", MESSAGE); setsNothing(res);
	assert.match(res.headers["retry-after"] ?? "", /^[1-9]\d*$/); eq(res.headers["x-retry-after"], res.headers["retry-after"]);
	if (seconds !== undefined) eq(res.headers["retry-after"], String(seconds));
	return Number(res.headers["retry-after"]);
}
const refused = (res) => fails(res, 401, "INVALID_EMAIL_OR_PASSWORD");
/** Runs f with a server of these settings; all other limits are off. */
async function with_(set, f, o) {
	const s = await start({ workers: 2, clock: "still", set: { "jobs.every": "0", "log.access": "off", ...set }, ...o });
	try { return await f(s); } finally { await s.stop(); }
}
/** All rows of all tables. */
function dump(s) {
	const tables = s.sql(s.db ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name" : "SHOW TABLES").split("\n");
	assert.ok(tables.includes("latchkey_limit") && tables.includes("session"), tables.join());
	return tables.map((t) => `${t}\n${s.sql(`SELECT * FROM ${t === "user" ? '`user`' : t}`).split("\n").sort().join("\n")}`).join("\n");
}
const counters = (s) => s.sql("SELECT name, tries, freeAt, expiresAt FROM latchkey_limit ORDER BY name");
/** ms from the server's now until a counter is free. */
const left = (s, name) => Number(s.sql(`SELECT freeAt FROM latchkey_limit WHERE name LIKE '${name}'`)) - s.now();
const events = (s, event) => s.sql(`SELECT reason FROM latchkey_audit WHERE event = '${event}' ORDER BY id`).split("\n").filter(Boolean);

describe("an address", () => {
	test("429 with the seconds to wait, alike in both fields; one more try each Nth part of the time; told once in the audit log", () => with_({ "limits.sign_in": "3/30s" }, async (s) => {
		const a = ip();
		for (let i = 0; i < 3; i++) refused(await wrong(s, newEmail(), a));
		limited(await wrong(s, newEmail(), a), 10); limited(await right(s, newEmail(), a), 10);
		same(JSON.parse(s.ctl("--json", "limit", "list")), [{ limit: "sign-in address", whom: a, tries: 3, until: new Date(s.now() + 30 * SECOND).toISOString() }]);
		s.move(9 * SECOND); limited(await wrong(s, newEmail(), a), 1);
		for (const at of [10, 20, 30]) { s.move(at * SECOND); refused(await wrong(s, newEmail(), a)); limited(await wrong(s, newEmail(), a), 10); }
		s.move(61 * SECOND);
		for (let i = 0; i < 3; i++) refused(await wrong(s, newEmail(), a));
		limited(await wrong(s, newEmail(), a), 10);
		same(events(s, "limit-reached"), times(5, () => "sign-in address"));
	}));
	test("429 comes before everything else that could be wrong with a request; other paths and methods are as ever", () => with_(Object.fromEntries(KINDS.map((k) => [`limits.${k}`, "1/1h"])), async (s) => {
		const a = ip(), u = await signUp(s), paths = { sign_in: ["/sign-in/email"], sign_up: ["/sign-up/email"], password: ["/change-password", "/verify-password", "/reset-password", "/delete-user"] };
		for (const k of KINDS) eq((await FAILING[k](s, a)).status, STATUS[k], k);
		const bad = {
			"media type": { body: "x", headers: { "content-type": "text/plain" } }, "no media type": { body: "x" }, "bad JSON": { body: "{", headers: { "content-type": "application/json" } },
			"no body": {}, "too large": { json: { email: "x".repeat(70_000) } }, "foreign Origin": { json: {}, origin: FOREIGN }, "no Origin": { json: {}, origin: null, cookie: u.cookie },
			"cross-site navigation": { form: { a: "b" }, headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" } }, "missing fields": { json: {} }, "wrong types": { json: { email: 1, password: [] } },
			"foreign callback": { json: { callbackURL: `${FOREIGN}/x` } }, "no session": { json: { password: PASSWORD } }, "a session": { json: { password: PASSWORD }, cookie: u.cookie }, "a forged one": { json: {}, cookie: s.withValue("junk") },
		};
		for (const p of Object.values(paths).flat()) for (const [what, o] of Object.entries(bad)) assert.ok(limited(await s.send("POST", p, from(a, o))) > 3000, `${p}: ${what}`);
		for (const p of Object.values(paths).flat()) fails(await s.get(p, from(a)), 405);
		fails(await s.post("/sign-in", {}, from(a)), 404);
		eq((await s.send("POST", "/sign-in/email", from(ip(), bad["media type"]))).status, 415);
	}));
	test("sign-in, sign-up and the others are counted apart, and each in all its paths together", () => with_({ "limits.sign_in": "2/10m", "limits.sign_up": "3/10m", "limits.password": "4/10m" }, async (s) => {
		const a = ip(), u = await signUp(s), counts = { sign_in: 2, sign_up: 3, password: 4 };
		for (const [i, k] of KINDS.entries()) {
			for (let n = 0; n < counts[k]; n++) eq((await FAILING[k](s, a)).status, STATUS[k], `${k} ${n}`);
			limited(await FAILING[k](s, a), 600 / counts[k]);
			for (const other of KINDS.slice(0, i)) limited(await FAILING[other](s, a));
		}
		const b = ip();
		fails(await s.post("/verify-password", { password: WRONG }, from(b, { cookie: u.cookie })), 400, "INVALID_PASSWORD");
		fails(await s.post("/change-password", { currentPassword: WRONG, newPassword: PASSWORD }, from(b, { cookie: u.cookie })), 400, "INVALID_PASSWORD");
		fails(await s.post("/delete-user", { password: WRONG }, from(b, { cookie: u.cookie })), 400, "INVALID_PASSWORD");
		fails(await s.post("/verify-password", { password: WRONG }, from(b)), 401);
		for (const p of ["/verify-password", "/change-password", "/delete-user", "/reset-password"]) limited(await s.post(p, { password: PASSWORD }, from(b, { cookie: u.cookie })), 150);
	}));
	test("addresses are counted apart; IPv6 by /64, IPv4 in IPv6 as IPv4; nobody gives himself another by a field", () => with_({ "limits.sign_in": "3/10m" }, async (s) => {
		const a = ip(), b = ip();
		for (let i = 0; i < 3; i++) { refused(await wrong(s, newEmail(), a)); refused(await wrong(s, newEmail(), b)); }
		limited(await wrong(s, newEmail(), a)); limited(await wrong(s, newEmail(), b)); refused(await wrong(s, newEmail()));
		for (const x of ["2001:db8:1:2::1", "2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:0db8:0001:0002:0:0:0:0"]) refused(await wrong(s, newEmail(), x));
		limited(await wrong(s, newEmail(), "2001:db8:1:2:3:4:5:6")); refused(await wrong(s, newEmail(), "2001:db8:1:3::1")); refused(await wrong(s, newEmail(), "2001:db8:1:1:ffff:ffff:ffff:ffff"));
		for (const x of ["198.51.100.7", "::ffff:198.51.100.7", "::ffff:c633:6407"]) refused(await wrong(s, newEmail(), x));
		limited(await wrong(s, newEmail(), "198.51.100.7")); refused(await wrong(s, newEmail(), "198.51.100.8"));
		// who is no trusted proxy is counted for himself, whatever he says; so is who says something before a proxy does
		for (let i = 0; i < 3; i++) refused(await wrong(s, newEmail(), ip(), { remote: "203.0.113.5" }));
		limited(await wrong(s, newEmail(), ip(), { remote: "203.0.113.5" })); limited(await s.signIn(newEmail(), {}, { remote: "203.0.113.5" })); limited(await wrong(s, newEmail(), `${ip()}, 203.0.113.5`));
	}));
	test("a request that does not get as far as its password counts for its address; what a foreign page could make its browser send, a wrong path or method do not", () => with_(Object.fromEntries(KINDS.map((k) => [`limits.${k}`, "3/10m"])), async (s) => {
		for (const p of ["/sign-in/email", "/sign-up/email", "/reset-password", "/verify-password"]) {
			const a = ip(), send = (o) => s.send("POST", p, from(a, o)), navigation = { headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" } };
			for (let i = 0; i < 3; i++) {
				for (const m of ["GET", "PUT", "DELETE"]) fails(await s.send(m, p, from(a)), 405);
				fails(await s.post(`${p}x`, {}, from(a)), 404);
				for (const [o, status] of [[{ body: "x", headers: { "content-type": "text/plain" } }, 415], [{ body: "{", headers: { "content-type": "application/json" } }, 400], [{ json: { email: "x".repeat(70_000) } }, 413]])
					for (const origin of [s.origin, FOREIGN]) eq((await send({ ...o, origin })).status, status, p);
				for (const o of [{ json: {}, origin: FOREIGN }, { json: {}, origin: "null" }, { json: {}, origin: null, ...navigation }, { json: { callbackURL: `${FOREIGN}/` } }]) eq((await send(o)).status, 403, p);
			}
			eq(s.sql(`SELECT COUNT(*) FROM latchkey_limit WHERE subject = '${a}'`), "0");
			for (const json of [{}, { email: 1, password: 2, token: 3, newPassword: 4 }, { email: "x" }]) assert.ok([400, 401].includes((await send({ json })).status), p);
			limited(await send({ json: {} })); limited(await send({ body: "x", headers: { "content-type": "text/plain" } })); limited(await send({ json: {}, origin: FOREIGN }));
		}
	}));
	test("a sign-in that succeeds does not count, a sign-up does", () => with_({ "limits.sign_in": "3/10m", "limits.total": "20/10m", "limits.account": "3", "limits.account_wait": "1h", "limits.sign_up": "3/10m" }, async (s) => {
		const a = ip(), u = await signUp(s);
		for (let i = 0; i < 100; i++) ok(await right(s, u.email, a));
		eq(s.sql("SELECT COUNT(*) FROM latchkey_limit WHERE name LIKE 'sign-in account:%'"), "0");
		for (let i = 0; i < 3; i++) { refused(await wrong(s, newEmail(), a)); if (i < 2) for (let n = 0; n < 10; n++) ok(await right(s, u.email, a)); }
		limited(await wrong(s, newEmail(), a)); limited(await right(s, u.email, a));
		const b = ip();
		for (let i = 0; i < 3; i++) await signUp(s, b);
		limited(await s.post("/sign-up/email", { name: "A", email: newEmail(), password: PASSWORD }, from(b)));
		eq(s.sql("SELECT COUNT(*) FROM `user`"), "4");
	}));
	test("reset-password with tokens that are none; who has a good one is not counted", () => with_({ "limits.password": "3/10m" }, async (s) => {
		const a = ip(), u = await signUp(s), reset = (token, address) => s.post("/reset-password", { token, newPassword: PASSWORD }, from(address));
		for (const t of ["", "x", "a".repeat(32)]) fails(await reset(t, a), 400);
		limited(await reset("b".repeat(32), a)); limited(await s.post(`/reset-password?token=${"c".repeat(32)}`, { newPassword: PASSWORD }, from(a)));
		fails(await reset("b".repeat(32), ip()), 400, "INVALID_TOKEN");
		const b = ip();
		for (let i = 0; i < 5; i++) ok(await reset(JSON.parse(s.ctl("--json", "user", "reset", u.email)).token, b));
	}));
});

describe("an account", () => {
	const set = { "limits.account": "10" };
	test("ten wrong passwords are free; then pauses of 1, 2, 4 … 900 s, wherever they come from; the right one ends them", () => with_(set, async (s) => {
		const u = await signUp(s), pauses = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900];
		const free = async () => { for (let i = 0; i < 10; i++) refused(await wrong(s, u.email)); };
		await free();
		for (const pause of pauses) {
			eq(left(s, "sign-in account:%"), pause * SECOND, `the pause of ${pause} s`);
			limited(await wrong(s, u.email), pause); limited(await right(s, u.email));
			if (pause > 1) { s.move(s.offset + left(s, "sign-in account:%") - 900); limited(await right(s, u.email), 1); }
			s.move(s.offset + left(s, "sign-in account:%") + 1); refused(await wrong(s, u.email.toUpperCase()));
		}
		limited(await right(s, u.email), 900);
		same(events(s, "limit-reached"), times(1 + pauses.length, () => "sign-in account"));
		s.move(s.offset + left(s, "sign-in account:%") + 1); ok(await right(s, u.email));
		await free(); limited(await right(s, u.email), 1);
	}));
	test("forgotten a day after the last one, and not before", () => with_(set, async (s) => {
		const [u, v] = [await signUp(s), await signUp(s)];
		for (const x of [u, v]) for (let i = 0; i < 9; i++) refused(await wrong(s, x.email));
		s.move(DAY - MINUTE); refused(await wrong(s, u.email)); limited(await wrong(s, u.email), 1);
		s.move(DAY + MINUTE); refused(await wrong(s, v.email)); refused(await wrong(s, v.email)); ok(await right(s, v.email));
	}));
	test("its limit comes after validation and before any hashing", () => with_({ "limits.account": "1", "limits.account_wait": "1h", "limits.account_wait_max": "1h", "password.scrypt": "16,8,1" }, async (s) => {
		const email = newEmail(), post = (json, o) => s.post("/sign-in/email", json, from(ip(), o)), hashed = [], not = [];
		for (let i = 0; i < 4; i++) { const r = await wrong(s, newEmail()); refused(r); hashed.push(r.ms); }
		refused(await wrong(s, email));
		for (let i = 0; i < 8; i++) { const r = await wrong(s, email); limited(r, 3600); not.push(r.ms); }
		assert.ok(Math.min(...not) < Math.min(...hashed) / 4, `${not.map(Math.round)} against ${hashed.map(Math.round)} ms`);
		fails(await post({ email, password: 1 }), 400); fails(await post({ email: `${email} `, password: WRONG }), 400); fails(await post({ email, password: "x".repeat(129) }), 400); fails(await post({ email, password: WRONG }, { origin: FOREIGN }), 403);
		limited(await post({ email, password: WRONG }));
	}));
	test("alike for known, unknown and disabled accounts, byte by byte and second by second", () => with_(set, async (s) => {
		const known = await signUp(s), disabled = await signUp(s), both = await signUp(s);
		for (const u of [disabled, both]) s.ctl("user", "disable", u.email);
		const tries = [() => wrong(s, known.email), () => wrong(s, newcomer), () => wrong(s, disabled.email), () => right(s, both.email), () => right(s, another)], newcomer = newEmail(), another = newEmail();
		for (let i = 0; i < 40; i++) {
			const all = [];
			for (const f of tries) all.push(await f());
			for (const r of all.slice(1)) { eq(r.status, all[0].status, `try ${i}`); eq(r.raw.toString("latin1"), all[0].raw.toString("latin1"), `try ${i}`); }
			if (i < 10 || i % 2) refused(all[0]); else limited(all[0], Math.min(900, 2 ** ((i - 10) / 2)));
			if (i >= 10 && i % 2 === 0) s.move(s.offset + Number(s.sql("SELECT MAX(freeAt) FROM latchkey_limit")) - s.now() + 1);
		}
		eq(s.sql("SELECT COUNT(DISTINCT tries) FROM latchkey_limit WHERE name LIKE 'sign-in account:%'"), "1"); eq(s.sql("SELECT COUNT(*) FROM latchkey_limit WHERE name LIKE 'sign-in account:%'"), "5");
	}));
	test(`${MANY} addresses, one account: as many tries as one has`, { timeout: 600_000 }, () => with_({ "limits.account": "10", "limits.account_wait": "1h", "limits.sign_in": "100/10m", "limits.total": "1000000/1d" }, async (s) => {
		const u = await signUp(s), seen = {};
		for (let i = 0; i < MANY; i += 20) for (const r of await Promise.all(times(20, () => wrong(s, u.email)))) { seen[r.status] = (seen[r.status] ?? 0) + 1; if (r.status === 429) limited(r); else refused(r); }
		same(seen, { 401: 10, 429: MANY - 10 });
		eq(s.sql("SELECT COUNT(*) FROM latchkey_limit WHERE name LIKE 'sign-in address:%'"), "10", "who was refused left nothing");
	}));
	test("all together: no more from anywhere, each kind for itself", () => with_({ "limits.total": "5/1h", "limits.sign_in": "100/1h", "limits.account": "10" }, async (s) => {
		const known = await signUp(s, "192.0.2.77");
		for (let i = 0; i < 5; i++) refused(await wrong(s, newEmail()));
		limited(await wrong(s, newEmail()), 720); limited(await right(s, known.email), 720);
		ok(await right(s, known.email, "192.0.2.77")); await signUp(s);
		refused(await wrong(s, known.email, "192.0.2.77")); // known devices use none of it
		limited(await wrong(s, newEmail()), 720);
	}));
});

describe("a known device", () => {
	const set = { "limits.account": "3", "limits.account_wait": "12h", "limits.account_wait_max": "12h" };
	/** Strangers use up what they may. */
	async function siege(s, u) {
		for (let i = 0; i < 3; i++) refused(await wrong(s, u.email));
		limited(await right(s, u.email));
	}
	test("an address from which the user signed in, or up, before", () => with_(set, async (s) => {
		const u = await signUp(s, "192.0.2.1"), six = "2001:db8:5:6::7";
		ok(await right(s, u.email, six)); await siege(s, u);
		for (let i = 0; i < 5; i++) for (const a of ["192.0.2.1", six, "2001:db8:5:6:ffff::1"]) ok(await right(s, u.email, a));
		limited(await right(s, u.email)); limited(await right(s, u.email, "192.0.2.2")); limited(await right(s, u.email, "2001:db8:5:7::7"));
		// an address where he only tried is none; nor is one where another user signed in
		const v = await signUp(s, "192.0.2.3"); await wrong(s, u.email, "192.0.2.4");
		limited(await right(s, u.email, "192.0.2.3")); limited(await right(s, u.email, "192.0.2.4")); ok(await right(s, v.email));
	}));
	test("a living session of his, from whatever address; not another's, an ended or a forged one", () => with_(set, async (s) => {
		const u = await signUp(s), v = await signUp(s), kept = await s.another(u, {}, from(ip())), ended = await s.another(u, {}, from(ip()));
		ok(await s.post("/sign-out", {}, from(ip(), { cookie: ended.cookie }))); await siege(s, u);
		for (const cookie of [v.cookie, ended.cookie, s.withValue("junk"), s.withValue(s.sign("a".repeat(32))), s.withValue(`${kept.token}.${"A".repeat(43)}%3D`)]) limited(await right(s, u.email, ip(), { cookie }));
		ok(await right(s, u.email, ip(), { cookie: kept.cookie }));
		eq(await s.alive(kept.cookie), false, "it was replaced"); limited(await right(s, u.email, ip(), { cookie: kept.cookie })); limited(await right(s, u.email));
	}));
	test("has its own pauses, each for itself, and they are of no account to others", () => with_(set, async (s) => {
		const u = await signUp(s, "192.0.2.1"), b = await s.another(u, {}, from("192.0.2.2")), c = await s.another(u, {}, from(ip()));
		for (let i = 0; i < 3; i++) refused(await wrong(s, u.email, "192.0.2.1"));
		limited(await right(s, u.email, "192.0.2.1"), 43_200);
		for (let i = 0; i < 3; i++) refused(await wrong(s, u.email, ip(), { cookie: c.cookie }));
		limited(await right(s, u.email, ip(), { cookie: c.cookie }), 43_200); limited(await right(s, u.email, "192.0.2.2", { cookie: c.cookie }));
		ok(await right(s, u.email)); ok(await right(s, u.email, "192.0.2.2")); ok(await right(s, u.email, "192.0.2.1", { cookie: b.cookie }));
		s.move(13 * HOUR); ok(await right(s, u.email, "192.0.2.1")); ok(await right(s, u.email, ip(), { cookie: c.cookie }));
	}));
	test("is forgotten limits.known_device after the last sign-in from there", () => with_({ ...set, "limits.known_device": "1h" }, async (s) => {
		const u = await signUp(s, "192.0.2.1"), v = await signUp(s, "192.0.2.1");
		s.move(50 * MINUTE); ok(await right(s, u.email, "192.0.2.1"));
		for (const x of [u, v]) await siege(s, x);
		s.move(70 * MINUTE); ok(await right(s, u.email, "192.0.2.1")); limited(await right(s, v.email, "192.0.2.1"));
		s.move(131 * MINUTE); limited(await right(s, u.email, "192.0.2.1"));
	}));
	test("a new password forgets all but the one where it was set; one that leaves other browsers alone leaves these as well", () => with_(set, async (s) => {
		const u = await signUp(s, "192.0.2.1"), b = await s.another(u, {}, from("192.0.2.2")), devices = () => s.sql(`SELECT device FROM latchkey_device WHERE userId = '${u.id}' ORDER BY device`).split("\n").filter(Boolean);
		const change = (x, address, revokeOtherSessions) => s.post("/change-password", { currentPassword: PASSWORD, newPassword: PASSWORD, revokeOtherSessions }, from(address, { cookie: x.cookie }));
		ok(await change(b, "192.0.2.3", false)); same(devices(), ["192.0.2.1", "192.0.2.2"]);
		await siege(s, u); ok(await right(s, u.email, "192.0.2.1"));
		ok(await change(b, "192.0.2.3", true)); same(devices(), ["192.0.2.3"]);
		ok(await right(s, u.email, "192.0.2.3")); for (const a of ["192.0.2.1", "192.0.2.2"]) limited(await right(s, u.email, a));
		ok(await s.post("/reset-password", { token: JSON.parse(s.ctl("--json", "user", "reset", u.email)).token, newPassword: PASSWORD }, from("192.0.2.4")));
		same(devices(), ["192.0.2.4"]); limited(await right(s, u.email, "192.0.2.3")); ok(await right(s, u.email, "192.0.2.4"));
	}));
	test("with limits.known_device=0 there is none", () => with_({ ...set, "limits.known_device": "0" }, async (s) => {
		const u = await signUp(s, "192.0.2.1"); ok(await right(s, u.email, "192.0.2.1")); await siege(s, u);
		limited(await right(s, u.email, "192.0.2.1")); limited(await right(s, u.email, ip(), { cookie: u.cookie }));
		eq(s.sql("SELECT COUNT(*) FROM latchkey_device"), "0");
	}));
	test("strangers at the sign-in do not keep a signed-in user from what asks for his password, nor he them; each session for itself", () => with_({ ...set, "limits.sign_in": "100/1h", "limits.password": "100/1h" }, async (s) => {
		const u = await signUp(s, "192.0.2.1"), b = await s.another(u, {}, from("192.0.2.1")), a = "192.0.2.1";
		const verify = (password, x) => s.post("/verify-password", { password }, from(a, { cookie: x.cookie })), change = (currentPassword, x) => s.post("/change-password", { currentPassword, newPassword: PASSWORD, revokeOtherSessions: false }, from(a, { cookie: x.cookie }));
		await siege(s, u);
		ok(await verify(PASSWORD, u)); ok(await change(PASSWORD, u));
		// one after the other in one session, whatever the path
		fails(await verify(WRONG, u), 400, "INVALID_PASSWORD"); fails(await change(WRONG, u), 400, "INVALID_PASSWORD"); fails(await s.post("/delete-user", { password: WRONG }, from(a, { cookie: u.cookie })), 400, "INVALID_PASSWORD");
		for (const r of [await verify(PASSWORD, u), await change(PASSWORD, u), await s.post("/delete-user", { password: PASSWORD }, from(a, { cookie: u.cookie }))]) limited(r, 43_200);
		ok(await verify(PASSWORD, b)); ok(await right(s, u.email, a)); limited(await right(s, u.email));
		eq(await s.alive(u.cookie), true);
		s.move(12 * HOUR + SECOND); ok(await verify(PASSWORD, u));
		for (let i = 0; i < 2; i++) fails(await verify(WRONG, u), 400);
		ok(await change(PASSWORD, u));
		for (let i = 0; i < 2; i++) fails(await verify(WRONG, u), 400);
		ok(await s.post("/delete-user", { password: PASSWORD }, from(a, { cookie: u.cookie })));
	}));
});

describe("what is written", () => {
	test("nothing, by a try that is refused", () => with_({ "limits.sign_in": "5/1h", "limits.sign_up": "5/1h", "limits.password": "20/1h", "limits.total": "12/1h", "limits.account": "3", "limits.account_wait": "1h", "session.last_seen_every": "0" }, async (s) => {
		const u = await signUp(s, "192.0.2.1"), b = await s.another(u, {}, from("192.0.2.1")), a = ip(), email = newEmail(), other = ip();
		const verify = () => s.post("/verify-password", { password: PASSWORD }, from("192.0.2.1", { cookie: u.cookie }));
		for (const x of [u.email, email]) for (let i = 0; i < 3; i++) refused(await wrong(s, x));
		for (let i = 0; i < 3; i++) refused(await wrong(s, u.email, "192.0.2.1"));
		for (let i = 0; i < 3; i++) fails(await s.post("/verify-password", { password: WRONG }, from("192.0.2.1", { cookie: u.cookie })), 400);
		for (let i = 0; i < 5; i++) { refused(await wrong(s, newEmail(), a)); eq((await FAILING.sign_up(s, a)).status, 400); }
		for (let i = 0; i < 20; i++) eq((await FAILING.password(s, other)).status, 400);
		refused(await wrong(s, newEmail())); // the twelfth
		const was = dump(s), size = s.db && fs.statSync(`${s.db}-wal`).size;
		const tries = { account: () => right(s, u.email), "nobody's": () => wrong(s, email), device: () => right(s, u.email, "192.0.2.1"), address: () => right(s, newEmail(), a), total: () => wrong(s, newEmail()), session: verify,
			"sign-up": () => s.post("/sign-up/email", { name: "A", email: newEmail(), password: PASSWORD }, from(a)), reset: () => FAILING.password(s, other), "bad body": () => s.send("POST", "/sign-in/email", from(a, { body: "{" })), "foreign Origin": () => s.send("POST", "/sign-in/email", from(a, { json: {}, origin: FOREIGN })) };
		for (let i = 0; i < 20; i++) for (const [what, f] of Object.entries(tries)) eq((await f()).status, 429, what);
		eq(dump(s), was); if (s.db) eq(fs.statSync(`${s.db}-wal`).size, size);
		eq(await s.alive(b.cookie), true);
	}));
	test("nothing of it, by any request without a password, which is never limited either", () => with_({ ...Object.fromEntries(["sign_in", "sign_up", "password", "total"].map((k) => [`limits.${k}`, "1/1h"])), "limits.account": "1" }, async (s) => {
		const u = await signUp(s, "192.0.2.1"), a = "192.0.2.1", tries = /^\/(sign-(in|up)\/email|(change|verify|reset)-password|delete-user)$/, asks = /^\/(request-password-reset|send-verification-email|change-email)$/;
		for (const k of KINDS) await FAILING[k](s, a);
		for (const k of KINDS) limited(await FAILING[k](s, a));
		const was = counters(s), rest = s.routes().filter((r) => !(r.method === "POST" && (tries.test(r.path) || asks.test(r.path))));
		assert.ok(rest.length >= 15); eq(s.routes().length - rest.length, 9); for (const r of s.routes()) eq(r.hashes, r.method === "POST" && tries.test(r.path), r.path);
		for (let i = 0; i < 20; i++) for (const r of rest) for (const cookie of [undefined, s.withValue("junk")]) assert.notEqual((await s.send(r.method, r.path.replace("{id}", "a".repeat(32)), from(a, { cookie, ...(r.method === "POST" && { json: {} }) }))).status, 429, r.path);
		for (let i = 0; i < 50; i++) eq(ok(await s.get("/session", from(a, { cookie: u.cookie }))).user.id, u.id);
		eq(counters(s), was); ok(await s.post("/sign-out", {}, from(a, { cookie: u.cookie })));
		eq(counters(s), was);
	}));
	test("no counter at all where limits are off", () => with_({}, async (s) => {
		const u = await signUp(s);
		for (let i = 0; i < 30; i++) { refused(await wrong(s, u.email, "192.0.2.1")); refused(await wrong(s, newEmail(), "192.0.2.1")); fails(await s.post("/verify-password", { password: WRONG }, from("192.0.2.1", { cookie: u.cookie })), 400); }
		for (const k of KINDS) for (let i = 0; i < 10; i++) eq((await FAILING[k](s, "192.0.2.1")).status, STATUS[k]);
		ok(await right(s, u.email)); eq(s.sql("SELECT COUNT(*) FROM latchkey_limit"), "0"); same(events(s, "limit-reached"), []);
	}));
	test("what was counted outlives the program, and is swept when it counts no more", () => with_({ "limits.sign_in": "3/1h", "limits.account": "2", "limits.account_wait": "1h", "limits.account_wait_max": "1h", "limits.account_forget": "2h" }, async (s) => {
		const u = await signUp(s), a = ip();
		for (let i = 0; i < 2; i++) refused(await wrong(s, u.email, a));
		refused(await wrong(s, newEmail(), a));
		await s.halt(); await s.launch();
		limited(await right(s, u.email), 3600); limited(await right(s, newEmail(), a), 1200);
		await s.halt(); await s.launch({ "jobs.every": "1s" });
		s.move(90 * MINUTE); assert.ok(await until(() => s.sql("SELECT COUNT(*) FROM latchkey_limit WHERE name LIKE '%address%'") === "0"), "addresses are swept");
		eq(s.sql("SELECT COUNT(*) FROM latchkey_limit WHERE name LIKE 'sign-in account:%'"), "2", "accounts are not yet");
		s.move(4 * HOUR); assert.ok(await until(() => s.sql("SELECT COUNT(*) FROM latchkey_limit") === "0"), "accounts are swept"); ok(await right(s, u.email));
	}));
});

test("a store that is away is 503, not 429", () => with_(Object.fromEntries([...KINDS.map((k) => [`limits.${k}`, "1/1h"]), ["limits.account", "1"]]), async (s) => {
	const a = ip();
	for (const k of KINDS) await FAILING[k](s, a);
	for (const k of KINDS) limited(await FAILING[k](s, a));
	const account = /^user = (lk_\w+)$/m.exec(fs.readFileSync(s.conf, "utf8"))?.[1], files = s.db && ["", "-wal", "-shm"].map((x) => s.db + x).filter((f) => fs.existsSync(f));
	if (s.db) for (const f of files) fs.renameSync(f, f.replace("latchkey.db", "away.db"));
	else { s.sql(`ALTER USER '${account}'@'%' ACCOUNT LOCK`); for (const id of s.sql(`SELECT id FROM information_schema.processlist WHERE user = '${account}'`).split("\n")) s.sql(`KILL ${id}`); }
	for (let i = 0; i < 8; i++) for (const x of [a, ip()]) for (const k of KINDS) { const r = await FAILING[k](s, x); fails(r, 503, "SERVICE_UNAVAILABLE"); eq(r.headers["retry-after"], "2"); }
	if (s.db) for (const f of files) fs.renameSync(f.replace("latchkey.db", "away.db"), f); else s.sql(`ALTER USER '${account}'@'%' ACCOUNT UNLOCK`);
	assert.ok(await until(async () => (await FAILING.sign_in(s, a)).status === 429)); for (const k of KINDS) limited(await FAILING[k](s, a));
}));

describe("all visitors from one address (S109)", () => {
	const warnings = (s) => s.log().split("\n").filter((l) => / warn .*200 users have signed in, all of them from /.test(l));
	const crowd = async (s, n, address) => { for (let i = 0; i < n; i += 10) await Promise.all(times(10, () => signUp(s, address))); };
	test("warned of once, after 200 users", () => with_({}, async (s) => {
		await crowd(s, 190, "192.0.2.1"); same(warnings(s), []);
		await crowd(s, 10, "192.0.2.1"); eq(warnings(s).length, 1); assert.match(warnings(s)[0], /all of them from 192\.0\.2\.1: .*auth\.trusted_proxies/);
		await crowd(s, 250, "192.0.2.1"); eq(warnings(s).length, 1, "never again");
		assert.match(s.ctl("check"), /^warn +addresses +all 450 users come from 192\.0\.2\.1: behind a proxy set auth\.trusted_proxies$/m);
	}, { workers: 4 }));
	test("not if a single one came from elsewhere, nor if one user comes again and again", () => with_({}, async (s) => {
		const u = await signUp(s, "192.0.2.1");
		for (let i = 0; i < 250; i++) ok(await right(s, u.email, "192.0.2.1"));
		same(warnings(s), []); assert.doesNotMatch(s.ctl("check"), /addresses/, "one user is no crowd");
		await crowd(s, 100, "192.0.2.1"); assert.match(s.ctl("check"), /^warn +addresses +all 101 users come from/m);
		await signUp(s, "192.0.2.2"); await crowd(s, 250, "192.0.2.1");
		same(warnings(s), []); assert.doesNotMatch(s.ctl("check"), /addresses/);
	}, { workers: 4 }));
});
