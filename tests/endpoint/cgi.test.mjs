// The same program as plain CGI (RFC 3875): one process, one request, beside a pool on the same store.
import { test, after } from "node:test";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { parseAnswer } from "./fcgi.mjs";
import { BUILD, PATIENCE, start, eq, same, assert, ok, fails, newEmail, PASSWORD, SECOND } from "./server.mjs";

const s = await start();
after(() => s.stop());

/** What a web server's CGI module does. body: bytes; null leaves standard input open. */
function cgi(method, p, { body = "", headers = {}, env = {}, args = ["-c", s.conf], length } = {}) {
	const uri = p.startsWith("/x") ? p : `/auth${p}`, vars = { PATH: process.env.PATH, GATEWAY_INTERFACE: "CGI/1.1", SERVER_PROTOCOL: "HTTP/1.1", REQUEST_METHOD: method, REQUEST_URI: uri, QUERY_STRING: uri.split("?")[1] ?? "", SCRIPT_NAME: "/auth.cgi", PATH_INFO: p.split("?")[0], REMOTE_ADDR: "192.0.2.9" };
	if (body === null || body.length) Object.assign(vars, { CONTENT_TYPE: "application/json", CONTENT_LENGTH: String(length ?? Buffer.byteLength(body)) });
	for (const [k, v] of Object.entries(headers)) vars[`HTTP_${k.toUpperCase().replaceAll("-", "_")}`] = v;
	for (const [k, v] of Object.entries(env)) if (v === undefined) delete vars[k]; else vars[k] = v;
	return new Promise((resolve, reject) => {
		const child = spawn(path.join(BUILD, "latchkey"), args, { env: vars }), out = [], began = Date.now();
		let err = "";
		child.stdout.on("data", (d) => out.push(d)); child.stderr.on("data", (d) => (err += d)); child.on("error", reject);
		child.stdin.on("error", () => {});
		if (body !== null) child.stdin.end(body);
		child.on("close", (code, signal) => { child.stdin.destroy(); resolve({ code, signal, err, ms: Date.now() - began, raw: Buffer.concat(out), ...(out.length ? parseAnswer(Buffer.concat(out)) : {}) }); });
	});
}
const post = (p, json, o) => cgi("POST", p, { body: JSON.stringify(json), ...o, headers: { origin: s.origin, ...o?.headers } });

test("sign up, session, sign out, one process each; the pool knows the session too", async () => {
	const email = newEmail(), up = await post("/sign-up/email", { name: "Ann", email, password: PASSWORD });
	eq(up.status, 200, up.text); eq(up.code, 0);
	const { cookie } = s.browser(up);
	eq((await cgi("GET", "/session", { headers: { cookie } })).json.user.email, email);
	eq((await s.session(cookie)).session.ipAddress, "192.0.2.9");
	ok(await post("/sign-out", {}, { headers: { cookie } }));
	eq((await cgi("GET", "/session", { headers: { cookie } })).json, null);
});

test("no Location beside 200, which a web server would take for a redirect", async () => {
	const u = await s.user(), json = { email: u.email, password: PASSWORD, callbackURL: "/home?a=1" };
	eq((await s.post("/sign-in/email", json)).headers.location, "/home?a=1", "with FastCGI");
	const res = await post("/sign-in/email", json);
	eq(res.status, 200, res.text); eq(res.json.url, "/home?a=1"); eq(res.json.redirect, true); eq(res.headers.location, undefined);
});

test("the gate", async () => {
	const u = await s.user(), env = { LATCHKEY_OP: "check", LATCHKEY_PATH: "/x" };
	const yes = await cgi("GET", "/x", { headers: { cookie: u.cookie }, env });
	eq(yes.status, 200); eq(yes.headers["variable-remote_user"], u.email);
	const no = await cgi("GET", "/x", { env });
	eq(no.status, 401); eq(no.headers["latchkey-denied"], "UNAUTHORIZED");
	// a page's own body is left where it is
	eq((await cgi("POST", "/x", { headers: { cookie: u.cookie }, env, body: null, length: 10 })).status, 200);
});

test("bodies: by length, by their end where there is none, short, too long", async () => {
	const body = JSON.stringify({ email: newEmail(), password: PASSWORD }), headers = { origin: s.origin };
	eq((await cgi("POST", "/sign-in/email", { body, headers })).status, 401);
	eq((await cgi("POST", "/sign-in/email", { body, headers: { ...headers, "transfer-encoding": "chunked" }, env: { CONTENT_LENGTH: undefined } })).status, 401);
	eq((await cgi("POST", "/sign-in/email", { body: body + "rubbish", length: body.length, headers })).status, 401);
	fails(await cgi("POST", "/sign-in/email", { body, length: body.length + 5, headers }), 400, "BAD_REQUEST");
	fails(await cgi("POST", "/sign-in/email", { body: "x".repeat(70_000), headers }), 413, "PAYLOAD_TOO_LARGE");
});

test("a client that never sends its body ends with the time of a request", async () => {
	const conf = path.join(s.dir, "quick.conf");
	fs.writeFileSync(conf, fs.readFileSync(s.conf, "utf8").replace("[limits]\n", "[limits]\nrequest = 3s\n").replace("[database]\n", "[database]\ntimeout = 1s\n"), { mode: 0o600 });
	if (process.getuid() === 0) fs.chownSync(conf, fs.statSync(s.conf).uid, fs.statSync(s.conf).gid);
	const hung = await cgi("POST", "/sign-in/email", { body: null, length: 10, args: ["-c", conf], headers: { origin: s.origin } });
	eq(hung.signal, "SIGALRM"); eq(hung.raw.length, 0);
	assert.ok(hung.ms >= 3 * SECOND && hung.ms < 15 * SECOND * PATIENCE, String(hung.ms));
});

test("arguments that a client put into the query are not taken; a script's own are", async () => {
	for (const query of ["-c", "-c+/etc/passwd", "%2dc+/x", "--help", "-V"]) {
		const args = query.split("+").map(decodeURIComponent), res = await cgi("GET", `/ok?${query}`, { args });
		eq(res.status, 500, query); eq(res.code, 1); eq(res.err, "");
	}
	eq((await cgi("GET", "/ok?word+and+more")).status, 200);
	eq((await cgi("GET", "/ok?-c=1")).status, 200);
});

test("what keeps it from serving is a 500 and a line of the log, never a word to the client", async () => {
	const conf = path.join(s.dir, "other.conf"), other = path.join(s.dir, "other-secret");
	for (const args of [["-c", path.join(s.dir, "absent.conf")], ["-c", conf]]) {
		fs.writeFileSync(conf, fs.readFileSync(s.conf, "utf8").replace(/^file = .*secret$/m, `file = ${other}`), { mode: 0o600 });
		if (process.getuid() === 0) fs.chownSync(conf, fs.statSync(s.conf).uid, fs.statSync(s.conf).gid);
		const res = await cgi("GET", "/session", { args });
		eq(res.status, 500); eq(res.code, 1); same(Object.keys(res.json).sort(), ["code", "message"]); assert.notEqual(res.err, "");
	}
});

test("the store away: 503", async () => {
	const conf = path.join(s.dir, "away.conf"), text = fs.readFileSync(s.conf, "utf8");
	fs.writeFileSync(conf, s.db ? text.replace(/^path = .*$/m, `path = ${s.dir}/absent.db`) : text.replace(/^hosts = .*$/m, `hosts = ${s.dir}/absent.sock`), { mode: 0o600 });
	if (process.getuid() === 0) fs.chownSync(conf, fs.statSync(s.conf).uid, fs.statSync(s.conf).gid);
	const res = await cgi("GET", "/session", { args: ["-c", conf], headers: { cookie: s.withValue(s.sign("b".repeat(32))) } });
	fails(res, 503, "SERVICE_UNAVAILABLE");
	eq((await cgi("GET", "/session", { args: ["-c", conf] })).status, 200, "who shows nothing is nobody");
});
