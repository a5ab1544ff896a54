// The way to the database server is slow, silent or broken (S97): every answer in its time, 503 and no cookie touched, and
// well again soon after. What may have happened is not done twice, and deadlocks do not show (S95).
import { after, before, describe, test } from "node:test";
import { PASSWORD, PATIENCE, assert, eq, newEmail, ok, setsNothing, times, until, wait } from "../endpoint/server.mjs";
import { Authority, Latchkey, MariaDb, tlsOptions } from "./servers.mjs";
import { COM, Link } from "./wire.mjs";

const LIMIT = 9000, WORKERS = 3;
const set = { "database.timeout": "1s", "database.busy_timeout": "1s", "limits.request": "9s" };
const ca = new Authority(), real = await MariaDb.start({ options: tlsOptions(ca.issue({ san: "IP:127.0.0.1" })) });
const link = await Link.start(real.port), s = await Latchkey.start({ hosts: link.address(), workers: WORKERS, set });
after(async () => { await s.stop(); await link.stop(); await real.stop(); ca.stop(); });
const u = await s.user();
const sql = (q) => real.sql(q, { db: "latchkey" });
function away(r, what) {
	eq(r.status, 503, `${what}: ${r.status} ${r.text}`); setsNothing(r);
	assert.match(r.headers["retry-after"] ?? "", /^[1-9]\d*$/, what);
	assert.ok(r.ms < LIMIT * PATIENCE, `${what}: ${Math.round(r.ms)} ms`);
}
const requests = {
	session: () => s.get("/session", { cookie: u.cookie }), sessions: () => s.get("/sessions", { cookie: u.cookie }),
	"sign-in": () => s.signIn(u.email), "sign-up": () => s.post("/sign-up/email", { name: "Bob", email: newEmail(), password: PASSWORD }),
	"revoke-other-sessions": () => s.post("/revoke-other-sessions", {}, { cookie: u.cookie }), "sign-out": () => s.post("/sign-out", {}, { cookie: s.anyCookie() }),
};
/** Asks each worker often enough that none has an old connection left. */
async function wellAgain(what) {
	const began = Date.now();
	const well = async () => (await Promise.all(times(WORKERS * 3, requests.session))).every((r) => r.status === 200 && r.json?.user?.id === u.id);
	assert.ok(await until(well, 5000, 50), `${what}: well again within 5 s:\n${s.log().split("\n").slice(-8).join("\n")}`);
	for (const [name, f] of Object.entries(requests)) { const r = await f(); eq(r.status, 200, `${what}: ${name} afterwards: ${r.text}`); }
	return Date.now() - began;
}
/** No connection is left. */
const ended = async () => assert.ok(await until(() => link.sockets.size === 0), "all connections have ended");
/** All requests one by one, then many at once, while something is wrong. */
async function through(what, wrong, right, t) {
	await wellAgain(`before ${what}`);
	const workers = s.workers().join(), users = sql("SELECT COUNT(*) FROM user");
	await wrong();
	let worst = 0;
	try {
		for (const [name, f] of Object.entries(requests)) { const r = await f(); away(r, `${what}: ${name}`); worst = Math.max(worst, r.ms); }
		for (const r of await Promise.all(times(4 * WORKERS, () => requests.session()))) { away(r, `${what}: many at once`); worst = Math.max(worst, r.ms); }
		eq(ok(await s.get("/ok")).ok, true);
	} finally { await right(); }
	const back = await wellAgain(what);
	eq(s.workers().join(), workers, "the same workers");
	t.diagnostic(`worst ${Math.round(worst)} ms, well after ${back} ms`);
	return users;
}

describe("the way there", () => {
	test("30 s of latency", (t) => through("latency", () => { link.delay = 30_000; }, () => { link.delay = 0; link.drop(); }, t));
	test("a black hole: connections are accepted, nothing comes", (t) => through("hole", () => { link.hole = true; }, () => { link.hole = false; }, t));
	test("a black hole for those who come now", (t) => through("hole and dropped", () => { link.hole = true; link.drop(); }, () => { link.hole = false; link.drop(); }, t));
	test("half an answer, and silence", (t) => through("half", () => { link.half = true; }, () => { link.half = false; link.drop(); }, t));
	test("a byte now and then, so that no single read takes too long", (t) => through("drip", () => { link.drip = 400; }, () => { link.drip = 0; link.drop(); }, t));
	test("a byte now and then to those who come now", (t) => through("drip and dropped", () => { link.drip = 400; link.drop(); }, () => { link.drip = 0; link.drop(); }, t));
	test("a reset in the middle of every answer", (t) => through("reset", () => {
		link.onServer = (p, c) => { if (c.command === null || ![COM.EXECUTE, COM.PREPARE].includes(c.command)) return null; c.client.write(p.raw.subarray(0, p.raw.length >> 1)); c.client.resetAndDestroy(); return false; };
	}, () => { link.onServer = null; link.drop(); }, t));
	test("accepted and closed at once", (t) => through("closed", () => { link.onServer = (p, c) => { c.client.destroy(); return false; }; link.drop(); }, () => { link.onServer = null; link.drop(); }, t));
	test("nobody listens", (t) => through("refused", () => link.stop(), () => link.reopen(), t));
	test("the server is stopped (SIGSTOP)", (t) => through("SIGSTOP", () => real.pause(), () => real.resume(), t));
	test("the server is killed and comes back", (t) => through("killed", () => real.halt("SIGKILL"), () => real.launch(), t));
	test("the same inside TLS: a hole, and a byte now and then, in talks that stand and in those that begin", async () => {
		const safe = await Latchkey.start({ hosts: link.address(), workers: 1, set: { ...set, "database.tls": "on", "database.tls_ca": ca.cert } });
		try {
			eq(await safe.alive(u.cookie), true);
			for (const [wrong, cut] of [[{ hole: true }, true], [{ half: true }, false], [{ drip: 400 }, false], [{ drip: 400 }, true]]) {
				Object.assign(link, wrong);
				if (cut) link.drop();
				try { for (let i = 0; i < 3; i++) away(await safe.get("/session", { cookie: u.cookie }), `TLS, ${JSON.stringify(wrong)}, ${cut}`); } finally { Object.assign(link, { hole: false, half: false, drip: 0 }); link.drop(); }
				assert.ok(await until(async () => (await safe.get("/session", { cookie: u.cookie })).status === 200, 5000), "well again within 5 s");
			}
		} finally { await safe.stop(); }
	});
	test("it was away for nobody's request: idle connections that the server has ended are not noticed", async () => {
		await wellAgain("before");
		for (const [name, f] of Object.entries(requests)) { real.kick(); await ended(); for (const r of await Promise.all(times(WORKERS, f))) eq(r.status, 200, `${name}: ${r.text}`); }
		real.sql("SET GLOBAL wait_timeout = 1"); real.kick();
		try {
			await wellAgain("short wait_timeout"); await ended();
			for (const [name, f] of Object.entries(requests)) { const r = await f(); eq(r.status, 200, `${name} after wait_timeout: ${r.text}`); }
		} finally { real.sql("SET GLOBAL wait_timeout = 28800"); }
	});
	test("TCP resets, while nobody asks, are not noticed either", async () => {
		for (const [name, f] of Object.entries(requests)) { for (const c of link.connections) if (!c.client.destroyed) c.client.resetAndDestroy(); await ended(); const r = await f(); eq(r.status, 200, `${name}: ${r.text}`); }
	});
});

describe("what may have happened is not done again", () => {
	/** The next answer to a statement that matches is lost with its connection. Gives how many were. */
	function loseAnswer(match, most = 1) {
		const lost = { n: 0 };
		link.onServer = (p, c) => {
			Link.learn(p, c);
			if (lost.n >= most || c.seen > 0 || ![COM.QUERY, COM.EXECUTE].includes(c.command) || !match.test(c.sql ?? "")) return null;
			lost.n++; c.client.resetAndDestroy();
			return false;
		};
		link.drop(); // statements prepared before are not known by their text
		return lost;
	}
	const lost503 = (r) => { eq(r.status, 503, r.text); setsNothing(r); assert.match(r.headers["retry-after"] ?? "", /^[1-9]/); };
	const truth = () => { link.onServer = null; };
	test("sign-up: the answer to COMMIT is lost", async () => {
		const email = newEmail(), lost = loseAnswer(/^\s*commit/i);
		try { lost503(await s.post("/sign-up/email", { name: "Bob", email, password: PASSWORD })); eq(lost.n, 1); } finally { truth(); }
		eq(sql(`SELECT COUNT(*) FROM user WHERE email = '${email}'`), "1"); eq(sql(`SELECT COUNT(*) FROM account a JOIN user u ON u.id = a.userId WHERE u.email = '${email}'`), "1");
		await wellAgain("sign-up");
		eq((await s.signIn(email)).status, 200); eq((await s.post("/sign-up/email", { name: "Bob", email, password: PASSWORD })).status, 422);
	});
	test("sign-up: the connection is lost before COMMIT: nothing has happened", async () => {
		const email = newEmail(), lost = loseAnswer(/insert into .*session/i);
		try { lost503(await s.post("/sign-up/email", { name: "Bob", email, password: PASSWORD })); eq(lost.n, 1); } finally { truth(); }
		await wellAgain("sign-up"); eq(sql(`SELECT COUNT(*) FROM user WHERE email = '${email}'`), "0");
		eq((await s.post("/sign-up/email", { name: "Bob", email, password: PASSWORD })).status, 200);
	});
	test("sign-in: the answer to COMMIT is lost", async () => {
		const v = await s.user(), count = () => sql(`SELECT COUNT(*) FROM session WHERE userId = '${v.id}'`), lost = loseAnswer(/^\s*commit/i);
		try { lost503(await s.signIn(v.email)); eq(lost.n, 1); } finally { truth(); }
		eq(count(), "2", "the one of before, and one");
		await wellAgain("sign-in");
	});
	test("revoke: the connection is lost before COMMIT: nothing has happened, nor is it noted; once more ends it", async () => {
		const v = await s.user(), w = await s.another(v), id = await s.sessionId(w), noted = () => sql(`SELECT COUNT(*) FROM latchkey_audit WHERE event = 'session-ended' AND sessionId = '${id}'`), lost = loseAnswer(/delete from .*session/i);
		try { lost503(await s.del(`/sessions/${id}`, { cookie: v.cookie })); eq(lost.n, 1); } finally { truth(); }
		await wellAgain("revoke"); eq(await s.alive(w.cookie), true); eq(noted(), "0");
		eq((await s.del(`/sessions/${id}`, { cookie: v.cookie })).status, 200); eq(await s.alive(w.cookie), false); eq(noted(), "1");
	});
	test("revoke: the answer to COMMIT is lost; it is gone, and once more is the same", async () => {
		const v = await s.user(), w = await s.another(v), id = await s.sessionId(w), lost = loseAnswer(/^\s*commit/i);
		try { lost503(await s.del(`/sessions/${id}`, { cookie: v.cookie })); eq(lost.n, 1); } finally { truth(); }
		await wellAgain("revoke"); eq(await s.alive(w.cookie), false); eq((await s.post("/revoke-session", { token: id }, { cookie: v.cookie })).status, 200);
	});
	test("end all: the answer to COMMIT is lost", async () => {
		const v = await s.user(), lost = loseAnswer(/^\s*commit/i);
		try { lost503(await s.del("/sessions", { cookie: v.cookie })); eq(lost.n, 1); } finally { truth(); }
		await wellAgain("end all"); eq(await s.alive(v.cookie), false);
	});
	test("a read is asked once more, and once only", async () => {
		await wellAgain("before");
		const lost = loseAnswer(/^\s*select .*session/is);
		try { const r = await requests.session(); eq(r.status, 200, r.text); eq(r.json.user.id, u.id); eq(lost.n, 1); } finally { truth(); }
		const all = loseAnswer(/^\s*select .*session/is, 100);
		try { lost503(await requests.session()); assert.ok(all.n <= 2, `${all.n} times`); } finally { truth(); }
		await wellAgain("after");
	});
});

describe("locks of others (S95)", () => {
	const deadlocks = () => real.status("Innodb_deadlocks");
	/** Somebody waits for a lock. InnoDB looks anew only after 0.1 s without being asked. */
	// the server shows what it knew up to 100 ms ago: the waiting of the test before is over by then
	const waited = async () => { await wait(200); assert.ok(await until(() => real.sql("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'") !== "0", 8000, 120), "it waits for the lock"); };
	let patient; // has patience enough to wait for us, however slow we are
	before(async () => { patient = await Latchkey.start({ hosts: link.address(), workers: 2, set: { "database.busy_timeout": "10s", "database.timeout": "11s", "limits.request": "40s" } }); });
	after(() => patient.stop());
	/** Another one who holds locks of a user in the opposite order, and weighs more, so that the program is the victim. */
	async function opponent(v, f) {
		const o = await real.session();
		try {
			await o.run("CREATE TABLE IF NOT EXISTS latchkey.ballast (a INT); START TRANSACTION; INSERT INTO latchkey.ballast SELECT seq FROM seq_1_to_300");
			await o.run(`UPDATE session SET userAgent = 'x' WHERE userId = '${v.id}'`);
			return await f(o);
		} finally { await o.run("ROLLBACK"); await o.close(); }
	}
	test("a deadlock is not seen: end-all against one who locks in the opposite order", async () => {
		await wellAgain("before");
		const v = await s.user(), before = deadlocks();
		const r = await opponent(v, async (o) => {
			const answer = patient.del("/sessions", { cookie: v.cookie });
			await waited(); // it holds the user's row and waits for the sessions
			await o.run(`UPDATE latchkey_user SET turn = turn WHERE userId = '${v.id}'`);
			await o.run("ROLLBACK");
			return answer;
		});
		eq(r.status, 200, r.text); assert.ok(deadlocks() > before, "there was one"); eq(await s.alive(v.cookie), false);
	});
	test("a sign-in that ends the session it presents", async () => {
		const v = await s.user(), before = deadlocks();
		const r = await opponent(v, async (o) => {
			const answer = patient.signIn(v.email, {}, { cookie: v.cookie });
			await waited();
			await o.run(`UPDATE latchkey_user SET turn = turn WHERE userId = '${v.id}'`);
			await o.run("ROLLBACK");
			return answer;
		});
		eq(r.status, 200, r.text); assert.ok(deadlocks() > before, "there was one"); eq(await s.alive(v.cookie), false); eq(await s.alive(s.browser(r).cookie), true);
		eq(sql(`SELECT COUNT(*) FROM session WHERE userId = '${v.id}'`), "1");
	});
	test("a lock that is never given back: 503 for him who waits, and nobody else is concerned", async () => {
		// with the settings as they are shipped: waiting for a lock must not look like a server that is away
		const d = await Latchkey.start({ hosts: link.address(), workers: 3 });
		try {
			const v = await s.user();
			await opponent(v, async () => {
				for (const f of [() => d.del("/sessions", { cookie: v.cookie }), () => d.signIn(v.email, {}, { cookie: v.cookie })]) {
					let waits = true;
					const answer = f().finally(() => { waits = false; });
					for (let after = 0; after < 12; after += waits ? 0 : 1) {
						for (const x of [u, v]) { const r = await d.get("/session", { cookie: x.cookie }); eq(r.status, 200, `reading does not wait for locks: ${r.text}`); eq(r.json?.user?.id, x.id); }
						await wait(100);
					}
					const r = await answer;
					eq(r.status, 503, r.text); setsNothing(r); assert.ok(r.ms < 9000 * PATIENCE, `${r.ms} ms`);
				}
			});
			eq((await d.del("/sessions", { cookie: v.cookie })).status, 200); eq(await d.alive(v.cookie), false);
		} finally { await d.stop(); }
	});
	test("deadlocks in earnest: four writers in the opposite order while many sign in and end all", async (t) => {
		const v = await s.user(), before = deadlocks(), users = [v, ...(await Promise.all(times(3, () => s.another(v))))];
		let stop = false;
		const writers = await Promise.all(times(4, async () => real.session()));
		const storm = writers.map(async (o) => { while (!stop) await o.run(`START TRANSACTION; UPDATE session SET lastIpAddress = '::1' WHERE userId = '${v.id}'; UPDATE latchkey_user SET turn = turn WHERE userId = '${v.id}'; COMMIT`); });
		const seen = {};
		try {
			for (let i = 0; i < 12; i++) for (const r of await Promise.all(times(6, (k) => (k % 3 ? s.signIn(v.email) : s.post("/revoke-other-sessions", {}, { cookie: users[0].cookie }))))) {
				seen[r.status] = (seen[r.status] ?? 0) + 1;
				assert.ok([200, 503].includes(r.status), `${r.status} ${r.text}`); assert.ok(r.ms < LIMIT * PATIENCE, `${r.ms} ms`);
				if (r.status === 503) setsNothing(r);
			}
		} finally { stop = true; await Promise.all(storm); for (const o of writers) await o.close(); }
		assert.ok(deadlocks() > before, "there were deadlocks"); assert.ok(seen[200] > 36, JSON.stringify(seen));
		t.diagnostic(`${deadlocks() - before} deadlocks, ${JSON.stringify(seen)}`);
		await wellAgain("the storm");
	});
});
