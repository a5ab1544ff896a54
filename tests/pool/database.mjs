// A private database server that a test may stop, freeze and disturb.
import { execFile, execFileSync, spawn } from "node:child_process";
import path from "node:path";
import { ROOT, until, wait } from "./pool.mjs";

const SCRIPT = path.join(ROOT, "scripts/mariadb");
const known = (text) => Object.fromEntries(text.trim().split("\n").map((l) => [l.slice(0, l.indexOf("=")), l.slice(l.indexOf("=") + 1)]));
const script = (...args) => new Promise((resolve, reject) => execFile(SCRIPT, args, (e, out, err) => (e ? reject(new Error(`mariadb ${args[0]}: ${err || e.message}`)) : resolve(out))));
export class Database {
	static async make() {
		const d = new Database(), { DIR, SOCKET, PID } = known(await script("up"));
		return Object.assign(d, { dir: DIR, socket: SOCKET, pid: Number(PID) });
	}
	async stop() { await script("down", "--keep", this.dir); }
	async start() { this.pid = Number(known(await script("up", "--dir", this.dir)).PID); }
	freeze() { process.kill(this.pid, "SIGSTOP"); }
	thaw() { process.kill(this.pid, "SIGCONT"); }
	async remove() {
		try { this.thaw(); } catch {}
		await script("down", this.dir);
	}
	args(database = "") { return ["--no-defaults", "-u", "root", "-S", this.socket, "-N", "-B", ...(database ? [database] : [])]; }
	sql(text, database) { return execFileSync("mariadb", this.args(database), { input: text, encoding: "utf8" }).trim(); }
	/** A second writer: does these statements over and over until stop(); errors (deadlocks) are its lot. */
	writer(database, text) {
		const child = spawn("mariadb", [...this.args(database), "--force", "--unbuffered"], { stdio: ["pipe", "ignore", "ignore"] }), ended = new Promise((r) => child.on("exit", r));
		let on = true;
		child.stdin.on("error", () => {});
		const feed = () => { while (on && child.stdin.write(text)); if (on) child.stdin.once("drain", feed); };
		feed();
		return async () => { on = false; child.kill("SIGTERM"); await ended; };
	}
	/** Ends all connections but root's every so many seconds, whatever they are doing, until stop(). */
	cutter(seconds) {
		return this.writer("", `DELIMITER //
BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
FOR r IN (SELECT id FROM information_schema.processlist WHERE user LIKE 'lk\\_%') DO EXECUTE IMMEDIATE CONCAT('KILL ', r.id); END FOR; DO SLEEP(${seconds}); END//
DELIMITER ;
`);
	}
	status(name) { return Number(this.sql(`SELECT variable_value FROM information_schema.global_status WHERE variable_name = '${name}'`)); }
	deadlocks() { return this.status("Innodb_deadlocks"); }
}
/** Asks /ok now and then while f runs. */
export async function probed(s, f, { ms = 50, path: p = "/ok" } = {}) {
	const seen = { ms: [], bad: [] };
	let on = true;
	const probe = (async () => { while (on) { try { const r = await s.get(p); seen.ms.push(r.ms); if (r.status !== 200) seen.bad.push(`${r.status} ${r.text}`); } catch (e) { seen.bad.push(e.message); } await wait(ms); } })();
	try { seen.result = await f(seen); } finally { on = false; await probe; }
	return seen;
}
/** ms until all of them are signed in again, asked without pause. */
export async function back(s, cookies, limit) {
	const began = performance.now();
	const all = await until(async () => (await Promise.all(cookies.map(async (cookie) => { const r = await s.get("/session", { cookie }); return r.status === 200 && r.json?.user; }))).every(Boolean), limit, 50);
	return all ? performance.now() - began : null;
}
