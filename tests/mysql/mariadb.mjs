// Private MariaDB servers with options of their own, and the program on them. What is not about the server's options runs on
// the shared one that LATCHKEY_TEST_MYSQL names.
import { execFile, execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { ROOT, Server, newDir, start, uniq } from "../endpoint/server.mjs";

export * from "../endpoint/server.mjs";
const SCRIPT = path.join(ROOT, "scripts/mariadb");

/** A server. env: of the server itself, e.g. TZ. */
export async function mariadb(options = [], env = {}) {
	const out = await new Promise((resolve, reject) => execFile(SCRIPT, ["up", "--", ...options], { env: { ...process.env, ...env } }, (e, stdout, stderr) => (e ? reject(new Error(stderr)) : resolve(stdout))));
	return new MariaDb(Object.fromEntries(out.trim().split("\n").map((l) => l.split("="))));
}
export class MariaDb {
	constructor({ DIR, SOCKET }) { this.dir = DIR; this.socket = SOCKET; }
	/** As `user`; rows as lines, values with tabs between. */
	sql(text, { user = "root", password = "", db } = {}) {
		return execFileSync("mariadb", ["--no-defaults", "-N", "-B", "-u", user, "-S", this.socket, ...(db ? [db] : [])], { input: text, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, MYSQL_PWD: password } }).trim();
	}
	file(name) { return fs.readFileSync(path.join(this.dir, "data", name)); }
	stop() { execFileSync(SCRIPT, ["down", this.dir]); }
	/** The program on this server. */
	start(o = {}) { return start({ store: "mysql", mysql: this.socket, ...o }); }
}
/** The one of the whole run. */
export const shared = new MariaDb({ SOCKET: process.env.LATCHKEY_TEST_MYSQL });
if (!shared.socket) throw new Error("LATCHKEY_TEST_MYSQL names no server: scripts/mariadb up starts one");

/** Runs f with the program on the shared server. */
export async function with_(o, f) {
	const s = await shared.start(o);
	try { return await f(s); } finally { await s.stop(); }
}
/** Runs f with a new empty database. */
export async function database(f, server = shared) {
	const name = `latchkey_${uniq()}`;
	server.sql(`CREATE DATABASE ${name}`);
	try { return await f(name); } finally { server.sql(`DROP DATABASE ${name}`); }
}
/** What the configuration of s says. */
export const setting = (s, key) => new RegExp(`^${key} = (.*)$`, "m").exec(fs.readFileSync(s.conf, "utf8"))?.[1];
/** The secret file of s for another server. */
export function secretOf(s) {
	const dir = newDir("secret"), file = path.join(dir, "secret"), { uid, gid } = fs.statSync(dir);
	fs.copyFileSync(s.secretFile, file); fs.chmodSync(file, 0o600); fs.chownSync(file, uid, gid);
	return file;
}
/** A server that s would be if it could be started: for latchkeyctl, and to look at. */
export const like = (s, o) => Object.assign(Object.create(Server.prototype), s, o);
