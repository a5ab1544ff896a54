// The life of a session, with a clock that stands still but for being moved: a second before each edge, at it, a second after it.
import { after, describe, test } from "node:test";
import { DAY, HOUR, MINUTE, SECOND, assert, clears, eq, fails, ok, setsNothing, start, times } from "./server.mjs";

const s = await start({ workers: 2, clock: "still", set: { "jobs.every": "0" } });
after(() => s.stop());
// Every effective change of a session leaves a row here.
s.sql("CREATE TABLE test_updates (id TEXT, what TEXT)");
s.trigger("test_extended", "UPDATE", "session", "INSERT INTO test_updates VALUES (new.id, 'extended')", "expiresAt");
s.trigger("test_seen", "UPDATE", "session", "INSERT INTO test_updates VALUES (new.id, 'seen')", "lastSeenAt");
const updates = (b, what) => Number(s.sql(`SELECT COUNT(*) FROM test_updates WHERE id = '${b.id}' AND what = '${what}'`));

/** A browser signed in at t, the server's time. */
async function born(extra = {}, server = s) {
	server.move(0);
	const u = await server.user(extra), { session } = await server.session(u.cookie, { headers: {} });
	return { ...u, id: session.id, t: Date.parse(session.createdAt), first: session };
}
/** Asks with the server's clock at the given time after the birth. */
const at = (b, ms, p = "/session", o = {}, server = s) => { server.move(b.t + ms - server.still); return server.get(p, { cookie: b.cookie, ...o }); };
const expires = (res) => Date.parse(res.json.session.expiresAt);

describe("sliding", () => {
	for (const [name, offset, extended] of [["a second before", -SECOND, false], ["at", 0, true], ["a second after", SECOND, true]]) {
		test(`${name} update_age`, async () => {
			const b = await born(), res = await at(b, DAY + offset);
			if (extended) {
				eq(expires(res), b.t + 8 * DAY + offset, "expiresAt"); eq(Date.parse(res.json.session.updatedAt), b.t + DAY + offset, "updatedAt");
				eq(res.setCookies.length, 1); eq(res.setCookies[0].value, b.value); eq(res.setCookies[0].attrs["max-age"], "604800");
			} else {
				eq(res.json.session.expiresAt, b.first.expiresAt); eq(res.json.session.updatedAt, b.first.updatedAt); setsNothing(res);
			}
			eq(updates(b, "extended"), extended ? 1 : 0);
			for (const k of ["id", "createdAt", "token", "authenticatedAt", "diesAt"]) eq(res.json.session[k], b.first[k], k);
		});
	}
	test("once for each update_age", async () => {
		const b = await born();
		for (const ms of [DAY + MINUTE, DAY + 2 * MINUTE, DAY + 12 * HOUR, 2 * DAY]) await at(b, ms);
		eq(updates(b, "extended"), 1);
		setsNothing(await at(b, 2 * DAY + 59 * SECOND)); // the last extension was a minute after the day
		eq((await at(b, 2 * DAY + MINUTE + SECOND)).setCookies.length, 1);
		eq(updates(b, "extended"), 2);
	});
	test("every route that reads the session slides it", async () => {
		for (const p of ["/session", "/get-session", "/sessions", "/list-sessions"]) {
			const b = await born();
			eq((await at(b, DAY + SECOND, p)).setCookies.length, 1, p);
			eq(updates(b, "extended"), 1, p);
		}
	});
	test("a HEAD counts as a use like any other", async () => {
		const b = await born();
		s.move(b.t + DAY + SECOND - s.still);
		eq((await s.send("HEAD", "/session", { cookie: b.cookie })).setCookies.length, 1);
	});
});

describe("the end", () => {
	for (const [name, offset, alive] of [["a second before", -SECOND, true], ["at", 0, false], ["a second after", SECOND, false]]) {
		test(`${name} expires_in unused`, async () => {
			const b = await born(), res = await at(b, 7 * DAY + offset);
			if (alive) return eq(res.json.user.id, b.user.id);
			eq(ok(res), null); clears(s, res);
			fails(await at(b, 7 * DAY + offset, "/sessions"), 401, "UNAUTHORIZED");
			eq(updates(b, "extended"), 0);
		});
		test(`${name} the absolute end, in use every day`, async () => {
			const b = await born();
			for (let d = 1; d < 30; d++) {
				const res = await at(b, d * DAY + d * MINUTE);
				eq(expires(res), Math.min(b.t + d * DAY + d * MINUTE + 7 * DAY, b.t + 30 * DAY), `expiresAt on day ${d}`);
			}
			const res = await at(b, 30 * DAY + offset);
			if (!alive) { eq(ok(res), null); clears(s, res); } else {
				eq(res.json.user.id, b.user.id); eq(res.json.session.expiresAt, b.first.diesAt);
				setsNothing(res); // nothing is left to extend
			}
		});
		test(`${name} the end of a session that is not to be remembered`, async () => {
			const b = await born({ rememberMe: false });
			eq(b.first.rememberMe, false); eq(b.res.setCookies[0].attrs["max-age"], undefined);
			for (const h of [6, 12, 23]) { const r = await at(b, h * HOUR); setsNothing(r); eq(r.json.session.expiresAt, b.first.expiresAt); }
			const res = await at(b, DAY + offset);
			if (!alive) { eq(ok(res), null); clears(s, res); } else { eq(res.json.user.id, b.user.id); setsNothing(res); }
			eq(updates(b, "extended"), 0);
		});
	}
	test("the cookie of a session near its absolute end does not outlive it", async () => {
		const b = await born();
		for (let d = 1; d < 28; d++) await at(b, d * DAY + d * MINUTE);
		for (const r of [await at(b, 28 * DAY + 40 * MINUTE), await at(b, 29 * DAY + 50 * MINUTE)])
			for (const c of r.setCookies) assert.ok(Number(c.attrs["max-age"]) <= 2 * 86400 + 60, c.raw);
	});
	test("what the client says of remembering changes nothing", async () => {
		const b = await born({ rememberMe: false });
		for (const more of ["", "; better-auth.dont_remember=false", "; dont_remember="]) {
			const res = await at(b, 20 * HOUR, "/session", { cookie: b.cookie + more });
			setsNothing(res); eq(res.json.session.expiresAt, b.first.expiresAt);
		}
	});
	test("expired sessions are in no list and count for nothing", async () => {
		const b = await born();
		const others = []; for (let i = 0; i < 3; i++) others.push(await s.another(b, { rememberMe: false }));
		s.move(b.t + 25 * HOUR - s.still);
		const list = ok(await s.get("/sessions", { cookie: b.cookie }));
		eq(list.length, 1); eq(list[0].id, b.id); eq(list[0].current, true);
		for (const o of others) eq(await s.alive(o.cookie), false);
	});
	test("a clock that steps back neither shortens nor revives", async () => {
		const b = await born(), later = await at(b, 3 * DAY);
		const back = await at(b, 2 * DAY);
		eq(back.json.session.expiresAt, later.json.session.expiresAt);
		const dead = await born({ rememberMe: false });
		eq((await at(dead, 2 * DAY)).json, null);
		s.ctl("sweep");
	});
});

describe("passive reads (D22)", () => {
	test("disableRefresh moves nothing, however late", async () => {
		const b = await born();
		for (const q of ["disableRefresh=true", "disableRefresh=1"]) for (const p of ["/session", "/get-session", "/sessions", "/list-sessions"]) setsNothing(await at(b, 6 * DAY, `${p}?${q}`));
		eq(updates(b, "extended") + updates(b, "seen"), 0);
		eq((await at(b, 6 * DAY, "/session?disableRefresh=1")).json.session.lastSeenAt, b.first.lastSeenAt);
		for (const q of ["disableRefresh=false", "disableRefresh=0", "disableRefresh="]) { const c = await born(); eq((await at(c, 2 * DAY, `/session?${q}`)).setCookies.length, 1, q); }
	});
	test("a session that is only polled ends", async () => {
		const b = await born();
		for (let d = 1; d < 7; d++) eq((await at(b, d * DAY, "/session?disableRefresh=true")).json.user.id, b.user.id);
		eq((await at(b, 7 * DAY, "/session?disableRefresh=true")).json, null);
	});
});

describe("last use", () => {
	test("is written at most every last_seen_every, with the address", async () => {
		const b = await born(), from = { remote: "203.0.113.5" };
		for (const ms of [SECOND, MINUTE, 10 * MINUTE - SECOND]) eq((await at(b, ms, "/session", from)).json.session.lastSeenAt, b.first.lastSeenAt);
		eq(updates(b, "seen"), 0);
		const { session } = (await at(b, 10 * MINUTE, "/session", from)).json;
		eq(Date.parse(session.lastSeenAt), b.t + 10 * MINUTE, "lastSeenAt"); eq(session.lastIpAddress, "203.0.113.5");
		eq(session.ipAddress, "127.0.0.1"); eq(session.updatedAt, b.first.updatedAt); eq(session.expiresAt, b.first.expiresAt);
		for (const ms of [SECOND, 9 * MINUTE]) await at(b, 10 * MINUTE + ms);
		eq(updates(b, "seen"), 1);
		await at(b, 20 * MINUTE + SECOND);
		eq(updates(b, "seen"), 2); eq(updates(b, "extended"), 0);
	});
	test("0 writes it never", async () => {
		const none = await start({ workers: 1, clock: "still", set: { "jobs.every": "0", "session.last_seen_every": "0" } });
		try {
			const b = await born({}, none);
			for (const ms of [HOUR, 20 * HOUR, 2 * DAY]) eq((await at(b, ms, "/session", {}, none)).json.session.lastSeenAt, b.first.lastSeenAt);
		} finally { await none.stop(); }
	});
});

// Of many who read one session at once that is due to be noted, one writes; those who read on within the interval, none.
test("a thousand reads of one session within last_seen_every write once, of eight clients at once", async () => {
	const many = await start({ workers: 8, clock: "still", set: { "jobs.every": "0" } });
	try {
		const b = await born({}, many);
		many.sql("CREATE TABLE test_writes (n INTEGER)");
		many.trigger("test_writes_session", "UPDATE", "session", "INSERT INTO test_writes VALUES (1)");
		const writes = () => Number(many.sql("SELECT COUNT(*) FROM test_writes"));
		const read = async (n) => { for (let i = 0; i < n; i++) eq((await many.session(b.cookie)).user.id, b.user.id); };
		for (const [after, most] of [[MINUTE, 0], [11 * MINUTE, 1], [20 * MINUTE, 1], [22 * MINUTE, 2], [DAY, 3]]) {
			many.move(after);
			await Promise.all(times(8, () => read(125)));
			eq(writes(), most, `after ${after / MINUTE} minutes`);
		}
	} finally { await many.stop(); }
});
test("reads before any edge write nothing at all", async () => {
	const b = await born(), before = s.sql("SELECT COUNT(*) FROM test_updates");
	for (let i = 0; i < 50; i++) await at(b, i * SECOND);
	eq(s.sql("SELECT COUNT(*) FROM test_updates"), before);
});
test("the sweep removes what has expired and nothing else", async () => {
	const keep = await born(), dead = await born({ rememberMe: false });
	s.sql(`UPDATE session SET expiresAt = ${s.time(978307200_000)} WHERE id = '${dead.id}'`);
	s.ctl("sweep");
	eq(s.sql(`SELECT COUNT(*) FROM session WHERE id = '${dead.id}'`), "0");
	eq(s.sql(`SELECT COUNT(*) FROM session WHERE id = '${keep.id}'`), "1");
});
