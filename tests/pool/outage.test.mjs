// The database server goes away, is a black hole, cuts connections, meets deadlocks, while clients never pause: an outage is
// 503 and never "signed out", a write is done once or not at all, and all is well again by itself (S62, S115).
import { after, test } from "node:test";
import { Load, PASSWORD, PATIENCE, SOAK, assert, eq, median, newEmail, ok, own, quantile, setsNothing, spread, times, until, wait } from "./pool.mjs";
import { Database, back, probed } from "./database.mjs";

const DEADLINE = 7000, // a third of it is for arriving, also from clients that the machine lets wait
	set = { "log.access": "off", "limits.request": `${DEADLINE / 1000}s`, "database.timeout": "1s", "session.max_per_user": "0" };
const db = await Database.make();
after(() => db.remove());
const with_ = (f, o = {}) => own({ store: "mysql", mysql: db.socket, workers: 4, ...o, set: { ...set, ...o.set } }, f);
const outage = { status: [200, 503] };
const cookies = (l) => l.clients.map((c) => c.kept);

test(`the server is stopped for ${SOAK / 2} s: 200 or 503, then all sessions are back`, (t) => with_(async (s) => {
	const l = await new Load(s, { ...outage, pause: 5 }).begin(), before = s.workers().join();
	await wait(1000);
	await until(() => l.seen.served > 50, 30_000);
	const good = l.seen.served;
	assert.ok(good > 50, `${good} served before`);
	let at503, seen;
	await db.stop();
	try {
		seen = await probed(s, async () => {
			await wait(500);
			assert.ok(await until(() => l.seen.status[503] > 0), "it is away");
			at503 = { ...l.seen.status };
			// kept: a client that is just signing in again shows nothing, and is nobody without the store, too
			for (const [what, ask] of [["/session", () => s.get("/session", { cookie: l.clients[0].kept })], ["a sign-in", () => s.signIn(l.clients[0].user.email)], ["a sign-up", () => s.post("/sign-up/email", { name: "A", email: newEmail(), password: PASSWORD })]]) { const r = await ask(); eq(r.status, 503, what); setsNothing(r); assert.match(r.headers["retry-after"], /^[1-9]\d*$/); }
			await wait(SOAK * 500);
			await until(() => l.seen.status[503] > at503[503] + 20);
		});
	} catch (e) { await db.start(); throw e; }
	assert.deepEqual(seen.bad, []);
	assert.ok(l.seen.status[503] > at503[503] + 20, "it was away all the time");
	const from = performance.now();
	await db.start();
	const up = performance.now(), ms = await back(s, cookies(l), 10_000);
	await wait(500);
	await l.stop();
	t.diagnostic(`the server took ${Math.round(up - from)} ms to start; all were back after ${ms === null ? "never" : Math.round(ms)} ms; /ok meanwhile: ${spread(seen.ms)}`);
	assert.ok(ms !== null && ms < 5000 * PATIENCE, `back after ${ms} ms`);
	l.judge(t, { least: good });
	await l.allIn();
	eq(s.workers().join(), before, "the same workers");
	ok(await s.signIn(l.clients[0].user.email)); await s.user();
	assert.ok(quantile(seen.ms, 1) < DEADLINE * PATIENCE);
}));

test("started while the server is away: it does not start, and says why; workers born during an outage are well afterwards", () => with_(async (s) => {
	const u = await s.user();
	await s.halt();
	await db.stop();
	try {
		await assert.rejects(s.launch(), /it does not start: ended with 1/);
	} finally { await db.start(); }
	await s.launch();
	eq(await s.alive(u.cookie), true);
	await db.stop();
	try {
		const old = s.workers();
		for (const pid of old) process.kill(pid, "SIGKILL");
		assert.ok(await until(() => s.workers().filter((p) => !old.includes(p)).length === 4), "new workers");
		for (const r of await Promise.all(times(8, () => s.get("/session", { cookie: u.cookie })))) { eq(r.status, 503); setsNothing(r); }
		ok(await s.get("/ok"));
	} finally { await db.start(); }
	assert.ok(await back(s, times(8, () => u.cookie), 5000) !== null);
}));

test("the server is frozen: every answer within limits.request, /ok at once, well again 5 s after", (t) => with_(async (s) => {
	const l = await new Load(s, { ...outage, pause: 5 }).begin();
	await wait(1000);
	const before = l.seen.ms.length;
	db.freeze();
	let frozen, seen;
	try {
		seen = await probed(s, async () => { await wait(Math.max(SOAK * 1000, DEADLINE + 2000)); frozen = l.seen.ms.slice(before); });
	} finally { db.thaw(); }
	const ms = await back(s, cookies(l), 10_000);
	await wait(300);
	await l.stop();
	t.diagnostic(`frozen: ${frozen.length} answers, ${spread(frozen)}; /ok: ${seen.ms.length}, ${spread(seen.ms)}; back after ${ms === null ? "never" : Math.round(ms)} ms`);
	l.judge(t, {});
	assert.ok(frozen.length > 16, "there were answers");
	assert.ok(quantile(l.seen.ms, 1) < DEADLINE * PATIENCE, `the slowest answer took ${Math.round(quantile(l.seen.ms, 1))} ms`);
	assert.deepEqual(seen.bad, []);
	assert.ok(median(seen.ms) < 100 * PATIENCE, `half of /ok took more than ${Math.round(median(seen.ms))} ms`);
	assert.ok(quantile(seen.ms, 0.95) < DEADLINE / 2 * PATIENCE, `/ok: ${spread(seen.ms)}`);
	assert.ok(ms !== null && ms < 5000 * PATIENCE, `back after ${ms} ms`);
	await l.allIn();
	assert.ok(!/ended by signal|stuck/.test(s.log()), "nobody was killed");
}));

// every 250 ms no request meets two cuts, unless it is under way for that long; every 30 ms they hit connections being made and commits as well
for (const [seconds, may, what] of [[0.25, (r) => r.status === 503 && r.ms >= 250, "reads succeed nonetheless"], [0.03, (r) => r.status === 503, "reads are 200 or 503"]]) test(`connections are cut every ${seconds * 1000} ms: ${what}, writes are done once or not at all`, (t) => with_(async (s) => {
	const looked = await new Load(s, { clients: 6, may, step: async (c) => { await (c.n++ % 4 ? c.look() : c.list()); } }).begin();
	const writes = { 200: 0, 503: 0 }, odd = [], ups = [], ins = new Map();
	let on = true;
	const judge = (r, what) => { if (r.status in writes) writes[r.status]++; else odd.push(`${what}: ${r.status} ${r.text}`); if (r.status !== 200 && r.setCookies.length) odd.push(`${what}: a cookie with ${r.status}`); };
	const signUps = times(3, async () => { while (on) { const email = newEmail(), r = await s.post("/sign-up/email", { name: "A", email, password: PASSWORD }); ups.push([email, r.status]); judge(r, "sign-up"); } });
	const users = [];
	for (let i = 0; i < 3; i++) users.push(await s.user());
	const signIns = users.map(async (u) => { const n = { 200: 0, 503: 0, out: 0, maybe: 0 }; ins.set(u.id, n); while (on) {
		const r = await s.signIn(u.email);
		judge(r, "sign-in"); n[r.status]++;
		if (r.status !== 200 || Math.random() < 0.5) continue;
		const o = await s.post("/sign-out", {}, { cookie: s.browser(r).cookie });
		judge(o, "sign-out"); if (o.status === 200) n.out++; else n.maybe++;
	} });
	const before = db.status("Connections"), stop = db.cutter(seconds);
	await wait(SOAK * 1000);
	let own_ = 0; // connections, to ask how many there were
	const made = () => db.status("Connections") - before - own_++;
	await until(() => made() > SOAK / seconds && writes[200] > 50, 30_000, 500);
	await stop();
	on = false;
	await Promise.all([...signUps, ...signIns]); await looked.stop();
	const cuts = made();
	assert.ok(await back(s, users.map((u) => u.cookie), 5000) !== null, "all are signed in");
	t.diagnostic(`${cuts} connections cut; writes: ${JSON.stringify(writes)}`);
	looked.judge(t, {});
	assert.deepEqual(odd.slice(0, 5), []); assert.ok(cuts > SOAK / seconds && writes[200] > 50);
	const rows = (sql) => new Map(s.sql(sql).split("\n").filter(Boolean).map((r) => r.split("|")).map(([k, v]) => [k, Number(v)]));
	const accounts = rows("SELECT u.email, (SELECT COUNT(*) FROM account a WHERE a.userId = u.id) FROM user u"), sessions = rows("SELECT u.email, (SELECT COUNT(*) FROM session x WHERE x.userId = u.id) FROM user u"), locks = rows("SELECT u.email, (SELECT COUNT(*) FROM latchkey_user l WHERE l.userId = u.id) FROM user u");
	let lost = 0;
	for (const [email, status] of ups) {
		if (status === 200) { eq(accounts.get(email), 1, email); eq(sessions.get(email), 1, email); eq(locks.get(email), 1, email); continue; }
		if (accounts.has(email)) { lost++; eq(accounts.get(email), 1); eq(locks.get(email), 1); assert.ok(sessions.get(email) <= 1); }
	}
	const mine = rows("SELECT userId, COUNT(*) FROM session GROUP BY userId");
	for (const [id, n] of ins) { const have = mine.get(id) - 1, least = n[200] - n.out - n.maybe, most = n[200] + n[503] - n.out; assert.ok(have >= least && have <= most, `${have} sessions, from ${least} to ${most} there should be`); }
	eq(Number(s.sql("SELECT COUNT(*) FROM user")), new Set(accounts.keys()).size);
	t.diagnostic(`${ups.length} sign-ups, ${lost} of those answered 503 are there; sign-ins ${JSON.stringify([...ins.values()])}`);
	for (const u of users) eq(await s.alive(u.cookie), true);
}));

test("deadlocks with a second writer: sign-ins and revocations are 200 or 503", (t) => with_(async (s) => {
	const users = [];
	for (let i = 0; i < 4; i++) users.push(await s.user());
	const [a, b] = users.map((u) => u.id), before = db.deadlocks();
	// the writer's transactions are the heavier ones, so that the server ends ours
	db.sql("CREATE TABLE heavy (n INT PRIMARY KEY, x INT); INSERT INTO heavy SELECT seq, 0 FROM seq_1_to_60; CREATE TABLE heavy2 LIKE heavy; INSERT INTO heavy2 SELECT * FROM heavy", s.mysql.database);
	const locks = (id) => `UPDATE latchkey_user SET turn = turn + 1 WHERE userId = '${id}';`, sessions = (id) => `UPDATE session SET lastSeenAt = lastSeenAt + INTERVAL 1 SECOND WHERE userId = '${id}';`;
	const tx = (heavy, ...steps) => `BEGIN; UPDATE ${heavy} SET x = x + 1; ${steps.join(" DO SLEEP(0.005); ")} COMMIT; DO SLEEP(0.002);\n`;
	const stops = [db.writer(s.mysql.database, tx("heavy", sessions(a), locks(a)) + tx("heavy", sessions(b), locks(b), locks(a))), db.writer(s.mysql.database, tx("heavy2", sessions(b), locks(b)) + tx("heavy2", locks(a), sessions(a), locks(b)))];
	const seen = {}, odd = [];
	let on = true;
	const note = (r, what) => { const k = `${what} ${r.status}`; seen[k] = (seen[k] ?? 0) + 1; if (![200, 503].includes(r.status)) odd.push(`${k} ${r.text}`); return r; };
	const clients = times(8, async (i) => {
		const u = users[i % 2];
		while (on) {
			const r = note(await s.signIn(u.email), "sign-in");
			if (r.status !== 200) continue;
			const { cookie } = s.browser(r);
			if (i < 4) note(await s.post("/sign-out", {}, { cookie }), "sign-out"); else { const d = await s.del("/sessions", { cookie }); if (d.status !== 401) note(d, "end-all"); } // 401: another one was quicker
		}
	});
	await wait(SOAK * 1000);
	await until(() => seen["sign-in 200"] > 20 && seen["end-all 200"] > 5 && db.deadlocks() - before > 5, 30_000, 500);
	on = false;
	await Promise.all(clients);
	for (const stop of stops) await stop();
	const n = db.deadlocks() - before;
	t.diagnostic(`${n} deadlocks; ${JSON.stringify(seen)}`);
	assert.deepEqual(odd.slice(0, 5), []);
	assert.ok(n > 5, `${n} deadlocks`); assert.ok(seen["sign-in 200"] > 20 && seen["end-all 200"] > 5);
	assert.ok((seen["sign-in 503"] ?? 0) + (seen["end-all 503"] ?? 0) <= n / 2 + 5, "most are tried again");
	for (const u of users.slice(2)) eq(await s.alive(u.cookie), true);
}));

test("the server is restarted again and again: nobody has to do anything", (t) => with_(async (s) => {
	const l = await new Load(s, { ...outage, clients: 8, pause: 10 }).begin(), took = [];
	for (let i = 0; i < Math.max(2, SOAK / 10); i++) {
		await db.stop(); await db.start();
		took.push(await back(s, cookies(l), 10_000));
		await wait(300);
	}
	await l.stop();
	t.diagnostic(`back after ${took.map((x) => (x === null ? "never" : Math.round(x))).join(", ")} ms`);
	for (const x of took) assert.ok(x !== null && x < 5000 * PATIENCE);
	l.judge(t, {}); await l.allIn();
}));
