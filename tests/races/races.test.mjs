// Races, on the real program with 8 workers: what must hold whoever is quicker. RACES=0.1 makes a tenth of the rounds.
import { after, describe, test } from "node:test";
import { execFile } from "node:child_process";
import path from "node:path";
import { BUILD, DAY, PASSWORD, SECOND, assert, cleanEnv, clears, eq, fails, feed, ok, start, times } from "../endpoint/server.mjs";

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
	s.sql(`CREATE TABLE test_log (n INTEGER PRIMARY KEY ${s.db ? "AUTOINCREMENT" : "AUTO_INCREMENT"}, what TEXT, userId VARCHAR(32), id TEXT, at TEXT); CREATE INDEX test_log_user ON test_log (userId)`);
	s.trigger("test_born", "INSERT", "session", "INSERT INTO test_log (what, userId, id, at) VALUES ('born', new.userId, new.id, new.createdAt)");
	s.trigger("test_dead", "DELETE", "session", "INSERT INTO test_log (what, userId, id) VALUES ('dead', old.userId, old.id)");
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
			c.sql("CREATE TABLE test_most (n INTEGER)");
			c.trigger("test_count", "INSERT", "session", "INSERT INTO test_most SELECT COUNT(*) FROM session WHERE userId = new.userId");
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
		c.sql("CREATE TABLE test_updates (id TEXT, was TEXT)");
		c.trigger("test_update", "UPDATE", "session", "INSERT INTO test_updates VALUES (new.id, old.expiresAt)");
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

// --- the password changes, or its owner leaves ---------------------------------------------------------------------------

/** latchkeyctl beside requests; its answer as JSON. */
const ctl = (args, input = "") => new Promise((resolve, reject) => feed(execFile(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, "--json", ...args], { env: cleanEnv() }, (e, out, err) => (e ? reject(new Error(err)) : resolve(JSON.parse(out)))), input));
const reset = async (u) => (await ctl(["user", "reset", u.email])).token;
const rowsOf = (u, table = "session") => s.sql(`SELECT COUNT(*) FROM ${table} WHERE ${table === "user" ? "id" : "userId"} = '${u.id}'`);
const change = (b, currentPassword, newPassword, extra) => s.post("/change-password", { currentPassword, newPassword, ...extra }, { cookie: b.cookie });
const CHANGES = {
	"change-password": [500, async (b, old, next) => { const r = await change(b, old, next); ok(r); return s.browser(r); }],
	"latchkeyctl user set-password": [100, async (b, old, next, u) => { eq((await ctl(["user", "set-password", u.email], `${next}\n`)).email, u.email); return null; }],
	"reset-password": [500, async (b, old, next, u, token) => { ok(await s.post("/reset-password", { token, newPassword: next })); return null; }],
};
for (const [name, [n, f]] of Object.entries(CHANGES)) test(`sign-ins with the old password against ${name}, ${rounds(n)} rounds: none lives afterwards`, async (t) => {
	const u = await s.user();
	let old = PASSWORD, before = 0, refused = 0;
	for (let i = 0; i < rounds(n); i++) {
		const next = `horse-of-round-${i}`, b = await s.another(u, { password: old }), token = name === "reset-password" ? await reset(u) : null;
		const ins = times(8, () => () => s.signIn(u.email, { password: old })), when = i % 9; // the change at every place among the sign-ins
		let mine;
		const rs = (await all([...ins.slice(0, when), async () => { mine = await f(b, old, next, u, token); return null; }, ...ins.slice(when)].map((g) => g()))).filter(Boolean);
		for (const r of rs) if (r.status !== 200) fails(r, 401, "INVALID_EMAIL_OR_PASSWORD");
		const opened = rs.filter((r) => r.status === 200);
		for (const x of [b, ...opened.map((r) => s.browser(r))]) eq(await s.alive(x.cookie), false, `round ${i}`);
		if (mine) eq((await s.session(mine.cookie)).user.id, u.id);
		eq(rowsOf(u), mine ? "1" : "0", `round ${i}`);
		before += opened.length; refused += rs.length - opened.length; old = next;
	}
	t.diagnostic(`${before} sign-ins came before the change, ${refused} after it`);
	assert.ok(before > 0 && refused > 0, "both orders happened");
	fails(await s.signIn(u.email), 401); ok(await s.signIn(u.email, { password: old }));
});

test(`one reset token used twice at once, ${rounds(200)} rounds: exactly once it is good`, async () => {
	const u = await s.user();
	let password = PASSWORD;
	for (let i = 0; i < rounds(200); i++) {
		const token = await reset(u), b = await s.another(u, { password }), next = [0, 1].map((n) => `horse-${i}-${n}`), rs = await all(next.map((newPassword) => s.post("/reset-password", { token, newPassword })));
		eq(rs.filter((r) => r.status === 200).length, 1, `round ${i}: ${rs.map((r) => r.text)}`);
		const winner = rs[0].status === 200 ? 0 : 1;
		fails(rs[1 - winner], 400, "INVALID_TOKEN"); fails(await s.post("/reset-password", { token, newPassword: PASSWORD }), 400, "INVALID_TOKEN");
		eq(await s.alive(b.cookie), false); eq(rowsOf(u), "0"); fails(await s.signIn(u.email, { password: next[1 - winner] }), 401);
		password = next[winner]; // which the next round signs in with
	}
	eq(rowsOf(u, "account"), "1");
});

for (const [name, one, ends] of [["from one session", true, true], ["from two sessions", false, true], ["that end no session", false, false]])
	test(`two password changes at once, ${name}, ${rounds(200)} rounds: exactly one wins`, async () => {
		const u = await s.user();
		let old = PASSWORD;
		for (let i = 0; i < rounds(200); i++) {
			const a = await s.another(u, { password: old }), b = one ? a : await s.another(u, { password: old }), next = [0, 1].map((n) => `horse-${i}-${n}`), rs = await all([change(a, old, next[0], { revokeOtherSessions: ends }), change(b, old, next[1], { revokeOtherSessions: ends })]);
			eq(rs.filter((r) => r.status === 200).length, 1, `round ${i}: ${rs.map((r) => r.text)}`);
			const winner = rs[0].status === 200 ? 0 : 1, lost = rs[1 - winner];
			// it found the other's password, or its session was gone before it was looked at
			if (lost.status === 401 && ends) { fails(lost, 401, "UNAUTHORIZED"); clears(s, lost); } else fails(lost, 400, "INVALID_PASSWORD");
			for (const x of [a, b]) eq(await s.alive(x.cookie), !ends, `round ${i}`);
			if (ends) { eq(await s.alive(s.browser(rs[winner]).cookie), true); eq(rowsOf(u), "1"); }
			old = next[winner];
			if (i % 20 === 0) { fails(await s.signIn(u.email, { password: next[1 - winner] }), 401); ok(await s.signIn(u.email, { password: old })); }
			if (!ends && i % 20 === 0) s.sql(`DELETE FROM session WHERE userId = '${u.id}'`);
		}
	});

test(`a password change against the end of its own session, ${rounds(200)} rounds: all of it or nothing`, async (t) => {
	const u = await s.user();
	let old = PASSWORD, done = 0, not = 0;
	for (let i = 0; i < rounds(200); i++) {
		const b = await s.another(u, { password: old }), keeps = i % 2 === 1, next = `horse-of-round-${i}`, { id } = (await s.session(b.cookie)).session;
		const end = [() => s.post("/sign-out", {}, { cookie: b.cookie }), () => s.del("/sessions", { cookie: b.cookie }), () => s.del(`/sessions/${id}`, { cookie: b.cookie })][i % 3];
		// after some reads, so that it meets the change at every place
		const ending = async () => { for (let n = 0; n < i % 17; n++) await s.get("/session", { cookie: b.cookie }); return end(); }, [r] = await all([change(b, old, next, { revokeOtherSessions: !keeps }), ending()]);
		eq(await s.alive(b.cookie), false, `round ${i}`);
		if (r.status === 200) done++; else { fails(r, 401, "UNAUTHORIZED"); not++; }
		const [is, isNot] = r.status === 200 ? [next, old] : [old, next];
		// the session that the change opened lives, unless the end of all came after it
		if (r.status === 200 && !keeps && i % 3 !== 1) eq(await s.alive(s.browser(r).cookie), true, `round ${i}`);
		if (i % 10 === 0) { ok(await s.signIn(u.email, { password: is })); fails(await s.signIn(u.email, { password: isNot }), 401); }
		old = is;
	}
	t.diagnostic(`${done} changed, ${not} did not`);
	assert.ok(done > 0 && not > 0, "both orders happened");
});

test(`leaving against sign-ins and a password change, ${rounds(200)} rounds: no row is left`, async () => {
	for (let i = 0; i < rounds(200); i++) {
		const u = await s.user(), b = await s.another(u), ins = [...times(3, () => () => s.signIn(u.email)), () => change(b, PASSWORD, "another-horse-2", { revokeOtherSessions: false }), () => s.post("/verify-password", { password: PASSWORD }, { cookie: b.cookie }), () => s.post("/update-user", { name: "B" }, { cookie: b.cookie })], when = i % 7;
		const rs = await all([...ins.slice(0, when), () => s.post("/delete-user", i % 2 ? {} : { password: PASSWORD }, { cookie: u.cookie }), ...ins.slice(when)].map((f) => f())), left = rs[when];
		for (const r of rs) assert.ok([200, 400, 401].includes(r.status), `round ${i}: ${r.status} ${r.text}`);
		if (left.status !== 200) { fails(left, 400, "INVALID_PASSWORD"); eq(i % 2, 0, "only a password that was changed meanwhile holds him back"); ok(await s.post("/delete-user", {}, { cookie: u.cookie })); }
		for (const x of [u, b]) eq(await s.alive(x.cookie), false);
		for (const table of ["user", "session", "account", "latchkey_user"]) eq(rowsOf(u, table), "0", `round ${i}: ${table}`);
	}
});
