// The master: what becomes of the rest when it is killed, where its sockets come from, whom it runs as.
import { describe, test } from "node:test";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { BUILD, IS_ROOT, Load, PATIENCE, SOAK, account, assert, at, becomes, children, cleanEnv, end, eq, every, gone, lowWorkers, ok, own, passSockets, place, proc, raise, reload, signal, talk, bytesOf, until, wait } from "./pool.mjs";

const quiet = { "log.access": "off" };
/** ms until these have ended after TERM. */
async function ended(pids) {
	const ms = await end(pids);
	assert.notEqual(ms, null, "they end");
	return ms;
}
const answers = (s) => until(async () => (await talk(s.socket, bytesOf(s, "GET", "/ok"))).status === 200);
/** Processes that were started by passSockets, while f runs. */
async function passed(s, sockets, o, f) {
	const pids = await passSockets(s, sockets, o);
	try { assert.ok(await answers(at(s, sockets[0])), s.log().slice(-1000)); return await f(pids); } finally { await end(pids); await s.stop(); for (const k of sockets) fs.rmSync(k, { force: true }); }
}

describe("kill -9 of the master", () => {
	test("all others are gone within 2 s, and the next one takes both sockets over", (t) => own({ workers: 3, signIn: true, set: { ...quiet, "pool.sign_in_workers": "2", "jobs.every": "1s" } }, async (s) => {
		const other = at(s, s.signInSocket), u = await s.user(), took = [];
		for (let i = 0; i < 3; i++) {
			await becomes(() => children(s.master()).length, 6); await becomes(() => s.workers().length, 3); await becomes(() => lowWorkers(s).length, 3);
			const all = children(s.master()), began = performance.now();
			await s.halt("SIGKILL");
			const left = await until(() => all.every(gone), 10_000, 5), ms = performance.now() - began;
			if (!left) for (const pid of all) signal(pid, "SIGKILL");
			assert.ok(left, `${Math.round(ms)} ms`);
			took.push(Math.round(ms));
			assert.ok(fs.existsSync(s.socket) && fs.existsSync(other.socket), "the files are left");
			await s.launch();
			for (const k of [s, other]) { eq(await k.alive(u.cookie), true); ok(await k.signIn(u.email)); }
		}
		t.diagnostic(`gone after ${took.join(", ")} ms`);
		assert.ok(Math.min(...took) < 2000, `${took.join(", ")} ms`); // a host that is busy with something else can only make it longer
	}));
	test("in the middle of load: no wrong answer, nobody signed out", (t) => own({ workers: 4, set: quiet }, async (s) => {
		const l = await new Load(s, { away: true }).begin();
		await wait(SOAK * 100);
		const all = children(s.master());
		await s.halt("SIGKILL");
		assert.ok(await until(() => all.every(gone)), "all gone");
		await s.launch();
		await wait(SOAK * 100);
		await l.stop();
		l.judge(t, { broken: 16 }); // what was waiting or in hand was cut
		for (const c of l.clients) if (!c.cookie) c.cookie = (await s.another(c.user)).cookie;
		await l.allIn();
	}));
	test("workers that are stopped meanwhile leave as soon as they can", () => own({ workers: 2 }, async (s) => {
		const all = children(s.master()), [pid] = s.workers();
		signal(pid, "SIGSTOP");
		await s.halt("SIGKILL");
		assert.ok(await until(() => all.filter((p) => p !== pid).every(gone)));
		signal(pid, "SIGCONT");
		assert.ok(await until(() => gone(pid)));
		await s.launch();
		ok(await s.get("/ok"));
	}));
});

describe("TERM and INT", () => {
	for (const name of ["SIGTERM", "SIGINT"]) test(`${name}: all end with 0, files of both sockets are gone`, () => own({ workers: 2, signIn: true }, async (s) => {
		await s.halt(); await s.launch(); // a shell's background jobs ignore INT
		const all = children(s.master()), ms = await s.halt(name);
		assert.ok(ms !== null && ms < 3000 * PATIENCE, `${ms} ms`);
		assert.ok(all.every(gone)); eq(fs.existsSync(s.socket), false); eq(fs.existsSync(s.signInSocket), false);
		assert.ok(!/ended with status|ended by signal|do not end/.test(s.log()), s.log().slice(-500));
	}));
	test("the exit status is 0", async () => {
		const s = raise(), child = spawn(path.join(BUILD, "latchkey"), ["-c", s.conf], { stdio: "ignore", env: cleanEnv() }), ended = once(child, "exit");
		try {
			assert.ok(await answers(s), "it serves");
			eq(child.exitCode, null); // it had to be asked
			child.kill("SIGTERM");
			assert.deepEqual(await ended, [0, null]);
		} finally { child.kill("SIGKILL"); await s.stop(); }
	});
});

describe("sockets that somebody else made", () => {
	test("LISTEN_FDS=2 with names, in either order", () => place(async (dir) => {
		for (const order of [["session", "sign-in"], ["sign-in", "session"]]) {
			const s = raise({ set: { ...quiet, "pool.workers": "3", "pool.sign_in_workers": "2", "jobs.every": "1s" } }), sockets = order.map((n) => `${dir}/${n}`);
			await passed(s, sockets, { names: order.join(":") }, async ([master]) => {
				const of = (socket) => at(s, socket), u = await of(`${dir}/session`).user();
				const kids = () => children(master), prio = (low) => kids().filter((p) => (Number(proc(p, "stat").replace(/.*\) /s, "").split(" ")[16]) > 0) === low);
				await becomes(() => prio(false).length, 3); await becomes(() => prio(true).length, 3, "2 for sign-in, and the housekeeper");
				for (const k of sockets) { eq(await of(k).alive(u.cookie), true); ok(await of(k).signIn(u.email)); }
				// who serves which: stop those of the lower priority
				for (const p of prio(true)) signal(p, "SIGSTOP");
				eq(await of(`${dir}/session`).alive(u.cookie), true);
				eq((await talk(`${dir}/sign-in`, bytesOf(s, "GET", "/ok"), { timeout: 500 })).kind, "late");
				for (const p of prio(true)) signal(p, "SIGCONT");
				const before = kids();
				process.kill(master, "SIGHUP");
				assert.ok(await until(() => before.every(gone))); await becomes(() => prio(false).length, 3);
				for (const k of sockets) eq(await of(k).alive(u.cookie), true, "after HUP");
				assert.ok(await ended([master]) <= 3000 * PATIENCE);
				assert.ok(fs.existsSync(sockets[0]), "a socket that was passed is not ours to remove");
			});
		}
	}));
	test("LISTEN_FDS=1 without a name is for all", () => place(async (dir) => {
		const s = raise({ set: { ...quiet, "pool.workers": "2", "jobs.every": "0" } });
		await passed(s, [`${dir}/one`], { names: "" }, async ([master]) => {
			await becomes(() => children(master).length, 2);
			const k = at(s, `${dir}/one`), u = await k.user();
			eq(await k.alive(u.cookie), true);
			eq(fs.existsSync(s.socket), false, "pool.socket is not made as well");
		});
	}));
	test("descriptor 0 and several workers: a master", () => place(async (dir) => {
		const s = raise({ set: { ...quiet, "pool.workers": "3", "jobs.every": "0" } });
		await passed(s, [`${dir}/zero`], {}, async ([master]) => {
			const k = at(s, `${dir}/zero`), l = await new Load(k, { clients: 8 }).begin();
			await becomes(() => children(master).length, 3);
			const kills = await every(200, 1, () => { const [pid] = children(master); if (pid) signal(pid, "SIGKILL"); });
			await l.stop();
			assert.ok(l.seen.broken.length <= kills); assert.deepEqual(l.seen.wrong, []); await l.allIn();
			assert.ok(await ended([master]) <= 3000 * PATIENCE);
		});
	}));
	test("descriptor 0 and one worker: one process, which TERM ends after the request in hand", (t) => place(async (dir) => {
		const s = raise({ set: { ...quiet, "pool.workers": "1" } });
		await passed(s, [`${dir}/zero`], { count: 2 }, async (pids) => {
			assert.ok(await until(() => pids.every((p) => children(p).length === 0)), "no children");
			const k = at(s, `${dir}/zero`), l = await new Load(k, { clients: 8 }).begin();
			await l.calm();
			assert.ok(await ended([pids[0]]) < 3000 * PATIENCE, "in the middle of traffic");
			await wait(500);
			await l.stop();
			assert.deepEqual(l.seen.wrong, []); assert.deepEqual(l.seen.broken, [], "nothing was cut"); await l.allIn();
			l.share(t);
			const ms = await ended([pids[1]]);
			assert.ok(ms < 1000 * PATIENCE, `an idle one: ${ms} ms`);
			assert.ok(fs.existsSync(`${dir}/zero`));
		});
	}));
	test("descriptor 0 and one worker, the store away when it starts: 503 until that is back", () => place(async (dir) => {
		const s = raise({ set: { ...quiet, "pool.workers": "1" } }), db = path.join(s.dir, "latchkey.db");
		fs.writeFileSync(s.conf, fs.readFileSync(s.conf, "utf8").replace(db, path.join(s.dir, "store/latchkey.db")));
		fs.mkdirSync(path.join(s.dir, "store.away"));
		if (IS_ROOT) fs.chownSync(path.join(s.dir, "store.away"), fs.statSync(s.dir).uid, fs.statSync(s.dir).gid);
		const move = (from, to) => fs.renameSync(path.join(s.dir, from), path.join(s.dir, to));
		move("store.away", "store"); s.ctl("migrate"); move("store", "store.away");
		await passed(s, [`${dir}/zero`], {}, async () => {
			const k = at(s, `${dir}/zero`);
			const up = () => k.post("/sign-up/email", { name: "A", email: `t-${process.pid}@example.com`, password: "correct-horse-1" });
			eq((await up()).status, 503);
			move("store.away", "store");
			ok(await up());
		});
	}));
	test("LISTEN_PID of another process: not meant for us", () => place(async (dir) => {
		const s = raise({ set: { ...quiet, "pool.workers": "1" } });
		const pids = await passSockets(s, [`${dir}/zero`], { env: { LISTEN_PID: "1", LISTEN_FDS: "1" } });
		try { assert.ok(await answers(at(s, `${dir}/zero`)), s.log().slice(-500)); } finally { await end(pids); await s.stop(); }
	}));
});

describe("started by root", { skip: !IS_ROOT && "needs root" }, () => {
	const start_ = (s) => spawnSync(path.join(BUILD, "latchkey"), ["-c", s.conf], { encoding: "utf8", env: cleanEnv(), timeout: 10_000 * PATIENCE });
	const refusal = async (set, why) => {
		const s = raise({ set, owner: null });
		try {
			const r = start_(s);
			eq(r.status, 1, r.error?.message); assert.match(r.stderr, why);
			assert.deepEqual(["latchkey.db", "secret", "latchkey.sock"].filter((f) => fs.existsSync(path.join(s.dir, f))), [], "nothing was made");
			return r.stderr;
		} finally { await s.stop(); }
	};
	test("without pool.user: refused, and nothing is made", async (t) => t.diagnostic((await refusal({}, /will not run as root/)).trim()));
	test("with a user that does not exist", () => refusal({ "pool.user": "no-such-user" }, /no-such-user/));
	test("with root itself", () => refusal({ "pool.user": "root" }, /is root/));
	for (const name of ["www-data", "nobody"]) test(`pool.user = ${name}: master and workers are that user for good`, (t) => place(async (logs) => {
		const owner = account(name), s = raise({ owner, set: { "pool.workers": "2", "jobs.every": "1s", "pool.sign_in_socket": `${logs}/second`, "log.file": `${logs}/latchkey.log` } });
		fs.chownSync(logs, owner.uid, owner.gid);
		try {
			await s.launch();
			const u = await s.user(), member = execFileSync("id", ["-G", name], { encoding: "utf8" }).trim().split(" ").sort().join();
			const check = () => {
				for (const pid of [s.master(), ...children(s.master())]) {
					const status = proc(pid, "status"), of = (k) => new RegExp(`^${k}:\\s*(.*)$`, "m").exec(status)[1].trim();
					eq(of("Uid"), Array(4).fill(owner.uid).join("\t")); eq(of("Gid"), Array(4).fill(owner.gid).join("\t"));
					eq(of("Groups").split(" ").sort().join(), member, "the user's groups, none of root's");
					for (const cap of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) eq(Number(`0x${of(cap)}`), 0, cap);
					eq(of("NoNewPrivs"), "1");
				}
			};
			check();
			for (const f of fs.readdirSync(s.dir)) if (!["htdocs", ".testbed", "latchkey.pid", "latchkey.conf", "latchkey.log"].includes(f)) { const st = fs.statSync(path.join(s.dir, f)); eq(st.uid, owner.uid, f); eq(st.mode & 0o007, 0, f); }
			for (const f of [s.socket, `${logs}/second`]) eq((fs.statSync(f).mode & 0o777).toString(8), "660");
			eq(fs.statSync(`${logs}/latchkey.log`).uid, owner.uid);
			await reload(s, { "session.expires_in": "2d" });
			check();
			eq(await s.alive(u.cookie), true);
			assert.ok(Date.parse((await s.session((await s.another(u)).cookie)).session.expiresAt) - Date.now() < 2.1 * 24 * 3600e3, "the new configuration counts");
			fs.renameSync(`${logs}/latchkey.log`, `${logs}/old`);
			process.kill(s.master(), "SIGUSR1");
			assert.ok(await until(async () => { await s.get("/ok"); return fs.existsSync(`${logs}/latchkey.log`); }), "the log is opened anew");
			const [killed] = s.workers();
			signal(killed, "SIGKILL");
			assert.ok(await until(() => s.workers().length === 2 && !s.workers().includes(killed)));
			check();
			await s.halt(); await s.launch(); eq(await s.alive(u.cookie), true, "and once more");
		} catch (e) { t.diagnostic(s.log().slice(-1500)); throw e; } finally { await s.stop(); }
	}));
	test("a directory of another user is refused", async () => {
		const s = raise({ owner: account("www-data"), set: { "pool.user": "nobody" } });
		try { const r = start_(s); eq(r.status, 1); assert.ok(r.stderr.length > 10); } finally { await s.stop(); }
	});
});
