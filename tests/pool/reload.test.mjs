// HUP: configuration and secrets are read anew. Those who were at work finish and leave; no request is refused or lost.
import { describe, test } from "node:test";
import http from "node:http";
import fs from "node:fs";
import path from "node:path";
import { begin, environment, exchange, gate, params, parseAnswer, stream, STDIN } from "../endpoint/fcgi.mjs";
import { DAY, HOUR, IS_ROOT, Load, PASSWORD, SOAK, asleep, assert, at, becomes, children, descriptors, eq, every, gone, logged, newEmail, lowWorkers, quantile, ok, own, proc, reload, running, signal, times, until, wait, web } from "./pool.mjs";

const quiet = { "log.access": "off" };
const secrets = (s) => fs.readFileSync(s.secretFile, "utf8").split("\n").map((l) => l.trim()).filter((l) => l && !l.startsWith("#"));
/** HUP with a configuration that is not usable: the same processes (two) go on, and the log says why. */
async function refused(s, change, why) {
	await becomes(() => s.workers().length, 2); // the last of the new ones is born after the old ones have left
	const before = children(s.master()).join(), from = s.log().length;
	const log = await logged(s, async () => {
		await change();
		process.kill(s.master(), "SIGHUP");
		const said = () => s.log().slice(from);
		assert.ok(await until(() => why.test(said()) && /the old one stays/.test(said())), `the log says ${why}: ${said().slice(-1000)}`);
		await wait(300);
	});
	eq(children(s.master()).join(), before, "the old ones stay");
	return log;
}

describe("HUP every second, while clients never pause", () => {
	test("no request is lost", (t) => own({ workers: 4, set: quiet }, async (s) => {
		const l = await new Load(s).begin(), first = s.workers();
		await l.calm();
		const n = await every(1000, SOAK, () => process.kill(s.master(), "SIGHUP"));
		await l.stop();
		l.judge(t); l.share(t);
		t.diagnostic(`${n} times`);
		await l.allIn();
		assert.ok(await until(() => first.every(gone))); await becomes(() => s.workers().length, 4); eq(s.log().match(/ended by signal.*|ended with status.*|do not end.*/), null);
	}));
	test("nor with two sockets", (t) => own({ workers: 2, signIn: true, set: { ...quiet, "pool.sign_in_workers": "18" } }, async (s) => { // one that refuses, and one for each client
		const other = at(s, s.signInSocket);
		const l = await new Load(s, { signIn: other }).begin();
		await l.calm();
		await every(500, SOAK / 2, () => process.kill(s.master(), "SIGHUP"));
		await l.stop();
		l.judge(t); l.share(t);
		await l.allIn();
	}));
	test("nginx answers no 502", (t) => own({ workers: 4, server: "nginx", set: { ...quiet, "session.max_per_user": "0" } }, async (s) => {
		const u = await s.user(), agent = new http.Agent({ keepAlive: true, maxSockets: 16 }), seen = {}, ms = [], wrong = [];
		try {
			let on = true;
			const clients = times(16, async (i) => {
				for (let k = i; on; k++) {
					const r = await web(agent, s, ...(k % 20 === 19 ? ["POST", "/sign-in/email", { json: { email: u.email, password: PASSWORD } }] : ["GET", "/session", { cookie: u.cookie }]));
					seen[r.status] = (seen[r.status] ?? 0) + 1; ms.push(r.ms);
					if (r.status !== 200 || !r.text.includes(u.id)) wrong.push(`${r.status} ${r.why ?? r.text}`);
				}
			});
			await wait(300);
			const rate = async (f) => { const from = seen[200] ?? 0, began = running(), r = await f(); return [((seen[200] ?? 0) - from) / (running() - began) * 1000, r]; };
			const [calm] = await rate(() => wait(1000)), [then, hups] = await rate(() => every(1000, SOAK, () => process.kill(s.master(), "SIGHUP")));
			on = false;
			await Promise.all(clients);
			t.diagnostic(`${hups} times; ${JSON.stringify(seen)}, slowest ${Math.round(quantile(ms, 1))} ms; ${Math.round(calm)}/s undisturbed, ${Math.round(then)}/s then`);
			assert.deepEqual(wrong.slice(0, 5), []); assert.ok(then >= calm / 4 && then > 0, `${then.toFixed(1)}/s of ${calm.toFixed(1)}/s`); eq(fs.readFileSync(path.join(s.dir, "web.log"), "utf8"), "");
		} finally { agent.destroy(); }
	}));
	test("a request that is half sent is finished by the worker that has it", () => own({ workers: 2, set: { "limits.request": "60s" } }, async (s) => {
		const u = await s.user(), before = children(s.master()), o = s.parts("GET", "/session", { cookie: u.cookie });
		const rest = times(2, gate), half = rest.map((g) => exchange(s.socket, [begin(), g, params(environment(o)), stream(STDIN, "")], { timeout: 60_000 }));
		await Promise.all(rest.map((g) => g.reached)); await asleep(s); // each has one in hand
		process.kill(s.master(), "SIGHUP");
		await wait(700);
		ok(await s.get("/session", { cookie: u.cookie })); // the new ones serve already
		assert.ok(!before.every(gone), "the old ones wait for what they have in hand");
		for (const g of rest) g.go();
		for (const r of await Promise.all(half)) eq(parseAnswer(r.stdout).json?.user.id, u.id, r.state);
		assert.ok(await until(() => before.every(gone)), "and then leave");
	}));
	test("the master keeps nothing of what was replaced", { skip: !IS_ROOT && "needs root: descriptors are seen in /proc" }, () => own({ workers: 2 }, async (s) => {
		const rss = () => Number(/^RssAnon:\s+(\d+)/m.exec(proc(s.master(), "status"))[1]);
		for (let i = 0; i < 5; i++) await reload(s);
		const all = () => becomes(() => s.workers().length, 2);
		await all();
		const fds = descriptors(s.master()), kib = rss();
		for (let i = 0; i < 25; i++) { if (i % 5 === 4) await refused(s, () => fs.appendFileSync(s.conf, "\n[nonsense]\n"), /nonsense/), fs.writeFileSync(s.conf, fs.readFileSync(s.conf, "utf8").replaceAll("\n[nonsense]\n", "")); await reload(s); }
		await all();
		eq(descriptors(s.master()), fds); assert.ok(rss() <= kib + 256, `${kib} → ${rss()} KiB`);
	}));
	test("faster than anybody can start: one after another, nothing lost", (t) => own({ workers: 3, set: quiet }, async (s) => {
		const l = await new Load(s, { clients: 4 }).begin();
		await every(2, Math.min(3, SOAK), () => process.kill(s.master(), "SIGHUP"));
		await l.stop();
		l.judge(t, {});
		assert.ok(await until(() => s.workers().length === 3, 15_000), "and then there are three again");
		await l.allIn();
	}));
});

describe("what a new configuration says counts", () => {
	test("session.expires_in, auth.sign_up, pool.workers, pool.sign_in_socket", () => own({ workers: 3 }, async (s) => {
		const u = await s.user(), second = path.join(s.dir, "second.sock"), life = async () => { const { session } = await s.session((await s.another(u)).cookie); return Date.parse(session.expiresAt) - Date.now(); };
		assert.ok(Math.abs(await life() - 7 * DAY) < HOUR);
		await reload(s, { "session.expires_in": "2d" });
		assert.ok(Math.abs(await life() - 2 * DAY) < HOUR, "shorter from now on");
		eq(await s.alive(u.cookie), true);
		await reload(s, { "auth.sign_up": "closed" });
		const r = await s.post("/sign-up/email", { name: "A", email: newEmail(), password: PASSWORD });
		assert.ok(r.status >= 400 && r.status < 500, r.text);
		await reload(s, { "auth.sign_up": "open" });
		await s.user();
		for (const n of [6, 1, 3]) { await reload(s, { "pool.workers": String(n) }); await becomes(() => s.workers().length, n); }
		const low = lowWorkers(s).length;
		await reload(s, { "pool.sign_in_socket": second, "pool.sign_in_workers": "2" });
		assert.ok(await until(() => lowWorkers(s).length === low + 2), "workers of a lower priority");
		ok(await at(s, second).signIn(u.email)); eq(await at(s, second).alive(u.cookie), true); ok(await s.signIn(u.email));
		await reload(s, { "pool.sign_in_socket": "" });
		assert.ok(await until(() => lowWorkers(s).length === low && !fs.existsSync(second)), "they and its file are gone");
		eq(await s.alive(u.cookie), true);
	}));
	test("pool.socket: served at the new place, gone from the old one", (t) => own({ workers: 2, set: quiet }, async (s) => {
		const u = await s.user(), old = s.socket, moved = path.join(s.dir, "moved.sock"), there = at(s, moved);
		await reload(s, { "pool.socket": moved });
		const left = (file) => until(() => !fs.existsSync(file));
		eq(await there.alive(u.cookie), true); assert.ok(await left(old), "the old file is gone");
		eq(fs.statSync(moved).mode & 0o777, 0o660);
		const l = await new Load(there, { clients: 8 }).begin();
		await every(300, 2, () => process.kill(s.master(), "SIGHUP"));
		await l.stop();
		l.judge(t, {}); await l.allIn();
		await reload(s, { "pool.socket": old });
		assert.ok(await until(() => fs.existsSync(old)), "there again"); // those of before may have left for the last HUP under load
		eq(await s.alive(u.cookie), true); assert.ok(await left(moved));
		for (let i = 0; i < 8; i++) { // moved again and again
			const [from, to] = i % 2 ? [moved, old] : [old, moved];
			await reload(s, { "pool.socket": to });
			assert.ok(await left(from), `round ${i}: the old file is gone: ${s.log().split("\n").slice(-4).join(" | ")}`);
			eq(await at(s, to).alive(u.cookie), true);
		}
	}));
	test("log.file: the new one is written, by all", () => own({ workers: 2 }, async (s) => {
		const file = path.join(s.dir, "other.log"), read = () => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");
		await reload(s, { "log.file": file });
		await becomes(() => s.workers().length, 2); await asleep(s);
		for (const [i, pid] of s.workers().entries()) { // each is asked while the other one stands still
			const other = s.workers()[1 - i];
			assert.notEqual(other, pid);
			signal(other, "SIGSTOP"); ok(await s.get("/ok")); signal(other, "SIGCONT");
			await asleep(s);
		}
		for (const n of [1, 2]) assert.ok(await until(() => read().includes(`[worker ${n}]`)));
		signal(s.workers()[0], "SIGKILL");
		assert.ok(await until(() => /\[master\].*was ended by signal 9/.test(read())), "the master too");
	}));
});

describe("what is not usable is refused, and all stays as it was", () => {
	for (const [what, change, why] of [
		["an unknown setting", (s) => fs.appendFileSync(s.conf, "\n[pool]\nnonsense = 1\n"), /nonsense/],
		["a value out of range", (s) => s.configure({ "pool.workers": "0" }), /workers/],
		["no INI file", (s) => fs.writeFileSync(s.conf, "{ \"pool\": 1 }\n"), /latchkey\.conf/],
		["no file", (s) => fs.rmSync(s.conf), /latchkey\.conf/],
		["a socket that cannot be made", (s) => s.configure({ "pool.socket": "/nowhere/at/all.sock" }), /nowhere/],
		["a log that cannot be written", (s) => s.configure({ "log.file": "/nowhere/at/all.log" }), /nowhere/],
		["no secret file", (s) => fs.writeFileSync(s.secretFile, ""), /secret/],
		["a secret file that all may read", (s) => fs.chmodSync(s.secretFile, 0o644), /secret/],
		["secrets that the store does not know", (s) => fs.writeFileSync(s.secretFile, `${"f".repeat(64)}\n`), /secret/],
	]) test(what, (t) => own({ workers: 2, set: quiet }, async (s) => {
		const u = await s.user(), conf = fs.readFileSync(s.conf), first = s.secret(), kept = fs.readFileSync(s.secretFile);
		const log = await refused(s, () => change(s), why);
		assert.match(log, /the old one stays/);
		t.diagnostic(log.trim().split("\n").slice(-2).map((l) => l.replace(/^\S+ /, "")).join(" | "));
		const well = async () => { eq(await s.alive(u.cookie), true); const b = await s.another(u); eq(b.value, s.sign(b.token, first)); eq(await s.alive(b.cookie), true); };
		for (let i = 0; i < 4; i++) await well();
		const before = s.workers(); // a worker that is replaced now is one of the old configuration
		signal(before[0], "SIGKILL");
		assert.ok(await until(() => s.workers().length === 2 && !s.workers().includes(before[0])));
		for (let i = 0; i < 4; i++) await well();
		fs.writeFileSync(s.conf, conf); fs.writeFileSync(s.secretFile, kept, { mode: 0o600 }); fs.chmodSync(s.secretFile, 0o600);
		await reload(s);
		await well();
	}));
	test("again and again, under load", (t) => own({ workers: 2, set: quiet }, async (s) => {
		const l = await new Load(s, { clients: 8 }).begin(), before = s.workers().join();
		s.configure({ "pool.workers": "none" });
		await every(100, SOAK / 4, () => process.kill(s.master(), "SIGHUP"));
		await l.stop();
		l.judge(t, {}); eq(s.workers().join(), before); await l.allIn();
	}));
});

describe("secrets", () => {
	test("rotated ones: the new one signs, old cookies stay good", () => own({ workers: 2 }, async (s) => {
		const u = await s.user(), [first] = secrets(s);
		for (let i = 0; i < 3; i++) {
			s.ctl("secret", "new", "--keep", "5");
			const [newest] = secrets(s);
			assert.notEqual(newest, first);
			await reload(s);
			for (let k = 0; k < 6; k++) { const b = await s.another(u); eq(b.value, s.sign(b.token, newest), "the new one signs"); eq(await s.alive(b.cookie), true); eq(await s.alive(u.cookie), true); }
		}
	}));
	test("rotated under load: nobody is signed out", (t) => own({ workers: 3, set: quiet }, async (s) => {
		const l = await new Load(s, { clients: 8 }).begin();
		await every(700, Math.min(SOAK / 2, 5), () => { s.ctl("secret", "new", "--keep", "8"); process.kill(s.master(), "SIGHUP"); });
		await l.stop();
		l.judge(t, {}); await l.allIn();
	}));
	test("dropped ones (--keep 1): everybody signs in again", () => own({ workers: 2 }, async (s) => {
		const u = await s.user();
		s.ctl("secret", "new", "--keep", "1");
		await reload(s);
		for (const r of await Promise.all(times(8, () => s.get("/session", { cookie: u.cookie })))) eq(ok(r), null);
		const b = await s.another(u);
		eq(await s.alive(b.cookie), true);
	}));
});
