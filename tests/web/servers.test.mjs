// latchkey behind real web servers, with the shipped examples: what arrives, what the server answers itself, and that
// nothing a client sends ends a header line. The wire itself is tests/conformance's.
import { after, describe, test } from "node:test";
import net from "node:net";
import { PASSWORD, assert, eq, newEmail, start } from "../endpoint/server.mjs";

/** One exchange in raw bytes: so that nothing is normalised on the way. A promise among them is waited for. */
function raw(s, text, { pause } = {}) {
	const { hostname, port } = new URL(s.base);
	return new Promise((resolve, reject) => {
		const got = [], k = net.connect(port, hostname, async () => { for (const t of [text].flat()) { k.write(await t); if (pause) await new Promise((r) => setTimeout(r, pause)); } });
		k.setTimeout(15_000, () => k.destroy(new Error("timeout")));
		k.on("data", (d) => got.push(d)).on("error", reject).on("close", () => resolve(parse(Buffer.concat(got).toString("latin1"))));
	});
}
function parse(text) {
	const end = text.indexOf("\r\n\r\n"), lines = text.slice(0, end).split("\r\n");
	const fields = lines.slice(1).map((l) => { const m = /^([!-~]+?): ?([\x20-\x7e]*)$/.exec(l); if (!m) throw new Error(`no header field: ${JSON.stringify(l)}`); return [m[1].toLowerCase(), m[2]]; });
	let body = text.slice(end + 4);
	if (fields.some(([k, v]) => k === "transfer-encoding" && v === "chunked")) body = body.replace(/^[0-9a-f]+\r\n|\r\n[0-9a-f]+\r\n(\r\n)?/g, "");
	// RFC 9112 §4: the blank after the status is part of the line; some clients insist on a phrase, too
	if (!/^HTTP\/1\.1 \d{3} [\x20-\x7e]+$/.test(lines[0])) throw new Error(`no status line: ${JSON.stringify(lines[0])}`);
	return { status: Number(lines[0].split(" ")[1]), fields, headers: Object.fromEntries(fields), body, cookies: fields.filter(([k]) => k === "set-cookie").map(([, v]) => v) };
}
const send = (s, method, target, headers = {}, body = "") => raw(s, [`${method} ${target} HTTP/1.1`, `Host: ${new URL(s.base).host}`, "Connection: close",
	...Object.entries(headers).flatMap(([k, v]) => [v].flat().map((x) => `${k}: ${x}`)), ...(body ? [`Content-Length: ${Buffer.byteLength(body)}`] : []), "", body].join("\r\n"));

for (const [server, way] of [["nginx"], ["lighttpd"], ["apache", "proxy-fcgi"]]) describe(server, async () => {
	const s = await start({ server, args: way ? ["--apache", way] : [] });
	after(() => s.stop());
	const u = await s.user();
	const json = { "Content-Type": "application/json", Origin: s.origin };

	test("/auth without the slash is the server's own, as its README says", async () => eq((await send(s, "GET", "/auth")).status, server === "nginx" ? 301 : 404));
	test("every odd spelling of a path is 404", async () => {
		for (const p of ["/auth/", "/auth//ok", "/auth/ok/", "/auth/%6fk", "/%61uth/ok", "/auth/./ok", "/auth/x/../ok", "/x/../auth/ok", "/auth/ok%2f", "/auth%2fok", "/auth/sessions%2Fabc", "/auth/ok;x", "/auth/OK", "/authx/ok"]) {
			const r = await send(s, "GET", p);
			eq(r.status, 404, p); eq(r.cookies.length, 0);
		}
		for (const p of ["/auth/%00", "/auth/ok%00"]) assert.ok([400, 404].includes((await send(s, "GET", p)).status), p);
		eq((await send(s, "DELETE", "/auth/sessions/abc%2Fdef", { Cookie: u.cookie, Origin: s.origin })).status, 404);
	});
	test("the fields of D17 arrive at the browser, on errors too", async () => {
		for (const p of ["/auth/ok", "/auth/nope", "/auth/session", "/auth/sessions"]) {
			const r = await send(s, "GET", p);
			eq(r.headers["cache-control"], "no-store"); eq(r.headers["x-content-type-options"], "nosniff");
		}
	});
	test("several Cookie lines", async () => {
		const all = [["a=1", u.cookie], [u.cookie, "b=2"], [`${s.cookieName}=x`, u.cookie]];
		// Apache joins them by a comma, which may be part of a value: what comes after it is no cookie. Browsers send one line.
		if (server === "apache") for (const Cookie of all) eq((await send(s, "GET", "/auth/session", { Cookie })).body, "null");
		else for (const Cookie of all) assert.match((await send(s, "GET", "/auth/session", { Cookie })).body, new RegExp(u.email));
	});
	test("a chunked body", async () => {
		const body = JSON.stringify({ name: "A", email: newEmail(), password: PASSWORD }), half = body.length >> 1;
		const chunks = [body.slice(0, half), body.slice(half)].map((c) => `${c.length.toString(16)}\r\n${c}\r\n`).join("");
		const r = await raw(s, `POST /auth/sign-up/email HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
		eq(r.status, 200, r.body); eq(r.cookies.length, 1);
	});
	test("a body over the limit is 413 by the server", async () => eq((await send(s, "POST", "/auth/sign-in/email", json, `"${"x".repeat(70_000)}"`)).status, 413));
	test("a body of the limit arrives", async () => eq((await send(s, "POST", "/auth/sign-in/email", json, `{"email":"nope","password":"${"x".repeat(65_500)}"}`.slice(0, 65_536))).status, 400));
	test("HEAD", async () => { const r = await send(s, "HEAD", "/auth/session", { Cookie: u.cookie }); eq(r.status, 200); eq(r.body, ""); });
	test("the statuses of latchkey pass unchanged", async () => {
		eq((await send(s, "PUT", "/auth/session")).status, 405); assert.match((await send(s, "PUT", "/auth/session")).headers.allow, /GET/);
		eq((await send(s, "GET", "/auth/sessions")).status, 401); eq((await send(s, "POST", "/auth/sign-in/email", { "Content-Type": "text/plain" }, "x")).status, 415);
		eq((await send(s, "POST", "/auth/sign-out", { ...json, Origin: "https://evil.example", Cookie: u.cookie }, "{}")).status, 403);
	});
	test("Location beside status 200 arrives and is no redirect", async () => {
		const r = await send(s, "POST", "/auth/sign-in/email", json, JSON.stringify({ email: u.email, password: PASSWORD, callbackURL: "/home?a=1" }));
		eq(r.status, 200); eq(r.headers.location, "/home?a=1"); eq(r.cookies.length, 1);
	});
	test("nothing injected comes out (S80)", async () => {
		for (const x of ["%0d%0aSet-Cookie:%20x=1", "%0aSet-Cookie:x=1", "%E5%98%8A%E5%98%8DSet-Cookie:x=1"]) {
			for (const p of [`/auth/session${x}`, `/auth/error?error=${x}`, `/auth/session?callbackURL=${x}`, `/auth/sessions/${x}`]) {
				const r = await send(s, "GET", p, { Cookie: u.cookie, "User-Agent": x, Origin: `${s.origin}${x}` });
				for (const c of r.cookies) assert.ok(c.startsWith(s.cookieName), c);
			}
			const r = await send(s, "POST", "/auth/sign-in/email", json, JSON.stringify({ email: u.email, password: PASSWORD, callbackURL: `/home${decodeURIComponent(x)}` }));
			for (const c of r.cookies) assert.ok(c.startsWith(s.cookieName), c);
		}
	});
	test("what a client says of itself is no identity", async () => {
		const r = await send(s, "GET", "/auth/session", { Authorization: `Basic ${Buffer.from(`${u.email}:x`).toString("base64")}`, "Remote-User": u.email, Remote_User: u.email, "X-Remote-User": u.email, Proxy: "x" });
		eq(r.status, 200); assert.match(r.body, /^\s*null\s*$/);
	});
	test("a client that sends slowly holds no worker: the server collects first", async () => {
		const body = JSON.stringify({ name: "A", email: newEmail(), password: PASSWORD });
		let answered; // the last byte of the slow ones is held until then
		const last = new Promise((f) => (answered = () => f(body.at(-1))));
		const slow = Array.from({ length: 6 }, () => raw(s, [`POST /auth/sign-in/email HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`, ...body.slice(0, -1), last], { pause: 30 }));
		for (let i = 0; i < 20; i++) { eq((await send(s, "GET", "/auth/session", { Cookie: u.cookie })).status, 200); await new Promise((f) => setTimeout(f, 20)); }
		answered();
		for (const r of await Promise.all(slow)) assert.ok(r.status >= 400 && r.status < 500);
	});
	test("latchkey stopped: an error, no cookie cleared", async () => {
		process.kill(s.master(), "SIGTERM");
		for (let i = 0; i < 100; i++) { const r = await send(s, "GET", "/auth/session", { Cookie: u.cookie }); eq(r.cookies.length, 0); if (r.status >= 502) return; await new Promise((f) => setTimeout(f, 50)); }
		assert.fail("still served");
	});
});
