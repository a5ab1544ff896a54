// Rules for new passwords: what is easy to guess or known from a breach is not taken, and what was set before goes on working.
import { after, describe, test } from "node:test";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { PASSWORD, assert, eq, fails, newDir, newEmail, ok, setsNothing, start, uniq, until } from "./server.mjs";

const CODE = ["PASSWORD_TOO_WEAK", "Password is too easy to guess"], STRONG = "vX3#pq9!Lm2z";
const dir = newDir("strength"), list = path.join(dir, "breached");
after(() => fs.rmSync(dir, { recursive: true }));
const sha1 = (s) => createHash("sha1").update(s).digest("hex").toUpperCase();
/** A list of these and a thousand others, put in place by renaming. */
function publish(...passwords) {
	const lines = [...Array.from({ length: 1000 }, uniq), ...passwords].map((p, i) => `${sha1(p)}:${i + 1}`).sort();
	fs.writeFileSync(`${list}.new`, `${lines.join("\r\n")}\r\n`, { mode: 0o644 });
	fs.renameSync(`${list}.new`, list);
}
publish(STRONG);
const s = await start({ workers: 1, set: { "password.min_strength": "3", "password.breached": list } });
after(() => s.stop());
const up = (password, extra = {}) => s.post("/sign-up/email", { name: "Ann", email: newEmail(), password, ...extra });
const refused = (res) => { fails(res, 400, ...CODE); setsNothing(res); };

describe("sign-up", () => {
	for (const weak of ["password1", "qwertyuiop", "aaaaaaaaaaaa", "19841984", "monkey1234", "12".repeat(64)]) test(`refuses ${weak.slice(0, 20)}`, async () => refused(await up(weak)));
	test("takes what is hard to guess", async () => { ok(await up(PASSWORD)); ok(await up("zwölf Boxkämpfer jagen")); });
	test("refuses the own address and name, which others may use", async () => {
		const email = `brunhild.oxenstierna-${uniq()}@example.com`, name = "Brunhild Oxenstierna", own = { email, name };
		for (const mine of [email, email.toUpperCase(), "Brunhild.Oxenstierna", "Oxenstierna1"]) refused(await up(mine, own));
		ok(await up("Brunhild.Oxenstierna", { name: "Ann" }));
	});
	test("refuses what is known from a breach, however hard to guess", async () => {
		refused(await up(STRONG));
		ok(await up(`${STRONG}x`));
	});
	test("length comes before, and the e-mail before that", async () => {
		fails(await up("1234567"), 400, "PASSWORD_TOO_SHORT"); fails(await up("1".repeat(129)), 400, "PASSWORD_TOO_LONG");
		fails(await up("password", { email: "nope" }), 400, "VALIDATION_ERROR");
	});
	test("nothing is made or logged of what was refused", async () => {
		const email = newEmail(), secret = "password1987";
		refused(await up(secret, { email }));
		eq(s.sql(`SELECT count(*) FROM user WHERE email = '${email}'`), "0");
		assert.ok(await until(() => /400 PASSWORD_WEAK/.test(s.log())));
		assert.ok(!s.log().includes(secret)); assert.ok(!s.log().toUpperCase().includes(sha1(secret))); assert.ok(!s.log().toUpperCase().includes(sha1(STRONG)));
	});
});

test("a list that is replaced counts at once; one that is gone lets no new password in, and everybody in who has one", async () => {
	const u = await s.user(), next = "gK7_wq!Tr2mZ";
	ok(await up(next)); publish(next); refused(await up(next)); ok(await up(STRONG));
	fs.unlinkSync(list);
	fails(await up("nB5-xc?Yu8pQ"), 500, "INTERNAL_SERVER_ERROR");
	assert.match(s.log(), /error .*password\.breached: .*breached: No such file or directory/);
	ok(await s.signIn(u.email));
	publish(STRONG);
	ok(await up("nB5-xc?Yu8pQ"));
});

test("whoever has a weak password signs in after the rule is switched on, and a stricter rule ends no session", async () => {
	const o = await start({ workers: 1 });
	try {
		const weak = { password: "password" }, u = await o.user(weak), b = await o.another(u, weak);
		publish("password");
		await o.halt(); await o.launch({ "password.min_strength": "4", "password.breached": list });
		fails(await o.post("/sign-up/email", { name: "A", email: newEmail(), ...weak }), 400, ...CODE);
		ok(await o.signIn(u.email, weak));
		eq(await o.alive(b.cookie), true);
		fails(await o.signIn(u.email, { password: "passwort" }), 401);
	} finally { await o.stop(); }
});

test("it does not start without a list that is one", async () => {
	for (const [text, what] of [[null, "No such file"], ["", "is empty"], ["password\n", "byte 0: no line of 40 hex digits"], [`${sha1("a")}\n${"0".repeat(40)}\n`.repeat(3), "byte [0-9]+: is not sorted by hash"], [`${sha1("a")}\n${sha1("b").slice(0, 9)}`, "byte 41: no line"]]) {
		const file = path.join(dir, "other");
		fs.rmSync(file, { force: true });
		if (text !== null) fs.writeFileSync(file, text, { mode: 0o644 });
		await assert.rejects(start({ workers: 1, set: { "password.breached": file } }), (e) => { assert.match(e.message, new RegExp(`password\\.breached: .*other: ${what}`)); return true; });
	}
});

test("a reload with a list that is none keeps the old one", async () => {
	publish(STRONG);
	s.configure({ "password.breached": path.join(dir, "nowhere") });
	process.kill(s.master(), "SIGHUP");
	const end = Date.now() + 10_000;
	while (!/nowhere: No such file/.test(s.log()) && Date.now() < end) await new Promise((r) => setTimeout(r, 20));
	assert.match(s.log(), /password\.breached: .*nowhere: No such file/);
	refused(await up(STRONG));
});
