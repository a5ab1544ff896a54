// A database server that is no friend: it asks for files and passwords, or answers what no server would. It gets nothing,
// every request is answered in its time, no process of the program ends, and with the real server back all is well.
import { after, describe, test } from "node:test";
import { constants, generateKeyPairSync, privateDecrypt } from "node:crypto";
import fs from "node:fs";
import { PASSWORD, PATIENCE, assert, eq, newEmail, setsNothing, times, until } from "../endpoint/server.mjs";
import { Latchkey, MariaDb, PASSWORD_DB, attempting } from "./servers.mjs";
import { COM, Link, Rogue, authSwitch, column, err, greeting, lenenc, ok, packet, packets, rows, u32 } from "./wire.mjs";

const LIMIT = 9000, set = { "database.timeout": "1s", "database.busy_timeout": "1s", "limits.request": "9s", "log.access": "off" };
const real = await MariaDb.start();
after(() => real.stop());
const crashed = (log) => log.split("\n").filter((l) => /ended by signal|\bSIG[A-Z]{3,}|Sanitizer|runtime error:|core dumped/.test(l));
/** Starts against the liar: it must not start, or serve 503; and end, or serve, in time. */
async function against(converse, check = () => {}, o = {}) {
	const r = await Rogue.start(converse);
	try {
		await attempting({ hosts: r.address(), set, ...o }, async (s, a) => {
			if (a.code === null) { const x = await s.get("/session", { cookie: s.anyCookie() }); assert.ok([500, 503].includes(x.status), x.text); setsNothing(x); } else eq(a.code, 1, a.lines().join("\n"));
			assert.ok(a.ms < 12_000 * PATIENCE, `${a.ms} ms`);
			same([], crashed(s.log()));
			assert.ok(a.lines().some((l) => / error .*127\.0\.0\.1/.test(l)), `a line that names the host:\n${a.lines().join("\n")}`);
			eq(s.log().includes(PASSWORD_DB), false);
			assert.ok(r.count > 0);
			await check(r, s, a);
		});
	} finally { await r.stop(); }
}
const same = (a, b) => assert.deepEqual(b, a);

describe("asks for what is not its own", () => {
	const file = fs.readFileSync("/etc/passwd"), infile = (name) => Buffer.concat([Buffer.from([0xfb]), Buffer.from(name)]);
	const noFile = (r) => { for (const part of ["root:", file.subarray(0, 24)]) eq(r.said.includes(part), false, "it got the file"); };
	test("a file, in answer to everything", () => against(async (t) => {
		if (!(await t.welcome({ caps: 0x81ffffff >>> 0 }))) return;
		while (await t.read()) t.send(infile("/etc/passwd"));
	}, noFile));
	test("a file, in answer to the login", () => against(async (t) => {
		t.send(greeting()); await t.read();
		t.send(infile("/etc/passwd"));
		while (await t.read()) t.send(infile("/etc/passwd"));
	}, noFile));
	test("a file, when a statement is prepared or run; queries are answered", () => against(async (t) => {
		if (!(await t.welcome())) return;
		for (let p; (p = await t.read());) p[0] === COM.QUERY && !/^\s*select/i.test(p.subarray(1)) ? t.send(ok()) : p[0] === COM.QUERY ? t.raw(rows(["a"], [["0"]])) : t.send(infile("/etc/passwd"));
	}, noFile));
	const noPassword = (r) => eq(r.said.includes(PASSWORD_DB), false, "it got the password");
	for (const [plugin, data] of [["mysql_clear_password", ""], ["dialog", "\x04Password:"], ["dialog", "\x02Password: "], ["auth_pam", ""], ["mysql_old_password", "abcdefgh\0"]])
		test(`the password by ${plugin} ${JSON.stringify(data)}`, () => against(async (t) => {
			t.send(greeting()); await t.read();
			t.send(authSwitch(plugin, Buffer.from(data)));
			while (await t.read()) t.send(Buffer.from("\x04again:"));
		}, noPassword));
	for (const plugin of ["mysql_clear_password", "dialog"]) test(`the same in the greeting: ${plugin}`, () => against(async (t) => { t.send(greeting({ plugin })); while (await t.read()) t.send(Buffer.from("\x04again:")); }, noPassword));
	const pair = generateKeyPairSync("rsa", { modulusLength: 2048 }), pem = pair.publicKey.export({ type: "spki", format: "pem" }), salt = Buffer.alloc(20, 0x41);
	/** What was encrypted to our key, if anything was. */
	function opened(said) {
		for (const { payload } of packets(said).list) {
			if (payload.length !== 256) continue;
			try { return privateDecrypt({ key: pair.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, payload).map((b, i) => b ^ salt[i % 20]).toString(); } catch {}
		}
		return "";
	}
	for (const [plugin, more] of [["caching_sha2_password", [Buffer.from([1, 4])]], ["sha256_password", []]])
		test(`the password, encrypted to a key it brings along: ${plugin}`, () => against(async (t) => {
			t.send(greeting({ plugin: "mysql_native_password", salt })); await t.read();
			t.send(authSwitch(plugin, Buffer.concat([salt, Buffer.from([0])])));
			for (const m of more) { await t.read(); t.send(m); }
			await t.read();
			t.send(Buffer.concat([Buffer.from([1]), Buffer.from(pem)]));
			while (await t.read()) t.send(err(1045, "28000", "no"));
		}, (r) => { noPassword(r); eq(opened(r.said).includes(PASSWORD_DB), false, "it got the password, encrypted to its own key"); }));
});

describe("greets, or answers the login, as no server would", () => {
	const hello = packet(0, greeting());
	const cases = {
		"half a greeting": async (t) => { t.raw(hello.subarray(0, 40)); t.end(); },
		"half a greeting, and silence": async (t) => { t.raw(hello.subarray(0, 40)); await t.read(); },
		"only a header": async (t) => { t.raw(hello.subarray(0, 3)); t.end(); },
		"nothing": async (t) => { t.end(); },
		"silence": async (t) => { await t.read(); },
		"a huge length": async (t) => { t.raw(packet(0, greeting(), 0xfffffe)); await t.read(); },
		"a length of 16 MiB, and all of it": async (t) => { t.raw(Buffer.concat([packet(0, Buffer.alloc(0xffffff, 10)), packet(1, Buffer.alloc(0xffffff, 10)), packet(2, Buffer.alloc(10, 10))])); await t.read(); },
		"an empty packet": async (t) => { t.send(Buffer.alloc(0)); await t.read(); },
		"another protocol": async (t) => { t.send(Buffer.from([9, ...greeting().subarray(1)])); await t.read(); },
		"HTTP": async (t) => { t.raw(Buffer.from("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")); await t.read(); },
		"a version without end": async (t) => { t.send(Buffer.alloc(60_000, 0x0a)); await t.read(); },
		"a greeting cut anywhere": async (t, n) => { t.send(greeting().subarray(0, 1 + n * 7)); await t.read(); },
		"a login answered by silence": async (t) => { t.send(greeting()); while (await t.read()); },
		"a login answered by noise": async (t) => { t.send(greeting()); await t.read(); t.send(Buffer.from("\x93garbage".repeat(9), "latin1")); while (await t.read()); },
		"a login answered by the end": async (t) => { t.send(greeting()); await t.read(); t.send(Buffer.from([0xfe])); while (await t.read()); },
		"a login answered by an error without text": async (t) => { t.send(greeting()); await t.read(); t.send(Buffer.from([0xff])); while (await t.read()); },
		"a plugin's name that is a path": async (t) => { t.send(greeting()); await t.read(); t.send(authSwitch("../../../../tmp/evil")); while (await t.read()); },
		"a plugin's name without end": async (t) => { t.send(greeting()); await t.read(); t.send(Buffer.concat([Buffer.from([0xfe]), Buffer.alloc(5000, 0x61)])); while (await t.read()); },
		"the same packet number again": async (t) => { t.send(greeting()); await t.read(); t.seq = 0; t.send(ok()); while (await t.read()); },
		"all is well, without end": async (t) => { if (await t.welcome()) while (await t.read()) t.send(ok()); },
		"an error for everything": async (t) => { if (await t.welcome()) while (await t.read()) t.send(err(1064, "42000", "no")); },
		"every answer is the end of a list": async (t) => { if (await t.welcome()) while (await t.read()) t.send(Buffer.from([0xfe, 0, 0, 2, 0])); },
		"every answer has 4 milliard columns": async (t) => { if (await t.welcome()) while (await t.read()) t.send(Buffer.concat([Buffer.from([0xfe]), u32(0xffffffff), u32(0)])); },
		"columns without end": async (t) => { if (await t.welcome()) while (await t.read()) { t.send(lenenc(60_000)); const c = column("a"); for (let i = 0; i < 60_000; i++) t.send(c); } },
		"rows without end": async (t) => {
			if (!(await t.welcome())) return;
			if (!(await t.read())) return;
			t.raw(rows(["a"], []).subarray(0, -9)); t.seq = 4;
			for (let i = 0; i < 200_000 && !t.socket.destroyed; i++) { if (!t.socket.write(packet(t.seq++, Buffer.from("\x04aaaa")))) await new Promise((r) => t.socket.once("drain", r).once("close", r)); }
		},
		"silence after the login": async (t) => { if (await t.welcome()) while (await t.read()); },
	};
	for (const [what, f] of Object.entries(cases)) test(what, () => against(f));
	test("a value of one row, where there are none or many, or none at all", async () => {
		for (const list of [[], [[null]], [["x"]], [["1"], ["2"]], [["", ""]]]) await against(async (t) => { if (await t.welcome()) while (await t.read()) t.raw(rows(list[0]?.length === 2 ? ["a", "b"] : ["a"], list)); });
	});
	test("each answer cut at every place", async () => {
		for (let n = 0; n < 12; n++) await against(async (t) => { if (await t.welcome()) { await t.read(); t.raw(rows(["a"], [["1"]]).subarray(0, n * 5)); t.end(); } });
	});
});

describe("begins to lie while the program runs", () => {
	let link, s, u;
	const pids = async () => s.workers().sort().join();
	async function up() {
		link = await Link.start(real.port);
		s = await Latchkey.start({ hosts: link.address(), set });
		u = await s.user();
	}
	const asks = () => [() => s.get("/session", { cookie: u.cookie }), () => s.get("/sessions", { cookie: u.cookie }), () => s.signIn(u.email), () => s.post("/sign-up/email", { name: "Bob", email: newEmail(), password: PASSWORD }),
		() => s.post("/revoke-session", { token: "a".repeat(32) }, { cookie: u.cookie }), () => s.post("/revoke-other-sessions", {}, { cookie: u.cookie })];
	/** Requests while `lie` is told; then the truth again. mayServe: answers that are no errors are possible. */
	async function lying(lie, { mayServe = true, fresh = true, n = asks().length, check = () => {} } = {}) {
		const before = await pids(), from = s.log().length;
		link.onServer = (p, c) => { Link.learn(p, c); return lie(p, c); };
		if (fresh) real.kick();
		try {
			for (const [i, f] of asks().slice(0, n).entries()) {
				const r = await f().catch((e) => { throw new Error(`${e.message}\n${s.log().slice(from)}`); });
				assert.ok([500, 503].includes(r.status) || (mayServe && [200, 401, 404, 422].includes(r.status)), `${r.status} ${r.text}`);
				if (r.status >= 500) setsNothing(r);
				check(r, i);
				if (r.status === 503) assert.match(r.headers["retry-after"] ?? "", /^[1-9]\d*$/);
				assert.ok(r.ms < LIMIT * PATIENCE, `${r.ms} ms`);
			}
		} finally { link.onServer = null; link.drop(); }
		const well = await until(async () => { const r = await s.get("/session", { cookie: u.cookie }); return r.status === 200 && r.json?.user?.id === u.id; }, 5000);
		assert.ok(well, `well again within 5 s: ${(await s.get("/session", { cookie: u.cookie })).text}\n${s.log().slice(from).split("\n").slice(-6).join("\n")}`);
		same([], crashed(s.log().slice(from)));
		eq(await pids(), before, `the same workers:\n${s.log().slice(from)}`);
	}
	const busy = (c) => [COM.PREPARE, COM.EXECUTE].includes(c.command);
	const raw = (p, change) => { const b = Buffer.from(p.payload); change(b); return packet(p.seq, b); };
	const row = (p, c) => c.command === COM.EXECUTE && p.payload[0] === 0 && p.payload.length > 20; // a binary row; an OK packet is shorter
	const lies = {
		"prepared statements have one parameter more": (p, c) => (c.command === COM.PREPARE && c.seen === 0 ? raw(p, (b) => b.writeUInt16LE(b.readUInt16LE(7) + 1, 7)) : null),
		"prepared statements have 65535 parameters": (p, c) => (c.command === COM.PREPARE && c.seen === 0 ? raw(p, (b) => b.writeUInt16LE(65535, 7)) : null),
		"prepared statements have no columns": (p, c) => (c.command === COM.PREPARE && c.seen === 0 ? raw(p, (b) => b.writeUInt16LE(0, 5)) : null),
		"prepared statements have 65535 columns": (p, c) => (c.command === COM.PREPARE && c.seen === 0 ? raw(p, (b) => b.writeUInt16LE(65535, 5)) : null),
		"results have one column": (p, c) => (c.command === COM.EXECUTE && c.seen === 0 && p.payload.length === 1 && p.payload[0] > 1 ? packet(p.seq, [1]) : null),
		"results have one column more": (p, c) => (c.command === COM.EXECUTE && c.seen === 0 && p.payload.length === 1 && p.payload[0] > 0 ? packet(p.seq, [p.payload[0] + 1]) : null),
		"results have 2^63 columns": (p, c) => (c.command === COM.EXECUTE && c.seen === 0 && p.payload.length === 1 ? packet(p.seq, [0xfe, 255, 255, 255, 255, 255, 255, 255, 127]) : null),
		"changes answer with a list": (p, c) => (c.command === COM.EXECUTE && c.seen === 0 && p.payload[0] === 0 ? rows(["a"], [["1"]]) : null),
		"lists answer with a success": (p, c) => (c.command === COM.EXECUTE ? (c.seen === 0 ? packet(1, ok()) : false) : null),
		"every value is NULL": (p, c) => (row(p, c) ? raw(p, (b) => b.fill(0xff, 1, 1 + ((19 + 9) >> 3))) : null),
		"the version of the schema is NULL": (p, c) => (c.command === COM.EXECUTE && /latchkey_meta/.test(c.sql) && c.seen > 0 && p.payload[0] === 0 ? packet(p.seq, [0, 0x04]) : null),
		"texts are longer than the packet": (p, c) => (row(p, c) ? raw(p, (b) => { b[4] = 0xfe; b.fill(0x7f, 5, 13); }) : null),
		"texts are nearly 4 GiB": (p, c) => (row(p, c) ? raw(p, (b) => { b[4] = 0xfe; u32(0xfffffff0).copy(b, 5); b.fill(0, 9, 13); }) : null),
		"rows are cut short": (p, c) => (row(p, c) ? packet(p.seq, p.payload.subarray(0, 30)) : null),
		"rows are twice as long": (p, c) => (row(p, c) ? packet(p.seq, Buffer.concat([p.payload, p.payload])) : null),
		"packets claim more than they hold": (p, c) => (busy(c) ? packet(p.seq, p.payload, 0xffffff) : null),
		"packets claim less than they hold": (p, c) => (busy(c) && p.payload.length > 8 ? packet(p.seq, p.payload, p.payload.length - 4) : null),
		"packets are numbered wrong": (p, c) => (busy(c) ? packet(p.seq + 1, p.payload) : null),
		"every answer is an error nobody knows": (p, c) => (busy(c) ? (c.seen === 0 ? packet(1, err(65000, "XX000", "what\nnow\x1b[1m")) : false) : null),
		"every answer is an error without a text": (p, c) => (busy(c) ? (c.seen === 0 ? packet(1, [0xff]) : false) : null),
		"noise": (p, c) => (busy(c) ? Buffer.from("\xde\xad\xbe\xef".repeat(30), "latin1") : null),
		"nothing changed": (p, c) => (c.command === COM.EXECUTE && c.seen === 0 && p.payload[0] === 0 && p.payload.length < 20 ? raw(p, (b) => { b[1] = 0; }) : null),
		"2^64-1 rows changed": (p, c) => (c.command === COM.EXECUTE && c.seen === 0 && p.payload[0] === 0 && p.payload.length < 20 ? packet(p.seq, Buffer.concat([Buffer.from([0, 0xfe, 255, 255, 255, 255, 255, 255, 255, 255]), p.payload.subarray(2)])) : null),
	};
	// the library caches the columns of a prepared statement, so the columns lie when it is prepared as well
	for (const [name, type] of [["LONG", 3], ["DATETIME", 12], ["DOUBLE", 5], ["GEOMETRY", 255], ["none there is", 0x77], ["BIT", 16], ["TIME", 11], ["NULL", 6]])
		lies[`all columns are of type ${name}`] = (p, c) => (busy(c) && p.payload.length > 24 && p.payload.subarray(0, 4).toString() === "\x03def" ? raw(p, (b) => { b[b.length - 6] = type; }) : null);
	// a DATETIME of MariaDB's binary rows: length 11 (or 7), year, month, day, hour, minute, second, microseconds
	const dates = (p, c, change) => {
		if (!row(p, c)) return null;
		return raw(p, (b) => { for (let i = 4; i + 11 < b.length; i++) if ((b[i] === 11 || b[i] === 7) && [2025, 2026, 2027, 2028].includes(b.readUInt16LE(i + 1)) && b[i + 3] <= 12) { change(b, i); i += b[i]; } });
	};
	Object.assign(lies, {
		"times are in month 13": (p, c) => dates(p, c, (b, i) => { b[i + 3] = 13; }),
		"times are in month 255 on day 255 at 255:255:255": (p, c) => dates(p, c, (b, i) => b.fill(255, i + 3, i + 8)),
		"times are the zero date": (p, c) => dates(p, c, (b, i) => b.fill(0, i + 1, i + 1 + b[i])),
		"times are on 31 February": (p, c) => dates(p, c, (b, i) => { b[i + 3] = 2; b[i + 4] = 31; }),
		"times are in the year 65535": (p, c) => dates(p, c, (b, i) => b.writeUInt16LE(65535, i + 1)),
		"times are 255 bytes long": (p, c) => dates(p, c, (b, i) => { b[i] = 255; }),
	});
	test("the truth", async () => { await up(); await lying(() => null); for (const f of asks()) assert.ok((await f()).status < 500); });
	for (const [what, lie] of Object.entries(lies)) test(what, () => lying(lie));
	// the answer that follows would be taken for that of the next statement
	const promises = {
		"results promise another one": (p, c) => (c.command === COM.EXECUTE && p.payload[0] === 0xfe && p.payload.length === 5 ? raw(p, (b) => { b[3] |= 8; }) : null),
		"successes promise a result": (p, c) => (c.command === COM.EXECUTE && c.seen === 0 && p.payload[0] === 0 && p.payload.length < 20 ? raw(p, (b) => { b[3] |= 8; }) : null),
	};
	for (const [what, lie] of Object.entries(promises)) test(what, async () => {
		const from = s.log().length;
		await lying(lie);
		assert.match(s.log().slice(from), /: the server promises more than one result/);
		assert.doesNotMatch(s.log().slice(from), /out of (sync|order)/);
	});
	test("the last text of a row claims more than the packet holds: nothing of the program's memory is answered", async () => {
		for (const more of [1, 40, 200, 250, 60_000, 3_000_000, 0x7fffff00]) {
			let lied = 0;
			await lying((p, c) => {
				const own = Buffer.from("\x09127.0.0.1", "latin1"), at = p.payload.length - own.length;
				if (!row(p, c) || at < 4 || !p.payload.subarray(at).equals(own)) return null;
				lied++;
				const n = 9 + more;
				return packet(p.seq, Buffer.concat([p.payload.subarray(0, at), n < 0x1000000 ? lenenc(n) : Buffer.concat([Buffer.from([0xfe]), u32(n), u32(0)]), p.payload.subarray(at + 1)]));
			}, { check: (r, i) => { if (i === 1) assert.ok(r.status >= 500, `${more} more: ${r.status} ${r.text.slice(0, 600)}`); } });
			assert.ok(lied > 0, "it lied");
		}
	});
	test("the length of the last text is cut off", async () => {
		for (const tail of [[0xfe], [0xfd], [0xfc], [0xfe, 9, 0, 0], [0xfd, 9], [0xfc, 9]]) for (const which of [/latchkey_meta/, /session/]) await lying((p, c) => {
			const meta = which.source === "latchkey_meta" && c.command === COM.EXECUTE && which.test(c.sql) && c.seen > 0 && p.payload[0] === 0 && p.payload.length < 20, own = Buffer.from("\x09127.0.0.1", "latin1");
			if (meta) return packet(p.seq, Buffer.concat([p.payload.subarray(0, 2), Buffer.from(tail)]));
			const at = p.payload.length - own.length;
			return which.source === "session" && row(p, c) && p.payload.subarray(at).equals(own) ? packet(p.seq, Buffer.concat([p.payload.subarray(0, at), Buffer.from(tail)])) : null;
		}, {
			// asked again on another connection it may be answered truly
			check: (r, i) => { if (i === 1) assert.ok(r.status >= 500 || r.json.every((s) => s.lastIpAddress === "127.0.0.1"), `${tail}: ${r.status} ${r.text.slice(0, 600)}`); },
		});
	});
	test("silence, then the end, in the middle of a row", () => lying((p, c) => { if (!row(p, c)) return null; c.client.write(p.raw.subarray(0, p.raw.length >> 1)); return false; }));
	test("every bit of an answer may be wrong: noise of every kind", async () => {
		let seed = 20261124;
		const random = (n) => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return Math.floor((seed / 2 ** 32) * n); };
		const spoil = (p, c) => {
			if (!busy(c) || random(3) > 0) return null;
			return raw(p, (b) => { for (let i = 0; i <= random(4) && b.length; i++) b[random(b.length)] = [0, 255, 254, 251, 128, random(256)][random(6)]; });
		};
		for (let i = 0; i < (process.env.LINK_LONG ? 150 : 6); i++) await lying(spoil, { n: 4 });
	});
	test("a liar at the port, and the real one back", async () => {
		const liar = await Rogue.start(async (t) => { if (await t.welcome()) while (await t.read()) t.send(ok()); });
		const before = await pids();
		try {
			link.target = liar.port; link.drop();
			for (const f of asks()) { const r = await f(); assert.ok([500, 503].includes(r.status), `${r.status} ${r.text}`); setsNothing(r); assert.ok(r.ms < LIMIT * PATIENCE, `${r.ms} ms`); }
		} finally { link.target = real.port; link.drop(); await liar.stop(); }
		assert.ok(await until(async () => (await s.get("/session", { cookie: u.cookie })).json?.user?.id === u.id, 5000), "well again within 5 s");
		eq(await pids(), before);
		eq(s.log().includes(PASSWORD_DB), false);
	});
	test("all processes end well", async () => { await s.stop(); await link.stop(); assert.ok(await until(() => real.clients().length === 0)); });
});
