// Servers set up in ways that have broken other programs (S86-S88): what is compared is compared byte by byte, times are to the
// millisecond whatever the zone, and no user agent, address or name is too long or too odd to sign in with.
import { after, describe, test } from "node:test";
import { createHash } from "node:crypto";
import { DAY, HOUR, PASSWORD, assert, eq, fails, mariadb, newEmail, ok, same, setsNothing, setting, uniq } from "./mariadb.mjs";

const SERVERS = {
	"latin1_swedish_ci, no sql_mode, +13:00, implicit timestamps": [["--character-set-server=latin1", "--collation-server=latin1_swedish_ci", "--sql-mode=", "--default-time-zone=+13:00", "--explicit-defaults-for-timestamp=OFF"]],
	"utf8mb4_general_ci, strict, ANSI_QUOTES, NO_BACKSLASH_ESCAPES, summer time here": [["--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci", "--sql-mode=STRICT_ALL_TABLES,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE", "--default-time-zone=SYSTEM"], { TZ: "CET-1CEST,M3.5.0,M10.5.0/3" }],
	"utf8mb4_unicode_ci, Oracle's way, summer time there, implicit timestamps, repeatable read": [["--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci", "--sql-mode=ORACLE,STRICT_TRANS_TABLES", "--transaction-isolation=SERIALIZABLE", "--explicit-defaults-for-timestamp=OFF", "--default-time-zone=SYSTEM", "--autocommit=0", "--innodb-rollback-on-timeout=OFF", "--lower-case-table-names=1"], { TZ: "NZST-12NZDT,M9.5.0,M4.1.0/3" }],
};
/** The spring night of Central Europe in 2027: 02:30 on this day is no local time there; and the autumn night, when it is two. */
const NIGHTS = { "a summer evening": Date.UTC(2027, 6, 1, 18), "an hour that does not exist": Date.UTC(2027, 2, 28, 2, 30), "an hour that is there twice": Date.UTC(2027, 9, 31, 2, 30), "an hour that is there twice, in the south": Date.UTC(2027, 3, 4, 2, 30), "the last second of a year": Date.UTC(2027, 11, 31, 23, 59, 59) };

for (const [name, [options, env]] of Object.entries(SERVERS)) describe(name, async () => {
	const db = await mariadb(options, env);
	after(() => db.stop());
	const s = await db.start({ clock: "still", set: { "jobs.every": "0", "limits.head": "1m", "session.max_per_user": "0" } });
	after(() => s.stop());
	const stored = (id, column) => s.sql(`SELECT ${column} FROM session WHERE id = '${id}'`);

	test("the server is as odd as it shall be", () => {
		const [collation, zone] = db.sql("SELECT @@collation_server, TIMEDIFF(NOW(), UTC_TIMESTAMP())").split("\t");
		assert.ok(name.startsWith(collation)); assert.notEqual(zone, "00:00:00");
		eq(db.sql("SELECT @@global.sql_mode") === "", /no sql_mode/.test(name));
	});
	for (const [when, night] of Object.entries(NIGHTS)) test(`${when}: times are to the millisecond`, async () => {
		const t = night + 789;
		s.move(t - s.still);
		const u = await s.user(), { session } = await s.session(u.cookie), born = Date.parse(session.createdAt);
		eq(born, t);
		eq(Date.parse(session.expiresAt) - born, 7 * DAY); eq(Date.parse(session.diesAt) - born, 30 * DAY); eq(session.authenticatedAt, session.createdAt);
		for (const k of ["createdAt", "updatedAt", "expiresAt", "diesAt", "lastSeenAt", "authenticatedAt"]) eq(stored(session.id, k), session[k], k);
		// a touch moves what it is to move and nothing else
		s.move(t + HOUR - s.still);
		const seen = (await s.session(u.cookie)).session;
		for (const k of ["createdAt", "updatedAt", "expiresAt", "diesAt", "authenticatedAt"]) eq(seen[k], session[k], k);
		eq(Date.parse(seen.lastSeenAt), t + HOUR);
		s.move(t + DAY + HOUR - s.still);
		const r = await s.get("/session", { cookie: u.cookie });
		eq(r.setCookies.length, 1); eq(Date.parse(r.json.session.expiresAt) - Date.parse(r.json.session.updatedAt), 7 * DAY);
		eq(stored(session.id, "expiresAt"), r.json.session.expiresAt); eq(r.json.session.createdAt, session.createdAt);
		s.move(Date.parse(r.json.session.expiresAt) - 1 - s.still); eq(await s.alive(u.cookie), true);
		const last = Date.parse((await s.session(u.cookie)).session.expiresAt);
		s.move(last - s.still); eq(await s.alive(u.cookie), false);
	});
	test("the list has the living sessions, the oldest first", async () => {
		s.move(0);
		const u = await s.user(), ids = [await s.sessionId(u)];
		for (let i = 1; i < 4; i++) { s.move(i * 1500); ids.push(await s.sessionId(await s.another(u, { rememberMe: i !== 2 }))); }
		s.move(DAY + 10_000);
		const list = ok(await s.get("/sessions", { cookie: u.cookie }));
		same(list.map((x) => x.id), ids.filter((_, i) => i !== 2)); same(list.map((x) => x.current), [true, false, false]);
	});
	test("of a token each letter in its case, and nothing behind it", async () => {
		s.move(0);
		const u = await s.user(), flip = (t, i) => t.slice(0, i) + (/[a-z]/.test(t[i]) ? t[i].toUpperCase() : t[i].toLowerCase()) + t.slice(i + 1);
		const others = [...[...u.token].flatMap((c, i) => (/[a-z]/i.test(c) ? [flip(u.token, i)] : [])), ...[" ", "\t", "é", "\0", "a", "\u00a0", "\u0301"].map((x) => u.token + x), u.token.replace(/[a-z]/i, "é"), u.token.toLowerCase(), u.token.toUpperCase(), u.token.slice(0, 31), "", "%", "_".repeat(32)];
		assert.ok(others.length > 25);
		for (const t of others) if (t !== u.token) {
			const r = await s.get("/session", { cookie: s.withValue(s.sign(t)) });
			eq(ok(r), null, JSON.stringify(t));
			fails(await s.get("/sessions", { cookie: s.withValue(s.sign(t)) }), 401);
		}
		eq(await s.alive(u.cookie), true);
	});
	test("what is stored of a token is compared byte by byte", async () => {
		s.move(0);
		const u = await s.user(), hash = createHash("sha256").update(u.token).digest("hex"), id = await s.sessionId(u);
		eq(stored(id, "token"), hash);
		eq(s.sql(`SELECT COUNT(*) FROM session WHERE token = '${hash.toUpperCase()}'`), "0"); eq(s.sql(`SELECT COUNT(*) FROM session WHERE token = '${hash.replace("e", "E")}'`), hash.includes("e") ? "0" : "1");
		eq(s.sql(`SELECT COUNT(*) FROM session WHERE id = '${id.toLowerCase()}' OR id = '${id.toUpperCase()}'`), "0");
	});
	test("an id of the other case, or with something behind it, is another one", async () => {
		s.move(0);
		const u = await s.user(), b = await s.another(u), id = await s.sessionId(b);
		for (const x of [id.toLowerCase(), id.toUpperCase(), `${id}%20`, `${id}%09`, `${id}%C3%A9`, `${id}%00`]) {
			const r = await s.del(`/sessions/${x}`, { cookie: u.cookie });
			assert.ok(r.status !== 500 && r.status !== 503, `${r.status} ${r.text}`); eq(await s.alive(b.cookie), true, x);
		}
		ok(await s.del(`/sessions/${id}`, { cookie: u.cookie })); eq(await s.alive(b.cookie), false);
	});
	test("e-mail addresses that a collation takes for one are several", async () => {
		s.move(0);
		const x = uniq(), known = [];
		for (const local of [`e${x}`, `é${x}`, `ẹ${x}`, `ss${x}`, `ß${x}`, `ə${x}`]) {
			const r = await s.post("/sign-up/email", { name: "A", email: `${local}@example.org`, password: `${PASSWORD}-${local}` });
			if (r.status === 400) continue; // an address that is not taken at all
			ok(r); known.push([local, r.json.user.id]);
		}
		assert.ok(known.length >= 2);
		for (const [local, id] of known) {
			eq((await s.signIn(`${local}@example.org`, { password: `${PASSWORD}-${local}` })).json.user.id, id, local);
			for (const [other] of known) if (other !== local) fails(await s.signIn(`${local}@example.org`, { password: `${PASSWORD}-${other}` }), 401);
		}
		fails(await s.post("/sign-up/email", { name: "A", email: `E${x}@Example.org`, password: PASSWORD }), 422);
	});
	describe("user agents", () => {
		const CUTS = [191, 255, 256, 767, 3072, 8191, 8192, 16383, 65535];
		const agents = {
			none: undefined, "0 bytes": "", "255 bytes": "a".repeat(255), "256 bytes": "a".repeat(256), "8 KiB": "b".repeat(8192), "64 KiB": "c".repeat(65536), "200 KiB": "d".repeat(200_000),
			"an emoji alone": "\u{1F469}\u200D\u{1F4BB}", quotes: `Fox'"\`\\'; DROP TABLE session; -- %s`, "a backslash at the end": "Fox\\", "invalid UTF-8": Buffer.from("46f878ff80c0af", "hex"), "half an emoji": Buffer.from("466f78f09f98", "hex"), surrogates: Buffer.from("eda0bdedb880", "hex"), "latin1 for é": Buffer.from("466fe9", "hex"),
			...Object.fromEntries(CUTS.flatMap((n) => [1, 2, 3].map((k) => [`an emoji ${k} bytes before byte ${n}`, "e".repeat(n - k) + "\u{1F600}".repeat(40)]))),
		};
		for (const [what, agent] of Object.entries(agents)) test(what, async () => {
			s.move(0);
			const headers = agent === undefined ? {} : { "user-agent": agent }, u = await s.user({}, { headers }), b = s.browser(await s.signIn(u.email, {}, { headers }));
			const { session } = await s.session(b.cookie), given = Buffer.from(agent ?? ""), kept = Buffer.from(session.userAgent ?? "");
			eq(await s.alive(u.cookie), true);
			eq(stored(session.id, "userAgent"), session.userAgent ?? "");
			assert.ok(kept.length <= 65_535 && !(session.userAgent ?? "").includes("\0"));
			if (!Buffer.isBuffer(agent)) { assert.ok(given.subarray(0, kept.length).equals(kept), "the beginning, cut between characters"); if (given.length <= 255) eq(kept.length, given.length); assert.ok(kept.length >= Math.min(given.length, 252)); }
			assert.ok(kept.equals(Buffer.from(kept.toString("utf8"))), "UTF-8");
		});
	});
	for (const address of ["192.0.2.1", "::ffff:192.0.2.1", "fe80::1%eth0", "2001:db8:1234:5678:9abc:def0:255.255.255.255", "2001:0db8:0000:0000:0000:0000:0000:0001", "fe80::aaaa:bbbb:cccc:dddd%a-very-long-interface-name-that-is-none", "unix:", "", "x".repeat(300)]) test(`the address ${address.slice(0, 60) || "of nobody"}`, async () => {
		s.move(0);
		const u = await s.user({}, { remote: address }), b = s.browser(await s.signIn(u.email, {}, { remote: address })), { session } = await s.session(b.cookie, { remote: address });
		eq(stored(session.id, "ipAddress"), session.ipAddress ?? "");
		if (address === "192.0.2.1" || address === "::ffff:192.0.2.1") eq(session.ipAddress, "192.0.2.1");
		s.move(11 * 60_000); eq(await s.alive(u.cookie, { remote: address }), true);
	});
	test("names of every kind come back as they were", async () => {
		s.move(0);
		for (const x of ["Ann", "Zoë Østergård", "\u{1F469}\u200D\u{1F4BB}".repeat(5), `O'Brien "x" \`y\` \\ \\' \\" %s ? ; --`, "ends with \\", "漢".repeat(30), " a b "]) {
			const r = await s.post("/sign-up/email", { name: x, email: newEmail(), password: PASSWORD });
			if (r.status === 400) continue;
			eq((await s.session(s.browser(r).cookie)).user.name, ok(r).user.name);
			if (x.trim() === x) eq(r.json.user.name, x);
		}
	});
	test("a refused sign-in is one on this server too", async () => {
		s.move(0);
		const u = await s.user();
		for (const password of [PASSWORD.toUpperCase(), `${PASSWORD} `, `${PASSWORD}\0`, PASSWORD.replace("e", "é")]) { const r = await s.signIn(u.email, { password }); assert.ok([400, 401].includes(r.status), r.text); setsNothing(r); }
		ok(await s.signIn(u.email)); ok(await s.post("/sign-out", {}, { cookie: u.cookie })); eq(await s.alive(u.cookie), false);
	});
	test("no column takes a time from the server, and keys are compared byte by byte", () => {
		const columns = db.sql(`SELECT table_name, column_name, data_type, COALESCE(collation_name, ''), COALESCE(extra, ''), COALESCE(column_default, ''), column_key FROM information_schema.columns WHERE table_schema = '${s.mysql.database}'`).split("\n").map((l) => l.split("\t"));
		for (const [table, column, type, collation, extra, def, key] of columns) {
			const what = `${table}.${column} ${type} ${collation} ${extra} ${def}`;
			assert.notEqual(type, "timestamp", what); assert.doesNotMatch(`${extra} ${def}`, /current_timestamp|on update/i, what);
			if (key) assert.match(collation || "binary", /_bin$|^binary$/, what);
		}
		for (const v of db.sql(`SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = '${s.mysql.database}'`).split("\n")) eq(v, "InnoDB");
	});
	test("nothing of it is a fault to the program", () => {
		same(s.log().split("\n").filter((l) => /^\S+ (error|warn)/.test(l)), []);
		eq(setting(s, "driver"), "mysql");
	});
});
