// latchkeyctl with MySQL: what it prints and does, and that the password of the database is nowhere to be seen.
import { describe, test } from "node:test";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { BUILD, DAY, PASSWORD, assert, children, cleanEnv, eq, fails, newEmail, ok, same, secretOf, setting, shared, times, with_ } from "./mariadb.mjs";

const json = (s, ...args) => JSON.parse(s.ctl("--json", ...args));
const ctl = (s, args, { input = "", env = {} } = {}) => spawnSync(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, ...args], { input, encoding: "utf8", env: { ...cleanEnv(), ...env } });

test("status", () => with_({}, async (s) => {
	const u = await s.user(); await s.another(u); await s.user();
	s.sql(`UPDATE session SET expiresAt = ${s.time(Date.now() - 1000)} WHERE userId <> '${u.id}'`);
	const st = json(s, "status");
	eq(st.users, 2); eq(st.sessions, 2); eq(st.expired, 1); eq(String(st.schema), s.sql("SELECT value FROM latchkey_meta WHERE name = 'schema'"));
	assert.match(st.store, /^(mysql|mariadb) \d+\.\d+/i);
	assert.match(s.ctl("status"), /^sessions +2$/m);
}));
describe("users", () => {
	test("add, list, disable, enable, set-password, delete", () => with_({}, async (s) => {
		const email = newEmail(), name = "Zoë \u{1F600} O'Brien";
		const added = ctl(s, ["--json", "user", "add", email, "--name", name], { input: `${PASSWORD}\n` });
		eq(added.status, 0, added.stderr);
		const { id } = JSON.parse(added.stdout), b = s.browser(await s.signIn(email));
		eq((await s.session(b.cookie)).user.name, name);
		const twice = ctl(s, ["user", "add", email], { input: `${PASSWORD}\n` });
		eq(twice.status, 1); assert.match(twice.stderr, /exists/i);
		let [row] = json(s, "user", "list");
		eq(row.id, id); eq(row.email, email); eq(row.name, name); eq(row.sessions, 1, "the sign-in's"); eq(row.disabled, null);
		assert.ok(Math.abs(Date.parse(row.created) - Date.now()) < 60_000);
		eq(json(s, "user", "disable", email).endedSessions, 1);
		eq(await s.alive(b.cookie), false); fails(await s.signIn(email), 401);
		[row] = json(s, "user", "list"); assert.ok(Math.abs(Date.parse(row.disabled) - Date.now()) < 60_000);
		eq(ctl(s, ["user", "disable", email]).status, 1);
		s.ctl("user", "enable", id); const c = s.browser(await s.signIn(email));
		const set = ctl(s, ["--json", "user", "set-password", email], { input: "another-horse-2\n" });
		eq(set.status, 0, set.stderr); eq(JSON.parse(set.stdout).endedSessions, 1); eq(await s.alive(c.cookie), false);
		fails(await s.signIn(email), 401); ok(await s.signIn(email, { password: "another-horse-2" }));
		s.ctl("user", "delete", email); same(json(s, "user", "list"), []);
		for (const t of ["user", "session", "account", "latchkey_user"]) eq(s.sql(`SELECT COUNT(*) FROM ${t}`), "0", t);
	}));
	test("more than a page are all listed, once", () => with_({}, (s) => {
		s.sql(`INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt) SELECT CONCAT(CASE seq % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'A' ELSE '0' END, LPAD(seq, 31, '0')), 'N', CONCAT(seq, '@example.org'), 0, '2026-01-01', '2026-01-01' FROM mysql.help_topic, (SELECT 1) x, seq_1_to_1203 LIMIT 0; INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt) SELECT CONCAT(CASE seq % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'A' ELSE '0' END, LPAD(seq, 31, '0')), 'N', CONCAT(seq, '@example.org'), 0, '2026-01-01', '2026-01-01' FROM seq_1_to_1203`);
		const list = json(s, "user", "list");
		eq(list.length, 1203); eq(new Set(list.map((u) => u.id)).size, 1203);
	}));
});
/** Done at once: what each says. */
const atOnce = (s, all) => Promise.all(all.map((args) => new Promise((resolve) => execFile(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, "--json", ...args], { env: cleanEnv() }, (e, stdout, stderr) => resolve({ code: e?.code ?? 0, stderr, ...(stdout && JSON.parse(stdout)) })))));
describe("groups", () => {
	test("add, list, of, members, remove, by the account that may not change tables", () => with_({}, async (s) => {
		const [u, v] = [await s.user(), await s.user()].sort((a, b) => (a.id < b.id ? -1 : 1)), names = (...args) => json(s, "group", ...args).map((x) => x.group), ids = (name) => json(s, "group", "members", name).map((x) => x.id);
		assert.throws(() => shared.sql("DROP TABLE latchkey_group", { user: setting(s, "user"), password: setting(s, "password"), db: setting(s, "name") }), /denied/);
		same(json(s, "group", "list"), []);
		same(json(s, "group", "add", "staff", u.email, v.id), { added: 2 }); same(json(s, "group", "add", "staff", u.id), { added: 0 });
		for (const name of ["Staff", "STAFF", "sta", "staff_", "a.b-c"]) same(json(s, "group", "add", name, u.email), { added: 1 }, name); // as names of one collation they were the same
		same(json(s, "group", "list"), [["STAFF", 1], ["Staff", 1], ["a.b-c", 1], ["sta", 1], ["staff", 2], ["staff_", 1]].map(([group, members]) => ({ group, members })));
		same(names("of", u.email), ["STAFF", "Staff", "a.b-c", "sta", "staff", "staff_"]); same(names("of", v.email), ["staff"]);
		same(ids("staff"), [u.id, v.id]); same(ids("Staff"), [u.id]);
		for (const name of ["sTAFF", "staff ", "st\u00e4ff"]) { const r = ctl(s, ["group", "members", name]); eq(r.status, 1); eq(r.stderr, `latchkeyctl: no such group: ${name}\n`); }
		same(json(s, "group", "remove", "Staff", u.email), { removed: 1 }); same(ids("STAFF"), [u.id]); same(ids("staff"), [u.id, v.id]);
		eq(ctl(s, ["group", "remove", "Staff", u.email]).status, 1, "it is none now");
		const before = s.sql("SELECT userId, name FROM latchkey_group ORDER BY userId, name"), events = s.sql("SELECT COUNT(*) FROM latchkey_audit");
		for (const args of [["add", "readers", u.email, newEmail()], ["remove", "staff", u.email, newEmail()], ["add", "r\u00e9aders", u.email]]) { const r = ctl(s, ["group", ...args]); assert.notEqual(r.status, 0, args.join(" ")); assert.ok(r.stderr, args.join(" ")); }
		s.sql(`INSERT INTO latchkey_group (userId, name) SELECT '${v.id}', CONCAT('g', seq) FROM seq_1_to_99`);
		const full = ctl(s, ["group", "add", "readers", u.email, v.email]);
		eq(full.status, 1); assert.match(full.stderr, new RegExp(`^latchkeyctl: ${v.email}: .*100 groups`)); s.sql(`DELETE FROM latchkey_group WHERE name LIKE 'g%' AND userId = '${v.id}'`);
		eq(s.sql("SELECT userId, name FROM latchkey_group ORDER BY userId, name"), before, "all or nothing"); eq(s.sql("SELECT COUNT(*) FROM latchkey_audit"), events);
		same(JSON.parse(s.ctl("user", "export", u.email)).groups, names("of", u.email));
		s.ctl("user", "delete", u.email); s.ctl("user", "erase", v.email);
		eq(s.sql("SELECT COUNT(*) FROM latchkey_group"), "0");
	}));
	test("more than a page of members are all listed, once", () => with_({}, (s) => {
		s.sql(`INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt) SELECT CONCAT(CASE seq % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'A' ELSE '0' END, LPAD(seq, 31, '0')), 'N', CONCAT(seq, '@example.org'), 0, '2026-01-01', '2026-01-01' FROM seq_1_to_1203; INSERT INTO latchkey_group (userId, name) SELECT id, 'crowd' FROM user`);
		const list = json(s, "group", "members", "crowd");
		eq(list.length, 1203); eq(new Set(list.map((u) => u.id)).size, 1203); same(json(s, "group", "list"), [{ group: "crowd", members: 1203 }]);
	}));
	test("two who put the same user into a group at once: nobody fails, one did it", () => with_({}, async (s) => {
		const u = await s.user(), v = await s.user(), n = 10;
		for (let i = 0; i < n; i++) {
			const both = await atOnce(s, [["group", "add", `g${i}`, u.email, v.email], ["group", "add", `g${i}`, v.email, u.email]]);
			same(both.map((r) => r.code), [0, 0], JSON.stringify(both)); same(both.map((r) => r.added).sort(), [0, 2]);
		}
		eq(s.sql("SELECT COUNT(*) FROM latchkey_group"), String(2 * n)); eq(s.sql("SELECT COUNT(*) FROM latchkey_audit WHERE event = 'group-added'"), String(2 * n));
	}));
});
test("sessions: list, of one, revoke, revoke-all", () => with_({}, async (s) => {
	const u = await s.user(), v = await s.user(), more = await s.another(u), id = await s.sessionId(more);
	eq(json(s, "session", "list").length, 3);
	const own = json(s, "session", "list", "--user", u.email);
	same(own.map((x) => x.id).sort(), [id, await s.sessionId(u)].sort());
	for (const x of own) { assert.ok(Math.abs(Date.parse(x.expires ?? x.expiresAt) - Date.now() - 7 * DAY) < 60_000, JSON.stringify(x)); assert.ok(!JSON.stringify(x).includes(more.token)); }
	s.ctl("session", "revoke", id); eq(await s.alive(more.cookie), false); eq(await s.alive(u.cookie), true);
	eq(ctl(s, ["session", "revoke", id]).status, 1, "it is gone"); eq(ctl(s, ["session", "revoke", (await s.sessionId(u)).toLowerCase()]).status, 1);
	eq(json(s, "session", "revoke-all", "--user", v.email).endedSessions, 1); eq(await s.alive(v.cookie), false); eq(await s.alive(u.cookie), true);
	json(s, "session", "revoke-all", "--everybody"); eq(await s.alive(u.cookie), false);
}));
test("sweep takes thousands in batches and nothing that lives, while the program serves", () => with_({ set: { "jobs.every": "0" } }, async (s) => {
	const u = await s.user(), n = 5003;
	s.sql(`INSERT INTO session (id, token, userId, expiresAt, createdAt, updatedAt, rememberMe, authenticatedAt, diesAt, lastSeenAt) SELECT LPAD(seq, 32, '0'), LPAD(seq, 64, '0'), '${u.id}', DATE_SUB(UTC_TIMESTAMP(3), INTERVAL seq % 7 + 1 SECOND), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), 1, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) FROM seq_1_to_${n}`);
	const swept = new Promise((resolve, reject) => execFile(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, "--json", "sweep"], { env: cleanEnv() }, (e, out) => (e ? reject(e) : resolve(JSON.parse(out)))));
	for (let i = 0; i < 40; i++) ok(await s.signIn(u.email));
	eq((await swept).deleted, n); eq(await s.alive(u.cookie), true); eq(s.sql("SELECT COUNT(*) FROM session"), "41");
}));
test("secret new: the database learns the new one", () => with_({}, async (s) => {
	const u = await s.user(), print = () => s.sql("SELECT value FROM latchkey_meta WHERE name = 'secret'"), first = print();
	s.ctl("secret", "new"); s.ctl("secret", "new");
	assert.notEqual(print(), first);
	await s.halt(); await s.launch();
	const v = await s.another(u); eq(await s.alive(v.cookie), true);
}));
describe("check", () => {
	const rows = (s, env) => { const r = ctl(s, ["--json", "check"], { env }); return { status: r.status, all: JSON.parse(r.stdout), bad: JSON.parse(r.stdout).filter((x) => x.state === "FAIL"), text: r.stdout + r.stderr }; };
	test("all well", () => with_({}, (s) => {
		const { status, all, bad } = rows(s);
		same(bad, []); eq(status, 0);
		assert.match(all.find((x) => x.what === "store").detail, /^(mysql|mariadb) \d/i); eq(all.find((x) => x.what === "schema").state, "ok");
	}));
	test("what is wrong is named", () => with_({}, (s) => {
		for (const [env, what] of [[{ LATCHKEY_DATABASE_PASSWORD: "nonsense-77" }, "store"], [{ LATCHKEY_DATABASE_HOSTS: path.join(s.dir, "none.sock") }, "store"], [{ LATCHKEY_DATABASE_NAME: "latchkey_none_here" }, "store"], [{ LATCHKEY_DATABASE_PREFIX: "none_" }, "schema"]]) {
			const { status, bad, text } = rows(s, env);
			eq(status, 1, what); assert.ok(bad.some((x) => x.what === what), text); assert.ok(!text.includes("nonsense-77"));
		}
		fs.chmodSync(s.conf, 0o644);
		const open = rows(s);
		eq(open.status, 1, "a configuration with a password that everybody may read"); assert.match(open.text, /password|read/);
		fs.chmodSync(s.conf, 0o600);
	}));
});
test("the password of the database is in no output, no argument, no environment and no log", () => with_({ set: { "log.level": "debug" } }, async (s) => {
	const password = setting(s, "password"), u = await s.user();
	assert.ok(password.length >= 16);
	const outputs = { "print config": s.ctl("print", "config", "--effective"), json: s.ctl("--json", "print", "config", "--effective"), status: s.ctl("status"), check: s.ctl("check"), schema: s.ctl("print", "schema") };
	const wrong = ctl(s, ["status"], { env: { LATCHKEY_DATABASE_PASSWORD: `${password}x` } });
	eq(wrong.status, 1); assert.match(wrong.stderr, /denied/i); outputs.wrong = wrong.stderr + wrong.stdout;
	assert.match(outputs["print config"], /^# *password|^password = /m);
	for (const x of [1, 2]) { s.sql(`KILL USER '${setting(s, "user")}'`); for (const r of await Promise.all(times(8, () => s.get("/session", { cookie: u.cookie })))) eq(r.status, 200, `${x} ${r.text}`); }
	outputs.log = s.log();
	for (const [k, v] of Object.entries(outputs)) assert.ok(!v.includes(password), k);
	for (const pid of [s.master(), ...children(s.master())]) for (const f of ["cmdline", "environ"]) {
		let text;
		try { text = fs.readFileSync(`/proc/${pid}/${f}`, "latin1"); } catch (e) { eq(e.code, "EACCES"); continue; }
		assert.ok(!text.includes(password), `${f} of ${pid}`);
	}
	const ps = execFileSync("ps", ["axww", "-o", "args"], { encoding: "utf8" });
	assert.match(ps, /latchkey -c/); assert.ok(!ps.includes(password));
	eq(fs.statSync(s.conf).mode & 0o077, 0);
}));
test("nothing starts from a configuration with a password that everybody may read", () => with_({}, async (s) => {
	await s.halt();
	fs.chmodSync(s.conf, 0o644);
	await assert.rejects(s.launch(), /it does not start/);
	eq(ctl(s, ["status"]).status, 1);
	fs.chmodSync(s.conf, 0o640);
	await s.launch();
	ok(await s.get("/ok")); eq(typeof secretOf(s), "string");
}));
