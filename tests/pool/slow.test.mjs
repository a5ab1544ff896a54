// Slow clients and kept connections against a whole pool (S78): they cost what they hold for one deadline, and no more.
import { describe, test } from "node:test";
import { exchange, begin, environment, params, stream, STDIN, END } from "../endpoint/fcgi.mjs";
import { IS_ROOT, Load, PATIENCE, assert, atRest, bytesOf, descriptors, eq, looks, median, own, proc, quantile, spread, talk, times, until, wait } from "./pool.mjs";

const LIMIT = 2000, set = { "log.access": "off", "limits.request": `${LIMIT / 1000}s` };
const trickle = (bytes, ms) => [...bytes].flatMap((b) => [Buffer.from([b]), ms]);

describe("8 clients that send a byte a second, against 4 workers", () => {
	test("once: others are served within the deadline, and at once afterwards", (t) => own({ workers: 4, set: { ...set, "limits.request": "6s" } }, async (s) => {
		const LIMIT = 6000, u = await s.user(), bytes = bytesOf(s, "GET", "/session", { cookie: u.cookie });
		const slow = times(8, () => exchange(s.socket, trickle(bytes, 1000), { timeout: 10 * LIMIT * PATIENCE, untilClose: true }));
		await wait(50);
		const others = await Promise.all(times(20, (i) => wait(i * 50).then(() => talk(s.socket, bytes))));
		for (const r of others) { eq(r.kind, "answer", r.why); eq(r.json?.user.id, u.id); }
		const ms = others.map((r) => r.ms);
		t.diagnostic(`others: ${spread(ms)}; deadline ${LIMIT} ms`);
		assert.ok(quantile(ms, 1) < LIMIT, spread(ms)); // 8 over 4 workers are two turns of a third of it
		for (const r of await Promise.all(slow)) { assert.notEqual(r.state, "timeout"); eq(r.stdout.length, 0); }
		for (let i = 0; i < 20; i++) { const r = await talk(s.socket, bytes); eq(r.kind, "answer"); assert.ok(r.ms < LIMIT / 3, `${r.ms} ms`); } // one that waited for a slow client would take a third
	}));
	test("again and again: others are served all the time", (t) => own({ workers: 4, set: { ...set, "limits.request": "3s" } }, async (s) => {
		let on = true, cut = 0;
		const l = await new Load(s, { clients: 4, step: looks }).begin(), bytes = bytesOf(s, "GET", "/ok");
		const slow = times(8, async () => { while (on) { await exchange(s.socket, trickle(bytes, 1000), { timeout: 20_000 * PATIENCE, untilClose: true }); cut++; } });
		await wait(8000);
		on = false;
		await l.stop(); await Promise.all(slow);
		l.judge(t, { least: 16 });
		assert.ok(cut >= 8, `${cut} were cut`);
		assert.ok(quantile(l.seen.ms, 1) < 6000, spread(l.seen.ms)); // two turns of a third of 3 s
		await l.allIn();
	}));
	test("clients that never take their answer hold others up no longer", (t) => own({ workers: 4, set }, async (s) => {
		const u = await s.user(), bytes = bytesOf(s, "GET", "/sessions", { cookie: u.cookie });
		const deaf = times(8, () => exchange(s.socket, [(k) => k.pause(), bytes, 2 * LIMIT, (k) => k.destroy()], { timeout: 10 * LIMIT, untilClose: true }));
		await wait(100);
		const ms = [];
		for (let i = 0; i < 40; i++) { const r = await talk(s.socket, bytes); eq(r.status, 200); ms.push(r.ms); }
		t.diagnostic(`others: ${spread(ms)}`);
		assert.ok(median(ms) < LIMIT / 4 * PATIENCE && quantile(ms, 1) < (2 * LIMIT + 500) * PATIENCE, spread(ms));
		await Promise.all(deaf);
	}));
});

test("1,000 requests that ask to keep the connection: no descriptor is left open", { skip: !IS_ROOT && "needs root: descriptors are seen in /proc" }, (t) => own({ workers: 3, set }, async (s) => {
	const u = await s.user(), kept = (p) => { const o = s.parts("GET", p, { cookie: u.cookie }); return Buffer.concat([begin({ keep: true }), params(environment(o)), stream(STDIN, "")]); };
	const use = async (n) => { for (let i = 0; i < n; i += 10) for (const r of await Promise.all(times(10, (k) => talk(s.socket, kept(k % 2 ? "/session" : "/ok"))))) eq(r.status, 200); };
	await use(100);
	assert.ok(await until(() => s.workers().every((p) => descriptors(p) >= 5)));
	const pids = s.workers().join(), before = await atRest(s);
	await use(1000);
	const after = await atRest(s);
	t.diagnostic(`descriptors of the workers: ${before} before, ${after} after`);
	eq(s.workers().join(), pids); eq(after, before);
	// and when the peer keeps its side open
	const open = await Promise.all(times(30, () => exchange(s.socket, [kept("/ok"), 300], { untilClose: true, timeout: 10_000 })));
	for (const r of open) { eq(r.state, "closed", "closed by the worker, whatever was asked"); assert.ok(r.records.some((x) => x.type === END)); }
	eq(await atRest(s), before);
}));
test("connections that come and go without a word leave nothing behind", { skip: !IS_ROOT && "needs root: descriptors are seen in /proc" }, () => own({ workers: 2, set }, async (s) => {
	await Promise.all(times(10, () => s.get("/ok")));
	const rss = () => s.workers().map((p) => Number(/^RssAnon:\s+(\d+)/m.exec(proc(p, "status"))[1])).reduce((a, b) => a + b);
	const use = async (n) => { for (let i = 0; i < n; i++) await Promise.all(times(20, (k) => exchange(s.socket, [Buffer.from([1, k, 0, 1].slice(0, k % 5)), (x) => x.destroy()], { timeout: 5000 }))); };
	await use(20);
	const pids = s.workers().join(), before = await atRest(s), kib = rss();
	await use(50);
	eq(await atRest(s), before, "all closed");
	eq(s.workers().join(), pids); assert.ok(rss() <= kib + 512, `${kib} → ${rss()} KiB`);
	eq((await s.get("/ok")).status, 200);
}));
