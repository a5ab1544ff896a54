// Housekeeping however the processes were started: 10,000 expired sessions are gone soon, while sign-ins go on (S62).
import { after, describe, test } from "node:test";
import fs from "node:fs";
import { Load, PATIENCE, SECOND, SOAK, assert, at, children, end, eq, gone, lowWorkers, own, passSockets, place, raise, signal, until, wait } from "./pool.mjs";
import { Database } from "./database.mjs";

const ROWS = 10_000, quiet = { "log.access": "off", "session.max_per_user": "0" }, EVERY = { "jobs.every": "1s", "jobs.batch": "500" };
const db = await Database.make();
after(() => db.remove());

/** Expired a minute ago and earlier; `alive` of them are not. */
function fill(s, user, n, alive = 0) {
	const past = (i) => (s.db ? `strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '${i} seconds')` : `UTC_TIMESTAMP(3) + INTERVAL (${i}) SECOND`), text = s.db ? "'x' || n" : "CONCAT('x', n)";
	const rows = s.db ? `(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${n}) SELECT n FROM c) c` : `(SELECT seq AS n FROM seq_1_to_${n}) c`;
	const expires = `CASE WHEN n <= ${alive} THEN ${past("3600")} ELSE ${past("-60")} END`;
	s.sql(`INSERT INTO session (id, token, userId, expiresAt, createdAt, updatedAt, rememberMe, authenticatedAt, diesAt, lastSeenAt)
		SELECT ${text}, ${text}, '${user}', ${expires}, ${past("-9000")}, ${past("-9000")}, 1, ${past("-9000")}, ${past("9000")}, ${past("-9000")} FROM ${rows}`);
}
const dead = (s) => s.sqlSoon(`SELECT COUNT(*) FROM session WHERE token LIKE 'x%' AND expiresAt < ${s.time(Date.now())}`).then(Number);
const left = (s) => s.sqlSoon("SELECT COUNT(*) FROM session WHERE token LIKE 'x%'").then(Number);
/** ms until no expired row is left; null if that takes too long. */
async function swept(s, ms = 20_000) {
	const began = performance.now();
	return (await until(async () => (await dead(s)) === 0, ms, 100)) ? performance.now() - began : null;
}
async function under(t, s, via, f) {
	const l = await new Load(via, { clients: 4, pause: 5, step: async (c) => { if (c.n++ % 3) await c.look(); else await c.renew(); } }).begin();
	(s.loads ??= []).push(l);
	await f(l);
	await l.stop();
	l.judge(t, { least: 20 });
	await l.allIn();
}
for (const store of ["sqlite", "mysql"]) describe(store, () => {
	const options = { store, mysql: db.socket, workers: 3, set: { ...quiet, ...EVERY } };
	test(`a master's housekeeper: ${ROWS} rows`, (t) => own(options, async (s) => {
		const u = await s.user();
		fill(s, u.id, ROWS, 7);
		await under(t, s, s, async () => {
			const ms = await swept(s);
			t.diagnostic(`gone after ${ms === null ? "never" : Math.round(ms)} ms`);
			assert.ok(ms !== null && ms < 10 * SECOND * PATIENCE); eq(await left(s), 7, "the living ones stay");
		});
		eq(await s.alive(u.cookie), true);
		// a housekeeper that is asked to end gives the lease back; one that is killed leaves it to its time, a minute at least
		s.sql("DELETE FROM session WHERE token LIKE 'x%'"); fill(s, u.id, ROWS);
		for (let i = 0; i < 3; i++) { const [pid] = lowWorkers(s); signal(pid, "SIGTERM"); assert.ok(await until(() => gone(pid) && lowWorkers(s).length === 1)); await wait(100); }
		assert.ok(await swept(s) !== null, "swept by its successor");
		if (SOAK >= 60) { fill(s, u.id, ROWS); signal(lowWorkers(s)[0], "SIGKILL"); const ms = await swept(s, 150_000); t.diagnostic(`after kill -9: ${ms === null ? "never" : Math.round(ms)} ms`); assert.ok(ms !== null); }
	}));
	test("two pools on one store: one of them does it", (t) => own(options, async (s) => {
		const u = await s.user();
		s.configure({ "pool.socket": `${s.dir}/other.sock` });
		const first = s.master(), pidFile = `${s.dir}/latchkey.pid`, kept = fs.readFileSync(pidFile, "utf8"), o = at(s, `${s.dir}/other.sock`);
		await o.launch();
		const second = s.master();
		fs.writeFileSync(pidFile, kept);
		try {
			fill(s, u.id, ROWS);
			await under(t, s, o, async () => {
				const ms = await swept(s);
				assert.ok(ms !== null && ms < 10 * SECOND * PATIENCE, `${ms} ms`);
				// whoever has it goes away: the other takes over
				fill(s, u.id, 1000);
				await end([first]);
				const again = await swept(s);
				t.diagnostic(`gone after ${Math.round(ms)} ms; with the first one stopped after ${again === null ? "never" : Math.round(again)} ms`);
				assert.ok(again !== null, "the other takes over");
			});
		} finally { await end([second]); }
	}));
	test("two lone processes on a passed socket, as under mod_fcgid: between requests", (t) => own(options, (s) => place(async (dir) => {
		const u = await s.user(), socket = `${dir}/passed`, via = at(s, socket);
		await s.halt();
		s.configure({ "pool.workers": "1" });
		const pids = await passSockets(s, [socket], { count: 2 });
		try {
			assert.ok(await until(async () => { try { return (await via.get("/ok")).status === 200; } catch { return false; } }));
			fill(s, u.id, ROWS, 7);
			await under(t, s, via, async (l) => {
				const ms = await swept(s);
				t.diagnostic(`gone after ${ms === null ? "never" : Math.round(ms)} ms, ${l.seen.served} requests meanwhile`);
				assert.ok(ms !== null && ms < 15 * SECOND * PATIENCE); eq(await left(s), 7);
			});
			s.sql("DELETE FROM session WHERE token LIKE 'x%'"); fill(s, u.id, 2000);
			const idle = await swept(s);
			t.diagnostic(`without requests: gone after ${idle === null ? "never" : Math.round(idle)} ms`);
			assert.ok(idle !== null && idle < 10 * SECOND * PATIENCE, "an idle process sweeps too");
			// whoever holds the lock ends: the other takes over
			fill(s, u.id, 1000); await end([pids[0]]);
			assert.ok(await swept(s) !== null, "the one that is left sweeps"); eq(children(pids[1]).length, 0);
		} finally { await end(pids); await s.launch(); }
	})));
	test("jobs.every 0: nothing is swept, run-jobs does it", () => own({ ...options, workers: 2, set: { ...quiet, "jobs.every": "0" } }, async (s) => {
		const u = await s.user();
		fill(s, u.id, 1200);
		eq(lowWorkers(s).length, 0);
		await wait(1500);
		eq(await dead(s), 1200);
		s.ctl("run-jobs");
		eq(await dead(s), 0); eq(await s.alive(u.cookie), true);
	}));
});
