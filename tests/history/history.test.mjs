// Two hosts with a session cache each, on one database: what ends at one is over there at once and elsewhere within
// session.cache_max_age, whatever is killed. Every answer is judged; ENDS sessions (5000) are ended.
import { describe, test } from "node:test";
import { assert, eq, same } from "../endpoint/server.mjs";
import { history, told } from "./history.mjs";
import { hosts, population } from "./hosts.mjs";
import { Judgement, judge } from "./judge.mjs";

const ENDS = Number(process.env.ENDS ?? 5000), say = (run) => { for (const line of told(run)) console.log(line); };

describe("the judge", () => {
	const verdict = (reads, ends, bound = 1000) => { const j = new Judgement(); judge({ id: "x", reads, ends }, bound, j); return { kinds: j.kinds, worst: j.worst }; };
	const read = (start, host, alive) => ({ start, end: start + 1, host, alive }), end = { host: 0, asked: 100, done: 110 };
	const faults = { "alive at the host of its end": [[read(110.1, 0, true)], [end]], "alive elsewhere after the bound": [[read(1110.1, 1, true)], [end]], "dead before its end": [[read(98, 1, false)], [end]],
		"alive again": [[read(105, 0, false), read(107, 0, true)], [{ ...end, done: null }]] };
	for (const [kind, [reads, ends]] of Object.entries(faults)) test(kind, () => same(verdict(reads, ends).kinds, { [kind]: 1 }));
	test("dead, and nobody asked for it", () => same(verdict([read(5, 0, false)], []).kinds, { "dead before its end": 1 }));
	test("what may be", () => {
		const reads = [read(90, 0, true), read(99.5, 0, false), read(109.9, 0, true), read(110.1, 0, false), read(1109, 1, true), read(1111, 1, false)];
		same(verdict(reads.filter((r) => r.start !== 109.9), [end]), { kinds: {}, worst: 999 });
		same(verdict([read(109.9, 0, true)], [end]).kinds, {}, "under way, it may be either");
		same(verdict([read(1e6, 0, true)], [{ ...end, done: null }]).kinds, {}, "not known to have ended");
		same(verdict([read(105, 0, false), read(107, 0, true)], [{ ...end, done: null }, { host: 1, asked: 90, done: 1e5 }]).kinds, {}, "ended elsewhere");
	});
});

test("5000 sessions", async () => {
	const run = await history({ ends: ENDS }), j = run.judged;
	say(run);
	same(j.kinds, {}); eq(j.ended, ENDS); eq(j.sessions, ENDS); eq(run.broken + run.refused + run.unknown, 0);
	eq(run.left, 1, "only the one that the others are made of");
	assert.ok(j.alive > ENDS / 5, "both caches are in use"); assert.ok(j.worst < 1000);
	for (const n of [j.during, j.here, j.within, j.after]) assert.ok(n > ENDS / 2);
});
test("while workers of both are killed", async () => {
	const run = await history({ ends: ENDS / 4, kill: true }), j = run.judged;
	say(run);
	same(j.kinds, {}); eq(j.ended, ENDS / 4); assert.ok(run.killed > 5); assert.ok(j.alive > ENDS / 20);
});
test("without a cache nobody is said to live", async () => {
	const run = await history({ ends: 300, bound: 0 }), j = run.judged;
	same(j.kinds, {}); eq(j.ended, 300); eq(j.alive, 0); assert.ok(j.after > 300);
});
test("judged by no bound, answers of the cache are faults: they are seen", async () => {
	const run = await history({ ends: 300, judgeBound: 0 });
	assert.ok(run.judged.kinds["alive elsewhere after the bound"] > 30); same(Object.keys(run.judged.kinds), ["alive elsewhere after the bound"]);
});

describe("ended at one host, and once more at the other, which has it in its cache", () => {
	const again = {
		"sign-out": (s) => ["POST", "/sign-out", { json: {}, cookie: s.cookie }],
		"revoke-session": (s, by) => ["POST", "/revoke-session", { json: { token: s.id }, cookie: by.cookie }],
		"by id": (s, by) => ["DELETE", `/sessions/${s.id}`, { cookie: by.cookie }],
		all: (s, by) => ["DELETE", "/sessions", { cookie: by.cookie }],
	};
	test("there it is over, too", () => hosts({ set: { "session.cache_max_age": "1m" } }, async ([a, b]) => {
		const made = await population(a, Object.keys(again).length, 2);
		for (const [user, [name, ask]] of Object.entries(again).entries()) {
			const by = made(user, 0), s = made(user, 1);
			for (const h of [a, b]) eq(await h.alive(s.cookie), true);
			eq((await a.post("/sign-out", {}, { cookie: s.cookie })).status, 200);
			eq(await a.alive(s.cookie), false); eq(await b.alive(s.cookie), true, "by its cache");
			assert.ok([200, 404].includes((await b.send(...ask(s, by))).status), name);
			eq(await b.alive(s.cookie), false, name);
		}
	}));
});
