// TLS to the database server: an own authority, every kind of wrong certificate, and liars on the way. Whatever is wrong,
// nothing of the credentials is sent, and the log says once, for each try, which host and why.
import { after, describe, test } from "node:test";
import fs from "node:fs";
import path from "node:path";
import { execFileSync } from "node:child_process";
import { PATIENCE, assert, eq, ok, setsNothing, until } from "../endpoint/server.mjs";
import { Authority, Latchkey, MariaDb, OWN_ADDRESS, PASSWORD_DB, attempting, newDir, tlsOptions, using } from "./servers.mjs";
import { CAPS, Link, Rogue, SSL, authSwitch, err, greeting, isSslRequest, ok as okPacket, packets } from "./wire.mjs";

const DAY = 86_400_000, ca = new Authority(), strangers = new Authority("Another CA");
const good = ca.issue({ cn: "db.example", san: "DNS:localhost,IP:127.0.0.1" }), files = path.join(newDir("tls"), "server");
const use = (c) => { for (const [k, f] of [["cert", `${files}.pem`], ["key", `${files}.key`]]) fs.copyFileSync(c[k], f); };
use(good);
const real = await MariaDb.start({ options: tlsOptions({ cert: `${files}.pem`, key: `${files}.key` }, ca.cert), bind: "0.0.0.0,::1" });
const bare = await MariaDb.start({ options: ["--skip-ssl"], bind: "0.0.0.0" });
after(async () => { await real.stop(); await bare.stop(); ca.stop(); strangers.stop(); });
const on = { "database.tls": "on", "database.tls_ca": ca.cert };
/** What must not be on any wire, nor in any log. */
function nothingOf(bytes, what) {
	for (const s of [PASSWORD_DB, "latchkey\0", "_client_name"]) eq(bytes.includes(s), false, `${what}: ${JSON.stringify(s)} was sent`);
}
/** What a client said to one who never got as far as TLS: at most the request for it and records of TLS. */
function onlyTls(bytes, what) {
	nothingOf(bytes, what);
	if (!bytes.length) return;
	const { list } = packets(bytes);
	assert.ok(list.length > 0 && isSslRequest(list[0].payload), `${what}: ${bytes.toString("hex").slice(0, 200)}`);
	for (let i = list[0].raw.length; i < bytes.length;) {
		assert.ok(bytes[i] >= 20 && bytes[i] <= 23 && bytes[i + 1] === 3, `${what}: no record of TLS: ${bytes.subarray(i, i + 16).toString("hex")}`);
		i += 5 + bytes.readUInt16BE(i + 3);
	}
}
/** It did not start, said so once for each connection it tried, and kept the password to itself. */
async function refused(hosts, set, why, tries, more = {}) {
	await attempting({ hosts, set: { ...on, ...set }, ...more }, async (s, r) => {
		const lines = r.lines(), shown = [hosts].flat()[0], named = lines.filter((l) => l.includes(shown));
		if (r.code === null) { const res = await s.get("/session", { cookie: s.anyCookie() }); eq(res.status, 503, res.text); setsNothing(res); } else assert.notEqual(r.code, 0);
		eq(named.length, tries(), `a line for each try:\n${lines.join("\n")}`);
		assert.ok(named.length >= 1, `no line names ${shown}:\n${lines.join("\n")}`);
		for (const l of named) { assert.match(l, / (error|warn) /); assert.match(l, why, l); }
		eq(lines.join("\n").includes(PASSWORD_DB), false, "the password is in the log");
		assert.ok(r.ms < 15_000 * PATIENCE, `${r.ms} ms`);
	});
}
async function works(o, f = async () => {}) {
	await using({ ...o, set: { ...on, ...o.set } }, async (s) => { const u = await s.user(); eq(await s.alive(u.cookie), true); await f(s, u); });
}
/** A server that is nothing but a certificate; afterwards nothing may have been said inside TLS. */
async function certificate(options, host, set, why, { inside = 0 } = {}) {
	let tls = 0;
	const r = await Rogue.start(async (t) => {
		t.send(greeting({ caps: CAPS | SSL }));
		const p = await t.read();
		if (p && isSslRequest(p)) { tls++; r.heard.length = 0; await t.secure(options); await t.read(); }
	});
	try {
		await refused(r.address(host), set, why, () => r.count);
		eq(tls, r.count, "TLS was asked for");
		eq(r.said.length, inside, `inside TLS: ${r.said.toString("latin1")}`);
	} finally { await r.stop(); }
}
const shown = (c) => ({ key: fs.readFileSync(c.key), cert: fs.readFileSync(c.cert) });

describe("what is right", () => {
	test("the right name: TLS is used, and everything is inside", async () => {
		real.database({ user: "strict", require: "REQUIRE SSL" });
		const tap = await Link.start(real.port), before = real.status("Ssl_finished_accepts");
		try {
			await works({ hosts: tap.address("localhost"), user: "strict" });
			assert.ok(real.status("Ssl_finished_accepts") > before);
			for (const c of tap.connections) { assert.ok(c.opaque, "TLS"); onlyTls(c.bytes, "the right name"); assert.ok(c.bytes.length > 500); }
		} finally { await tap.stop(); }
	});
	test("a cipher is in use on each connection", async () => {
		// what the server says of a connection it says to that connection only: an account that may enter with one cipher and no other
		real.database({ user: "ciphered", require: "REQUIRE CIPHER 'TLS_AES_256_GCM_SHA384'" });
		await works({ hosts: real.address("localhost"), user: "ciphered" });
	});
	test("the address of a certificate for an address", () => works({ hosts: real.address() }));
	test("TLS over IPv6", async () => {
		use(ca.issue({ san: "IP:::1" })); real.sql("FLUSH SSL");
		try { await works({ hosts: `[::1]:${real.port}` }); } finally { use(good); real.sql("FLUSH SSL"); }
	});
	test("a certificate of the program, where the account wants one", async () => {
		real.database({ user: "known", require: "REQUIRE X509" });
		const mine = ca.issue({ cn: "latchkey", usage: "clientAuth" }), other = strangers.issue({ cn: "latchkey", usage: "clientAuth" });
		const with_ = (c) => ({ "database.tls_cert": c.cert, "database.tls_key": c.key });
		await works({ hosts: real.address("localhost"), user: "known", set: with_(mine) });
		const tap = await Link.start(real.port);
		try {
			await refused(tap.address("localhost"), {}, /denied/i, () => tap.connections.length, { user: "known" });
			await refused(tap.address("localhost"), with_(other), /./, () => tap.connections.length - 1, { user: "known" });
		} finally { await tap.stop(); }
	});
	test("files that are missing or do not fit", async () => {
		const mine = ca.issue({ cn: "latchkey", usage: "clientAuth" }), other = ca.issue({ cn: "latchkey", usage: "clientAuth" });
		for (const set of [{ "database.tls_ca": "/nonexistent/ca.pem" }, { "database.tls_cert": "/nonexistent/c.pem", "database.tls_key": mine.key }, { "database.tls_cert": mine.cert, "database.tls_key": other.key },
			{ "database.tls_cert": mine.cert }, { "database.tls_ca": mine.key }]) {
			const tap = await Link.start(real.port);
			try {
				await attempting({ hosts: tap.address("localhost"), set: { ...on, ...set } }, async (s, r) => {
					assert.ok(r.code !== null && r.code !== 0, `${JSON.stringify(set)}: ${r.code}\n${r.lines().join("\n")}`);
					assert.ok(r.lines().some((l) => /tls_|certificate|key|\.pem/i.test(l)), r.lines().join("\n"));
					onlyTls(tap.said(), JSON.stringify(set));
				});
			} finally { await tap.stop(); }
		}
	});
});

describe("a certificate that is wrong", () => {
	const cases = [
		["another name", ca.issue({ cn: "other.example", san: "DNS:other.example" }), "localhost", /name|host|certificate|match/i],
		["the name only as CN, beside other names", ca.issue({ cn: "localhost", san: "DNS:other.example" }), "localhost", /name|host|certificate|match/i],
		["a name, where an address is asked", ca.issue({ cn: "localhost", san: "DNS:localhost" }), "127.0.0.1", /name|host|certificate|match|address/i],
		["another address", ca.issue({ cn: "127.0.0.2", san: "IP:127.0.0.2" }), "127.0.0.1", /name|host|certificate|match|address/i],
		["expired", ca.issue({ san: "DNS:localhost", from: Date.now() - 100 * DAY, to: Date.now() - DAY }), "localhost", /expired|certificate/i],
		["not yet valid", ca.issue({ san: "DNS:localhost", from: Date.now() + DAY, to: Date.now() + 100 * DAY }), "localhost", /not yet valid|certificate/i],
		["another authority", strangers.issue({ san: "DNS:localhost" }), "localhost", /certificate|issuer/i],
		["self-signed", ca.issue({ san: "DNS:localhost", self: true }), "localhost", /self|certificate/i],
		["for clients only", ca.issue({ san: "DNS:localhost", usage: "clientAuth" }), "localhost", /purpose|certificate/i],
		["issued by a certificate that is no authority", ca.issue({ san: "DNS:localhost", by: good, key: good.key }), "localhost", /certificate/i],
	];
	for (const [what, c, host, why] of cases) {
		const chain = what.startsWith("issued by") ? { key: fs.readFileSync(c.key), cert: fs.readFileSync(c.cert) + fs.readFileSync(good.cert, "utf8") } : shown(c);
		test(what, () => certificate(chain, host, {}, why));
		if (["another name", "expired", "self-signed"].includes(what)) test(`${what}, with TLS 1.2`, () => certificate({ ...chain, maxVersion: "TLSv1.2" }, host, {}, why));
	}
	test("an own authority is not believed by its certificate alone: without tls_ca those of the system count", () => certificate(shown(good), "localhost", { "database.tls_ca": "" }, /certificate|issuer/i));
	for (const v of ["TLSv1", "TLSv1.1"]) test(`${v} is too old`, () => certificate({ ...shown(good), minVersion: v, maxVersion: v, ciphers: "ALL:@SECLEVEL=0" }, "localhost", {}, /TLS|SSL|protocol|version/i));
	test("it gets a wrong one while the program runs: 503, and well again with the right one", () => works({ hosts: real.address("localhost") }, async (s, u) => {
		try {
			use(strangers.issue({ san: "DNS:localhost" })); real.sql("FLUSH SSL"); real.kick();
			for (let i = 0; i < 4; i++) { const r = await s.get("/session", { cookie: u.cookie }); eq(r.status, 503, r.text); setsNothing(r); }
		} finally { use(good); real.sql("FLUSH SSL"); }
		assert.ok(await until(async () => (await s.get("/session", { cookie: u.cookie })).status === 200, 5000), "well within 5 s");
		eq(s.log().includes(PASSWORD_DB), false);
	}));
});

describe("liars on the way", () => {
	/** A server of one conversation; afterwards all it heard is checked. */
	async function liar(converse, why) {
		const r = await Rogue.start(converse);
		try { await refused(r.address("localhost"), {}, why, () => r.count); onlyTls(r.said, "the liar"); } finally { await r.stop(); }
		return r;
	}
	test("a server that has no TLS", async () => {
		const tap = await Link.start(bare.port);
		try { await refused(tap.address("localhost"), {}, /TLS|SSL/, () => tap.connections.length); eq(tap.said().length, 0, tap.said().toString("latin1")); } finally { await tap.stop(); }
	});
	test("a proxy that takes the offer of TLS out of the greeting", async () => {
		const tap = await Link.start(real.port, {
			onServer: (p, c) => {
				if (c.stripped || p.payload[0] !== 10) return null;
				c.stripped = true;
				const at = 4 + p.payload.indexOf(0, 1) + 1 + 4 + 8 + 1, out = Buffer.from(p.raw);
				assert.ok(out.readUInt16LE(at) & SSL, "the real one offers it");
				out.writeUInt16LE(out.readUInt16LE(at) & ~SSL, at);
				return out;
			},
		});
		try { await refused(tap.address("localhost"), {}, /TLS|SSL/, () => tap.connections.length); onlyTls(tap.said(), "stripped"); eq(tap.connections.every((c) => c.stripped), true); } finally { await tap.stop(); }
	});
	const offer = greeting({ caps: CAPS | SSL });
	test("an error in answer to the request for TLS", () => liar(async (t) => { t.send(offer); await t.read(); t.send(err(1045, "28000", "Access denied\nlatchkey: all is well")); await t.read(); }, /./));
	test("going on in clear: all is well, says the server", () => liar(async (t) => { t.send(offer); await t.read(); t.send(okPacket()); while (await t.read()); }, /./));
	test("going on in clear: the password, please", () => liar(async (t) => { t.send(offer); await t.read(); t.send(authSwitch("mysql_clear_password")); while (await t.read()); }, /./));
	test("silence in answer to the request for TLS", () => liar(async (t) => { t.send(offer); while (await t.read()); }, /./));
	test("an error instead of a greeting, with a text that would forge a line of the log", async () => {
		const forged = "2026-01-01T00:00:00.000Z info  [master] all is well";
		const r = await Rogue.start(async (t) => { t.send(err(1040, "08004", `Too many\r\n${forged}\x1b[2J`)); t.end(); });
		try {
			await attempting({ hosts: r.address("localhost"), set: on }, (s, a) => {
				assert.ok(a.code === null || a.code !== 0);
				eq(a.lines().some((l) => l.startsWith(forged)), false); eq(a.lines().join("").includes("\x1b"), false);
				assert.ok(a.lines().some((l) => l.includes(r.address("localhost"))), a.lines().join("\n"));
			});
			eq(r.said.length, 0);
		} finally { await r.stop(); }
	});
	test("after login inside TLS it cannot be talked out of it", async () => {
		// the right certificate, but the account's plugin is to send the password in clear: inside TLS to a verified server that would be no leak, to this program it is still refused
		const r = await Rogue.start(async (t) => {
			t.send(offer); await t.read(); await t.secure(shown(good));
			if (!(await t.read())) return;
			t.send(authSwitch("mysql_clear_password"));
			while (await t.read());
		});
		try {
			await attempting({ hosts: r.address("localhost"), set: on }, (s, a) => { assert.ok(a.code === null || a.code !== 0); });
			eq(r.said.includes(PASSWORD_DB), false, "the password was given away");
			assert.ok(r.said.includes("latchkey\0"), "it did log in");
		} finally { await r.stop(); }
	});
});

describe("tls = auto", () => {
	const auto = { "database.tls": "auto", "database.tls_ca": ca.cert };
	async function plain(host, listen) {
		const tap = await Link.start(real.port, { host: listen });
		try {
			await using({ hosts: `${host}:${tap.port}`, set: auto }, async (s) => { const u = await s.user(); eq(await s.alive(u.cookie), true); });
			assert.ok(tap.connections.length > 0);
			for (const c of tap.connections) { eq(c.opaque, false, host); assert.ok(c.bytes.includes("latchkey\0")); eq(c.bytes.includes(PASSWORD_DB), false); }
		} finally { await tap.stop(); }
	}
	for (const [host, listen] of [["127.0.0.1", "127.0.0.1"], ["localhost", "127.0.0.1"], ["127.9.8.7", "127.9.8.7"], ["[::1]", "::1"]]) test(`${host} goes without`, () => plain(host, listen));
	test("a unix socket goes without", async () => {
		const before = real.status("Ssl_accepts");
		await using({ hosts: real.socket, set: auto }, async (s) => { const u = await s.user(); eq(await s.alive(u.cookie), true); });
		eq(real.status("Ssl_accepts"), before);
	});
	test(`an address that is not loopback (${OWN_ADDRESS}) demands it`, async () => {
		const tap = await Link.start(bare.port, { host: "0.0.0.0" });
		try { await refused(tap.address(OWN_ADDRESS), auto, /TLS|SSL/, () => tap.connections.length); eq(tap.said().length, 0); } finally { await tap.stop(); }
	});
	test("and there the certificate is looked at", async () => {
		const tap = await Link.start(real.port, { host: "0.0.0.0" });
		try {
			await refused(tap.address(OWN_ADDRESS), auto, /name|host|certificate|match|address/i, () => tap.connections.length);
			onlyTls(tap.said(), "auto");
			use(ca.issue({ san: `IP:${OWN_ADDRESS}` })); real.sql("FLUSH SSL");
			const from = tap.connections.length;
			await using({ hosts: tap.address(OWN_ADDRESS), set: auto }, async (s) => { await s.user(); });
			for (const c of tap.connections.slice(from)) { eq(c.opaque, true); onlyTls(c.bytes, "auto"); }
		} finally { use(good); real.sql("FLUSH SSL"); await tap.stop(); }
	});
	test("a name that only looks like loopback demands it", async () => {
		// not to be looked up anywhere: no line may say that it was reached without TLS, none that it was
		for (const host of ["localhost.invalid", "127.0.0.1.invalid"]) await attempting({ hosts: `${host}:${bare.port}`, set: auto }, (s, r) => assert.ok(r.code !== null && r.code !== 0));
	});
	test("tls = off says what it says", async () => {
		const tap = await Link.start(bare.port, { host: "0.0.0.0" });
		try { await using({ hosts: tap.address(OWN_ADDRESS), set: { "database.tls": "off" } }, (s) => s.user()); assert.ok(tap.said().includes("latchkey\0")); } finally { await tap.stop(); }
	});
	test("tls = on beside a unix socket: the socket goes without, as its text says, and the other hosts do not", async () => {
		const before = real.status("Ssl_accepts"), tap = await Link.start(bare.port);
		try {
			await using({ hosts: [real.socket], set: on }, async (s) => { const u = await s.user(); eq(await s.alive(u.cookie), true); });
			eq(real.status("Ssl_accepts"), before);
			await refused([tap.address("127.0.0.1"), "/nonexistent/mysqld.sock"], {}, /TLS|SSL/, () => tap.connections.length);
			eq(tap.said().length, 0);
		} finally { await tap.stop(); }
	});
});
