// However a path is spelled, the web server and the gate mean the same place by it, or the page is not served (paths.json).
// All is sent in raw bytes, and over HTTP/2 where the server speaks it. The same with the right session reaches the pages,
// so that what is not served to others is not merely missed.
import fs from "node:fs";
import http2 from "node:http2";
import { after, describe, test } from "node:test";
import { KINDS, PATIENCE, SITES, assert, each, eq, places, site } from "./gate.mjs";

const corpus = JSON.parse(fs.readFileSync(new URL("paths.json", import.meta.url), "utf8"));
const STAFF = ["--set", "gate /admin/.require=group:staff"], AT_ONCE = 12;
/** Spellings that every web server takes for the page. */
const PLAIN = ["/{p}/", "/./{p}/", "/{p}/./", "/open/../{p}/", "/open/x/../../{p}/", "//{p}/", "/%2e/{p}/", "/open/%2e%2e/{p}/", "/{p%}/", "/{p}/?x", "/{p}/file.txt", "/open/../{p}/file.txt"];
const LEAST = 45; // so many spellings reach the page on each

const capital = (s) => s[0].toUpperCase() + s.slice(1);
const escaped = (s, sign) => `${sign}${s.charCodeAt(0).toString(16)}${s.slice(1)}`;
/** Fills in what stands in braces. */
const filled = (text, s, folder, { cookie, there = "" } = {}) => text.replace(/\{([^{}]*)\}/g, (all, name) => ({
	p: folder, P: folder.toUpperCase(), Pp: capital(folder), "p%": escaped(folder, "%"), "p^": escaped(folder, "%25"), host: s.host, there,
	fields: `Host: ${s.host}\r\nConnection: close{cookie}`, cookie: cookie ? `Cookie: ${cookie}` : "X-Cookie: none",
	many: Array.from({ length: 80 }, (_, i) => `X-${i}: y`).join("\r\n"), long: "x".repeat(3000), dots: "/.".repeat(1000), xs: "x".repeat(6000),
})[name] ?? all).replace("{cookie}", cookie ? `\r\nCookie: ${cookie}` : "");

/** All that is asked for a folder, as [what it is, bytes]. */
function requests(s, folder, cookie) {
	const out = [], fill = (text, there) => filled(text, s, folder, { cookie, there });
	const ask = (method, target, field = "") => `${method} ${target} HTTP/1.1\r\n${fill("{fields}").replace(/^Host:.*\r\n/, (host) => (field.startsWith("Host:") ? "" : host))}${field && `\r\n${field}`}\r\n\r\n`;
	for (const target of Object.values(corpus.targets).flat()) out.push([target, ask("GET", fill(target))]);
	// programs that are started for each question are slow
	const brief = (list) => (s.kind.spawned === "cgi" ? list.slice(0, 1) : list);
	for (const field of corpus.fields) for (const [here, there] of brief([[`/${folder}/`, "/open/"], ["/open/", `/${folder}/`], [s.script(`/${folder}/`), s.script("/open/")]])) out.push([`${here} with ${field}`, ask("GET", here, fill(field, there))]);
	for (const method of corpus.methods) for (const here of brief([s.script(`/${folder}/`), `/${folder}/`, `/${folder}/file.txt`])) out.push([`${method} ${here}`, ask(method, here, /^(POST|PUT|PATCH)/.test(method) ? "Content-Length: 0" : "")]);
	for (const [name, lines] of Object.entries(corpus.requests)) out.push([name, `${fill(lines.join("\r\n"))}\r\n\r\n`]);
	return out;
}
/** A page of the folder is there, or the text of one, or one of nobody knows where. */
const brings = (raw, folder) => places(raw).some((p) => p === folder || !["open", "protected", "admin"].includes(p));
/** Which of the requests bring a page of the folder. */
async function reach(s, folder, cookie) {
	const got = [], asked = requests(s, folder, cookie);
	await each(asked, async ([what, bytes]) => { if (brings(await s.raw(bytes), folder)) got.push(what); }, AT_ONCE);
	return { got, asked: asked.length };
}

for (const [kind, backend] of SITES) describe(`${kind.name} → ${backend}`, async () => {
	const s = await site(kind, { backend, workers: 4, args: STAFF });
	after(() => s.stop());
	const member = await s.user(), other = await s.user();
	s.ctl("group", "add", "staff", member.email);

	test("no spelling brings the page to nobody", async (t) => {
		const { got, asked } = await reach(s, "protected");
		t.diagnostic(`${asked} requests`);
		assert.deepEqual(got, []);
		s.refused(await s.page(), "nobody");
	});
	test("no spelling brings a group's page to somebody who is not in it", async () => {
		assert.deepEqual((await reach(s, "admin", other.cookie)).got, []);
		s.refused(await s.page(other.cookie, { path: "/admin/" }), "forbidden");
	});
	test("with the right session it is reached", async (t) => {
		const { got } = await reach(s, "admin", member.cookie);
		t.diagnostic(`${got.length} reach it`);
		for (const target of PLAIN) assert.ok(got.includes(target), `${target} does not`);
		assert.ok(got.length >= LEAST, `only ${got.length}: ${got.join(" ")}`);
	});
});

for (const kind of KINDS.filter((k) => k.http2)) describe(`${kind.name}, HTTP/2`, async () => {
	const s = await site(kind, { https: true, workers: 4, args: STAFF });
	const k = http2.connect(s.origin, { ca: s.ca });
	k.on("error", () => {});
	after(async () => { k.destroy(); await s.stop(); });
	await new Promise((resolve, reject) => k.once("connect", resolve).once("error", reject));
	const member = await s.user(), other = await s.user();
	s.ctl("group", "add", "staff", member.email);

	/** On one of some connections, which are made anew where the server closes one for what it was asked. */
	const pool = [];
	after(() => { for (const c of pool) c.destroy(); });
	const connection = () => {
		const i = Math.floor(Math.random() * 4);
		if (!pool[i] || pool[i].destroyed || pool[i].closed) pool[i] = http2.connect(s.origin, { ca: s.ca }).on("error", () => {}).on("goaway", (_, __, c = pool[i]) => c.close());
		return pool[i];
	};
	/** A stream that the server resets, or that cannot be asked for, brings nothing. Others on its connection are asked for again. */
	const ask = (fields, tries = 3) => new Promise((resolve, reject) => {
		const got = [], c = connection();
		let q, answered = false;
		try { q = c.request(fields); } catch (e) { return e.code === "ERR_HTTP2_INVALID_SESSION" || e.code === "ERR_HTTP2_GOAWAY_SESSION" ? resolve(ask(fields, tries)) : /^ERR_(INVALID|HTTP2)/.test(e.code) ? resolve("") : reject(e); }
		const end = () => resolve(answered || tries === 1 ? Buffer.concat(got).toString("latin1") : ask(fields, tries - 1));
		q.on("response", () => { answered = true; }).on("data", (d) => got.push(d)).on("error", () => {}).on("close", end);
		q.setTimeout(10_000 * PATIENCE, () => q.close());
		q.end();
	});
	const reach2 = async (folder, cookie) => {
		const got = [];
		await each([...Object.values(corpus.targets).flat().map((t) => [t, { ":path": filled(t, s, folder) }]),
			[":authority of another", { ":path": `/${folder}/`, ":authority": "evil.example" }], ["no :authority", { ":path": `/${folder}/`, ":authority": "", host: s.host }],
			["another host", { ":path": `/${folder}/`, host: "evil.example" }], [":scheme", { ":path": `/${folder}/`, ":scheme": "http" }], [":scheme with a path", { ":path": "/open/", ":scheme": `https://${s.host}/${folder}/?` }],
			[":method in small letters", { ":path": `/${folder}/`, ":method": "get" }], [":method with a path", { ":path": "/open/", ":method": `GET /${folder}/ HTTP/1.1` }], ["CONNECT", { ":method": "CONNECT", ":authority": `${s.host}` }],
			...corpus.fields.filter((f) => /^[A-Za-z0-9_-]+: [^\r\n]*$/.test(f)).map((f) => [f, { ":path": `/${folder}/`, [f.split(": ")[0].toLowerCase()]: filled(f.slice(f.indexOf(": ") + 2), s, folder, { there: "/open/" }) }]),
		], async ([what, fields]) => { if (brings(await ask({ ...(cookie && { cookie }), ...fields }), folder)) got.push(what); }, AT_ONCE);
		return got;
	};
	test("the server speaks it", () => eq(k.alpnProtocol, "h2"));
	test("a browser may send each cookie as a field of its own", async () => {
		const cookies = ["a=1", member.cookie, "b=2"];
		assert.ok(brings(await ask({ ":path": "/admin/", cookie: cookies }), "admin"));
		assert.ok(!brings(await ask({ ":path": "/admin/", cookie: ["a=1", other.cookie] }), "admin"));
	});
	test("no spelling brings the page to nobody", async () => assert.deepEqual(await reach2("protected"), []));
	test("no spelling brings a group's page to somebody who is not in it", async () => assert.deepEqual(await reach2("admin", other.cookie), []));
	test("with the right session it is reached", async () => {
		const got = await reach2("admin", member.cookie);
		for (const target of PLAIN) assert.ok(got.includes(target), `${target} does not`);
		assert.ok(got.length >= LEAST, `only ${got.length}: ${got.join(" ")}`);
	});
});
