// Processes that die, hang or retire while requests come: only what a dying worker had in hand is lost (S23, S102, S104).
import { describe, test } from "node:test";
import { exchange, gate, begin, environment, params, parseAnswer, record, STDIN } from "../endpoint/fcgi.mjs";
import { IS_ROOT, Load, PASSWORD, PATIENCE, SOAK, asleep, assert, children, eq, every, gone, logged, newEmail, own, quantile, random, reload, signal, spread, times, until, wait, whoTakes } from "./pool.mjs";

const NAME = (sig) => new RegExp(`was ended by signal ${sig}\\b`);
const quiet = { "log.access": "off" };
/** Half of a request: its head is there, so that it is in a worker's hands and has an id, and half of its body. */
function halfSent(s) {
	const body = JSON.stringify({ name: "A", email: newEmail(), password: PASSWORD }), head = environment(s.parts("POST", "/sign-up/email", { body, headers: { "content-type": "application/json" } }));
	return [Buffer.concat([begin(), params(head), record(STDIN, body.slice(0, 20))]), Buffer.concat([record(STDIN, body.slice(20)), record(STDIN)])];
}

describe("killed at random, while 16 clients never pause", () => {
	for (const [sig, ms, n] of [["SIGKILL", 500, 9], ["SIGSEGV", 1000, 11]]) test(`${sig} every ${ms} ms: only what was in hand is lost`, (t) => own({ workers: 4, set: quiet }, async (s) => {
		const l = await new Load(s).begin();
		await l.calm();
		let kills = 0, fewest = 4;
		await every(ms, SOAK, () => { const pids = s.workers(); fewest = Math.min(fewest, pids.length); if (pids.length) kills += signal(random(pids), sig); });
		await l.stop();
		t.diagnostic(`${kills} killed; at the least ${fewest} workers were there`);
		assert.ok(quantile(l.seen.ms, 1) < 2000 * PATIENCE, `nobody waits long for the successors: ${spread(l.seen.ms)}`);
		l.judge(t, { broken: kills });
		l.share(t);
		assert.ok(kills >= 2);
		if (SOAK >= 60) assert.ok(l.seen.broken.length <= l.seen.asked / 1000, `${l.seen.broken.length} of ${l.seen.asked} lost, more than 0.1 %`);
		const deaths = () => (s.log().match(new RegExp(NAME(n), "g")) ?? []).length;
		await until(() => deaths() >= kills);
		eq(deaths(), kills, "each death is logged");
		await l.allIn();
		assert.ok(await until(() => s.workers().length === 4), "all workers are there again");
		for (const r of await Promise.all(times(100, () => s.get("/session", { cookie: l.clients[0].cookie })))) eq(r.status, 200);
	}));
	test("any child, the housekeeper too", (t) => own({ workers: 4, set: { ...quiet, "jobs.every": "1s" } }, async (s) => {
		const l = await new Load(s).begin();
		eq(children(s.master()).length, 5);
		let kills = 0;
		await every(300, SOAK / 2, (n) => { const pids = children(s.master()); if (pids.length) kills += signal(n % 3 ? random(pids) : pids.at(-1), "SIGKILL"); });
		await l.stop();
		l.judge(t, { broken: kills });
		await l.allIn();
		assert.ok(await until(() => children(s.master()).length === 5), "all are there again");
	}));
});

describe("a crash", () => {
	test("in the middle of a request names it", (t) => own({ workers: 1, set: { "limits.request": "60s" } }, async (s) => {
		for (const [sig, n] of [["SIGSEGV", 11], ["SIGABRT", 6], ["SIGBUS", 7]]) {
			await s.get("/ok");
			const [first] = halfSent(s), [pid] = s.workers(), rest = gate(), broken = exchange(s.socket, [first, rest]);
			await rest.reached; await asleep(s); // it has read that half
			const lines = (await logged(s, async () => { signal(pid, sig); await broken; await until(() => NAME(n).test(s.log())); })).split("\n").filter((l) => NAME(n).test(l));
			eq((await broken).stdout.length, 0); eq(lines.length, 1);
			const id = /request ([A-Za-z0-9]{12})\b/.exec(lines[0])?.[1];
			assert.ok(id, lines[0]);
			assert.ok(!s.log().split("\n").some((l) => l.includes(`[${id}] GET`)), "no request that was answered");
			assert.ok(await until(() => s.workers().length === 1 && s.workers()[0] !== pid));
			t.diagnostic(lines[0].replace(/^\S+ /, ""));
		}
	}));
	test("between requests names none", () => own({ workers: 1 }, async (s) => {
		await s.get("/session"); // nobody else asked for that
		assert.ok(await until(() => / GET \S*\/session 200/.test(s.log())), "the request is over");
		await asleep(s);
		signal(s.workers()[0], "SIGSEGV");
		assert.ok(await until(() => NAME(11).test(s.log())));
		assert.ok(!/request [A-Za-z0-9]{12}/.test(s.log().split("\n").find((l) => NAME(11).test(l))));
	}));
	test("its place is taken at once", () => own({ workers: 1 }, async (s) => {
		const took = []; // a host that is busy with something else can only make it longer: the best of three counts
		do {
			await wait(2200); // not young any more
			const began = performance.now();
			signal(s.workers()[0], "SIGKILL");
			eq((await s.get("/ok")).status, 200);
			took.push(Math.round(performance.now() - began));
		} while (took.length < 3 && took.at(-1) >= 1000);
		assert.ok(took.at(-1) < 1000, `${took.join(", ")} ms`);
	}));
});

describe("a worker that hangs", { skip: !IS_ROOT && "needs root: who has the request is seen in /proc" }, () => {
	for (const [when, inBody] of [["in the middle of a body", true], ["the moment it has accepted", false]]) test(`${when} is killed and replaced after limits.request and a little; the others serve`, (t) => own({ workers: 3, set: { "limits.request": "6s" } }, async (s) => {
		const u = await s.user(), [first] = halfSent(s), part = inBody ? first : first.subarray(0, 60);
		await asleep(s); // all are idle
		const began = performance.now();
		const rest = gate(), { pid, held } = await whoTakes(s, async () => { const done = exchange(s.socket, [part, rest], { timeout: 60_000 }); if (inBody) await rest.reached; return { done }; });
		if (inBody) await asleep(s);
		signal(pid, "SIGSTOP");
		let slowest = 0, served = 0;
		while (!gone(pid) && performance.now() - began < 16_000) {
			const r = await s.get("/session", { cookie: u.cookie });
			eq(r.status, 200); eq(r.json?.user.id, u.id); slowest = Math.max(slowest, r.ms); served++;
			await wait(20);
		}
		const took = performance.now() - began;
		if (!gone(pid)) { signal(pid, "SIGCONT"); await held.done; }
		assert.ok(took > 6000 && took < 16_000, `killed after ${Math.round(took)} ms`);
		eq((await held.done).stdout.length, 0);
		assert.ok(await until(() => s.workers().length === 3), "and replaced");
		const line = s.log().split("\n").find((l) => /stuck/.test(l));
		assert.match(line ?? "", inBody ? /stuck in request [A-Za-z0-9]{12}\b/ : /stuck/);
		assert.ok(slowest < took / 2, `the slowest other: ${Math.round(slowest)} ms`);
		t.diagnostic(`killed after ${Math.round(took)} ms, ${served} served meanwhile, the slowest in ${Math.round(slowest)} ms: ${line.replace(/^\S+ /, "")}`);
	}));
	test("stopped for a moment it goes on, and the request is answered", () => own({ workers: 1, set: { "limits.request": "30s" } }, async (s) => { // a third of it for arriving
		const [first, second] = halfSent(s), [pid] = s.workers(), rest = gate(), held = exchange(s.socket, [first, rest, second], { timeout: 30_000 });
		await rest.reached; await asleep(s);
		signal(pid, "SIGSTOP"); await wait(750); rest.go(); await wait(750); signal(pid, "SIGCONT");
		eq(parseAnswer((await held).stdout).status, 200);
		eq(s.workers()[0], pid);
	}));
	test("one that is stopped while idle is no hanging one", () => own({ workers: 2, set: { "limits.request": "1s" } }, async (s) => {
		const [pid] = s.workers();
		await asleep(s); // the request that found it ready is over
		signal(pid, "SIGSTOP"); await wait(4500);
		eq(gone(pid), false); signal(pid, "SIGCONT"); eq((await s.get("/ok")).status, 200);
		assert.ok(!/stuck/.test(s.log()));
	}));
});

test("workers retire after pool.requests requests, and nothing is lost", (t) => own({ workers: 4, set: { ...quiet, "pool.requests": "0" } }, async (s) => {
	const l = await new Load(s).begin();
	await l.calm();
	const before = l.seen.asked;
	await reload(s, { "pool.requests": "50" });
	const seen = new Set(s.workers());
	await every(20, SOAK / 2, () => { for (const p of s.workers()) seen.add(p); });
	await l.stop();
	l.judge(t); l.share(t);
	const most = (l.seen.asked - before) / 50;
	t.diagnostic(`${seen.size} workers were seen`);
	assert.ok(seen.size > Math.min(40, most / 4) && seen.size <= most + 4, `${seen.size} workers for ${l.seen.asked - before} requests`);
	await l.allIn();
	assert.ok(!/was ended by signal|ended with status/.test(s.log()), "retiring is no failure");
	assert.ok(await until(() => s.workers().length === 4));
}));
test("pool.requests 0: they stay", () => own({ workers: 2, set: { ...quiet, "pool.requests": "0" } }, async (s) => {
	const before = s.workers().join();
	for (let i = 0; i < 20; i++) await Promise.all(times(20, () => s.get("/ok")));
	eq(s.workers().join(), before);
}));

test("a storm of signals under load: nothing is lost, nobody dies of it, TERM ends all in time (S102)", (t) => own({ workers: 4, set: { ...quiet, "jobs.every": "1s" } }, async (s) => {
	const NAMES = ["SIGHUP", "SIGCHLD", "SIGALRM", "SIGUSR1", "SIGWINCH", "SIGCONT"], l = await new Load(s, { status: [200, 503] }).begin(), master = s.master();
	let sent = 0;
	// a reload replaces the pool: at most 20 a second, so that workers live long enough to be hit by the rest
	const send = (n) => { for (const pid of [master, ...children(master)]) for (const name of NAMES) if (name !== "SIGHUP" || n % 10 === 0) sent += signal(pid, name); };
	await every(5, SOAK, send);
	for (const end = performance.now() + 60_000; l.seen.asked < 2000 && performance.now() < end;) await every(5, 0.5, send); // so many that a few of 503 mean something
	await l.stop();
	eq(s.log().match(/ended by signal.*/), null); eq(s.log().match(/ended with status.*/), null); eq(s.log().match(/ended in the \w+|too slow.*/), null, "no request was cut");
	t.diagnostic(`${sent} signals`);
	l.judge(t, { least: 20 * SOAK / PATIENCE });
	assert.ok((l.seen.status[503] ?? 0) <= l.seen.asked / 500, "next to none is told to come again");
	await l.allIn();
	eq(gone(master), false);
	const all = [master, ...children(master)];
	const storm = (async () => { while (!gone(master)) { for (const pid of all) for (const name of NAMES) signal(pid, name); await wait(2); } })();
	const ms = await s.halt("SIGTERM", 20_000);
	await storm;
	assert.ok(ms !== null && ms < 5000 * PATIENCE, `ended after ${ms} ms`);
	assert.ok(all.every(gone), "nobody is left");
	await s.launch();
	await l.allIn();
}));
test("the log stays sound while it is opened anew", () => own({ workers: 2 }, async (s) => {
	for (let i = 0; i < 50; i++) { signal(s.master(), "SIGUSR1"); await Promise.all(times(4, () => s.get("/ok"))); }
	for (const line of s.log().trim().split("\n")) assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z (error|warn |info |debug) /);
}));
