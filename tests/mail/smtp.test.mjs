// SMTP to a real server on loopback: encryption, authentication, what is refused and by whom, and what a mail looks like.
// One mail at a time, by latchkeyctl mail test.
import { after, describe, test } from "node:test";
import { FROM, Sink, assert, certificates, ctl, eq, only, smtp, withSink } from "./mail.mjs";

const certs = certificates(), AUTH = { user: "latchkey", pass: "päss wörd\\=" };
after(() => certs.remove());
const send = (c, to = "ann@example.org") => ctl(c, "mail", "test", "--", to);
/** Sends one and tells how it went. */
const one = (sinkOptions, settings, f) => withSink(sinkOptions, (sink) => only(smtp(sink, settings), async (c) => f(await send(c), sink, c)));
const arrives = (r, sink) => { eq(r.code, 0, r.err); eq(sink.got.length, 1); };
const fails = (r, sink, why) => { eq(r.code, 1, r.out); assert.match(r.err, why); eq(sink.got.length, 0); };
const TLS = { "mail.smtp_ca": certs.ca };

describe("encryption", () => {
	test("STARTTLS", () => one({ cert: certs.good }, { ...TLS, "mail.smtp_tls": "starttls" }, (r, sink) => { arrives(r, sink); assert.ok(sink.got[0].tls, "encrypted"); }));
	test("TLS from the first byte", () => one({ cert: certs.good, tls: "tls" }, { ...TLS, "mail.smtp_tls": "tls" }, (r, sink) => { arrives(r, sink); assert.ok(sink.got[0].tls); }));
	test("none, where that is said", () => one({}, {}, (r, sink) => { arrives(r, sink); assert.ok(!sink.got[0].tls); }));
	test("none, where the server has STARTTLS", () => one({ cert: certs.good }, {}, (r, sink) => { arrives(r, sink); assert.ok(!sink.got[0].tls); }));
	for (const [tls, secure] of [["starttls", undefined], ["tls", "tls"]]) {
		test(`${tls}: a certificate for another name is refused`, () => one({ cert: certs.wrong, tls: secure }, { ...TLS, "mail.smtp_tls": tls }, (r, sink) => { fails(r, sink, /certificate|SSL/i); eq(sink.begun, 0); }));
		test(`${tls}: a certificate of an unknown authority is refused`, () => one({ cert: certs.good, tls: secure }, { "mail.smtp_tls": tls }, (r, sink) => { fails(r, sink, /certificate|SSL/i); eq(sink.begun, 0); }));
	}
	test("a server without STARTTLS gets nothing", () => one({}, { ...TLS, "mail.smtp_tls": "starttls" }, (r, sink) => { fails(r, sink, /could not be sent/); eq(sink.begun, 0); }));
	test("check tells the same", () => withSink({ cert: certs.wrong }, (sink) => only(smtp(sink, { ...TLS, "mail.smtp_tls": "starttls" }), async (c) => {
		const r = await ctl(c, "--json", "check"), row = JSON.parse(r.out).find((x) => x.what === "mail");
		eq(row.state, "FAIL"); assert.match(row.detail, /certificate|SSL/i);
	})));
});

describe("authentication", () => {
	const set = { ...TLS, "mail.smtp_tls": "starttls", "mail.smtp_user": AUTH.user, "mail.smtp_password": AUTH.pass };
	test("user and password", () => one({ cert: certs.good, auth: AUTH }, set, (r, sink) => { arrives(r, sink); eq(sink.got[0].user, AUTH.user); }));
	test("a wrong password is told, without it", () => one({ cert: certs.good, auth: AUTH }, { ...set, "mail.smtp_password": "wrong-9Zq" }, (r, sink) => { fails(r, sink, /could not be sent/); assert.ok(!r.err.includes("wrong-9Zq") && !r.err.includes(Buffer.from("wrong-9Zq").toString("base64"))); }));
	test("a server that wants it, and none is set", () => one({ cert: certs.good, auth: AUTH }, { ...TLS, "mail.smtp_tls": "starttls" }, (r, sink) => fails(r, sink, /could not be sent/)));
	test("a password is not sent in the clear", () => only(smtp({ port: 25 }, { ...set, "mail.smtp_host": "mail.example.org", "mail.smtp_tls": "off" }), async (c) => { const r = await send(c); eq(r.code, 1); assert.match(r.err, /in the clear/); }));
	test("check signs in too", () => withSink({ cert: certs.good, auth: AUTH }, (sink) => only(smtp(sink, set), async (c) => {
		const state = async (conf) => JSON.parse((await ctl(conf, "--json", "check")).out).find((x) => x.what === "mail").state;
		eq(await state(c), "ok");
		await only(smtp(sink, { ...set, "mail.smtp_password": "wrong" }), async (d) => eq(await state(d), "FAIL"));
		eq(sink.begun, 0, "nothing was sent");
	})));
});

describe("what the server refuses", () => {
	const refuse = (code) => () => { throw Sink.refuse(code, "because of <ann@example.org>"); };
	for (const where of ["sender", "rcpt", "data"]) for (const code of [450, 550]) test(`${code} to ${where}`, () => one({ [where]: refuse(code) }, {}, (r, sink) => { fails(r, sink, new RegExp(`the server said: ${code} because of \\(address\\)`)); assert.ok(!r.err.includes("ann@"), "no address is told"); }));
	test("nobody listens", () => only(smtp({ port: 1 }), async (c) => { const r = await send(c); eq(r.code, 1); assert.match(r.err, /could not be sent/); }));
	test("a server that does not answer costs mail.timeout", () => withSink({ data: () => new Promise(() => {}) }, (sink) => only(smtp(sink, { "mail.timeout": "1s" }), async (c) => { const began = Date.now(), r = await send(c); fails(r, sink, /could not be sent/); assert.ok(Date.now() - began >= 1000); })));
	test("an address that is none", async () => withSink({}, (sink) => only(smtp(sink), async (c) => {
		for (const to of ["ann", "ann@", "@example.org", "a b@example.org", "ann@example.org\r\nBcc: bob@example.org", "ann@example.org,bob@example.org", "<ann@example.org>", "-oQ/tmp@example.org", "ann@exämple.org", "a@b\u202ec"]) { const r = await send(c, to); eq(r.code, 1, to); assert.match(r.err, /no address/, to); }
		eq(sink.connections, 0);
	})));
});

test("the mail: both parts, its head, and nothing of the environment steers it", () => withSink({}, (sink) => only(smtp(sink, { "mail.from_name": "Grüße \"aus\" Köln" }), async (c) => {
	process.env.ALL_PROXY = process.env.http_proxy = "http://127.0.0.1:1";
	try { eq((await send(c)).code, 0); } finally { delete process.env.ALL_PROXY; delete process.env.http_proxy; }
	const { raw, mail, from, to } = sink.got[0];
	eq(from, FROM); eq(to.join(), "ann@example.org");
	eq(mail.from.value[0].address, FROM); eq(mail.from.value[0].name, "Grüße \"aus\" Köln"); eq(mail.to.value[0].address, "ann@example.org");
	eq(mail.subject, "Mail from Grüße \"aus\" Köln arrives");
	assert.match(mail.messageId, /^<latchkey\.[A-Za-z0-9]{32}@site\.example>$/);
	eq(mail.headers.get("auto-submitted"), "auto-generated");
	assert.ok(Math.abs(mail.date - Date.now()) < 600_000);
	assert.match(mail.text, /an administrator of Grüße "aus" Köln sent this/); assert.match(mail.html, /Grüße &quot;aus&quot; Köln/);
	assert.doesNotMatch(mail.html, /<img|src=|url\(/i, "nothing is loaded from elsewhere");
	assert.ok(raw.split("\r\n").every((l) => l.length <= 76 && /^[\x20-\x7e\t]*$/.test(l)), "short lines of ASCII");
})));

test("the log and the configuration that is printed hold no password", () => only(smtp({ port: 1 }, { "mail.smtp_user": "u", "mail.smtp_password": "geheim-77" }), async (c) => {
	const r = await ctl(c, "print", "config", "--effective");
	assert.match(r.out, /smtp_password = \(set\)/); assert.ok(!r.out.includes("geheim-77"));
}));
test("without a transport nothing is tried", () => only({}, async (c) => { const r = await send(c); eq(r.code, 1); assert.match(r.err, /mail\.transport is none/); }));
