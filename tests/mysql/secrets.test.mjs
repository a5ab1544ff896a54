// What the database server writes down: nothing of it signs anybody in (S2, S98), and statements are prepared (S85).
import { after, before, describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { DAY, PASSWORD, assert, eq, fails, mariadb, newEmail, ok, same, setting } from "./mariadb.mjs";

const WRONG = "wrong-password-7", SECOND = 1000;
const LOGS = ["--general-log", "--general-log-file=general.log", "--slow-query-log", "--slow-query-log-file=slow.log", "--long-query-time=0", "--log-output=FILE", "--server-id=1", "--log-bin=binlog", "--sync-binlog=0"];

for (const format of ["ROW", "MIXED"]) describe(`general log, slow log and binary log (${format}) on`, async () => {
	const db = await mariadb([...LOGS, `--binlog-format=${format}`]);
	after(() => db.stop());
	const s = await db.start({ clock: true, set: { "jobs.every": "0", "auth.mode": "bearer" } });
	after(() => s.stop());
	const seen = { users: [], values: new Set() }, t0 = 0;
	/** All that a browser of this program was given and could show again. */
	const note = (b) => { seen.values.add(b.token).add(b.value).add(decodeURIComponent(b.value)); return b; };
	const fixed = { before: null, after: null };
	/** What came to the server as text, and not as values. */
	const queries = (kind) => new Set(db.file("general.log").toString("utf8").split(/\n(?=(?:\d{6} [ \d:]{8})?\s*\d+ [A-Z])/)
		.map((l) => new RegExp(`^(?:\\d{6} [ \\d:]{8})?\\s*(\\d+) ${kind}\\t([^]*)$`).exec(l)).filter((m) => m && threads().has(m[1])).map((m) => m[2].trim()));
	/** Connections of the program: root's are ours. */
	function threads() { return new Set([...db.file("general.log").toString("utf8").matchAll(/\s(\d+) Connect\t(\S+)@/g)].filter((m) => m[2] === setting(s, "user")).map((m) => m[1])); }

	async function flows() {
		s.move(t0);
		const u = note(await s.user()), phone = note(await s.another(u)), other = note(await s.another(u)), short = note(await s.another(u, { rememberMe: false }));
		seen.users.push(u);
		fails(await s.post("/sign-up/email", { name: "Ann", email: u.email, password: PASSWORD }), 422);
		fails(await s.signIn(u.email, { password: WRONG }), 401); fails(await s.signIn(newEmail()), 401);
		fails(await s.signIn(u.email, { password: WRONG }, { cookie: u.cookie }), 401);
		const again = note(await s.another(u, {}, { cookie: other.cookie })); // ends the one that is presented
		for (const p of ["/session", "/get-session", "/sessions", "/list-sessions"]) {
			ok(await s.get(p, { cookie: u.cookie })); ok(await s.get(p, { bearer: phone.token })); ok(await s.get(p, { bearer: phone.value }));
		}
		eq((await s.get("/session", { cookie: s.withValue(s.sign("A".repeat(32))) })).json, null);
		eq((await s.get("/session", { bearer: "A".repeat(32) })).json, null);
		s.move(t0 + 11 * 60 * SECOND); ok(await s.get("/session", { cookie: u.cookie })); // last use
		s.move(t0 + DAY + SECOND);
		const r = await s.get("/session", { cookie: u.cookie });
		eq(r.setCookies.length, 1, "extended"); note(s.browser(r));
		eq(await s.alive(short.cookie), false);
		ok(await s.post("/revoke-session", { token: await s.sessionId(phone) }, { cookie: u.cookie }));
		ok(await s.del(`/sessions/${await s.sessionId(again)}`, { cookie: u.cookie }));
		const third = note(await s.another(u)), fourth = note(await s.another(u));
		ok(await s.post("/revoke-other-sessions", {}, { cookie: third.cookie }));
		for (const b of [u, phone, again, fourth]) eq(await s.alive(b.cookie), false);
		ok(await s.post("/sign-out", {}, { cookie: third.cookie }));
		s.ctl("sweep"); s.ctl("session", "list"); s.ctl("user", "disable", u.email); s.ctl("user", "enable", u.email);
		u.living = note(await s.another(u));
		u.bearing = note(await s.another(u));
	}
	before(async () => {
		await flows();
		fixed.before = { Query: queries("Query"), Prepare: queries("Prepare") };
		for (let i = 0; i < 5; i++) await flows();
		fixed.after = { Query: queries("Query"), Prepare: queries("Prepare") };
	});
	const binlogs = () => fs.readdirSync(path.join(db.dir, "data")).filter((f) => /^binlog\.\d+$/.test(f)).map((f) => path.join(db.dir, "data", f));
	/** name → all that a thief of it would have. */
	function places() {
		db.sql("FLUSH LOGS");
		const run = (...a) => execFileSync(a[0], a.slice(1), { maxBuffer: 1 << 28 });
		return {
			dump: run("mariadb-dump", "--no-defaults", "-u", "root", "-S", db.socket, "--single-transaction", s.mysql.database),
			"dump in hex": run("mariadb-dump", "--no-defaults", "-u", "root", "-S", db.socket, "--hex-blob", "--all-databases"),
			"general log": db.file("general.log"), "slow log": db.file("slow.log"),
			"binary log, read": run("mariadb-binlog", "--no-defaults", "-vv", "--base64-output=DECODE-ROWS", ...binlogs()),
			"binary log, to be applied": run("mariadb-binlog", "--no-defaults", ...binlogs()),
			...Object.fromEntries(binlogs().map((f) => [path.basename(f), fs.readFileSync(f)])),
			...Object.fromEntries(fs.readdirSync(path.join(db.dir, "data"), { recursive: true }).filter((f) => /\.ibd$|ibdata|ib_logfile|undo/.test(f)).map((f) => [f, db.file(f)])),
		};
	}

	test("they hold what happened", () => {
		const p = places(), u = seen.users[0];
		for (const k of ["dump", "general log", "slow log", "binary log, read"]) assert.ok(p[k].includes(u.id), k);
		assert.ok(p["general log"].includes("INSERT INTO session") && p["slow log"].includes("INSERT INTO session"));
		eq(/### INSERT INTO `\w+`\.`session`/.test(p["binary log, read"]), true, "rows");
		assert.ok(seen.values.size > 100);
	});
	test("no cookie, no token, however spelled, no password and no secret is in any of them", () => {
		const hex = (v) => Buffer.from(v).toString("hex"), base64 = (v) => Buffer.from(v).toString("base64").replace(/=*$/, "");
		const spelled = (v) => [v, hex(v), hex(v).toUpperCase(), base64(v), Buffer.from(v).toString("base64url"), ...(v.length === 32 ? [Buffer.from(v, "base64").toString("hex")] : [])];
		const needles = [...[...seen.values].flatMap(spelled), ...[PASSWORD, WRONG, s.secret()].flatMap(spelled), setting(s, "password")];
		for (const [name, bytes] of Object.entries(places())) {
			const text = bytes.toString("latin1").replace(/CREATE USER .*/g, ""); // root made the account
			for (const n of new Set(needles)) assert.ok(!text.includes(n), `${name} holds ${n.slice(0, 10)}…`);
		}
	});
	test("no value of any column is a cookie or a bearer token", async () => {
		s.move(t0);
		const columns = db.sql(`SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = '${s.mysql.database}'`).split("\n").map((l) => l.split("\t"));
		assert.ok(columns.length > 40);
		const values = new Set();
		for (const [table, column] of columns) for (const v of s.sql(`SELECT DISTINCT \`${column}\` FROM \`${table}\``).split("\n")) if (v) values.add(v);
		assert.ok(values.size > 60, `${values.size} values`);
		for (const b of seen.users.flatMap((u) => [u.living, u.bearing])) eq(await s.alive(b.cookie), true, "there are sessions to steal");
		for (const v of [...values].flatMap((v) => (/^[0-9a-f]{64}$/.test(v) ? [v, Buffer.from(v, "hex").toString("base64"), Buffer.from(v, "hex").toString("latin1")] : [v]))) {
			if (/[\0-\x1f\x7f]/.test(v) === false) { eq((await s.get("/session", { bearer: v })).json, null, v); eq((await s.get("/session", { bearer: s.sign(v) })).json, null, v); }
			eq((await s.get("/session", { cookie: s.withValue(encodeURIComponent(v)) })).json, null, v);
			eq((await s.get("/session", { cookie: s.withValue(s.sign(v)) })).json, null, `${v}, even with the secret at hand`);
		}
	});
	test("values come by Execute only; what comes as text is the same for everybody", () => {
		const log = db.file("general.log").toString("utf8");
		assert.ok((log.match(/ Execute\t/g) ?? []).length > 100);
		assert.ok(fixed.after.Prepare.size > 10);
		for (const kind of ["Query", "Prepare"]) {
			same([...fixed.after[kind]].filter((q) => !fixed.before[kind].has(q)), [], `${kind}: further users bring no further text`);
			for (const q of fixed.after[kind]) for (const u of seen.users) for (const v of [u.id, u.email, u.user.name]) if (q.includes(v)) assert.fail(`${kind} holds ${v}: ${q}`);
		}
		for (const q of fixed.after.Query) assert.match(q, /^(SET (SESSION |STATEMENT )?[\w@. =,'":+/()-]*|START TRANSACTION( READ (ONLY|WRITE))?|BEGIN|COMMIT|ROLLBACK|SELECT @@[\w@., ]*|SHOW GLOBAL VARIABLES WHERE Variable_name IN \('[\w', ]*'\)|SELECT VERSION\(\))$/i, q);
	});
});
