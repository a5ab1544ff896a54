// What the time of a refused sign-in tells while limits count: nothing, not even where a hash costs so little that it hides no
// query. Kinds in turns, so that a busy host is the same for all; what is told are medians. RACES=1: a thousand of each kind
// instead of two hundred.
import { after, test } from "node:test";
import { PASSWORD, PATIENCE, assert, eq, fails, newEmail, start, times } from "./server.mjs";

const PAIRS = Number(process.env.RACES ?? 0) >= 1 ? 1000 : 200, WITHIN = 2, RESAMPLES = 1000, WRONG = "wrong-horse-1", HIGH = "1000000/1000s";
const s = await start({ workers: 1, set: { "jobs.every": "0", "log.access": "off", "password.scrypt": "10,1,1", "limits.sign_in": HIGH, "limits.total": HIGH, "limits.account": "1000000" } });
after(() => s.stop());

const middle = (sorted) => (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
const median = (list) => middle(Float64Array.from(list).sort());
/** Between which two numbers 95 in 100 differences of the medians lie if what was measured is drawn anew. */
function interval(a, b) {
	const drawn = (list) => middle(Float64Array.from(list, () => list[Math.floor(Math.random() * list.length)]).sort());
	const all = times(RESAMPLES, () => drawn(a) - drawn(b)).sort((x, y) => x - y);
	return [all[Math.floor(0.025 * RESAMPLES)], all[Math.floor(0.975 * RESAMPLES)]];
}
/** ms of each kind, PAIRS times; who comes first changes with each turn. */
async function measure(kinds) {
	const names = Object.keys(kinds), ms = Object.fromEntries(names.map((k) => [k, []]));
	let body;
	for (let i = -5; i < PAIRS; i++) for (const k of times(names.length, (n) => names[(n + i + names.length * 5) % names.length])) {
		const r = await kinds[k](Math.max(i, 0));
		fails(r, 401, "INVALID_EMAIL_OR_PASSWORD"); eq(body ??= r.raw.toString("latin1"), r.raw.toString("latin1"), k);
		if (i >= 0) ms[k].push(r.ms);
	}
	return ms;
}
/** A host that does something else for a while in the middle of it gets a second chance, and no third. */
async function alike(t, make) {
	for (const last of [false, true]) {
		const ms = await measure(await make()), [first, ...others] = Object.keys(ms), bad = [];
		for (const k of others) {
			const [low, high] = interval(ms[k], ms[first]);
			t.diagnostic(`${k}: ${median(ms[k]).toFixed(2)} ms, ${first}: ${median(ms[first]).toFixed(2)} ms, difference ${low.toFixed(2)} to ${high.toFixed(2)} ms`);
			if (low < -WITHIN || high > WITHIN) bad.push(`${k} against ${first}: ${low.toFixed(2)} to ${high.toFixed(2)} ms`);
		}
		if (last) assert.deepEqual(bad, []);
		if (!bad.length) return;
	}
}
const tries = (list, password) => (i) => s.signIn(list[i % list.length], { password });
async function users(n, disabled) {
	const list = [];
	for (let i = 0; i < n; i++) list.push((await s.user({ password: PASSWORD }, { headers: { "x-forwarded-for": "192.0.2.1" } })).email);
	if (disabled) s.sql(`UPDATE latchkey_user SET disabledAt = ${s.time(Date.now())} WHERE userId IN (SELECT id FROM ${s.db ? "user" : "`user`"} WHERE email IN (${list.map((e) => `'${e}'`)}))`);
	return list;
}
const kinds = async (n) => ({ "unknown e-mail": tries(times(n, newEmail), WRONG), "wrong password": tries(await users(n), WRONG), "disabled, right password": tries(await users(n, true), PASSWORD), "disabled, wrong password": tries(await users(n, true), WRONG) });

test(`tried again and again: within ${WITHIN} ms`, { timeout: 600_000 * PATIENCE }, (t) => alike(t, () => kinds(1)));
test(`tried for the first time: within ${WITHIN} ms`, { timeout: 600_000 * PATIENCE }, (t) => alike(t, () => kinds(PAIRS)));
