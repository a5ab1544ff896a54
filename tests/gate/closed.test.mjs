// The gate fails closed: whatever dies, freezes or is missing, nobody sees a page whose session is not looked up, the status
// tells what is wrong, and all is well again by itself once it is mended.
import fs from "node:fs";
import { after, describe, test } from "node:test";
import { Database } from "../pool/database.mjs";
import { KINDS, PATIENCE, assert, atOnce, each, eq, hasPage, signal, site, times, until, wait } from "./gate.mjs";

const DEADLINE = 6; // limits.request
const patient = { agent: false, timeout: 60_000 * PATIENCE };
const db = await Database.make();
const sites = await Promise.all(KINDS.map((kind) => site(kind, { workers: 4, store: "mysql", mysql: db.socket, set: { "limits.request": `${DEADLINE}s`, "database.timeout": "1s", "log.access": "off" } })));
const loads = [];
after(async () => { for (const l of loads) l.on = false; await Promise.all(sites.map((s) => s.stop())); await db.remove(); });
await Promise.all(sites.map(async (s) => { s.u = await s.user(); }));

/** Clients that ask for the page without pause: `inside` with a session, the others without one, with a wrong one, or with one
 * that has ended. Whatever is served to these, or to the first with somebody else's name, is gathered in `leaks`; what a
 * client sees otherwise is counted. A broken connection is no answer. */
class Load {
	constructor(s, { clients = 7 } = {}) { Object.assign(this, { s, clients, on: true, leaks: [], inside: {}, outside: {}, slowest: 0 }); }
	async begin() {
		const { s } = this, gone = await s.user();
		loads.push(this);
		eq((await s.post("/sign-out", {}, { cookie: gone.cookie })).status, 200);
		const cookies = [s.u.cookie, gone.cookie, undefined, s.u.cookie, s.u.cookie, s.u.cookie, `${s.cookieName}=${"x".repeat(32)}.y`].slice(0, this.clients);
		this.all = Promise.all(cookies.map(async (cookie, i) => { for (let n = 0; this.on; n++) { await this.turn(cookie, cookie === s.u.cookie, (i + n) % 3); await wait(5); } }));
		await until(() => this.inside[200] > 10);
		return this;
	}
	async turn(cookie, inside, n) {
		const { s } = this, seen = inside ? this.inside : this.outside, began = performance.now();
		let r;
		try { r = await s.page(cookie, { ...patient, ...(n === 0 && { method: "POST", body: "x".repeat(2000), headers: { "content-type": "application/octet-stream" } }), ...(n === 1 && { path: "/protected/file.txt" }) }); } catch (e) { r = { status: e.code ?? e.message, text: "" }; }
		this.slowest = Math.max(this.slowest, performance.now() - began);
		seen[r.status] = (seen[r.status] ?? 0) + 1;
		if (hasPage(r.text) && !inside) this.leaks.push(`${cookie}: ${r.text.slice(0, 200)}`);
		if (inside && n !== 1 && r.status === 200 && !r.text.includes(`=${s.u.email}`)) this.leaks.push(`of somebody else: ${r.text}`);
	}
	/** Until a session has been refused, too. */
	async refused() { assert.ok(await until(() => Object.keys(this.inside).some((k) => Number(k) >= 500), 60_000), `${this.s.kind.name}: nobody is refused: ${JSON.stringify(this.inside)}`); }
	async stop() { this.on = false; await this.all; return this; }
	/** may: statuses beside 200 that a session may have met. Without one it is 401 or one of these. */
	judge(t, may) {
		t.diagnostic(`${this.s.kind.name}: with a session ${JSON.stringify(this.inside)}, without ${JSON.stringify(this.outside)}; slowest ${Math.round(this.slowest)} ms`);
		assert.deepEqual(this.leaks, []);
		const odd = (seen, ...also) => Object.keys(seen).filter((k) => ![...also, ...may, "ECONNRESET", "EPIPE"].map(String).includes(k));
		assert.deepEqual(odd(this.inside, 200), [], "with a session");
		assert.deepEqual(odd(this.outside, 401), [], "without one");
	}
}
/** Sub-tests for all sites, side by side: mostly they wait. */
const everywhere = (what, f, of = () => true) => test(what, { concurrency: true }, async (t) => { await Promise.all(sites.filter((s) => of(s.kind)).map((s) => t.test(s.kind.name, (t) => f(s, t)))); });
/** Where mod_fcgid is as it comes (no .htaccess may change that) it takes seconds to find out that a program has died, starts one
 * that does every three seconds at most, and lets each request wait for its own: there less is asked. */
const few = (s) => s.kind.name === "apache htaccess";
/** A session is refused, in every way to ask; so is a cookie that is wrong, for either reason. Open pages are served. */
async function shut(s, why) {
	const wrong = `${s.cookieName}=${"x".repeat(32)}.y`, all = [], less = why === "down" && few(s), ways = less ? [{}] : [{}, { path: "/protected/file.txt" }, { method: "POST", body: "a=1" }];
	for (const navigates of [false, true]) for (const o of ways) for (const cookie of less ? [s.u.cookie] : [s.u.cookie, undefined, wrong]) all.push(async () => {
		const r = await (navigates ? s.visit(cookie, { ...patient, ...o }) : s.page(cookie, { ...patient, ...o })), where = JSON.stringify(o);
		s.refused(r, cookie !== s.u.cookie && s.isDenial(r, "nobody", navigates) ? "nobody" : why, { navigates, where });
		assert.ok(!r.setCookies.some((c) => c.name === s.cookieName), "no session is ended by it");
	});
	for (const cookie of [undefined, s.u.cookie]) all.push(async () => s.served(await s.page(cookie, { ...patient, path: "/open/" })));
	await each(all, (f) => f(), less ? all.length : atOnce(s.kind));
}

describe("latchkey", () => {
	everywhere("its processes are killed, one after another, under load", async (s, t) => {
		const load = await new Load(s).begin();
		let killed = 0;
		const enough = few(s) ? 5 : 20;
		const workers = () => (s.kind.spawned ? s.processes() : s.workers());
		await until(() => { const [pid] = workers(); if (pid) { signal(pid, "SIGKILL"); killed++; } return killed >= enough; }, 60_000, 100);
		await load.stop();
		t.diagnostic(`${killed} killed`);
		assert.ok(killed >= enough, `only ${killed} were there to be killed`);
		load.judge(t, s.kind.cut);
		await s.serves(s.u.cookie);
		s.refused(await s.page(), "nobody");
	});
	everywhere("it is stopped", async (s, t) => {
		const load = await new Load(s, { clients: few(s) ? 2 : 7 }).begin();
		await s.withoutGate(async () => { await load.refused(); await load.stop(); await shut(s, "down"); });
		await s.serves(s.u.cookie);
		load.judge(t, [...s.kind.down, ...s.kind.cut]);
		s.refused(await s.page(), "nobody");
	});
	everywhere("its socket is gone", async (s) => {
		await until(() => s.workers().length > 0);
		fs.renameSync(s.socket, `${s.socket}.away`);
		try { await shut(s, "down"); } finally { fs.renameSync(`${s.socket}.away`, s.socket); }
		await s.serves(s.u.cookie);
	}, (kind) => !kind.spawned && !kind.tcp);
	everywhere("its socket is somebody else's: what answers is no FastCGI program", async (s) => {
		for (const says of ["", "HTTP/1.1 200 OK\r\n\r\n", "Status: 200\r\nVariable-REMOTE_USER: x\r\n\r\n", "\x01\x06\x00\x01\x00\x00\x00\x00"]) await s.impostor(says, async (asked) => {
			const wrong = [];
			await until(async () => { const r = await s.page(s.u.cookie, { agent: false }); if (hasPage(r.text) || r.status < 500) wrong.push(`${r.status} ${r.text}`); return asked() > 0; }, 10_000, 50);
			assert.ok(asked() > 0, "it was asked"); assert.deepEqual(wrong, [], JSON.stringify(says));
		});
		await s.serves(s.u.cookie);
	}, (kind) => !kind.spawned && !kind.tcp);
	everywhere("all its processes are frozen", async (s) => {
		// the web server must not let anybody in when it is tired of waiting: it is left waiting, then all goes on
		const pids = s.processes();
		for (const pid of pids) signal(pid, "SIGSTOP");
		const asked = times(4, (i) => s.page(i % 2 ? s.u.cookie : undefined, patient));
		await wait(1000);
		for (const pid of pids) signal(pid, "SIGCONT");
		const all = await Promise.all(asked);
		all.forEach((r, i) => (i % 2 ? s.served(r, s.u) : s.refused(r, "nobody")));
	}, (kind) => kind.spawned !== "cgi");
});

describe("the store", () => {
	test("its server is stopped", { concurrency: true }, async (t) => {
		const all = await Promise.all(sites.map((s) => new Load(s).begin()));
		await db.stop();
		try {
			await Promise.all(all.map(async (l) => { await l.refused(); await l.stop(); }));
			await Promise.all(sites.map((s) => t.test(s.kind.name, () => shut(s, "away"))));
		} finally { await db.start(); }
		await Promise.all(sites.map((s) => s.serves(s.u.cookie)));
		for (const l of all) l.judge(t, [...l.s.kind.away, ...l.s.kind.down]);
	});
	test("its server is frozen: an answer within limits.request", { concurrency: true }, async (t) => {
		const all = await Promise.all(sites.map((s) => new Load(s).begin()));
		db.freeze();
		try { await Promise.all(sites.map((s) => t.test(s.kind.name, async () => {
			s.refused(await s.page(s.u.cookie, patient), "away");
			s.refused(await s.visit(s.u.cookie, patient), "away", { navigates: true });
			s.served(await s.page(undefined, { path: "/open/", agent: false }));
		}))); } finally { db.thaw(); }
		await Promise.all(all.map((l) => l.stop()));
		await Promise.all(sites.map((s) => s.serves(s.u.cookie)));
		for (const l of all) { l.judge(t, [...l.s.kind.away, ...l.s.kind.down]); assert.ok(l.slowest < 2 * DEADLINE * 1000 * PATIENCE, `${l.s.kind.name}: an answer took ${l.slowest} ms`); }
	});
	test("its server is frozen, and the processes that wait for it are killed", { concurrency: true }, async (t) => {
		db.freeze();
		try { await Promise.all(sites.map((s) => t.test(s.kind.name, async () => {
			const asked = times(8, () => s.page(s.u.cookie, patient));
			await until(() => s.processes().length > 0);
			for (let i = 0; i < (few(s) ? 1 : 5); i++) { await wait(60); for (const pid of s.kind.spawned ? s.processes() : s.workers()) signal(pid, "SIGKILL"); }
			for (const r of await Promise.all(asked)) s.refused(r, s.isDenial(r, "cut") ? "cut" : "away");
		}))); } finally { db.thaw(); }
		await Promise.all(sites.map((s) => s.serves(s.u.cookie)));
	});
	test("what the web server starts while the store's server is stopped says so", { concurrency: true }, async (t) => {
		const spawning = sites.filter((s) => s.kind.spawned);
		await db.stop();
		try { await Promise.all(spawning.map((s) => t.test(s.kind.name, async () => {
			for (const pid of s.processes()) signal(pid, "SIGKILL");
			await until(() => s.processes().length === 0);
			// one request may still be given to a process that is gone
			await until(async () => s.isDenial(s.refused(await s.page(s.u.cookie, patient), "cut"), "away"), 20_000, 200);
			s.refused(await s.page(s.u.cookie, patient), "away");
		}))); } finally { await db.start(); }
		await Promise.all(spawning.map((s) => s.serves(s.u.cookie)));
	});
	everywhere("its tables are gone", async (s) => {
		db.sql('RENAME TABLE `session` TO `session_away`', s.mysql.database);
		try {
			const r = await s.page(s.u.cookie);
			assert.ok(!hasPage(r.text) && r.status >= 500, `${r.status} ${r.text}`);
		} finally { db.sql('RENAME TABLE `session_away` TO `session`', s.mysql.database); }
		await s.serves(s.u.cookie);
	});
});
