// Several servers in database.hosts: the first that answers and may be written to is used, and by all workers. A server
// that is only read from is never asked, so that no lag of replication can bring an ended session back (S96).
import { after, describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import { PATIENCE, assert, eq, setsNothing, times, until, wait } from "../endpoint/server.mjs";
import { Latchkey, MariaDb, attempting, using } from "./servers.mjs";

const set = { "database.timeout": "1s", "database.busy_timeout": "1s", "limits.request": "9s" }, LIMIT = 9000;
/** Puts what one server has into another one. */
function copy(from, to) {
	const dump = execFileSync("mariadb-dump", ["--no-defaults", "-u", "root", `--socket=${from.socket}`, "--single-transaction", "latchkey"], { encoding: "utf8", maxBuffer: 1 << 28 });
	to.sql(dump, { db: "latchkey" });
}
const [a, b] = await Promise.all([MariaDb.start(), MariaDb.start()]);
after(() => Promise.all([a.stop(), b.stop()]));
const fresh = async () => {
	for (const m of [a, b]) { if (m.child.exitCode !== null || m.child.signalCode !== null) await m.launch(); m.resume(); m.sql("SET GLOBAL read_only = 0; DROP DATABASE IF EXISTS latchkey; CREATE DATABASE latchkey CHARACTER SET utf8mb4"); }
};
/** Asks until all workers have answered well; how long that took. */
async function well(s, u, ms = 5000) {
	const began = Date.now();
	const f = async () => (await Promise.all(times(12, () => s.get("/session", { cookie: u.cookie })))).every((r) => { assert.ok([200, 503].includes(r.status), r.text); assert.ok(r.ms < LIMIT * PATIENCE, `${r.ms} ms`); if (r.status === 200) eq(r.json?.user?.id, u.id, "nobody is signed out"); else setsNothing(r); return r.status === 200; });
	assert.ok(await until(f, ms, 50), `well within ${ms} ms:\n${s.log().split("\n").slice(-10).join("\n")}`);
	return Date.now() - began;
}
/** All workers work with this one: what is written by one is seen by all. */
async function onlyAt(m, other, s) {
	const v = await s.user();
	for (const r of await Promise.all(times(24, () => s.get("/session", { cookie: v.cookie })))) eq(r.json?.user?.id, v.id, "seen by all workers");
	eq(m.sql(`SELECT COUNT(*) FROM user WHERE id = '${v.id}'`, { db: "latchkey" }), "1");
	if (other) eq(other.sql(`SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'latchkey'`) === "0" ? "0" : other.sql(`SELECT COUNT(*) FROM user WHERE id = '${v.id}'`, { db: "latchkey" }), "0");
	return v;
}
const both = (...l) => l.map((m) => m.address());

describe("which one", () => {
	test("the first in the list, at start", async () => {
		await fresh();
		await using({ hosts: both(a, b), set, workers: 3 }, async (s) => { await onlyAt(a, b, s); assert.ok(a.clients().length > 0); eq(b.clients().length, 0); });
		await fresh();
		await using({ hosts: both(b, a), set, workers: 3 }, async (s) => { await onlyAt(b, a, s); eq(a.clients().length, 0); });
	});
	test("a unix socket and ports, mixed", async () => { await fresh(); await using({ hosts: ["/nonexistent/mysqld.sock", "127.0.0.1:1", b.socket, a.address()], set }, (s) => onlyAt(b, a, s)); });
	test("one that is read-only is passed over", async () => {
		await fresh(); a.sql("SET GLOBAL read_only = 1");
		await using({ hosts: both(a, b), set, workers: 3 }, async (s) => { await onlyAt(b, a, s); assert.ok(await until(() => a.clients().length === 0), "no connection stays"); });
	});
	test("nothing but a read-only one: no start, or 503, and a line that says so", async () => {
		await fresh(); a.sql("SET GLOBAL read_only = 1");
		await attempting({ hosts: a.address(), set }, async (s, r) => {
			if (r.code === null) eq((await s.get("/session", { cookie: s.anyCookie() })).status, 503); else eq(r.code, 1);
			assert.ok(r.lines().some((l) => l.includes(a.address()) && /read.only/i.test(l)), r.lines().join("\n"));
		});
		eq(a.sql("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'latchkey'"), "0");
	});
});

describe("the first goes", () => {
	async function losing(lose, back, t) {
		await fresh();
		const s = await Latchkey.start({ hosts: both(a, b), set, workers: 3 });
		try {
			const u = await s.user();
			copy(a, b);
			await lose();
			const took = await well(s, u);
			const v = await onlyAt(b, null, s);
			t.diagnostic(`well after ${took} ms`);
			await back();
			for (let i = 0; i < 5; i++) { await well(s, u); for (const r of await Promise.all(times(12, () => s.get("/session", { cookie: v.cookie })))) eq(r.json?.user?.id, v.id, "all stay with one"); await wait(150); }
			for (const pid of s.workers()) process.kill(pid, "SIGKILL");
			assert.ok(await until(async () => { try { return (await s.get("/session", { cookie: v.cookie })).status === 200; } catch { return false; } }, 8000));
			for (const r of await Promise.all(times(12, () => s.get("/session", { cookie: v.cookie })))) eq(r.json?.user?.id, v.id, "new workers go where the others are");
		} finally { await s.stop(); }
	}
	test("stopped", (t) => losing(() => a.halt(), () => a.launch(), t));
	test("killed", (t) => losing(() => a.halt("SIGKILL"), () => a.launch(), t));
	test("paused: it accepts, and says nothing", (t) => losing(() => a.pause(), () => a.resume(), t));
	test("all gone: 503 in time, and well when one is back", async () => {
		await fresh();
		await using({ hosts: both(a, b), set, workers: 3 }, async (s) => {
			const u = await s.user();
			copy(a, b);
			a.pause(); await b.halt("SIGKILL");
			for (const r of [...(await Promise.all(times(9, () => s.get("/session", { cookie: u.cookie })))), await s.signIn(u.email)]) { eq(r.status, 503, r.text); setsNothing(r); assert.ok(r.ms < LIMIT * PATIENCE, `${r.ms} ms`); }
			await b.launch();
			await well(s, u); await onlyAt(b, null, s);
			a.resume();
			await well(s, u);
		});
	});
	test("it becomes read-only while it is used: the next write goes to the other one, within 5 s", async () => {
		await fresh();
		await using({ hosts: both(a, b), set, workers: 3 }, async (s) => {
			const u = await s.user();
			copy(a, b);
			a.sql("SET GLOBAL read_only = 1");
			const seen = [];
			assert.ok(await until(async () => { const r = await s.signIn(u.email); seen.push(r.status); assert.ok([200, 503].includes(r.status), `${r.status} ${r.text}`); return r.status === 200; }, 5000), `${seen}`);
			await well(s, u); await wait(1000); // whoever has not written yet may still be with the old one
			await until(async () => { await Promise.all(times(9, () => s.signIn(u.email))); return a.clients().length === 0; }, 5000);
			await onlyAt(b, null, s); assert.ok(await until(() => a.clients().length === 0), "nobody stays with the old one");
		});
	});
});

describe("the roles change", () => {
	/** a was the primary and is a replica now, that lags for ever; b is the primary. */
	async function changed(f) {
		await fresh();
		await using({ hosts: both(a, b), set, workers: 3 }, async (s) => {
			const u = await s.user(), v = await s.another(u);
			await well(s, u);
			copy(a, b);
			const o = await a.session();
			for (let i = 0; i < 4; i++) await Promise.all(times(12, () => s.get("/session", { cookie: v.cookie }))); // every worker has its connection, and has looked just now
			await o.run("SET GLOBAL read_only = 1");
			try { await f(s, u, v); } finally { await o.close(); }
		});
	}
	test("when one worker has seen it, no other reads the old one: what is ended stays ended", () => changed(async (s, u, v) => {
		assert.ok(await until(async () => (await s.post("/sign-out", {}, { cookie: v.cookie })).status === 200, 5000));
		for (let i = 0; i < 20; i++) for (const r of await Promise.all(times(12, () => s.get("/session", { cookie: v.cookie })))) assert.ok(r.status === 503 || r.text === "null", `round ${i}: alive again: ${r.text}`);
		await well(s, u);
	}));
	test("what another host's program has ended at the new one is ended here within 5 s, though nothing is written here", () => changed(async (s, u, v) => {
		eq(b.sql(`DELETE FROM session WHERE id = '${await s.sessionId(v)}'; SELECT ROW_COUNT()`, { db: "latchkey" }), "1");
		const ended = async () => (await Promise.all(times(12, () => s.get("/session", { cookie: v.cookie })))).every((r) => r.text === "null");
		assert.ok(await until(ended, 5000, 100), "still alive after 5 s");
		await well(s, u);
	}));
});

describe("a replica that lags (S96)", async () => {
	const primary = await MariaDb.start({ options: ["--server-id=1", "--log-bin=bin", "--binlog-format=ROW"] });
	const replica = await MariaDb.start({ options: ["--server-id=2", "--read-only=ON"], database: false });
	after(() => Promise.all([primary.stop(), replica.stop()]));
	const DELAY = 5;
	primary.sql("CREATE USER 'repl'@'%' IDENTIFIED BY 'repl'; GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%'");
	replica.sql(`CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${primary.port}, MASTER_USER = 'repl', MASTER_PASSWORD = 'repl', MASTER_LOG_FILE = 'bin.000001', MASTER_LOG_POS = 4; START SLAVE`);
	const there = async (q, want) => until(() => { try { return replica.sql(q, { db: "latchkey" }) === want; } catch { return false; } }, 15_000, 50);
	for (const first of ["replica", "primary"]) test(`the ${first} stands first: signed in is at once, ended is at once`, async () => {
		replica.sql("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 0; START SLAVE");
		const hosts = first === "replica" ? both(replica, primary) : both(primary, replica);
		await using({ hosts, set, workers: 3 }, async (s) => {
			const u = await s.user();
			assert.ok(await there(`SELECT COUNT(*) FROM session WHERE userId = '${u.id}'`, "1"), `it replicates: ${replica.sql("SHOW SLAVE STATUS")}`);
			replica.sql(`STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = ${DELAY}; START SLAVE`);
			let old = 0;
			for (let i = 0; i < 40; i++) {
				const w = await s.another(u);
				for (const r of await Promise.all(times(3, () => s.get("/session", { cookie: w.cookie })))) { eq(r.status, 200); eq(r.json?.user?.id, u.id, "signed in"); }
				i % 2 ? await s.post("/sign-out", {}, { cookie: w.cookie }) : await s.post("/revoke-other-sessions", {}, { cookie: u.cookie });
				for (const r of await Promise.all(times(3, () => s.get(i % 4 < 2 ? "/session" : "/sessions", { cookie: w.cookie })))) assert.ok(i % 4 < 2 ? r.text === "null" : r.status === 401, `ended: ${r.status} ${r.text}`);
			}
			const w = await s.another(u), id = await s.sessionId(w);
			eq(replica.sql(`SELECT COUNT(*) FROM session WHERE id = '${id}'`, { db: "latchkey" }), "0", "the replica does lag");
			// one that is there, at the replica, and ended, at the primary
			assert.ok(await there(`SELECT COUNT(*) FROM session WHERE id = '${id}'`, "1"));
			eq((await s.post("/sign-out", {}, { cookie: w.cookie })).status, 200);
			for (const r of await Promise.all(times(6, () => s.get("/session", { cookie: w.cookie })))) eq(r.text, "null");
			old += Number(replica.sql(`SELECT COUNT(*) FROM session WHERE id = '${id}'`, { db: "latchkey" }));
			eq(old, 1, "to the replica it lives"); assert.ok(await until(() => replica.clients().length === 0), "nobody is there");
			// even with nobody else to ask
			primary.pause();
			try { for (const r of await Promise.all(times(6, () => s.get("/session", { cookie: w.cookie })))) { eq(r.status, 503, r.text); setsNothing(r); assert.ok(r.ms < LIMIT * PATIENCE); } } finally { primary.resume(); }
			await well(s, u);
		});
	});
});
