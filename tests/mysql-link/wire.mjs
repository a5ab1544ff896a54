// The MySQL protocol (protocol 10) as far as a liar needs it: packets, a proxy that looks into them, and a server made of
// a conversation. Knows nothing of latchkey.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";

export const SSL = 0x800, DEPRECATE_EOF = 0x1000000;
export const CAPS = 0x1 | 0x2 | 0x4 | 0x8 | 0x80 | 0x200 | 0x2000 | 0x8000 | 0x10000 | 0x20000 | 0x40000 | 0x80000 | 0x200000;
export const COM = { QUIT: 1, INIT_DB: 2, QUERY: 3, PING: 0x0e, PREPARE: 0x16, EXECUTE: 0x17, LONG_DATA: 0x18, CLOSE: 0x19, RESET_STMT: 0x1a, FETCH: 0x1c, RESET: 0x1f };

export const u16 = (n) => { const b = Buffer.alloc(2); b.writeUInt16LE(n); return b; };
export const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n >>> 0); return b; };
export const lenenc = (n) => (n < 251 ? Buffer.from([n]) : n < 65536 ? Buffer.concat([Buffer.from([0xfc]), u16(n)]) : Buffer.concat([Buffer.from([0xfd]), u32(n).subarray(0, 3)]));
export const text = (s) => Buffer.concat([lenenc(Buffer.byteLength(s)), Buffer.from(s)]);
/** A packet; `length` may lie. */
export function packet(seq, payload, length = payload.length) { return Buffer.concat([u32(length).subarray(0, 3), Buffer.from([seq & 255]), Buffer.from(payload)]); }
/** Whole packets of a buffer, and the rest. */
export function packets(buffer) {
	const list = [];
	let i = 0;
	while (buffer.length - i >= 4) {
		const n = buffer.readUIntLE(i, 3);
		if (buffer.length - i < 4 + n) break;
		list.push({ seq: buffer[i + 3], payload: buffer.subarray(i + 4, i + 4 + n), raw: buffer.subarray(i, i + 4 + n) });
		i += 4 + n;
	}
	return { list, rest: buffer.subarray(i) };
}
export function greeting({ caps = CAPS, version = "5.5.5-10.11.0-MariaDB", plugin = "mysql_native_password", salt = Buffer.alloc(20, 0x41) } = {}) {
	return Buffer.concat([Buffer.from([10]), Buffer.from(`${version}\0`), u32(7), salt.subarray(0, 8), Buffer.from([0]), u16(caps & 0xffff), Buffer.from([45]), u16(2), u16(caps >>> 16), Buffer.from([21]), Buffer.alloc(10),
		salt.subarray(8, 20), Buffer.from([0]), Buffer.from(`${plugin}\0`)]);
}
export const ok = ({ changed = 0, status = 2 } = {}) => Buffer.concat([Buffer.from([0]), lenenc(changed), lenenc(0), u16(status), u16(0)]);
export const eof = (status = 2) => Buffer.concat([Buffer.from([0xfe]), u16(0), u16(status)]);
export const err = (code, state, message) => Buffer.concat([Buffer.from([0xff]), u16(code), Buffer.from(`#${state}${message}`)]);
export const authSwitch = (plugin, data = Buffer.alloc(0)) => Buffer.concat([Buffer.from([0xfe]), Buffer.from(`${plugin}\0`), data]);
export const column = (name, { type = 0xfd, flags = 0, charset = 45, length = 1020 } = {}) => Buffer.concat([text("def"), text("d"), text("t"), text("t"), text(name), text(name), Buffer.from([0x0c]), u16(charset), u32(length), Buffer.from([type]), u16(flags), Buffer.from([0, 0, 0])]);
/** A result of a query: text rows. */
export function rows(columns, list, seq = 1) {
	const all = [lenenc(columns.length), ...columns.map((c) => column(c)), eof(), ...list.map((r) => Buffer.concat(r.map((v) => (v === null ? Buffer.from([0xfb]) : text(v))))), eof()];
	return Buffer.concat(all.map((p, i) => packet(seq + i, p)));
}
/** Parses what a client answers to the greeting. */
export function login(payload) {
	const caps = payload.readUInt32LE(0), end = payload.indexOf(0, 32);
	return { caps, user: end < 0 ? "" : payload.subarray(32, end).toString("latin1"), auth: end < 0 ? Buffer.alloc(0) : payload.subarray(end + 2, end + 2 + payload[end + 1]) };
}
/** An answer to the greeting that only asks for TLS holds no user name. */
export const isSslRequest = (p) => p.length === 32 && (p.readUInt32LE(0) & SSL) !== 0;

class Listener {
	sockets = new Set();
	async listen(handle, port = 0, host = "127.0.0.1") {
		Object.assign(this, { handle, host });
		this.server = net.createServer({ noDelay: true }, (s) => { this.sockets.add(s); s.on("close", () => this.sockets.delete(s)).on("error", () => {}); handle(s); });
		this.server.listen(port, host);
		await once(this.server, "listening");
		this.port = this.server.address().port;
		return this;
	}
	/** After stop(): at the same port. */
	reopen() { return this.listen(this.handle, this.port, this.host); }
	drop() { for (const s of this.sockets) s.destroy(); }
	async stop() { this.drop(); if (!this.server?.listening) return; this.server.close(); await once(this.server, "close"); }
	address(host = "127.0.0.1") { return `${host}:${this.port}`; }
}

/** A proxy in front of a server. Members that may be set at any time:
 *    delay      ms before bytes of the server go on
 *    half       true: the first half of what the server says goes on, and then nothing any more
 *    hole       true: nothing goes on in any direction, new connections are accepted and starve
 *    drip       ms for each byte of the server
 *    onClient, onServer   (packet {seq, payload, raw}, connection) => buffer to send on | null: as it is | false: not at all
 * A connection knows: sent (all bytes of the client), command and sql of the statement under way, opaque (TLS began). */
export class Link extends Listener {
	connections = [];
	static async start(target, o = {}) {
		const l = Object.assign(new Link(), { target, delay: 0, drip: 0, half: false, hole: false }, o);
		return l.listen((s) => l.#accept(s), o.port, o.host);
	}
	#accept(client) {
		const upstream = net.connect(typeof this.target === "number" ? { port: this.target, host: "127.0.0.1" } : { path: this.target });
		upstream.setNoDelay(true);
		this.sockets.add(upstream);
		const c = { client, upstream, sent: [], received: [], statements: new Map(), opaque: false, command: null, sql: null, seen: 0, get bytes() { return Buffer.concat(this.sent); } };
		this.connections.push(c);
		const end = () => { if (!this.hole) { client.destroy(); upstream.destroy(); } };
		client.on("close", () => upstream.destroy());
		upstream.on("close", () => { this.sockets.delete(upstream); end(); }).on("error", () => {});
		let fromClient = Buffer.alloc(0), fromServer = Buffer.alloc(0);
		client.on("data", (d) => {
			c.sent.push(d);
			fromClient = Buffer.concat([fromClient, d]);
			if (this.hole) return;
			if (c.opaque) { upstream.write(fromClient); fromClient = Buffer.alloc(0); return; }
			const { list, rest } = packets(fromClient);
			fromClient = Buffer.from(rest);
			for (const p of list) {
				this.#note(c, p);
				const out = this.onClient?.(p, c) ?? p.raw;
				if (out !== false && !upstream.destroyed) upstream.write(out);
			}
			if (c.opaque && fromClient.length) { upstream.write(fromClient); fromClient = Buffer.alloc(0); }
		});
		let queue = Promise.resolve();
		const forward = (b) => {
			const { delay, drip } = this;
			queue = queue.then(async () => {
				if (delay) await new Promise((r) => setTimeout(r, delay));
				for (let i = 0; drip && i < b.length && !client.destroyed; i++) { client.write(b.subarray(i, i + 1)); await new Promise((r) => setTimeout(r, drip)); }
				if (this.half) { if (!c.stuck && !client.destroyed) client.write(b.subarray(0, b.length >> 1)); c.stuck = true; return; }
				if (!drip && !client.destroyed && !this.hole) client.write(b);
			});
		};
		upstream.on("data", (d) => {
			c.received.push(d);
			if (this.hole) return;
			if (c.opaque || !this.onServer) { if (fromServer.length) { d = Buffer.concat([fromServer, d]); fromServer = Buffer.alloc(0); } forward(d); return; }
			const { list, rest } = packets(Buffer.concat([fromServer, d]));
			fromServer = Buffer.from(rest);
			for (const p of list) {
				const out = this.onServer?.(p, c) ?? p.raw;
				c.seen++;
				if (out !== false) forward(Buffer.from(out));
			}
		});
	}
	#note(c, p) {
		if (c.command === null && p.seq === 1 && isSslRequest(p.payload)) { c.opaque = true; return; }
		if (p.seq !== 0) return;
		c.command = p.payload[0]; c.seen = 0;
		if (c.command === COM.QUERY || c.command === COM.PREPARE) c.sql = p.payload.subarray(1).toString("utf8");
		if (c.command === COM.PREPARE) c.preparing = c.sql;
		if (c.command === COM.EXECUTE) c.sql = c.statements.get(p.payload.readUInt32LE(1)) ?? "";
	}
	/** To be called by an `onServer` hook, so that EXECUTE knows its text. */
	static learn(p, c) { if (c.command === COM.PREPARE && c.seen === 0 && p.payload[0] === 0) c.statements.set(p.payload.readUInt32LE(1), c.sql); }
	/** Everything a client said, over all connections. */
	said() { return Buffer.concat(this.connections.map((c) => c.bytes)); }
}

/** One end of a conversation. */
class Talk {
	#rest = Buffer.alloc(0); #waiting = null; #closed = false;
	constructor(socket, heard) { this.heard = heard; this.#attach(socket); }
	#attach(socket) {
		this.socket = socket;
		this.onData = (d) => { this.heard.push(d); this.#rest = Buffer.concat([this.#rest, d]); this.#wake(); };
		socket.on("data", this.onData).on("close", () => { if (this.socket === socket) { this.#closed = true; this.#wake(); } }).on("error", () => {});
	}
	#wake() { this.#waiting?.(); this.#waiting = null; }
	/** The next packet of the client; null once it has closed. */
	async read() {
		for (;;) {
			const { list } = packets(this.#rest);
			if (list.length) { this.#rest = this.#rest.subarray(list[0].raw.length); this.seq = list[0].seq + 1; return list[0].payload; }
			if (this.#closed) return null;
			await new Promise((r) => { this.#waiting = r; });
		}
	}
	seq = 0;
	send(...payloads) { this.raw(Buffer.concat(payloads.map((p) => packet(this.seq++, p)))); }
	raw(b) { if (!this.socket.destroyed) this.socket.write(b); }
	end() { this.socket.destroy(); }
	/** After an SSLRequest: TLS. Rejects if the client does not like it. */
	async secure(options) {
		const plain = this.socket;
		plain.removeAllListeners("data").pause();
		if (this.#rest.length) plain.unshift(this.#rest); // what came right behind the request
		this.#rest = Buffer.alloc(0);
		const s = new tls.TLSSocket(plain, { isServer: true, ...options });
		const done = new Promise((resolve, reject) => { s.once("secure", resolve).once("error", reject).once("close", () => reject(new Error("closed"))); });
		this.#attach(s);
		await done;
		this.cipher = s.getCipher(); this.protocol = s.getProtocol();
	}
	/** Greets, and lets in whoever comes; what he said of himself. */
	async welcome(o) {
		this.send(greeting(o));
		const p = await this.read();
		if (!p) return null;
		this.send(ok());
		return login(p);
	}
}
/** A server made of one function: async (talk, number of the connection) => …. heard: all bytes it was told (decrypted). */
export class Rogue extends Listener {
	heard = []; plain = []; count = 0; faults = [];
	static async start(converse, { port, host } = {}) {
		const r = Object.assign(new Rogue(), { converse });
		return r.listen(async (s) => {
			const n = r.count++;
			s.on("data", (d) => r.plain.push(d));
			try { await r.converse(new Talk(s, r.heard), n); } catch (e) { r.faults.push(e); s.destroy(); }
		}, port, host);
	}
	get said() { return Buffer.concat(this.heard); }
}
export { randomBytes };
