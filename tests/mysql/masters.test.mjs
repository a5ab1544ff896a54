// Several masters, as on several hosts, on one database: with one secret they are one service, with two they refuse.
import { describe, test } from "node:test";
import fs from "node:fs";
import { MINUTE, PASSWORD, assert, database, eq, fails, newEmail, ok, same, secretOf, setsNothing, shared, times, with_ } from "./mariadb.mjs";

const beside = (s, set = {}) => ({ set: { "database.name": s.mysql.database, ...set } });

test("another secret: the second refuses to start, and says why", () => with_({}, async (s) => {
	const u = await s.user();
	await assert.rejects(with_(beside(s), () => {}), (e) => {
		assert.match(e.message, /none of our secrets is one this database knows: it belongs to another secret file/);
		assert.match(e.message, /cannot start/);
		return true;
	});
	eq(await s.alive(u.cookie), true, "the first goes on");
	await s.halt(); await s.launch(); eq(await s.alive(u.cookie), true);
}));
test("the same secret: a session of one is good at the other, and ends at both", () => with_({}, (a) => with_(beside(a, { "secret.file": secretOf(a) }), async (b) => {
	assert.notEqual(a.master(), b.master()); assert.notEqual(a.dir, b.dir); eq(a.mysql.database, b.mysql.database);
	for (const [x, y] of [[a, b], [b, a]]) {
		const u = await x.user(), more = await y.another(u);
		for (const s of [x, y]) for (const c of [u, more]) eq((await s.session(c.cookie)).user.id, u.id);
		same(ok(await x.get("/sessions", { cookie: u.cookie })).map((l) => l.id).sort(), ok(await y.get("/sessions", { cookie: more.cookie })).map((l) => l.id).sort());
		ok(await y.post("/sign-out", {}, { cookie: u.cookie }));
		for (const s of [x, y]) { eq(await s.alive(u.cookie), false); eq(await s.alive(more.cookie), true); }
		ok(await x.del("/sessions", { cookie: more.cookie }));
		eq(await y.alive(more.cookie), false);
	}
	// what is cut in two by time cannot be: each takes turns
	for (let i = 0; i < 30; i++) {
		const email = newEmail(), rs = await Promise.all(times(6, (n) => [a, b][n % 2].post("/sign-up/email", { name: "A", email, password: PASSWORD })));
		eq(rs.filter((r) => r.status === 200).length, 1);
		for (const r of rs) if (r.status !== 200) fails(r, 422);
		const ins = await Promise.all(times(6, (n) => [a, b][n % 2].signIn(email)));
		for (const r of ins) ok(r);
		ok(await b.del("/sessions", { cookie: b.browser(ins[0]).cookie }));
		for (const r of ins) for (const s of [a, b]) eq(await s.alive(s.browser(r).cookie), false);
	}
})));
test("a rotated secret goes from one to the other", () => with_({}, async (a) => {
	const u = await a.user(), file = secretOf(a);
	await with_(beside(a, { "secret.file": file }), async (b) => {
		a.ctl("secret", "new"); await a.halt(); await a.launch();
		const v = await a.user(), r = await b.get("/session", { cookie: v.cookie });
		eq(await b.alive(u.cookie), true); eq(ok(r), null, "signed by what it does not have yet"); setsNothing(r);
		fs.copyFileSync(a.secretFile, file);
		await b.halt(); await b.launch();
		for (const c of [u, v]) eq(await b.alive(c.cookie), true);
	});
}));
describe("first starts at once, on an empty database, with an account that makes tables", () => {
	for (let round = 1; round <= 3; round++) test(`round ${round}`, () => database((name) => with_({}, async (other) => {
		const file = secretOf(other), set = { "database.name": name, "database.user": "root", "database.password": "", "secret.file": file };
		const all = await Promise.allSettled(times(4, () => shared.start({ set })));
		try {
			for (const r of all) assert.ok(r.status === "fulfilled", r.reason?.message);
			const [a, b, c, d] = all.map((r) => r.value), u = await a.user();
			for (const s of [a, b, c, d]) eq(await s.alive(u.cookie), true);
			eq(a.sql("SELECT COUNT(*) FROM latchkey_meta WHERE name IN ('schema', 'secret')"), "2");
			eq(all.map((r) => r.value.log().match(/schema brought from 0/g)?.length ?? 0).reduce((x, y) => x + y), 1, "one made the tables");
			for (const s of [a, b, c, d]) same(s.log().split("\n").filter((l) => /^\S+ error/.test(l)), []);
		} finally { for (const r of all) if (r.value) await r.value.stop(); }
	})));
});
test("housekeeping is done once, whoever does it", () => with_({ set: { "jobs.every": "1s" } }, (a) => with_(beside(a, { "secret.file": secretOf(a), "jobs.every": "1s" }), async (b) => {
	const users = await Promise.all(times(20, (i) => [a, b][i % 2].user())), keep = await a.user();
	a.sql(`UPDATE session SET expiresAt = ${a.time(Date.now() - MINUTE)} WHERE userId <> '${keep.id}'`);
	for (const end = Date.now() + 15_000; a.sql("SELECT COUNT(*) FROM session") !== "1";) { assert.ok(Date.now() < end, "they are swept"); await new Promise((r) => setTimeout(r, 100)); }
	eq(users.length, 20); eq(await b.alive(keep.cookie), true);
	for (const s of [a, b]) same(s.log().split("\n").filter((l) => /^\S+ error/.test(l)), []);
})));
