#!/usr/bin/env node
// Ends sessions in great numbers at two hosts that have a session cache each and share a database, asks both all the while
// whether they live, and judges every answer. `node history.mjs --help` tells the options.
import { parseArgs } from "node:util";
import { hosts, population } from "./hosts.mjs";
import { Judgement, historyOf, judge } from "./judge.mjs";
import { fileURLToPath } from "node:url";

const USAGE = `usage: history.mjs [--ends N] [--bound MS] [--clients N] [--kill] [--judge-bound MS]
--ends N          so many sessions are ended (5000)
--bound MS        session.cache_max_age (1000); 0: no cache
--clients N       users at once (24)
--kill            a worker of either host is killed now and then; requests that break prove nothing
--judge-bound MS  judge with another bound than the configured one: with 0 there must be faults
LATCHKEY_BUILD names the build, LATCHKEY_TEST_MYSQL the socket of a MariaDB server (without it one is started).`;

const EACH = 5; // sessions of a user
const now = () => performance.now(), wait = (ms) => new Promise((r) => setTimeout(r, Math.max(0, ms)));
const one = (list) => list[Math.floor(Math.random() * list.length)];

/** How sessions are ended: by whom, which of the user's, and what a done one is answered. by: one that lives. */
const WAYS = [
	{ name: "sign-out", weight: 3, of: (by) => [by], ask: (h, by) => h.prepare("POST", "/sign-out", { json: {}, cookie: by.cookie }) },
	{ name: "own, by id", weight: 2, of: (by) => [by], ask: (h, by) => h.prepare("DELETE", `/sessions/${by.id}`, { cookie: by.cookie }) },
	{ name: "another, by id", weight: 3, of: (by, all) => [all.find((s) => s !== by) ?? by], ask: (h, by, [s]) => h.prepare("DELETE", `/sessions/${s.id}`, { cookie: by.cookie }) },
	{ name: "revoke-session", weight: 3, of: (by, all) => [all.find((s) => s !== by) ?? by], ask: (h, by, [s]) => h.prepare("POST", "/revoke-session", { json: { token: s.id }, cookie: by.cookie }) },
	{ name: "revoke-other-sessions", weight: 3, of: (by, all) => all.filter((s) => s !== by), ask: (h, by) => h.prepare("POST", "/revoke-other-sessions", { json: {}, cookie: by.cookie }) },
	{ name: "revoke-sessions", weight: 2, of: (by, all) => all, ask: (h, by) => h.prepare("POST", "/revoke-sessions", { json: {}, cookie: by.cookie }) },
	{ name: "all", weight: 2, of: (by, all) => all, ask: (h, by) => h.prepare("DELETE", "/sessions", { cookie: by.cookie }) },
	{ name: "latchkeyctl", weight: 0.06, of: (by) => [by], command: (by) => ["session", "revoke", by.id] },
];
const LOTS = WAYS.flatMap((w) => Array(Math.round(w.weight * 50)).fill(w));

class Run {
	constructor(options, pair, made) {
		Object.assign(this, { options, pair, made, judged: new Judgement(), broken: 0, refused: 0, unknown: 0, ways: {}, later: new Set(), next: 0, killed: 0, on: true });
	}
	/** One read, noted. Each host's request is prepared once. */
	async read(s, host) {
		const h = this.pair[host], start = now(), a = await h.say((s.bytes[host] ??= h.prepare("GET", "/session", { cookie: s.cookie }))), end = now();
		if (a?.status !== 200) { if (a) this.refused++; else this.broken++; return null; }
		const alive = a.text !== "null";
		s.history.reads.push({ start, end, host, alive });
		return alive;
	}
	/** Reads some of these without pause while on() holds. */
	async reading(list, on) { while (on()) await this.read(one(list), Math.random() < 0.5 ? 0 : 1); }

	/** Ends what `way` says at a host. True: it is known to have come about. */
	async end(way, host, by, all) {
		const targets = way.of(by, all), h = this.pair[host], notes = targets.map((s) => ({ s, e: { host, asked: now(), done: null } }));
		if (!targets.length) return;
		await Promise.all(targets.flatMap((s) => [this.read(s, 0), this.read(s, 1)])); // both have it in their caches
		let under = true;
		const readers = [this.reading(targets, () => under), this.reading(targets, () => under)];
		for (const { s, e } of notes) { e.asked = now(); s.history.ends.push(e); }
		const good = way.command ? (await h.ctlSoon(...way.command(by))) === 0 : (await h.say(way.ask(h, by, targets)))?.status === 200;
		for (const { e } of notes) if (good) e.done = now();
		this.ways[way.name] = (this.ways[way.name] ?? 0) + (good ? targets.length : 0);
		if (!good) this.unknown += targets.length;
		if (good) await Promise.all(targets.slice(0, 2).flatMap((s) => [this.read(s, host), this.read(s, 1 - host)]));
		under = false;
		await Promise.all(readers);
		if (good) for (const s of targets) { s.dead = true; this.follow(s, now()); }
	}
	/** Asks for an ended one now and then until the bound is over, and once more; then it is judged. */
	follow(s, done) {
		const { bound } = this.options, work = (async () => {
			await wait(Math.random() * bound);
			await this.read(s, Math.random() < 0.5 ? 0 : 1);
			await wait(done + bound + 1 - now());
			await Promise.all([this.read(s, 0), this.read(s, 1)]);
			judge(s.history, this.options.judgeBound, this.judged);
		})();
		this.later.add(work);
		work.finally(() => this.later.delete(work));
	}
	/** One user after another, until none are left. */
	async client() {
		while (this.next < this.options.users) {
			const user = this.next++, all = Array.from({ length: EACH }, (_, n) => ({ ...this.made(user, n), bytes: [], history: historyOf(), dead: false }));
			for (const s of all) s.history.id = s.id;
			for (let tries = 0, living; (living = all.filter((s) => !s.dead)).length && tries < 40; tries++) await this.end(one(LOTS), Math.random() < 0.5 ? 0 : 1, one(living), living);
		}
	}
	async killing() {
		while (this.on) {
			await wait(100 + Math.random() * 300);
			const pid = this.on && one(one(this.pair).workers());
			if (pid) { process.kill(pid, "SIGKILL"); this.killed++; }
		}
	}
	async go() {
		const killing = this.options.kill ? this.killing() : null;
		await Promise.all(Array.from({ length: this.options.clients }, () => this.client()));
		await Promise.all(this.later);
		this.on = false;
		await killing;
	}
}

const executed = (h) => Number(h.sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'").split("|")[1]);

/** All of it. Returns the run and what it cost. */
export async function history(given = {}) {
	const options = { ends: 5000, bound: 1000, clients: 24, kill: false, ...given };
	options.judgeBound ??= options.bound;
	options.users = Math.ceil(options.ends / EACH);
	return hosts({ set: { "session.cache_max_age": options.bound ? `${options.bound}ms` : "0", "session.last_seen_every": "1s", "audit.store": "off" } }, async (pair) => {
		const run = new Run(options, pair, await population(pair[0], options.users, EACH)), before = executed(pair[0]), began = now();
		await run.go();
		run.seconds = (now() - began) / 1000;
		run.executions = executed(pair[0]) - before;
		run.left = Number(pair[0].sql("SELECT COUNT(*) FROM session"));
		return run;
	});
}
/** Lines for people. */
export function told(run) {
	const j = run.judged;
	return [`${j.ended} sessions ended in ${run.seconds.toFixed(0)} s: ${Object.entries(run.ways).map(([k, n]) => `${k} ${n}`).join(", ")}${run.killed ? `; workers killed: ${run.killed}; outcomes unknown: ${run.unknown}` : ""}`,
		`${j.reads} reads: ${j.during} during an end, after it ${j.here} at the same host, ${j.within} at the other one within ${run.options.judgeBound} ms, ${j.after} later; without an answer: ${run.broken}, with an error: ${run.refused}`,
		`said to live at the other host after the end, so from its cache: ${j.alive} times, at most ${j.worst.toFixed(1)} ms after it`,
		`the database executed ${run.executions} statements`,
		...j.wrong.map((w) => `WRONG: ${JSON.stringify(w)}`), ...Object.entries(j.kinds).map(([k, n]) => `FAIL ${k}: ${n}`)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const { values: v } = parseArgs({ options: { ends: { type: "string" }, bound: { type: "string" }, clients: { type: "string" }, kill: { type: "boolean" }, "judge-bound": { type: "string" }, help: { type: "boolean", short: "h" } } });
	if (v.help) { console.log(USAGE); process.exit(); }
	const number = (name, as = name) => (v[name] === undefined ? {} : { [as]: Number(v[name]) });
	const run = await history({ ...number("ends"), ...number("bound"), ...number("clients"), ...number("judge-bound", "judgeBound"), ...(v.kill && { kill: true }) });
	for (const line of told(run)) console.log(line);
	const failed = Math.min(run.judged.sessions, run.judged.faults) + (run.options.kill ? 0 : run.broken + run.refused);
	console.log(`${run.judged.sessions - Math.min(run.judged.sessions, run.judged.faults)} passed, ${failed} failed`);
	process.exit(failed || !run.judged.sessions ? 1 : 0);
}
