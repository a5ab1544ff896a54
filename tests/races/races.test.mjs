// Races, on the real program with 8 workers: what must hold whoever is quicker. RACES=0.1 makes a tenth of the rounds.
import { after, describe, test } from "node:test";
import { DAY, SECOND, assert, eq, fails, ok, start, times } from "../endpoint/server.mjs";

const SCALE = Number(process.env.RACES ?? 1), rounds = (n) => Math.max(5, Math.round(n * SCALE));
// password.slots is of no use as a limit here: every sign-in is to be served
const s = await start({ workers: 8, set: { "session.max_per_user": "0", "password.wait": "60s", "database.busy_timeout": "30s", "log.access": "off" } });
after(() => s.stop());
/** Waits until all are settled; the first that failed is thrown. */
const all = (list) => Promise.all(list);

test(`sign-out against 20 readers, ${rounds(2000)} rounds: afterwards always signed out`, async (t) => {
	const u = await s.user();
	let saw = 0;
	for (let i = 0; i < rounds(2000); i++) {
		const b = await s.another(u), when = i % 21; // the sign-out at every place among the reads
		const reads = times(20, (n) => () => s.get(n % 4 ? "/session" : "/sessions", { cookie: b.cookie }));
		const out = () => s.post("/sign-out", {}, { cookie: b.cookie });
		const rs = await all([...reads.slice(0, when), out, ...reads.slice(when)].map((f) => f()));
		for (const r of rs) assert.ok(r.status === 200 || r.status === 401, `${r.status} ${r.text}`);
		saw += rs.filter((r) => r.json?.user).length;
		eq((await s.get("/session", { cookie: b.cookie })).text, "null", `round ${i}`);
	}
	assert.ok(saw > 0, "some readers were quicker");
	t.diagnostic(`${saw} reads came before the sign-out`);
	eq(s.sql(`SELECT COUNT(*) FROM session WHERE userId = '${u.id}'`), "1");
});

test(`the same at the edge of sliding, ${rounds(300)} rounds: no reader's write brings a session back`, async () => {
	const c = await start({ workers: 8, clock: true, set: { "session.max_per_user": "0", "log.access": "off" } });
	try {
		const u = await c.user();
		for (let i = 0; i < rounds(300); i++) {
			c.move(0);
			const b = await c.another(u);
			c.move(DAY + SECOND);
			const reads = times(20, () => () => c.get("/session", { cookie: b.cookie })), when = i % 21;
			await all([...reads.slice(0, when), () => c.post("/sign-out", {}, { cookie: b.cookie }), ...reads.slice(when)].map((f) => f()));
			eq((await c.get("/session", { cookie: b.cookie })).text, "null", `round ${i}`);
		}
	} finally { await c.stop(); }
});

test(`50 sign-ins against end-all, ${rounds(200)} rounds: none from before survives`, async (t) => {
	// The database itself notes in which order sessions were born and ended.
	s.sql(`CREATE TABLE test_log (n INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, userId TEXT, id TEXT, at TEXT);
		CREATE TRIGGER test_born AFTER INSERT ON session BEGIN INSERT INTO test_log (what, userId, id, at) VALUES ('born', new.userId, new.id, new.createdAt); END;
		CREATE TRIGGER test_dead AFTER DELETE ON session BEGIN INSERT INTO test_log (what, userId, id) VALUES ('dead', old.userId, old.id); END;`);
	let survived = 0, ended = 0;
	for (let i = 0; i < rounds(200); i++) {
		const u = await s.user(), caller = await s.another(u), when = i % 51, ins = times(50, () => () => s.signIn(u.email));
		let asked = 0;
		const end = async () => { asked = Date.now(); ok(await s.del("/sessions", { cookie: caller.cookie })); return null; };
		const rs = (await all([...ins.slice(0, when), end, ...ins.slice(when)].map((f) => f()))).filter(Boolean);
		for (const r of rs) eq(r.status, 200, r.text);
		const log = s.sql(`SELECT n, what, id, at FROM test_log WHERE userId = '${u.id}' ORDER BY n`).split("\n").map((l) => l.split("|")).map(([n, what, id, at]) => ({ n: Number(n), what, id, at }));
		const dead = new Set(log.filter((x) => x.what === "dead").map((x) => x.id)), born = log.filter((x) => x.what === "born"), gone = born.filter((x) => dead.has(x.id)), left = born.filter((x) => !dead.has(x.id));
		const end1 = Math.min(...log.filter((x) => x.what === "dead").map((x) => x.n)), end2 = Math.max(...log.filter((x) => x.what === "dead").map((x) => x.n));
		eq(born.length, 52); eq(end2 - end1, dead.size - 1, "the end is one instant: nothing was born during it");
		for (const x of born) eq(x.n < end1, dead.has(x.id), `round ${i}: born before the end means ended by it`);
		// and the times shown tell the same
		const youngest = gone.map((x) => x.at).sort().at(-1);
		for (const x of left) assert.ok(x.at >= youngest && Date.parse(x.at) >= asked, `round ${i}: a survivor born at ${x.at}`);
		// what the browsers find is what is stored
		const live = [];
		for (const cookie of [u.cookie, caller.cookie, ...rs.map((r) => s.browser(r).cookie)]) { const me = await s.session(cookie); if (me) live.push(me.session.id); }
		eq(live.sort().join(), left.map((x) => x.id).sort().join());
		survived += left.length; ended += gone.length;
	}
	s.sql("DROP TRIGGER test_born; DROP TRIGGER test_dead; DROP TABLE test_log");
	t.diagnostic(`${ended} ended, ${survived} signed in after it`);
	assert.ok(ended > 2 * rounds(200) && survived > 0, "both orders happened");
});

describe("max_per_user 3 with 10 parallel sign-ins", () => {
	for (const at_max of ["refuse", "end-oldest"]) test(`${at_max}, ${rounds(50)} rounds: never more than 3`, async () => {
		const c = await start({ workers: 8, set: { "session.max_per_user": "3", "session.at_max": at_max, "password.wait": "60s", "database.busy_timeout": "30s", "log.access": "off" } });
		try {
			// counts inside the database after every insert, so that not even a moment of 4 goes unseen
			c.sql(`CREATE TABLE test_most (n INTEGER); CREATE TRIGGER test_count AFTER INSERT ON session BEGIN INSERT INTO test_most SELECT COUNT(*) FROM session WHERE userId = new.userId; END;`);
			for (let i = 0; i < rounds(50); i++) {
				const u = await c.user(), rs = await all(times(10, () => c.signIn(u.email)));
				const good = rs.filter((r) => r.status === 200), live = [];
				for (const r of rs) if (r.status !== 200) fails(r, 403, "TOO_MANY_SESSIONS");
				eq(good.length, at_max === "refuse" ? 2 : 10, "the sign-up made one");
				for (const cookie of [u.cookie, ...good.map((r) => c.browser(r).cookie)]) if (await c.alive(cookie)) live.push(cookie);
				eq(live.length, 3); eq(c.sql(`SELECT COUNT(*) FROM session WHERE userId = '${u.id}'`), "3");
			}
			eq(c.sql("SELECT MAX(n) FROM test_most"), "3");
		} finally { await c.stop(); }
	});
});

test(`200 parallel reads at the refresh edge, ${rounds(50)} rounds: all answered, exactly one UPDATE`, async (t) => {
	const c = await start({ workers: 8, clock: true, set: { "log.access": "off" } });
	try {
		c.sql(`CREATE TABLE test_updates (id TEXT, was TEXT); CREATE TRIGGER test_update AFTER UPDATE ON session BEGIN INSERT INTO test_updates VALUES (new.id, old.expiresAt); END;`);
		for (let i = 0; i < rounds(50); i++) {
			c.move(0);
			const u = await c.user(), id = await c.sessionId(u);
			c.move(DAY + SECOND);
			const began = c.now();
			const rs = await all(times(200, (n) => c.get(n % 5 ? "/session" : "/sessions", { cookie: u.cookie })));
			for (const r of rs) eq(r.status, 200, r.text);
			for (const r of rs) { const e = r.json.session ?? r.json[0]; assert.ok(Date.parse(e.expiresAt) >= began + 7 * DAY - 1000, "every reader sees the new end"); }
			eq(rs.filter((r) => r.setCookies.length).length, 1, "one answer carries the cookie");
			eq(c.sql(`SELECT COUNT(*) FROM test_updates WHERE id = '${id}'`), "1", `round ${i}`);
		}
		t.diagnostic(`${rounds(50) * 200} reads`);
	} finally { await c.stop(); }
});

test(`of 20 parallel sign-ups with one e-mail, ${rounds(30)} rounds, one succeeds`, async () => {
	for (let i = 0; i < rounds(30); i++) {
		const body = { name: "A", email: `one-${i}-${Date.now()}@example.com`, password: "correct-horse-1" }, rs = await all(times(20, () => s.post("/sign-up/email", body)));
		eq(rs.filter((r) => r.status === 200).length, 1);
		for (const r of rs) if (r.status !== 200) fails(r, 422);
	}
});
