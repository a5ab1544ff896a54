// A FastCGI client that builds its records by hand, so that a test can send what no web server would: records split at any
// byte, odd padding, wrong types, lengths that lie. Knows the protocol (FastCGI 1.0), nothing of latchkey.
import net from "node:net";

export const BEGIN = 1, ABORT = 2, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6, STDERR = 7, DATA = 8, GET_VALUES = 9, GET_VALUES_RESULT = 10, UNKNOWN_TYPE = 11;
export const RESPONDER = 1, AUTHORIZER = 2, FILTER = 3;

/** One record. `length` may lie about the content's length. */
export function record(type, content = "", { id = 1, padding = 0, version = 1, length } = {}) {
	const body = Buffer.from(content), head = Buffer.alloc(8);
	head.writeUInt8(version, 0); head.writeUInt8(type, 1); head.writeUInt16BE(id, 2);
	head.writeUInt16BE(length ?? body.length, 4); head.writeUInt8(padding, 6);
	return Buffer.concat([head, body, Buffer.alloc(padding, 0x70)]);
}
export function begin({ role = RESPONDER, keep = false, ...o } = {}) {
	const b = Buffer.alloc(8);
	b.writeUInt16BE(role, 0); b.writeUInt8(keep ? 1 : 0, 2);
	return record(BEGIN, b, o);
}
/** A length of a name or value: one byte below 128, else four with the top bit set. `long` forces four. */
function size(n, long) {
	if (n < 128 && !long) return Buffer.from([n]);
	const b = Buffer.alloc(4);
	b.writeUInt32BE((n | 0x80000000) >>> 0);
	return b;
}
/** A name-value pair; `claim` lies about the value's length. */
export function pair(name, value, { long = false, claim } = {}) {
	const n = Buffer.from(name, "latin1"), v = Buffer.isBuffer(value) ? value : Buffer.from(String(value), "utf8");
	return Buffer.concat([size(n.length, long), size(claim ?? v.length, long), n, v]);
}
/** A stream of records of a type: its content cut into records of at most `cut` bytes, and the empty record that ends it. */
export function stream(type, content, { cut = 65535, end = true, ...o } = {}) {
	const body = Buffer.from(content), out = [];
	for (let i = 0; i < body.length; i += cut) out.push(record(type, body.subarray(i, i + cut), o));
	if (end) out.push(record(type, "", o));
	return Buffer.concat(out);
}
export const params = (list, o) => stream(PARAMS, Buffer.concat(list.map(([k, v]) => pair(k, v))), o);

/** The parameters a web server sends for a request. Header names in any case; a list as value sends the field repeatedly. */
export function environment({ method = "GET", uri = "/", headers = {}, body, remote = "127.0.0.1", env = {} }) {
	const list = [["REQUEST_METHOD", method], ["REQUEST_URI", uri], ["QUERY_STRING", uri.split("?").slice(1).join("?")],
		["SCRIPT_NAME", ""], ["REMOTE_ADDR", remote], ["REMOTE_PORT", "40000"], ["SERVER_PROTOCOL", "HTTP/1.1"], ["GATEWAY_INTERFACE", "CGI/1.1"],
		["SERVER_NAME", "localhost"], ["SERVER_PORT", "80"], ["CONTENT_LENGTH", body === undefined ? "" : String(Buffer.byteLength(body))]];
	for (const [k, v] of Object.entries(headers)) {
		const name = k.toUpperCase().replaceAll("-", "_");
		for (const one of Array.isArray(v) ? v : [v]) if (one !== undefined && one !== null) list.push([name === "CONTENT_TYPE" ? name : `HTTP_${name}`, one]);
	}
	for (const [k, v] of Object.entries(env)) {
		const i = list.findIndex(([n]) => n === k);
		if (i >= 0) list.splice(i, 1);
		if (v !== undefined) list.push([k, v]);
	}
	return list;
}
/** A whole request as one buffer. */
export const request = (o) => Buffer.concat([begin(o), params(environment(o), o), stream(STDIN, o.body ?? "", o)]);

/** Splits what came back into records; `rest` is what is no whole record. */
export function records(buffer) {
	const list = [];
	let i = 0;
	while (buffer.length - i >= 8) {
		const length = buffer.readUInt16BE(i + 4), padding = buffer.readUInt8(i + 6);
		if (buffer.length - i < 8 + length + padding) break;
		list.push({ version: buffer[i], type: buffer[i + 1], id: buffer.readUInt16BE(i + 2), content: buffer.subarray(i + 8, i + 8 + length) });
		i += 8 + length + padding;
	}
	return { list, rest: buffer.subarray(i) };
}

/** Sends bytes and gathers what comes back until the peer closes, or ends the request (a web server then closes), or
 * `timeout` ms have passed. chunks: buffers, numbers (a pause of so many ms), or functions (socket) => …, which
 * are waited for: gate() makes one. */
export function exchange(path, chunks, { timeout = 15_000, half = false, untilClose = false } = {}) {
	return new Promise((resolve, reject) => {
		const got = [], began = process.hrtime.bigint();
		let state = "timeout", done = false, ended = false, wake = () => {};
		const socket = net.connect({ path, allowHalfOpen: true });
		const finish = (s) => {
			if (done) return;
			done = true; state = s; clearTimeout(timer); socket.destroy(); wake();
			resolve(result(Buffer.concat(got), state, Number(process.hrtime.bigint() - began) / 1e6));
		};
		const timer = setTimeout(() => finish("timeout"), timeout);
		socket.on("error", (e) => (e.code === "ENOENT" || e.code === "ECONNREFUSED" ? (clearTimeout(timer), reject(e)) : finish(e.code)));
		socket.on("data", (d) => {
			got.push(d);
			if (!untilClose && !ended && records(Buffer.concat(got)).list.some((r) => r.type === END)) { ended = true; finish("ended"); }
		});
		socket.on("end", () => finish("closed")).on("close", () => finish("closed"));
		socket.on("connect", async () => {
			for (const c of chunks) {
				if (done) return;
				if (typeof c === "number") await new Promise((r) => { const pause = setTimeout(r, c); wake = () => { clearTimeout(pause); r(); }; });
				else if (typeof c === "function") await c(socket);
				else socket.write(c);
			}
			if (half && !done) socket.end();
		});
	});
}
/** A place among the chunks where exchange stops. reached: all before it is sent; go(): on with what follows. */
export function gate() {
	let reach, go;
	const reached = new Promise((r) => (reach = r)), gone = new Promise((r) => (go = r));
	const chunk = async (socket) => { while (socket.writableLength && !socket.destroyed) await new Promise(setImmediate); reach(); await gone; };
	return Object.assign(chunk, { reached, go });
}
function result(raw, state, ms) {
	const { list, rest } = records(raw);
	const of = (type) => Buffer.concat(list.filter((r) => r.type === type).map((r) => r.content));
	const end = list.find((r) => r.type === END)?.content;
	return { state, ms, records: list, rest, stdout: of(STDOUT), stderr: of(STDERR).toString(), end: end && { app: end.readUInt32BE(0), protocol: end[4] } };
}

/** Takes a CGI answer apart, strictly: field lines of printable bytes (what the gate tells a page may be any UTF-8) ended by
 * CRLF or LF, an empty line, a body. Throws on anything else, so that an injected line cannot go unnoticed. */
export function parseAnswer(stdout) {
	const text = stdout.toString("latin1"), split = /\r?\n\r?\n/.exec(text);
	if (!split) throw new Error(`no empty line in the answer: ${JSON.stringify(text.slice(0, 200))}`);
	const fields = text.slice(0, split.index).split(/\r?\n/).map((line) => {
		const variable = line.startsWith("Variable-"), m = (variable ? /^([A-Z_a-z-]+): ?([\x20-\x7e\x80-\xff]*)$/ : /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e]*)$/).exec(line);
		if (!m) throw new Error(`no header field: ${JSON.stringify(line)}`);
		return [m[1].toLowerCase(), variable ? Buffer.from(m[2], "latin1").toString("utf8") : m[2]];
	});
	const body = Buffer.from(text.slice(split.index + split[0].length), "latin1").toString("utf8");
	const headers = {};
	for (const [k, v] of fields) if (k !== "set-cookie") { if (k in headers) throw new Error(`${k} is there twice`); headers[k] = v; }
	const status = Number((headers.status ?? "200").slice(0, 3));
	let json;
	try { json = JSON.parse(body); } catch {}
	return { status, fields, headers, text: body, json, setCookies: fields.filter(([k]) => k === "set-cookie").map(([, v]) => parseSetCookie(v)) };
}
export function parseSetCookie(raw) {
	const [first, ...rest] = raw.split(";").map((s) => s.trim()), i = first.indexOf("=");
	const attrs = Object.fromEntries(rest.map((a) => { const [k, v] = a.split("="); return [k.toLowerCase(), v ?? true]; }));
	return { name: first.slice(0, i), value: first.slice(i + 1), attrs, raw };
}
/** Sends chunks and parses the answer. Throws if there is none. */
export async function ask(path, chunks, o) {
	const r = await exchange(path, chunks, o);
	if (!r.stdout.length) throw new Error(`no answer: ${r.state}, ${r.rest.length} bytes left over`);
	return { ...parseAnswer(r.stdout), raw: r.stdout, end: r.end, state: r.state, ms: r.ms, records: r.records };
}
