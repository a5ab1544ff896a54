// Workers die and whole programs restart; nobody is signed out by it (S23).
import { after, test } from "node:test";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BUILD, PATIENCE, asleep, assert, cleanEnv, eq, gone, newDir, start, times, until, wait } from "./server.mjs";
import { begin, environment, exchange, parseAnswer, params, request, stream, END, STDIN } from "./fcgi.mjs";

const s = await start({ workers: 4 });
after(() => s.stop());
const users = await Promise.all(times(10, () => s.user()));
const allIn = async () => { for (const u of users) eq((await s.get("/session", { cookie: u.cookie })).json?.user.id, u.id); };

test("kill -9 of all workers in the middle of traffic: every cookie works afterwards", async () => {
	let stop = false, served = 0, lost = 0, out = 0;
	const traffic = times(8, async (i) => {
		while (!stop) {
			try { const r = await s.get("/session", { cookie: users[i].cookie }); if (r.status === 200 && r.json === null) out++; else if (r.status === 200) served++; } catch { lost++; }
			await wait(1);
		}
	});
	for (let i = 0; i < 3; i++) {
		await wait(200);
		const before = s.workers();
		for (const pid of before) process.kill(pid, "SIGKILL");
		assert.ok(await until(() => s.workers().filter((p) => !before.includes(p)).length === 4, 15_000), "four new workers");
	}
	stop = true;
	await Promise.all(traffic);
	assert.ok(served > 50, `${served} served`); eq(out, 0, "nobody was told to be signed out"); assert.ok(lost <= 8 * 3 + 24, `${lost} requests lost`);
	await allIn();
});
test("TERM to a worker: it finishes, another takes its place", async () => {
	const [pid] = s.workers();
	process.kill(pid, "SIGTERM");
	assert.ok(await until(() => !s.workers().includes(pid) && s.workers().length === 4, 15_000));
	await allIn();
});
test("the program restarts with the same secret: everybody is still signed in", async () => {
	const master = s.master(), gone = () => !fs.existsSync(`/proc/${master}`) || /^State:\s*Z/m.test(fs.readFileSync(`/proc/${master}/status`, "utf8"));
	process.kill(master, "SIGTERM");
	assert.ok(await until(gone, 15_000), "the master ends");
	eq(fs.existsSync(s.socket), false, "and takes its socket along");
	const child = spawn(path.join(BUILD, "latchkey"), ["-c", s.conf], { stdio: "ignore", env: cleanEnv() });
	try {
		assert.ok(await until(async () => { try { return (await s.get("/ok")).status === 200; } catch { return false; } }));
		await allIn();
		// a second one does not steal a living socket
		assert.throws(() => execFileSync(path.join(BUILD, "latchkey"), ["-c", s.conf], { stdio: "ignore", env: cleanEnv(), timeout: 10_000 * PATIENCE }), (e) => e.status > 0);
		await allIn();
	} finally {
		const ended = new Promise((r) => child.on("exit", (code) => r(code)));
		child.kill("SIGTERM");
		eq(await ended, 0);
	}
});
test("another secret is refused: it would sign everybody out", () => {
	const kept = fs.readFileSync(s.secretFile);
	fs.writeFileSync(s.secretFile, `${"f".repeat(64)}\n`);
	try {
		assert.throws(() => execFileSync(path.join(BUILD, "latchkey"), ["-c", s.conf], { stdio: "pipe", env: cleanEnv(), timeout: 10_000 * PATIENCE }), (e) => e.status > 0 && !/ETIMEDOUT/.test(e.code ?? ""));
	} finally { fs.writeFileSync(s.secretFile, kept); }
});

/** Runs f with a server of its own. */
async function own(f, o) {
	const t = await start(o);
	try { return await f(t); } finally { await t.stop(); }
}
/** Clients that ask without pause until stop() or nobody listens any more. `cut`: requests that got part of an answer, or
 * were read and then got none. A connection that nobody had accepted is reset by the system, which is no fault. */
function traffic(t, clients, cookie) {
	const seen = { served: 0, refused: 0, unaccepted: 0, wrong: [], cut: [] };
	let on = true;
	const one = async (i) => {
		for (let n = 0; on; n++) {
			const p = (i + n) % 2 ? "/ok" : "/session";
			let r;
			try { r = await exchange(t.socket, [request(t.parts("GET", p, { cookie }))], { timeout: 15_000 * PATIENCE }); } catch { seen.refused++; return; }
			if (r.records.some((x) => x.type === END) && r.stdout.length) {
				const a = parseAnswer(r.stdout);
				if (a.status === 200 && a.json !== null) seen.served++; else seen.wrong.push(`${p} ${a.status} ${a.text}`);
			} else if (!r.stdout.length && ["ECONNRESET", "EPIPE"].includes(r.state)) { seen.unaccepted++; } else seen.cut.push(`${p} ${r.state} ${r.stdout.length}`);
		}
	};
	const all = Promise.all(times(clients, one));
	return { seen, stop: async () => { on = false; await all; return seen; }, all };
}

test("TERM in the middle of traffic that never pauses: it ends soon, and cuts nobody off", () => own(async (t) => {
	const u = await t.user(), { seen, stop } = traffic(t, 24, u.cookie);
	assert.ok(await until(() => seen.served > 100));
	const ms = await t.halt("SIGTERM", 20_000);
	await stop();
	assert.ok(ms !== null && ms < 5000 * PATIENCE, `ended after ${ms} ms`);
	assert.deepEqual(seen.cut, []); assert.deepEqual(seen.wrong, []);
	assert.ok(seen.refused + seen.unaccepted > 0);
	eq(fs.existsSync(t.socket), false, "the socket is gone");
	assert.ok(!t.log().includes("do not end: killed"), "no worker had to be killed");
}, { workers: 4 }));
test("TERM while requests are half sent: they are answered", () => own(async (t) => {
	const u = await t.user(), o = t.parts("GET", "/session", { cookie: u.cookie });
	let goOn;
	const held = new Promise((r) => { goOn = r; }), begun = [];
	const half = times(2, () => exchange(t.socket, [(k) => { begun.push(new Promise((r) => k.write(begin(), r))); }, () => held, params(environment(o)), stream(STDIN, "")], { timeout: 15_000 * PATIENCE }));
	assert.ok(await until(() => begun.length === 2));
	await Promise.all(begun);
	await asleep(t); // two workers wait for the rest
	const ended = t.halt();
	assert.ok(await until(() => t.workers().length === 2), "those that have nothing to do have ended");
	goOn();
	const ms = await ended;
	assert.ok(ms !== null && ms < 5000 * PATIENCE, `ended after ${ms} ms`);
	for (const r of await Promise.all(half)) eq(parseAnswer(r.stdout).json?.user.id, u.id, r.state);
}, { workers: 4 }));
test("kill -9 of the master: its workers end by themselves, and it can be started again", () => own(async (t) => {
	const u = await t.user(), workers = t.workers(), { seen, stop } = traffic(t, 8, u.cookie);
	eq(workers.length, 3);
	assert.ok(await until(() => seen.served > 50));
	assert.ok(await t.halt("SIGKILL") !== null);
	const ended = await until(() => workers.every(gone), 8000);
	if (!ended) for (const pid of workers) if (!gone(pid)) process.kill(pid, "SIGKILL");
	await stop();
	assert.ok(ended, "no worker is left");
	assert.deepEqual(seen.cut, []); assert.deepEqual(seen.wrong, []);
	await t.launch();
	eq(await t.alive(u.cookie), true);
}, { workers: 3 }));
test("a worker that dies again and again is started with growing pauses", () => own(async (t) => {
	const deaths = [], killed = new Set();
	let looked = Date.now();
	assert.ok(await until(async () => {
		const before = looked;
		looked = Date.now();
		const pid = t.workers().find((p) => !killed.has(p));
		if (!pid) return false;
		// we were held up, and who has lived long is started again at once: begin anew, as at first with one that had a request
		if (Date.now() - before > 500) { await t.get("/ok"); deaths.length = 0; }
		killed.add(pid); deaths.push(Date.now()); process.kill(pid, "SIGKILL");
		return deaths.length === 7;
	}, 30_000, 2), `${deaths.length} deaths`);
	// without a pause after the first, which had a request, and after the first one that died young
	const gaps = deaths.slice(1).map((d, i) => d - deaths[i]);
	for (let i = 2; i < gaps.length; i++) assert.ok(gaps[i] >= 90 * 2 ** (i - 2), `pauses ${gaps}`);
	assert.ok(await until(() => t.log().split("\n").filter((l) => /was ended by signal 9/.test(l)).length >= 7), "each is told");
	assert.ok(await until(() => t.workers().length === 1, 15_000), "and then it is there again");
	eq((await t.get("/ok")).status, 200);
}, { workers: 1 }));
test("USR1: the log is opened anew after a rename, by all processes, and no request is lost", async () => {
	const dir = newDir("log"), file = path.join(dir, "latchkey.log"), old = `${file}.1`;
	const read = (f) => { try { return fs.readFileSync(f, "utf8"); } catch { return ""; } };
	try {
		await own(async (t) => {
			const u = await t.user(), before = t.workers().join(), { seen, stop } = traffic(t, 8, u.cookie);
			assert.ok(await until(() => seen.served > 50));
			for (let round = 1; round <= 3; round++) {
				fs.renameSync(file, `${file}.${round}`);
				process.kill(t.master(), "SIGUSR1");
				assert.ok(await until(() => [1, 2, 3].every((n) => read(file).includes(`[worker ${n}]`)), 5000), `round ${round}: all workers write the new file`);
			}
			await stop();
			eq(seen.unaccepted + seen.refused, 0); assert.deepEqual(seen.cut, []); assert.deepEqual(seen.wrong, []);
			// a line is written once the answer is sent
			const lines = () => ["", ".1", ".2", ".3"].map((x) => read(file + x)).join("").split("\n").filter((l) => / GET \/(session|ok) 200 /.test(l));
			assert.ok(await until(() => lines().length >= seen.served), "each request has its line");
			eq(t.workers().join(), before, "the same workers");
			const sizes = [1, 2, 3].map((n) => read(`${file}.${n}`).length);
			await Promise.all(times(30, () => t.get("/ok")));
			process.kill(t.workers()[0], "SIGKILL");
			assert.ok(await until(() => /\[master\].*was ended by signal 9/.test(read(file))), "the master writes the new file");
			assert.deepEqual([1, 2, 3].map((n) => read(`${file}.${n}`).length), sizes, "nobody writes the old ones");
			assert.ok(await until(() => t.workers().length === 3));
			eq(fs.statSync(file).mode & 0o007, 0); assert.ok(read(old).length > 0);
		}, { workers: 3, set: { "log.file": file } });
	} finally { fs.rmSync(dir, { recursive: true }); }
});
