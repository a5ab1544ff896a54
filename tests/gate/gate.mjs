// Gated sites behind real web servers, started by scripts/testbed, and what the tests say to them. A site is a Server of
// tests/endpoint whose requests go through the web server.
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import path from "node:path";
import tls from "node:tls";
import { parseSetCookie } from "../endpoint/fcgi.mjs";
import { PATIENCE, Server, assert, start, until } from "../endpoint/server.mjs";
import { denied } from "./kinds.mjs";

export * from "../endpoint/server.mjs";
export { COMBINATIONS, KINDS, SITES } from "./kinds.mjs";

/** A kind of kinds.mjs with a site behind it. backend: what makes the pages, unless the kind says so. */
export function site(kind, { backend = kind.backend, https: secure = false, args = [], ...o } = {}) {
	return start({ server: kind.server, as: Site, ...o,
		args: ["--gate", "--backend", backend, ...(kind.apache ? ["--apache", kind.apache] : []), ...(secure ? ["--https"] : []), ...args] }).then((s) => Object.assign(s, { kind, backend }));
}

export class Site extends Server {
	constructor(known, ...more) {
		super(known, ...more);
		const url = new URL(this.base);
		this.secure = url.protocol === "https:";
		this.host = url.host; this.port = Number(url.port);
		this.ca = known.CA_FILE && fs.readFileSync(known.CA_FILE);
		this.caFile = known.CA_FILE;
		this.agent = new (this.secure ? https : http).Agent({ keepAlive: true, maxSockets: 256, ca: this.ca });
	}
	async stop() { this.agent.destroy(); await super.stop(); }
	/** A request in the way of tests/endpoint, by the web server. */
	send(method, p, o = {}) {
		const { uri, headers, body } = this.parts(method, p, o);
		return this.ask(method, uri, { headers, body });
	}
	/** A request for any path of the site. */
	ask(method, target, { headers = {}, body, cookie, agent = this.agent, timeout = 15_000 * PATIENCE } = {}) {
		return new Promise((resolve, reject) => {
			const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
			const q = (this.secure ? https : http).request({ host: "127.0.0.1", port: this.port, method, path: target, agent, ca: this.ca, headers: { host: this.host, ...length, ...headers, ...(cookie !== undefined && { cookie }) } }, (r) => {
				const got = [];
				r.on("data", (d) => got.push(d)).on("error", reject).on("end", () => resolve({ method, ...answer(r, Buffer.concat(got)) }));
			});
			q.setTimeout(timeout, () => q.destroy(new Error(`${method} ${target}: no answer`)));
			q.on("error", reject);
			q.end(body);
		});
	}
	page(cookie, o = {}) { return this.ask(o.method ?? "GET", o.path ?? "/protected/", { cookie, ...o }); }
	/** As a browser asks for a page. */
	visit(cookie, o = {}) { return this.page(cookie, { ...o, headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none", ...o.headers } }); }
	/** The page's own address below a folder: some servers answer GET and POST only where they look for an index. */
	script(folder = "/protected/") {
		const dir = path.join(this.dir, "htdocs", folder), file = fs.existsSync(dir) ? fs.readdirSync(dir).find((f) => /\.(php|cgi)$/.test(f)) : null;
		return folder + (this.backend !== "proxy" && file ? file : "");
	}
	connect() { return this.secure ? tls.connect({ host: "127.0.0.1", port: this.port, ca: this.ca, ALPNProtocols: ["http/1.1"] }) : net.connect(this.port, "127.0.0.1"); }
	/** Sends bytes (latin1) as they are; all that comes back until the server closes, with each chunked body put together. */
	raw(text, { timeout = 10_000 * PATIENCE } = {}) {
		return new Promise((resolve) => {
			const got = [], k = this.connect();
			k.on(this.secure ? "secureConnect" : "connect", () => k.write(text, "latin1"));
			const end = () => { clearTimeout(timer); k.destroy(); resolve(whole(Buffer.concat(got).toString("latin1"))); };
			const timer = setTimeout(end, timeout);
			k.on("data", (d) => got.push(d)).on("error", end).on("close", end);
		});
	}
	/** A connection that sends this and then nothing more. sent: when it has left. */
	hold(text) {
		const k = this.connect(), sent = new Promise((resolve, reject) => { k.on("error", reject); k.on(this.secure ? "secureConnect" : "connect", () => k.write(text, "latin1", resolve)); });
		return { sent, end: () => k.on("error", () => {}).destroy() };
	}
	/** Where the web server starts latchkey, its log is among the web server's own. */
	log() { return ["latchkey.log", "web.log"].map((f) => path.join(this.dir, f)).filter((f) => fs.existsSync(f)).map((f) => fs.readFileSync(f, "utf8")).join(""); }
	/** Processes of latchkey, whoever started them. */
	processes() { return fs.readdirSync("/proc").filter((p) => /^\d+$/.test(p)).map(Number).filter((pid) => isLatchkey(pid, this.conf)); }
	/** Runs f while latchkey is stopped. */
	async withoutGate(f) {
		await this.breakGate();
		try { return await f(); } finally { await this.mendGate(); }
	}
	/** Stops latchkey. Where the web server starts it, it finds no configuration from now on. */
	async breakGate() {
		if (!this.kind.spawned) { assert.notEqual(await this.halt(), null, "it stops"); return; }
		fs.renameSync(this.conf, `${this.conf}.away`);
		for (const pid of this.processes()) signal(pid, "SIGKILL");
		assert.ok(await until(() => this.processes().length === 0), "all have ended");
	}
	/** Something else listens where latchkey did, answers each connection with these bytes and closes it, while f runs. f gets
	 * a function that tells how many connections there were. */
	async impostor(bytes, f) {
		let n = 0;
		const away = `${this.socket}.away`, server = net.createServer((k) => { n++; k.on("error", () => {}).resume().end(bytes, "latin1"); });
		fs.renameSync(this.socket, away);
		await new Promise((resolve, reject) => server.on("error", reject).listen(this.socket, resolve));
		fs.chmodSync(this.socket, 0o666);
		try { return await f(() => n); } finally { await new Promise((r) => server.close(r)); fs.renameSync(away, this.socket); }
	}
	async mendGate() {
		if (this.kind.spawned) fs.renameSync(`${this.conf}.away`, this.conf); else await this.launch();
	}

	// --- what an answer to a page must be
	/** The page was served, to nobody or to this user. */
	served(r, user) {
		assert.equal(r.status, 200, `${r.status} ${r.text.slice(0, 300)}`);
		assert.ok(hasPage(r.text), r.text.slice(0, 300));
		if (user) assert.equal(r.env.REMOTE_USER ?? r.env.HTTP_REMOTE_USER, user.email, r.text);
		return r;
	}
	/** The page was not served, and why: as denied() in kinds.mjs. navigates: a browser asked, which can be sent to the sign-in
	 * page. */
	refused(r, what, { navigates = false, where = "" } = {}) {
		const text = `${this.kind.name} ${where}: ${r.status} ${r.headers.location ?? ""} ${r.text.slice(0, 300)}`;
		assert.ok(!hasPage(r.text), text);
		const allowed = denied(this.kind, what, navigates && ["GET", "HEAD"].includes(r.method));
		assert.ok(allowed.includes(r.status), `${text}: expected ${allowed.join(" or ")}`);
		if (r.status === 302) assert.match(r.headers.location, /\/auth\/login\?next=/, text);
		return r;
	}
	isDenial(r, what, navigates = false) { return denied(this.kind, what, navigates && ["GET", "HEAD"].includes(r.method)).includes(r.status); }
	/** Waits until a session is served again. */
	async serves(cookie, ms = 15_000) {
		let r;
		const back = await until(async () => { try { r = await this.page(cookie, { agent: false }); } catch (e) { r = { status: e.message, text: "" }; } return r.status === 200 && hasPage(r.text); }, ms, 50);
		assert.ok(back, `${this.kind.name}: not served again: ${r.status} ${r.text.slice(0, 300)}\n${this.log().split("\n").slice(-5).join("\n")}`);
	}
}
/** Of short questions: mod_fcgid lets one wait for a second that finds no process free. */
export const atOnce = (kind) => (kind.spawned === "fcgid" ? 1 : 4);
/** f for each of the list, so many at once. */
export async function each(list, f, atOnce) {
	const left = [...list];
	await Promise.all(Array.from({ length: atOnce }, async () => { while (left.length) await f(left.shift()); }));
}
/** Sends a signal to a process that may be gone. */
export function signal(pid, name) {
	try { process.kill(pid, name); } catch (e) { if (e.code !== "ESRCH") throw e; }
}
function isLatchkey(pid, conf) {
	try { const words = fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0"); return /(^|\/)latchkey(-test)?(:|$)/.test(words[0]) && words.includes(conf); } catch { return false; }
}

/** Does the text hold a page of the site? What it was handed, or its source. */
export const hasPage = (text) => /^(BODY_MD5|BODY_LEN|SCRIPT_FILENAME|GATEWAY_INTERFACE|APP)=|Digest::MD5|file_get_contents/m.test(text);

function answer(r, bytes) {
	const fields = [];
	for (let i = 0; i < r.rawHeaders.length; i += 2) fields.push([r.rawHeaders[i].toLowerCase(), r.rawHeaders[i + 1]]);
	const text = bytes.toString("utf8");
	let json;
	try { json = JSON.parse(text); } catch {}
	return { status: r.statusCode, fields, headers: Object.fromEntries(fields), text, json, env: variables(text), setCookies: fields.filter(([k]) => k === "set-cookie").map(([, v]) => parseSetCookie(v)) };
}
/** What the page was handed. */
export const variables = (text) => Object.fromEntries(text.split("\n").flatMap((l) => { const i = l.indexOf("="); return i > 0 && hasPage(text) ? [[l.slice(0, i), l.slice(i + 1)]] : []; }));

/** Answers one behind the other, with chunked bodies put together. */
function whole(raw) {
	const end = raw.indexOf("\r\n\r\n") + 4, head = raw.slice(0, end);
	if (end < 4 || !/^HTTP\/1\.[01] /.test(head)) return raw;
	const length = /^content-length: *(\d+)/im.exec(head)?.[1];
	if (!/^transfer-encoding: *chunked/im.test(head)) return head + (length ? raw.slice(end, end + Number(length)) + whole(raw.slice(end + Number(length))) : whole(raw.slice(end)));
	let body = "", at = end;
	for (let m; (m = /^([0-9a-f]+)[^\r\n]*\r\n/i.exec(raw.slice(at, at + 100)));) {
		const n = parseInt(m[1], 16);
		at += m[0].length;
		body += raw.slice(at, at + n);
		at += n + 2;
		if (n === 0) break;
	}
	return head + body + whole(raw.slice(at));
}
/** The folders of all pages in what came back: of the file that made them, or, of those of an application behind the web
 * server, where the address leads that it got. "source": a page's text instead of what it makes. */
export function places(text) {
	const out = [];
	for (const [block] of text.matchAll(/(^[A-Za-z0-9_]+=.*\n?)+/gm)) {
		const v = Object.fromEntries(block.split("\n").map((l) => [l.slice(0, l.indexOf("=")), l.slice(l.indexOf("=") + 1).trim()]));
		if (!hasPage(block)) continue;
		if (v.PLACE) out.push(v.PLACE);
		else if (v.APP === "proxy") out.push(folderOf(v.REQUEST_URI));
		else out.push(/\/htdocs\/([a-z]+)\//.exec(v.SCRIPT_FILENAME)?.[1] ?? `unknown: ${v.SCRIPT_FILENAME}`);
	}
	if (/Digest::MD5|file_get_contents/.test(text)) out.push("source");
	return out;
}
/** Where a target leads, decoded once. */
function folderOf(target) {
	let p = target.replace(/^[a-z]+:\/\/[^/?#]*/i, "").replace(/[?#].*/s, "");
	try { p = decodeURIComponent(p); } catch {}
	return path.posix.normalize(p).split("/").filter(Boolean)[0] ?? "";
}
