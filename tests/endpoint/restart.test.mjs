// Workers die and whole programs restart; nobody is signed out by it (S23).
import { after, test } from "node:test";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BUILD, PATIENCE, assert, cleanEnv, eq, start, times, until, wait } from "./server.mjs";

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
