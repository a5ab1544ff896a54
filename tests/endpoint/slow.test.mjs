// Slow and silent peers (S78): a request has to be there within a third of limits.request, however it trickles, and
// meanwhile the other workers serve.
import { after, describe, test } from "node:test";
import { begin, environment, exchange, params, record, request, STDIN } from "./fcgi.mjs";
import { PASSWORD, PATIENCE, assert, eq, newEmail, start, times, until } from "./server.mjs";

const LIMIT = 9000;
const s = await start({ workers: 2, set: { "limits.request": `${LIMIT / 1000}s`, "database.timeout": "1s" } });
after(() => s.stop());

const trickle = (buffer, ms) => [...buffer].flatMap((b) => [Buffer.from([b]), ms]);
const body = JSON.stringify({ name: "A", email: newEmail(), password: PASSWORD });
const head = environment(s.parts("POST", "/sign-up/email", { body, headers: { "content-type": "application/json" } }));
const whole = Buffer.concat([begin(), params(head), record(STDIN, body), record(STDIN)]);

/** A peer that never finishes is cut in time, while others are served. */
async function cut(chunks, o = {}) {
	const slow = exchange(s.socket, chunks, { timeout: 5 * LIMIT * PATIENCE, untilClose: true, ...o });
	let served = 0, worst = 0, done = false;
	slow.then(() => (done = true));
	while (!done) {
		const r = await s.get("/ok");
		eq(r.status, 200); worst = Math.max(worst, r.ms); served++;
		await new Promise((f) => setTimeout(f, 20));
	}
	const r = await slow;
	assert.notEqual(r.state, "timeout", "the peer was not cut");
	assert.ok(r.ms >= LIMIT * 0.3 && r.ms < LIMIT * PATIENCE, `cut after ${Math.round(r.ms)} ms`);
	assert.ok(served > 5 && worst < LIMIT / 3 * PATIENCE, `${served} others served, the slowest in ${Math.round(worst)} ms`);
	return r;
}
describe("a peer is cut that", () => {
	test("sends its parameters byte by byte", async () => eq((await cut(trickle(whole, 50))).stdout.length, 0));
	test("sends half a header and is silent", async () => eq((await cut([whole.subarray(0, 5), 60_000])).stdout.length, 0));
	test("sends half of its parameters and is silent", async () => eq((await cut([whole.subarray(0, 100), 60_000])).stdout.length, 0));
	test("sends its body byte by byte", async () => cut([Buffer.concat([begin(), params(head)]), ...trickle(record(STDIN, body), 100)]));
	test("sends half of its body and is silent", async () => cut([Buffer.concat([begin(), params(head), record(STDIN, body.slice(0, 20))]), 60_000]));
	test("sends a record now and then, each in time", async () => cut([Buffer.concat([begin(), params(head)]), ...times(40, (i) => [record(STDIN, body[i]), 300]).flat()]));
	test("connects and says nothing", async () => cut([60_000]));
});
test("nobody signed up by half a request", () => eq(s.sql("SELECT COUNT(*) FROM user"), "0"));
test("a slow peer within the limit is served", async () => {
	const patient = await start({ workers: 1, set: { "limits.request": "15s" } });
	try {
		const r = await exchange(patient.socket, [whole.subarray(0, 30), 300, whole.subarray(30, 200), 300, whole.subarray(200)]);
		assert.match(r.stdout.toString(), /^Status: 200\b/);
	} finally { await patient.stop(); }
});
test("a peer that does not take its answer holds no worker", async () => {
	const pids = s.workers();
	// 2 workers, 6 such peers: each sends a request and never reads
	await Promise.all(times(6, () => exchange(s.socket, [(k) => k.pause(), request(s.parts("GET", "/ok")), LIMIT, (k) => k.destroy()], { timeout: 2 * LIMIT, untilClose: true })).concat(
		until(async () => (await s.get("/ok")).status === 200)));
	eq((await s.get("/ok")).status, 200);
	eq(s.workers().join(), pids.join());
});
