// The flood of flood.test.mjs, a program of its own so that the measuring client is not kept waiting by it: so many clients
// sign in over HTTP without pause; whom 503 turns away comes again after Retry-After, but at most `rest` ms. Begins and ends
// when it is told; prints what it saw. Another host would do this, hence the low priority.
import http from "node:http";
import os from "node:os";
import { performance } from "node:perf_hooks";

os.setPriority(19);
const { base, origin, email, password, rest } = JSON.parse(process.argv[2]), agent = new http.Agent({ keepAlive: true, maxSockets: 2000 });
const body = JSON.stringify({ email, password });
let seen, on = false, all = Promise.resolve();
const ask = () => new Promise((resolve) => {
	const began = performance.now(), done = (status, after) => resolve({ status, after, ms: performance.now() - began });
	const r = http.request(`${base}/sign-in/email`, { agent, method: "POST", headers: { origin, "content-type": "application/json", "content-length": Buffer.byteLength(body) } }, (res) => res.resume().on("end", () => done(res.statusCode, res.headers["retry-after"])).on("error", () => done(0)));
	r.on("error", (e) => done(e.code)).end(body);
});
async function client() {
	while (on) {
		const r = await ask();
		(seen.ms[r.status] ??= []).push(Math.round(r.ms * 10) / 10);
		if (r.status === 200 && on) seen.inTime++;
		if (r.status === 503 && !/^[1-9]\d*$/.test(r.after ?? "")) seen.bare++;
		if (r.status !== 200) await new Promise((f) => setTimeout(f, Math.min(rest, Number(r.after ?? 1) * 1000)));
	}
}
process.on("message", async (m) => {
	if (m.count) seen = { ms: {}, inTime: 0, bare: 0, began: performance.now() }; // it is in full flow
	if (m.begin) { seen = { ms: {}, inTime: 0, bare: 0, began: performance.now() }; on = true; all = Promise.all(Array.from({ length: m.begin }, client)); }
	if (m.once) { seen = { ms: {}, inTime: 0, bare: 0 }; for (const r of await Promise.all(Array.from({ length: m.once }, ask))) (seen.ms[r.status] ??= []).push(r.ms); process.send(seen); }
	if (m.end) { const seconds = (performance.now() - seen.began) / 1000; on = false; const inTime = seen.inTime; await all; process.send({ ...seen, inTime, seconds }); }
	if (m.quit) process.exit(0);
});
