// Whether the times of answers of several kinds tell them apart. Kinds in turns, so that a busy host is the same for all; what is
// told are medians. RACES=1: a thousand of each kind instead of two hundred.
import { assert, times } from "./server.mjs";

export const PAIRS = Number(process.env.RACES ?? 0) >= 1 ? 1000 : 200, WITHIN = 2, HIGH = "1000000/1000s";
const RESAMPLES = 1000;
const middle = (sorted) => (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
const median = (list) => middle(Float64Array.from(list).sort());
/** Between which two numbers 95 in 100 differences of the medians lie if what was measured is drawn anew. */
function interval(a, b) {
	const drawn = (list) => middle(Float64Array.from(list, () => list[Math.floor(Math.random() * list.length)]).sort());
	const all = times(RESAMPLES, () => drawn(a) - drawn(b)).sort((x, y) => x - y);
	return [all[Math.floor(0.025 * RESAMPLES)], all[Math.floor(0.975 * RESAMPLES)]];
}
/** ms of each kind, PAIRS times; who comes first changes with each turn. check gets each answer and the first of all. */
async function measure(kinds, check) {
	const names = Object.keys(kinds), ms = Object.fromEntries(names.map((k) => [k, []]));
	let first;
	for (let i = -5; i < PAIRS; i++) for (const k of times(names.length, (n) => names[(n + i + names.length * 5) % names.length])) {
		const r = await kinds[k](Math.max(i, 0));
		check(r, first ??= r, k);
		if (i >= 0) ms[k].push(r.ms);
	}
	return ms;
}
/** A host that does something else for a while in the middle of it gets a second chance, and no third. */
export async function alike(t, make, check) {
	for (const last of [false, true]) {
		const ms = await measure(await make(), check), [first, ...others] = Object.keys(ms), bad = [];
		for (const k of others) {
			const [low, high] = interval(ms[k], ms[first]);
			t.diagnostic(`${k}: ${median(ms[k]).toFixed(2)} ms, ${first}: ${median(ms[first]).toFixed(2)} ms, difference ${low.toFixed(2)} to ${high.toFixed(2)} ms`);
			if (low < -WITHIN || high > WITHIN) bad.push(`${k} against ${first}: ${low.toFixed(2)} to ${high.toFixed(2)} ms`);
		}
		if (last) assert.deepEqual(bad, []);
		if (!bad.length) return;
	}
}
