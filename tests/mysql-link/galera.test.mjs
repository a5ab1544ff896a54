// Two nodes of a Galera cluster, and two programs that each prefer another one: what is ended at one is ended at the
// other at once, conflicts of writers do not show, and a node may go.
import { after, describe, test } from "node:test";
import fs from "node:fs";
import { PATIENCE, assert, eq, setsNothing, times, until, wait } from "../endpoint/server.mjs";
import { Latchkey, MariaDb, freePort } from "./servers.mjs";

const set = { "database.timeout": "2s", "database.busy_timeout": "2s", "limits.request": "9s" }, ROUNDS = 200, LIMIT = 9000;
const provider = ["/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so"].find((f) => fs.existsSync(f));
assert.ok(provider, "Galera's library is not installed (galera-4)");
const ports = await Promise.all(times(6, freePort));
/** The second node weighs more, so that it goes on alone when the first is gone, and not the other way round. */
const node = (i) => ["--wsrep-on=ON", `--wsrep-provider=${provider}`, "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-cluster-name=t", "--wsrep-node-address=127.0.0.1", `--wsrep-node-name=n${i}`, "--wsrep-sst-method=rsync",
	`--wsrep-sst-receive-address=127.0.0.1:${ports[3 * i + 2]}`, `--wsrep-cluster-address=gcomm://${i ? `127.0.0.1:${ports[0]}` : ""}`,
	`--wsrep-provider-options=pc.weight=${i + 1};gcache.size=8M;evs.keepalive_period=PT0.3S;evs.suspect_timeout=PT5S;evs.inactive_check_period=PT0.3S;evs.inactive_timeout=PT10S;gmcast.listen_addr=tcp://127.0.0.1:${ports[3 * i]};ist.recv_addr=127.0.0.1:${ports[3 * i + 1]}`];
const a = await MariaDb.start({ options: node(0), humble: true }), b = await MariaDb.start({ options: node(1), humble: true, database: false });
after(() => Promise.all([a.stop(), b.stop()]));
const wsrep = (m, name) => { try { return m.sql(`SHOW STATUS LIKE 'wsrep_${name}'`).split("\t")[1]; } catch { return null; } };
assert.ok(await until(() => wsrep(b, "cluster_size") === "2" && wsrep(b, "ready") === "ON", 20_000, 100), "two nodes");
const p = await Latchkey.start({ hosts: [a.address(), b.address()], workers: 2, set });
const q = await Latchkey.start({ hosts: [b.address(), a.address()], workers: 2, set });
after(async () => { await p.stop(); await q.stop(); });
const u = await p.user();

test("each program is at its node", async () => {
	for (const x of [p, q, p, q]) eq(await x.alive(u.cookie), true);
	assert.ok(a.clients().length >= 1); assert.ok(b.clients().length >= 1);
});
test("signed in at one, read at the other: at once", async () => {
	for (let i = 0; i < 40; i++) { const [x, y] = i % 2 ? [p, q] : [q, p], w = await x.another(u); eq((await y.get("/session", { cookie: w.cookie })).json?.user?.id, u.id, `round ${i}`); }
	await p.post("/revoke-other-sessions", {}, { cookie: u.cookie });
});
test(`ended at one, read at the other: never alive, ${ROUNDS} rounds`, async () => {
	for (let i = 0; i < ROUNDS; i++) {
		const [x, y] = i % 2 ? [p, q] : [q, p], w = await x.another(u);
		eq((await x.post("/sign-out", {}, { cookie: w.cookie })).status, 200);
		for (const r of await Promise.all([y.get("/session", { cookie: w.cookie }), y.get("/session", { cookie: w.cookie })])) eq(r.text, "null", `round ${i}`);
	}
});
test("the same under load on the node that is written to", async () => {
	let stop = false;
	const load = times(3, async () => { while (!stop) await p.user(); });
	try {
		for (let i = 0; i < ROUNDS / 2; i++) {
			const w = await p.another(u);
			eq((await p.del("/sessions?keep=current", { cookie: u.cookie })).status, 200);
			eq((await q.get("/session", { cookie: w.cookie })).text, "null", `round ${i}`);
		}
	} finally { stop = true; await Promise.all(load); }
});
test("writers at both nodes in conflict: 200 or 503, never 500, and one truth afterwards", async (t) => {
	const seen = {};
	for (let i = 0; i < 25; i++) {
		const list = await Promise.all(times(8, (k) => { const x = k % 2 ? p : q; return k < 6 ? x.signIn(u.email) : x.post("/revoke-other-sessions", {}, { cookie: u.cookie }); }));
		for (const r of list) {
			seen[r.status] = (seen[r.status] ?? 0) + 1;
			assert.ok([200, 503].includes(r.status), `${r.status} ${r.text}\n${p.log().split("\n").slice(-6).join("\n")}`); assert.ok(r.ms < LIMIT * PATIENCE, `${r.ms} ms`);
			if (r.status === 503) { setsNothing(r); assert.ok(r.headers["retry-after"]); }
		}
		// a node may leave a statement unanswered whose transaction the other node has undone: then it is left alone for a while
		if (list.some((r) => r.status === 503)) await wait(500);
	}
	assert.ok(seen[200] > 100, JSON.stringify(seen));
	const count = (m) => m.sql(`SET SESSION wsrep_sync_wait = 15; SELECT COUNT(*), SUM(CRC32(id)) FROM session`, { db: "latchkey" });
	eq(count(a), count(b));
	t.diagnostic(`${JSON.stringify(seen)}; certification failures ${wsrep(a, "local_cert_failures")} + ${wsrep(b, "local_cert_failures")}, aborted ${wsrep(a, "local_bf_aborts")} + ${wsrep(b, "local_bf_aborts")}`);
});
test("the same e-mail signs up at both at once: one wins", async () => {
	for (let i = 0; i < 15; i++) {
		const email = `both-${i}-${Date.now()}@example.com`, list = await Promise.all([p, q].map((x) => x.post("/sign-up/email", { name: "B", email, password: "correct-horse-1" })));
		for (const r of list) assert.ok([200, 422, 503].includes(r.status), `${r.status} ${r.text}`);
		assert.ok(list.filter((r) => r.status === 200).length <= 1, "two accounts");
		eq(b.sql(`SET SESSION wsrep_sync_wait = 15; SELECT COUNT(*) FROM user WHERE email = '${email}'`, { db: "latchkey" }), String(list.filter((r) => r.status === 200).length));
	}
});
describe("a node goes", () => {
	test("killed: the programs use the other one, nobody is signed out", async (t) => {
		const began = Date.now();
		await a.halt("SIGKILL");
		let worst = 0;
		const well = async () => (await Promise.all([p, q, p, q].map((x) => x.get("/session", { cookie: u.cookie })))).every((r) => { worst = Math.max(worst, r.ms); assert.ok([200, 503].includes(r.status), r.text); if (r.status === 200) eq(r.json?.user?.id, u.id); else setsNothing(r); return r.status === 200; });
		assert.ok(await until(well, 15_000, 100), p.log().split("\n").slice(-8).join("\n"));
		t.diagnostic(`well after ${Date.now() - began} ms, worst answer ${Math.round(worst)} ms`);
		assert.ok(worst < LIMIT * PATIENCE, `${worst} ms`);
		// a commit waits until the one that is gone has been given up
		let w;
		assert.ok(await until(async () => { w = await p.signIn(u.email); assert.ok([200, 503].includes(w.status), w.text); assert.ok(w.ms < LIMIT * PATIENCE, `${w.ms} ms`); return w.status === 200; }, 30_000, 100));
		eq(await q.alive(p.browser(w).cookie), true);
	});
	test("it comes back, and what has no majority is not asked", async () => {
		// the lighter node alone is no primary component: it answers no statement, and is passed over or 503
		a.options = node(0).map((o) => (o.startsWith("--wsrep-cluster-address") ? `--wsrep-cluster-address=gcomm://127.0.0.1:${ports[3]}` : o));
		await a.launch();
		assert.ok(await until(() => wsrep(a, "cluster_size") === "2" && wsrep(a, "ready") === "ON", 30_000, 100), "two again");
		const w = await q.another(u);
		eq(await p.alive(w.cookie), true);
		await b.halt("SIGKILL");
		assert.ok(await until(() => wsrep(a, "ready") === "OFF", 30_000, 100), "no majority");
		for (const x of [p, q, p, q]) { const r = await x.get("/session", { cookie: u.cookie }); eq(r.status, 503, r.text); setsNothing(r); assert.ok(r.ms < LIMIT * PATIENCE, `${r.ms} ms`); }
	});
});
