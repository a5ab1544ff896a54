// Mails that the program under test has written to files, and the links in them.
import fs from "node:fs";
import path from "node:path";
import { assert, eq, newDir, start, until } from "./server.mjs";

/** Settings of a server whose mails become files in a directory of their own; dir: where. Nothing keeps house there: they are
 * sent when somebody looks for them. */
export function mailing(set = {}) {
	const dir = newDir("mail");
	return { dir, set: { "mail.transport": "file", "mail.from": "accounts@example.org", "mail.directory": dir, "jobs.every": "0", ...set } };
}
/** Starts one. s.mails(to, kind, n) waits for n mails to this address. */
export async function startMailing(set = {}, o = {}) {
	const m = mailing(set), s = await start({ workers: 2, ...o, set: m.set });
	s.mailDir = m.dir;
	const send = () => { try { s.ctl("mail", "send"); } catch (e) { if (e.status !== 1) throw e; } };
	s.mails = (to, n = 1) => { send(); return waitFor(m.dir, to, n); };
	s.allMails = () => read(m.dir);
	/** Sends what is queued, where nothing keeps house; the token of the newest mail to this address. */
	s.tokenOf = (to) => { send(); return follow(s, newest(m.dir, to).at(-1).link).token; };
	const stop = s.stop.bind(s);
	s.stop = async () => { await stop(); fs.rmSync(m.dir, { recursive: true }); };
	return s;
}
function decode(s) {
	const bytes = Buffer.from(s.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, h) => String.fromCharCode(parseInt(h, 16))), "latin1");
	return bytes.toString("utf8");
}
/** A mail as written: fields, text part, html part, links. */
export function parse(raw) {
	const at = raw.indexOf("\r\n\r\n"), head = raw.slice(0, at).replace(/\r\n[ \t]+/g, " ").split("\r\n");
	const fields = Object.fromEntries(head.map((l) => [l.slice(0, l.indexOf(":")).toLowerCase(), l.slice(l.indexOf(":") + 1).trim()]));
	const boundary = /boundary="([^"]+)"/.exec(fields["content-type"])[1], parts = raw.slice(at).split(`--${boundary}`).slice(1, -1).map((p) => decode(p.slice(p.indexOf("\r\n\r\n") + 4)));
	eq(parts.length, 2);
	const [text, html] = parts, links = text.match(/https?:\/\/\S+/g) ?? [];
	return { raw, fields, to: /<(.*)>/.exec(fields.to)[1], subject: fields.subject, text, html, links, link: links.find((l) => /token=|reset-password\//.test(l)) };
}
const read = (dir) => fs.readdirSync(dir).filter((f) => f.endsWith(".eml")).map((f) => parse(fs.readFileSync(path.join(dir, f), "latin1")));
/** Of two files that were written in one tick of the file system's clock (in memory; a disk is waited for) the number tells. */
const writing = (f) => fs.statSync(f, { bigint: true });
const earlier = (a, b) => Number(a.mtimeNs - b.mtimeNs || a.ino - b.ino);
/** In the order in which they were seen here: the clock of a file system is a coarse one. */
const order = new Map();
function files(dir) {
	const all = fs.readdirSync(dir).filter((f) => f.endsWith(".eml")).map((f) => path.join(dir, f));
	for (const f of all.filter((x) => !order.has(x)).sort((a, b) => earlier(writing(a), writing(b)))) order.set(f, order.size);
	return all.sort((a, b) => order.get(a) - order.get(b));
}
/** Those to an address, the newest last. */
const newest = (dir, to) => files(dir).map((f) => parse(fs.readFileSync(f, "latin1"))).filter((m) => m.to === to);
/** n mails to an address, the newest last; more than n are one too many. */
async function waitFor(dir, to, n) {
	assert.ok(await until(() => newest(dir, to).length >= n, 20_000), `${n} mails to ${to}: ${newest(dir, to).map((m) => m.subject)}`);
	const got = newest(dir, to);
	eq(got.length, n, got.map((m) => m.subject).join("; "));
	return got;
}
/** The path and query of a link, below the base path, and its token. */
export function follow(s, link) {
	const u = new URL(link);
	eq(u.origin, s.origin); assert.ok(u.pathname.startsWith(`${s.prefix}/`), link);
	const p = u.pathname.slice(s.prefix.length) + u.search;
	return { path: p, token: u.searchParams.get("token") ?? u.pathname.split("/").pop() };
}
