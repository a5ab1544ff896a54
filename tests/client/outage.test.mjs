// Twenty browsers that poll lose the server for a minute. The minute is one of their clocks, which the test moves; the
// requests are real, and so is the server that is stopped and started. Each browser's chances are drawn from a seed of its own.
import { after, describe, test } from "node:test";
import { assert, eq, times } from "../endpoint/server.mjs";
import { carry, openBrowser, site, tab, until } from "./browser.mjs";

const CLIENTS = 20, INTERVAL = 5, OUTAGE = 60_000, STEP = 500, LONGEST = 300_000;
const s = await site({ workers: 4 });
const chromium = await openBrowser();
after(async () => { await chromium.close(); await s.stop(); });

/** Before anything of the page runs: random numbers that are the same in each run (mulberry32), and a count of what is under way. */
function prepareWith(seed) {
	let a = seed;
	Math.random = () => {
		a = (a + 0x6d2b79f5) | 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	window.underWay = 0;
	const real = window.fetch;
	window.fetch = (...args) => { window.underWay++; return real(...args).finally(() => { window.underWay--; }); };
}
async function client(i) {
	const person = await chromium.person(), who = await s.user({ name: `User ${i}` });
	await carry(s, person, who);
	const t = await tab(s, person, { session: { refetchInterval: INTERVAL }, prepare: async (p) => { await p.clock.install(); await p.addInitScript(prepareWith, 1000 + i); } });
	await t.shows(`User ${i}`);
	// from here on its time is what the test makes it
	await t.clock.pauseAt(Date.now() + 3_600_000);
	await t.evaluate(() => { window.states.length = 0; });
	return t;
}
/** All move on by a step, and what they ask is answered before the next. Gives how many requests that were. */
async function step(tabs) {
	const before = tabs.reduce((n, t) => n + t.asked.length, 0);
	await Promise.all(tabs.map(async (t) => {
		await t.clock.runFor(STEP);
		assert.ok(await until(() => t.evaluate(() => window.underWay === 0)));
	}));
	return tabs.reduce((n, t) => n + t.asked.length, 0) - before;
}
const errors = (tabs) => Promise.all(tabs.map(async (t) => (await t.state()).error?.code ?? null));

describe(`${CLIENTS} browsers`, async () => {
	const tabs = await Promise.all(times(CLIENTS, client));
	const signOuts = () => Promise.all(tabs.map((t, i) => t.evaluate((name) => window.states.filter((x) => !x.isPending && x.data?.user.name !== name).length, `User ${i}`)));
	const returns = new Map();
	let load = [];

	test("are signed in and poll", async () => {
		const before = tabs.map((t) => t.asked.length);
		for (let at = 0; at < 2 * INTERVAL * 1000; at += STEP) await step(tabs);
		for (const [i, t] of tabs.entries()) eq(t.asked.length - before[i], 2, t.asked.join());
	});
	test("nobody is signed out while the server is away, and it is left alone more and more", async () => {
		await s.halt();
		for (let at = 0; at < OUTAGE; at += STEP) load.push(await step(tabs));
		assert.ok((await errors(tabs)).every((x) => x === "INVALID_RESPONSE"), "all have noticed (nginx answers 502)");
		const half = load.length / 2, sum = (part) => part.reduce((a, b) => a + b, 0);
		assert.ok(sum(load.slice(half)) < sum(load.slice(0, half)) / 2, load.join());
		// polls alone would be OUTAGE / INTERVAL each
		assert.ok(sum(load) < (CLIENTS * OUTAGE) / INTERVAL / 1000, `${sum(load)} requests`);
		assert.ok((await signOuts()).every((n) => n === 0));
	});
	test("all come back, and not all at once", async () => {
		await s.launch();
		load = [];
		for (let at = 0; returns.size < CLIENTS && at < LONGEST; at += STEP) {
			load.push(await step(tabs));
			for (const [i, error] of (await errors(tabs)).entries()) if (error === null && !returns.has(i)) returns.set(i, at);
		}
		const when = [...returns.values()], first = Math.min(...when), last = Math.max(...when), second = (ms) => Math.floor(ms / 1000);
		eq(when.length, CLIENTS);
		const most = Math.max(...when.map((x) => when.filter((y) => second(y) === second(x)).length));
		console.log(`returns from ${first / 1000} s to ${last / 1000} s, at most ${most} in one second`);
		assert.ok(last - first >= 10_000, `spread over ${last - first} ms`);
		assert.ok(most <= CLIENTS / 4, `${most} in one second: ${when.join()}`);
		assert.ok((await signOuts()).every((n) => n === 0));
	});
	test("and poll as before", async () => {
		// a poll just after a return is left out
		for (let at = 0; at < INTERVAL * 1000; at += STEP) await step(tabs);
		const before = tabs.map((t) => t.asked.length);
		for (let at = 0; at < 2 * INTERVAL * 1000; at += STEP) await step(tabs);
		for (const [i, t] of tabs.entries()) eq(t.asked.length - before[i], 2);
		assert.ok(tabs.every((t) => t.asked.slice(1).every((x) => x === "GET /session?disableRefresh=true")));
	});
});
