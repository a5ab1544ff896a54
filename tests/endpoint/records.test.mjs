// FastCGI records that no web server sends (S76, S79, S83). libfcgi reads them; of its known faults (partial environments,
// aborts on huge lengths and repeated GET_VALUES) none may reach another request, and a lost worker is replaced.
import { after, describe, test } from "node:test";
import { ABORT, AUTHORIZER, BEGIN, DATA, FILTER, GET_VALUES, PARAMS, STDIN, UNKNOWN_TYPE, ask, begin, environment, exchange, pair, params, parseAnswer, record, request, stream } from "./fcgi.mjs";
import { PASSWORD, PATIENCE, assert, eq, newEmail, ok, start, times, until, wait } from "./server.mjs";

/** A server with a user, and what is asked of them all the time. */
async function world(limit) {
	const s = await start({ workers: 2, set: { "limits.request": limit, "database.timeout": "1s" } });
	after(() => s.stop());
	const u = await s.user(), good = (o = {}) => s.parts("GET", "/session", { cookie: u.cookie, ...o });
	const served = async () => eq((await s.get("/session", { cookie: u.cookie })).json?.user.id, u.id);
	const pids = s.workers().sort().join();
	const workersLive = async () => { await served(); eq(s.workers().sort().join(), pids, "the workers live"); };
	return { s, u, good, served, workersLive };
}
const { s, u, good, served, workersLive } = await world("3s"), patient = await world("30s");

describe("whole requests, oddly cut", () => {
	const { s, u, good, workersLive } = patient; // none of them is to be cut because we are slow
	test("at any byte", async () => {
		const whole = request({ ...s.parts("POST", "/sign-in/email", { json: { email: u.email, password: PASSWORD } }) });
		for (let i = 1; i < whole.length; i += 7) {
			const r = await ask(s.socket, [whole.subarray(0, i), 1, whole.subarray(i)]);
			eq(r.status, 200);
		}
		await workersLive();
	});
	test("into records of one byte", async () => eq((await ask(s.socket, [request({ ...s.parts("POST", "/sign-in/email", { json: { email: u.email, password: PASSWORD } }), cut: 1 })])).status, 200));
	// not on the first record: libfcgi refuses padding there
	test("with padding of any length", async () => {
		for (const padding of [0, 1, 7, 8, 255]) eq((await ask(s.socket, [begin(), params(environment(good()), { padding }), stream(STDIN, "", { padding })])).json.user.id, u.id, padding);
	});
	test("with four-byte lengths for short strings", async () => {
		const list = Buffer.concat(environment(good()).map(([k, v]) => pair(k, v, { long: true })));
		eq((await ask(s.socket, [begin(), stream(PARAMS, list), stream(STDIN, "")])).json.user.id, u.id);
	});
	test("with any request id", async () => { for (const id of [1, 2, 255, 256, 65535]) eq((await ask(s.socket, [request({ ...good(), id })])).json.user.id, u.id); });
	test("asking to keep the connection", async () => {
		const r = await exchange(s.socket, [request({ ...good(), keep: true })], { untilClose: true });
		assert.match(r.stdout.toString(), /^Status: 200/); eq(r.state, "closed", "one connection, one request");
	});
	test("two requests in one go: the second is not served, nothing breaks", async () => {
		await exchange(s.socket, [Buffer.concat([request({ ...good(), keep: true }), request({ ...good(), keep: true })])], { untilClose: true });
		await workersLive();
	});
});
describe("requests that are none", () => {
	// nothing at all, or an error answer; never somebody's session
	const nothing = async (chunks, o) => {
		const r = await exchange(s.socket, chunks, { timeout: 6000 * PATIENCE, ...o });
		assert.ok(!r.stdout.includes(u.email), "no session is shown");
		return r;
	};
	test("cut off in the middle, at every place", async () => {
		const whole = request(s.parts("POST", "/revoke-sessions", { json: {}, cookie: (await s.user()).cookie }));
		for (let i = 0; i < whole.length - 8; i += 11) await nothing([whole.subarray(0, i)], { half: true });
		await workersLive();
	});
	test("cut off among the parameters: half of them are not a request", async () => {
		const v = await s.user(), list = environment(s.parts("POST", "/revoke-sessions", { json: {}, cookie: v.cookie }));
		for (let n = 1; n < list.length; n++) {
			const r = await nothing([begin(), record(PARAMS, Buffer.concat(list.slice(0, n).map(([k, x]) => pair(k, x))))], { half: true });
			eq(r.stdout.length, 0);
		}
		eq(await s.alive(v.cookie), true);
		await workersLive();
	});
	test("aborted among the parameters and in the body", async () => {
		const v = await s.user(), parts = s.parts("POST", "/revoke-sessions", { json: {}, cookie: v.cookie }), list = environment(parts);
		await nothing([begin(), record(PARAMS, Buffer.concat(list.slice(0, 5).map(([k, x]) => pair(k, x)))), record(ABORT)], { half: true });
		const body = JSON.stringify({ name: "A", email: newEmail(), password: PASSWORD });
		await nothing([begin(), params(environment(s.parts("POST", "/sign-up/email", { body, headers: { "content-type": "application/json" } }))), record(STDIN, body.slice(0, 10)), record(ABORT)], { half: true });
		eq(await s.alive(v.cookie), true);
		await workersLive();
	});
	test("without REQUEST_METHOD", async () => {
		for (const env of [{ REQUEST_METHOD: undefined }, { REQUEST_METHOD: "" }]) eq((await ask(s.socket, [request({ ...good(), env })])).status, 400);
		eq((await ask(s.socket, [begin(), record(PARAMS), record(STDIN)])).status, 400);
		await workersLive();
	});
	test("without REQUEST_URI, or one that is no path", async () => {
		for (const REQUEST_URI of [undefined, "", "*", "?", "auth/ok", "http://", "http:///auth/ok", "\\auth\\ok"]) { const r = await ask(s.socket, [request({ ...good(), env: { REQUEST_URI } })]); assert.ok([400, 404, 200].includes(r.status)); }
		await workersLive();
	});
	test("of another role", async () => {
		for (const role of [FILTER, 0, 4, 7, 65535]) await nothing([request({ ...good(), role })], { half: true });
		// an authorizer is served as a responder until it has something to authorize
		const r = await nothing([begin({ role: AUTHORIZER }), params(environment(s.parts("GET", "/ok")))], { timeout: 3000 });
		assert.ok(r.state !== "timeout", "an authorizer's request has no body to wait for");
		await workersLive();
	});
	test("of another version, an unknown type, a stray record", async () => {
		const tries = [...[0, 2, 255].map((version) => request({ ...good(), version })), ...[0, UNKNOWN_TYPE, 12, 77, 255].map((type) => Buffer.concat([record(type, "xxxxxxxx"), request(good())])),
			...[PARAMS, STDIN, DATA, ABORT, 3].map((type) => Buffer.concat([record(type, "x"), request(good())])), Buffer.concat([begin(), begin({ id: 2 }), params(environment(good())), stream(STDIN, "")])];
		// dropped, or answered as if the odd record were not there
		for (const t of tries) { const r = await exchange(s.socket, [t], { half: true, timeout: 6000 * PATIENCE }); if (r.stdout.length) eq(parseAnswer(r.stdout).json.user.id, u.id); }
		await workersLive();
	});
});
describe("parameters", () => {
	test("that come twice where one is meant are refused, not chosen from", async () => {
		for (const name of ["REMOTE_ADDR", "REQUEST_METHOD", "REQUEST_URI", "CONTENT_TYPE", "CONTENT_LENGTH"]) {
			const list = environment(s.parts("POST", "/sign-out", { json: {} }));
			eq((await ask(s.socket, [begin(), params([...list, [name, (list.find(([k]) => k === name) ?? [0, "x"])[1]]]), stream(STDIN, "{}")])).status, 400, name);
		}
	});
	test("several Cookie fields are one", async () => eq((await s.get("/session", { headers: { cookie: ["a=1", u.cookie, "b=2"] } })).json.user.id, u.id));
	test("with empty names, without values, with '=' in the name", async () => {
		for (const extra of [["", ""], ["", "x"], ["=", "x"], ["HTTP_COOKIE=a", "b"], ["REQUEST_METHOD=POST", ""], ["X", ""]]) {
			const r = await ask(s.socket, [begin(), params([...environment(good()), extra]), stream(STDIN, "")]);
			assert.ok([200, 400].includes(r.status), JSON.stringify(extra));
		}
		await workersLive();
	});
	test("of 10,000 and of a megabyte are refused", async () => {
		eq((await ask(s.socket, [begin(), params([...environment(good()), ...times(10_000, (i) => [`HTTP_X_${i}`, "1"])]), stream(STDIN, "")])).status, 431);
		eq((await ask(s.socket, [begin(), params([...environment(good()), ["HTTP_X", "x".repeat(1 << 20)]]), stream(STDIN, "")])).status, 431);
		await workersLive();
	});
	test("whose lengths lie", async () => {
		const list = Buffer.concat(environment(good()).map(([k, v]) => pair(k, v)));
		for (const claim of [200, 65536, 1 << 20]) {
			const r = await exchange(s.socket, [begin(), stream(PARAMS, Buffer.concat([list, pair("HTTP_X", "short", { claim })])), stream(STDIN, "")], { half: true, timeout: 6000 * PATIENCE });
			assert.ok(!r.stdout.includes(u.email));
		}
		await until(async () => (await s.get("/ok")).status === 200);
		await served();
	});
});
// These may cost a worker (they are faults of libfcgi, and only who may open the socket can cause them), never the service.
// A sanitizer would report the library's faults as ours.
const theirs = { skip: process.env.SANITIZED === "1" && "a known fault of libfcgi" };
describe("the service survives", () => {
	const survives = async (chunks) => {
		await exchange(s.socket, chunks, { half: true, timeout: 6000 * PATIENCE }).catch(() => {});
		assert.ok(await until(async () => { try { return (await s.get("/session", { cookie: u.cookie })).json?.user.id === u.id; } catch { return false; } }, 12_000), "served again");
		assert.ok(await until(() => s.workers().length === 2, 15_000), "as many workers as before");
	};
	test("lengths of gigabytes", theirs, async () => { for (const claim of [0x40000000, 0x7fffffff]) await survives([begin(), stream(PARAMS, Buffer.concat([pair("A", "b", { claim })])), stream(STDIN, "")]); });
	test("rubbish", theirs, async () => {
		for (const junk of ["", "\0", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\x00", "a".repeat(70000), Buffer.alloc(70000), Buffer.alloc(70000, 0xff)]) await survives([Buffer.from(junk)]);
		let seed = 1;
		const random = (n) => Buffer.from(times(n, () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16 & 255));
		for (let i = 0; i < 200; i++) await exchange(s.socket, [Buffer.concat([begin(), record(1 + (i % 11), random(i), { padding: i % 9 })])], { half: true, timeout: 6000 * PATIENCE });
		await survives([]);
	});
	test("GET_VALUES with repeated names", theirs, async () => survives([record(GET_VALUES, Buffer.concat(times(40, () => pair("FCGI_MPXS_CONNS", ""))), { id: 0 }), request(good())]));
	test("GET_VALUES alone", async () => survives([record(GET_VALUES, pair("FCGI_MAX_CONNS", ""), { id: 0 })]));
	test("200 peers that connect and leave", async () => {
		await Promise.all(times(200, () => exchange(s.socket, [], { half: true, timeout: 8000 * PATIENCE }).catch(() => {})));
		await survives([]);
	});
	test("2,000 peers that leave in the middle of the answer: no descriptor is lost", async () => {
		const { readdirSync } = await import("node:fs");
		const open = () => { try { return s.workers().map((p) => readdirSync(`/proc/${p}/fd`).length); } catch { return null; } };
		const before = open();
		for (let i = 0; i < 40; i++) await Promise.all(times(50, () => exchange(s.socket, [request(good()), (k) => k.destroy()], { timeout: 8000 * PATIENCE }).catch(() => {})));
		await survives([]);
		await wait(100);
		if (before) assert.ok(Math.max(...open()) <= Math.max(...before) + 2, `${before} → ${open()}`);
	});
});
