// What workers cost: the sum of the PSS of 8 of them (each shared page divided by its sharers) is at most 8 MiB, new and used.
import { after, test } from "node:test";
import fs from "node:fs";
import { assert, start, times } from "./server.mjs";

const s = await start({ workers: 8 });
after(() => s.stop());
const skip = process.env.SANITIZED === "1" && "sanitizers need memory of their own";
const pss = () => s.workers().reduce((sum, pid) => sum + Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]), 0);
/** KiB; null where the workers' memory is closed to us, because only root may look into another process. */
function measure(t) {
	try { return pss(); } catch (e) { if (e.code !== "EACCES") throw e; t.skip("needs root"); return null; }
}
test("8 idle workers take at most 8 MiB", { skip }, (t) => {
	const kib = measure(t);
	if (kib === null) return;
	t.diagnostic(`PSS of 8 idle workers: ${kib} KiB`);
	assert.ok(kib > 0 && kib <= 8192, `${kib} KiB`);
});
test("what they keep after use is bounded: 10,000 more requests add next to nothing", { skip }, async (t) => {
	const u = await s.user(), use = async (n) => { for (let i = 0; i < n; i += 20) await Promise.all(times(20, (k) => s.get(k % 2 ? "/session" : "/sessions", { cookie: u.cookie }))); };
	await use(4000);
	const before = measure(t);
	if (before === null) return;
	await use(10_000);
	const then = measure(t);
	t.diagnostic(`PSS of 8 workers after 4,000 requests: ${before} KiB, after 14,000: ${then} KiB`);
	assert.ok(then <= before * 1.1 + 256 && then <= 8192, `${before} → ${then} KiB`);
});
