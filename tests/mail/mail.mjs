// What the mail suites share: a real SMTP server that keeps what it gets, certificates, mails that are queued as a request
// would queue them, and latchkeyctl.
import { execFile, execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";
import { BUILD, PATIENCE, assert, cleanEnv, eq, newDir, start, until } from "../endpoint/server.mjs";

export * from "../endpoint/server.mjs";
export const FROM = "accounts@site.example";
export const KINDS = ["verify-email", "reset-password", "delete-account", "change-email", "email-changed", "password-changed", "new-device", "account-exists", "test"];

// --- certificates: an authority, one for localhost, one for another name

const openssl = (...args) => execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
/** {ca, good: {key, cert}, wrong: {key, cert}}; ca is a path that latchkey may read. Made anew for each run. */
export function certificates() {
	const dir = newDir("certs"), at = (f) => path.join(dir, f);
	fs.chmodSync(dir, 0o755);
	openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=tests", "-keyout", at("ca.key"), "-out", at("ca.pem"));
	const make = (name, san) => {
		openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", `/CN=${name}`, "-keyout", at(`${name}.key`), "-out", at(`${name}.csr`));
		fs.writeFileSync(at("san"), `subjectAltName=${san}\n`);
		openssl("x509", "-req", "-days", "2", "-in", at(`${name}.csr`), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-extfile", at("san"), "-out", at(`${name}.pem`));
		return { key: fs.readFileSync(at(`${name}.key`)), cert: fs.readFileSync(at(`${name}.pem`)) };
	};
	return { ca: at("ca.pem"), good: make("localhost", "DNS:localhost,IP:127.0.0.1"), wrong: make("elsewhere.example", "DNS:elsewhere.example"), remove: () => fs.rmSync(dir, { recursive: true }) };
}

// --- a server

const refusal = (code, text) => Object.assign(new Error(text), { responseCode: code });
/** Listens on 127.0.0.1; port 0: a free one. `got` holds what was taken: {from, to, raw, mail, tls, user}. What is to be
 * refused or to take long: rcpt, sender, data (functions of the address, or of what came; they throw refuse(…), or are
 * awaited). started is called with each message that has come whole and is not answered yet. */
export class Sink {
	static refuse = refusal;
	constructor(options = {}) { Object.assign(this, { got: [], connections: 0, begun: 0, rcpt: null, sender: null, data: null }, options); }
	async listen(port = 0) {
		const { tls, cert, auth, hide = [] } = this, sink = this;
		this.server = new SMTPServer({
			secure: tls === "tls", ...(cert && { key: cert.key, cert: cert.cert }), authOptional: !auth, disabledCommands: [...hide, ...(cert ? [] : ["STARTTLS"]), ...(auth ? [] : ["AUTH"])], logger: false,
			onConnect(session, done) { sink.connections++; done(); },
			onAuth(a, session, done) { if (a.username === auth?.user && a.password === auth?.pass) done(null, { user: a.username }); else done(refusal(535, "5.7.8 no")); },
			onMailFrom(address, session, done) { sink.answer(sink.sender, address.address, done); },
			onRcptTo(address, session, done) { sink.answer(sink.rcpt, address.address, done); },
			onData(stream, session, done) {
				const chunks = [];
				stream.on("data", (d) => chunks.push(d)).on("end", async () => {
					const raw = Buffer.concat(chunks).toString("latin1"), one = { raw, from: session.envelope.mailFrom.address, to: session.envelope.rcptTo.map((r) => r.address), tls: session.secure, user: session.user };
					sink.begun++;
					sink.answer(sink.data && (() => sink.data(one)), null, async (e) => {
						if (e) return done(e);
						one.mail = await simpleParser(raw); sink.got.push(one); done(null, "2.0.0 taken");
					});
				});
			},
		});
		this.server.on("error", () => {});
		await new Promise((resolve, reject) => { this.server.server.once("error", reject); this.server.listen(port, "127.0.0.1", resolve); });
		this.port = this.server.server.address().port;
		return this;
	}
	answer(f, arg, done) { Promise.resolve().then(() => f?.(arg)).then(() => done(), done); }
	/** Connections are cut off. */
	async close() { for (const c of this.server.connections) c._socket?.destroy(); await new Promise((r) => this.server.close(r)); }
	/** n mails have come; fails if they do not. */
	async has(n, ms = 20_000) { assert.ok(await until(() => this.got.length >= n, ms), `${this.got.length} of ${n} mails came (${this.connections} connections)`); }
	ids() { return this.got.map((g) => g.mail.messageId); }
}
export async function withSink(options, f) {
	const sink = await new Sink(options).listen();
	try { return await f(sink); } finally { await sink.close(); }
}

// --- latchkey

/** Settings for mail to that server, without TLS unless told. */
export const smtp = (sink, more = {}) => ({ "mail.transport": "smtp", "mail.from": FROM, "mail.smtp_host": `127.0.0.1:${sink.port}`, "mail.smtp_tls": "off", "mail.timeout": "60s", ...more });
/** A running latchkey that keeps house. */
export async function running({ set = {}, ...options }, f) {
	const s = await start({ workers: 2, ...options, set: { "jobs.every": "1s", ...set } });
	try { return await f(s); } finally { await s.stop(); }
}
const owner = (s) => { const { uid, gid } = fs.statSync(s.dir); return process.getuid() === 0 ? { uid, gid } : {}; };
/** Queues `count` mails as a request would, in a process of its own. facts: link, name, new, ip, device, life (ms). */
export function queue(s, kind, to, facts = {}, count = 1) {
	const args = [s.conf, String(count), kind, to ?? "-", ...Object.entries(facts).map(([k, v]) => `${k}=${v}`)];
	execFileSync(path.join(BUILD, "tests/latchkey-queue"), args, { env: { ...cleanEnv(), ...(s.clockFile && { LATCHKEY_TEST_CLOCK: s.clockFile }) }, stdio: ["ignore", "ignore", "inherit"], ...owner(s) });
}
/** latchkeyctl: {code, out, err}; never throws. */
export const ctl = (s, ...args) => new Promise((resolve) => execFile(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, ...args], { encoding: "utf8", env: cleanEnv() }, (e, out, err) => resolve({ code: e ? e.code : 0, out, err })));
export const waiting = async (s) => { const r = await ctl(s, "--json", "mail", "list"); eq(r.code, 0, r.err); return JSON.parse(r.out); };
/** The queue is empty; fails if it does not become so. */
export async function allGone(s, ms = 20_000) { assert.ok(await until(() => s.sql("SELECT COUNT(*) FROM latchkey_mail") === "0", ms), `left: ${s.sql("SELECT id, kind, tries, lastError FROM latchkey_mail")}\n${s.log().split("\n").slice(-8).join("\n")}`); }
/** What of a log is about mail. */
export const mailLog = (s) => s.log().split("\n").filter((l) => /\bmail/.test(l)).join("\n");
/** A configuration alone, for latchkeyctl: nothing runs. */
export function configured(set) {
	const dir = newDir("conf"), conf = path.join(dir, "latchkey.conf"), all = { "auth.base_url": "http://127.0.0.1:80", "pool.state": dir, "database.path": `${dir}/latchkey.db`, "secret.file": `${dir}/secret`, ...set }, sections = {};
	for (const [k, v] of Object.entries(all)) (sections[k.split(".")[0]] ??= []).push(`${k.split(".")[1]} = ${v}`);
	fs.writeFileSync(conf, Object.entries(sections).map(([k, lines]) => `[${k}]\n${lines.join("\n")}\n`).join("\n"), { mode: 0o600 });
	return { dir, conf, remove: () => fs.rmSync(dir, { recursive: true }) };
}
export async function only(set, f) {
	const c = configured(set);
	try { return await f(c); } finally { c.remove(); }
}
export { PATIENCE };
