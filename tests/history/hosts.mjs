// Two hosts: two masters with a state directory, and so a session cache, each; one database, one secret. And sessions in
// great numbers, whose rows are made by SQL and whose cookies are signed here.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { BUILD, Server, cleanEnv, newDir, start, uniq } from "../endpoint/server.mjs";
import { request } from "../endpoint/fcgi.mjs";

/** Runs f with both. set: settings of both. */
export async function hosts({ workers = 2, set = {} }, f) {
	const common = { store: "mysql", workers, as: Host }, all = { "jobs.every": "0", "log.access": "off", ...set };
	const a = await start({ ...common, set: all });
	const dir = newDir("secret"), secret = path.join(dir, "secret"), { uid, gid } = fs.statSync(dir);
	try {
		fs.copyFileSync(a.secretFile, secret); fs.chmodSync(secret, 0o600); fs.chownSync(secret, uid, gid);
		const b = await start({ ...common, mysql: a.mysql.socket, set: { ...all, "database.name": a.mysql.database, "secret.file": secret } });
		try { return await f([a, b]); } finally { await b.stop(); }
	} finally {
		await a.stop();
		fs.rmSync(dir, { recursive: true });
	}
}

export class Host extends Server {
	/** One request, prepared once; what it is answered: {status, text}, or null: no whole answer came. */
	prepare(method, p, o) { return request(this.parts(method, p, o)); }
	say(bytes, timeout = 30_000) {
		return new Promise((resolve) => {
			const got = [], k = net.connect(this.socket), timer = setTimeout(() => k.destroy(), timeout);
			k.on("connect", () => k.write(bytes));
			k.on("data", (d) => got.push(d)).on("error", () => {});
			k.on("close", () => { clearTimeout(timer); resolve(answerOf(Buffer.concat(got))); });
		});
	}
	/** 0: done. */
	ctlSoon(...args) { return new Promise((resolve) => execFile(path.join(BUILD, "latchkeyctl"), ["-c", this.conf, ...args], { env: cleanEnv() }, (e) => resolve(e ? e.code ?? 1 : 0))); }
}
/** Of a short answer in FastCGI records: status and body. */
function answerOf(raw) {
	let out = "", ended = false;
	for (let i = 0; raw.length - i >= 8;) {
		const type = raw[i + 1], n = raw.readUInt16BE(i + 4), next = i + 8 + n + raw[i + 6];
		if (next > raw.length) break;
		if (type === 6) out += raw.toString("latin1", i + 8, i + 8 + n);
		ended ||= type === 3;
		i = next;
	}
	const body = out.indexOf("\r\n\r\n");
	return ended && body >= 0 ? { status: Number(/^Status: (\d+)/m.exec(out.slice(0, body))?.[1] ?? 200), text: out.slice(body + 4) } : null;
}

const hash = (text) => createHash("sha256").update(text).digest("hex");
/** `users` users with `each` sessions, as rows of sign-ins. Returns how session n of user u is made up. */
export async function population(host, users, each) {
	const mark = uniq(), u = await host.user();
	const id = (what, n) => `LEFT(SHA2(CONCAT('${mark} ${what} ', ${n}), 256), 32)`;
	host.sql(`INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt)
			SELECT ${id("user", "seq")}, CONCAT('User ', seq), CONCAT('${mark}-', seq, '@example.org'), 1, createdAt, updatedAt FROM seq_1_to_${users} JOIN user r ON r.id = '${u.id}';
		INSERT INTO latchkey_user (userId, turn) SELECT ${id("user", "seq")}, 1 FROM seq_1_to_${users};
		INSERT INTO session (id, expiresAt, token, createdAt, updatedAt, ipAddress, userAgent, userId, rememberMe, authenticatedAt, diesAt, lastSeenAt, lastIpAddress)
			SELECT ${id("session", "seq")}, expiresAt, SHA2(${id("token", "seq")}, 256), createdAt, updatedAt, ipAddress, 'Mozilla/5.0', ${id("user", `1 + (seq - 1) DIV ${each}`)}, rememberMe,
				authenticatedAt, diesAt, lastSeenAt, lastIpAddress FROM seq_1_to_${users * each} JOIN session r ON r.userId = '${u.id}';`);
	const made = (what, n) => hash(`${mark} ${what} ${n}`).slice(0, 32), secret = host.secret();
	return (user, n) => {
		const nr = user * each + n + 1;
		return { id: made("session", nr), cookie: `${host.cookieName}=${host.sign(made("token", nr), secret)}` };
	};
}
