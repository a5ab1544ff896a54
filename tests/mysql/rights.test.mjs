// The account that serves has no more rights than it needs (S92); without tables, or with older ones, nothing starts before
// `latchkeyctl migrate`.
import { describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { BUILD, assert, cleanEnv, database, eq, mariadb, ok, same, secretOf, setting, shared, with_ } from "./mariadb.mjs";

/** latchkeyctl migrate for s by an account that may. */
const migrate = (s, env = {}) => execFileSync(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, "migrate"], { encoding: "utf8", stdio: "pipe", env: { ...cleanEnv(), LATCHKEY_DATABASE_USER: "root", LATCHKEY_DATABASE_PASSWORD: "", ...env } });
const SECRET = "wrong-db-password";
const refused = (o, why) => assert.rejects(with_(o, () => {}), (e) => { assert.match(e.message, why); assert.ok(!e.message.includes(SECRET)); return true; });

test("rows and nothing else: no table, no other database, no file", () => with_({}, (s) => database(async (other) => {
	shared.sql("CREATE TABLE x (a INT)", { db: other });
	const me = { user: setting(s, "user"), password: setting(s, "password") }, db = s.mysql.database, as = (text) => shared.sql(text, { ...me, db });
	same(as("SHOW GRANTS").split("\n").map((l) => l.replace(/ TO .*/, "")), ["GRANT USAGE ON *.*", `GRANT SELECT, INSERT, UPDATE, DELETE ON \`${db.replaceAll("_", "\\\\_")}\`.*`]);
	same(as("SHOW DATABASES").split("\n").sort(), ["information_schema", db].sort());
	for (const text of ["CREATE TABLE x (a INT)", "ALTER TABLE session ADD x INT", "DROP TABLE session", "CREATE INDEX x ON session (userAgent(10))", "TRUNCATE TABLE session", "CREATE TRIGGER x AFTER INSERT ON session FOR EACH ROW SET @a = 1", "CREATE VIEW x AS SELECT 1", "LOCK TABLES session WRITE", `SELECT * FROM ${other}.x`, "SELECT * FROM mysql.user", `CREATE DATABASE ${other}2`, "SELECT LOAD_FILE('/etc/passwd') INTO OUTFILE '/tmp/latchkey-none'", "GRANT SELECT ON session TO public", "SET GLOBAL general_log = 1"])
		assert.throws(() => as(text), (e) => /denied|command denied|Access denied/i.test(e.stderr), text);
	// and with these the program does all it does
	const u = await s.user(), b = await s.another(u);
	ok(await s.get("/sessions", { cookie: u.cookie })); ok(await s.post("/revoke-other-sessions", {}, { cookie: u.cookie })); eq(await s.alive(b.cookie), false);
	for (const args of [["status"], ["sweep"], ["check"], ["user", "list"], ["session", "list"], ["secret", "new"], ["user", "disable", u.email], ["user", "delete", u.email]]) s.ctl(...args);
	same(s.log().split("\n").filter((l) => /^\S+ (error|warn)/.test(l)), []);
})));
test("as docs/operations.md has it, the account that serves can add events and read them, but not change or delete them (S117)", () => with_({}, (first) => database(async (db) => {
	const ctl = (t, args, env = {}) => execFileSync(path.join(BUILD, "latchkeyctl"), ["-c", t.conf, ...args], { encoding: "utf8", stdio: "pipe", env: { ...cleanEnv(), ...env } });
	const root = { LATCHKEY_DATABASE_USER: "root", LATCHKEY_DATABASE_PASSWORD: "" }, me = { user: db, password: "x" }, as = (text) => shared.sql(text, { ...me, db });
	migrate(first, { LATCHKEY_DATABASE_NAME: db });
	const tables = shared.sql(`SHOW TABLES IN ${db}`).split("\n");
	assert.ok(tables.length > 8 && tables.includes("latchkey_audit"));
	shared.sql(`CREATE USER ${db}@'%' IDENTIFIED BY 'x'; ${tables.map((t) => `GRANT SELECT, INSERT${t === "latchkey_audit" ? "" : ", UPDATE, DELETE"} ON ${db}.${t} TO ${db}@'%';`).join(" ")}`);
	try {
		await with_({ set: { "database.name": db, "database.user": db, "database.password": "x", "auth.delete_user": "on", "audit.keep": "0", "session.max_per_user": "2" } }, async (s) => {
			const u = await s.user(), b = await s.another(u), v = await s.user(), w = await s.user();
			await s.another(u); // ends the one used least lately
			eq(await s.alive(u.cookie), false); eq((await s.signIn(u.email, { password: SECRET })).status, 401);
			ok(await s.post("/verify-password", { password: "correct-horse-1" }, { cookie: b.cookie })); ok(await s.post("/update-user", { name: "B" }, { cookie: b.cookie }));
			ok(await s.post("/revoke-other-sessions", {}, { cookie: b.cookie })); ok(await s.post("/sign-out", {}, { cookie: b.cookie })); ok(await s.post("/delete-user", { password: "correct-horse-1" }, { cookie: v.cookie }));
			for (const args of [["user", "disable", u.email], ["user", "enable", u.email], ["user", "reset", u.email], ["user", "export", u.email], ["session", "revoke-all", "--everybody"], ["user", "delete", u.email], ["limit", "clear", "--everybody"], ["audit"], ["sweep"], ["run-jobs"], ["check"], ["secret", "new"]]) ctl(s, args);
			for (const e of ["sign-up", "sign-in", "sign-in-refused", "re-authenticated", "session-ended", "user-deleted", "user-exported", "everybody-ended", "secret-added"]) assert.notEqual(s.sql(`SELECT COUNT(*) FROM latchkey_audit WHERE event = '${e}'`), "0", e);
			const all = s.sql("SELECT * FROM latchkey_audit");
			for (const text of ["UPDATE latchkey_audit SET actor = 'nobody'", "DELETE FROM latchkey_audit", "TRUNCATE TABLE latchkey_audit", "REPLACE INTO latchkey_audit SELECT * FROM latchkey_audit", "DROP TABLE latchkey_audit", "INSERT INTO latchkey_audit SELECT * FROM latchkey_audit x ON DUPLICATE KEY UPDATE actor = 'nobody'"])
				assert.throws(() => as(text), (e) => /denied/i.test(e.stderr), text);
			// what needs another account says so, and leaves all as it was
			assert.throws(() => ctl(s, ["user", "erase", w.email]), (e) => e.status === 1 && /denied/.test(e.stderr));
			eq(s.sql("SELECT * FROM latchkey_audit"), all); eq(s.sql(`SELECT COUNT(*) FROM user WHERE id = '${w.id}'`), "1");
			eq(await s.halt() !== null, true); same(s.log().split("\n").filter((l) => /^\S+ (error|warn)/.test(l)), []);
			// what is not due asks for no right; what is says whose right is missing
			ctl(s, ["run-jobs"], { LATCHKEY_AUDIT_KEEP: "180d" });
			s.sql("UPDATE latchkey_audit SET at = '2001-01-31' ORDER BY id LIMIT 3");
			assert.throws(() => ctl(s, ["run-jobs"], { LATCHKEY_AUDIT_KEEP: "180d" }), (e) => e.status === 1 && /latchkey_audit/.test(e.stderr));
			ctl(s, ["run-jobs"]); eq(s.sql("SELECT COUNT(*) FROM latchkey_audit WHERE at < '2002-01-01'"), "3");
			ctl(s, ["run-jobs"], { ...root, LATCHKEY_AUDIT_KEEP: "180d" }); eq(s.sql("SELECT COUNT(*) FROM latchkey_audit WHERE at < '2002-01-01'"), "0");
			ctl(s, ["user", "erase", w.email], root); eq(s.sql(`SELECT COUNT(*) FROM latchkey_audit WHERE userId = '${w.id}' OR email = '${w.email}'`), "0");
		});
	} finally { shared.sql(`DROP USER ${db}@'%'`); }
})));
describe("without tables", () => {
	test("it does not start, says what to do, and makes nothing", () => database(async (name) => {
		await refused({ set: { "database.name": name } }, /latchkeyctl migrate/);
		await refused({ set: { "database.name": name } }, /cannot start/);
		eq(shared.sql(`SHOW TABLES IN ${name}`), "");
	}));
	test("an account without any right on the database, or none at all, is told", () => database(async (name) => {
		shared.sql(`CREATE USER ${name}@'%' IDENTIFIED BY 'x'`);
		try {
			await refused({ set: { "database.name": name, "database.user": name, "database.password": "x" } }, new RegExp(`Access denied|${name}`));
			await refused({ set: { "database.name": name, "database.user": name, "database.password": SECRET } }, /Access denied/);
		} finally { shared.sql(`DROP USER ${name}@'%'`); }
	}));
	test("a database that is not there is told", () => refused({ set: { "database.name": "latchkey_none_here", "database.user": "root", "database.password": "" } }, /latchkey_none_here/));
	test("after migrate it starts with the account that serves", () => with_({}, (s) => database(async (name) => {
		const set = { "database.name": name, "secret.file": secretOf(s) };
		await refused({ set }, /migrate/);
		const out = migrate(s, { LATCHKEY_DATABASE_NAME: name });
		assert.match(out, /from +0\n/);
		await with_({ set }, async (t) => { const u = await t.user(); eq(await t.alive(u.cookie), true); });
		assert.match(migrate(s, { LATCHKEY_DATABASE_NAME: name }), new RegExp(`from +(\\d+)\\nto +\\1\\n`), "and then there is nothing to do");
	})));
	test("somebody else's tables are left alone", () => database(async (name) => {
		shared.sql("CREATE TABLE user (id INT); INSERT INTO user VALUES (1)", { db: name });
		await refused({ set: { "database.name": name, "database.user": "root", "database.password": "" } }, /this is not a latchkey database/);
		eq(shared.sql("SHOW TABLES", { db: name }), "user");
		await with_({ set: { "database.name": name, "database.user": "root", "database.password": "", "database.prefix": "lk_" } }, async (s) => { const u = await s.user(); eq(await s.alive(u.cookie), true); eq(shared.sql("SELECT COUNT(*) FROM lk_user; SELECT COUNT(*) FROM user", { db: name }), "1\n1"); });
	}));
});
describe("another schema", () => {
	test("a newer one is refused, to the master and to every worker", () => with_({ workers: 1 }, async (s) => {
		const newest = s.sql("SELECT value FROM latchkey_meta WHERE name = 'schema'"), u = await s.user();
		s.sql("UPDATE latchkey_meta SET value = '9999' WHERE name = 'schema'");
		await refused({ set: { "database.name": s.mysql.database, "secret.file": secretOf(s) } }, /schema 9999, newer than/);
		assert.throws(() => migrate(s), (e) => /newer than/.test(e.stderr));
		process.kill(s.workers()[0], "SIGKILL");
		let r;
		do { r = await s.get("/session", { cookie: u.cookie }).catch(() => null); } while (!r);
		eq(r.status, 503); eq(r.setCookies.length, 0);
		s.sql(`UPDATE latchkey_meta SET value = '${newest}' WHERE name = 'schema'`);
		eq(await s.alive(u.cookie), true);
	}));
	test("an older one is refused until latchkeyctl migrate was run", () => with_({}, async (s) => {
		const newest = Number(s.sql("SELECT value FROM latchkey_meta WHERE name = 'schema'")), set = { "database.name": s.mysql.database, "secret.file": secretOf(s) };
		assert.ok(newest >= 1);
		// the first schema has no predecessor: tables that do not say what they are stand for it
		if (newest === 1) s.sql("DELETE FROM latchkey_meta WHERE name LIKE 'schema%'");
		else s.sql(`UPDATE latchkey_meta SET value = '${newest - 1}' WHERE name = 'schema'`);
		await refused({ set }, newest === 1 ? /no version in latchkey_meta: this is not a latchkey database/ : /run latchkeyctl migrate/);
		if (newest > 1) assert.throws(() => s.ctl("status"), (e) => /run latchkeyctl migrate/.test(e.stderr));
	}));
});
// As docs/operations.md has it, and as Debian's servers are set up. Only root is root there.
if (process.getuid() === 0) test("migrate by the host's root, whom the database server knows by the socket", async () => {
	const db = await mariadb();
	try {
		const s = await db.start();
		try {
			db.sql("CREATE DATABASE other; ALTER USER root@localhost IDENTIFIED VIA unix_socket");
			migrate(s, { LATCHKEY_DATABASE_NAME: "other" });
			assert.match(db.sql("SHOW TABLES IN other"), /^session$/m);
		} finally { await s.stop(); }
	} finally { db.stop(); }
});
