// What the time of a sign-in tells, and how stored hashes follow the configured cost.
import { after, before, describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { BUILD, PASSWORD, assert, cleanEnv, eq, fails, newEmail, ok, setsNothing, start, times, wait } from "./server.mjs";

const OLD = "10,8,1", NEW = "14,8,1", ROUNDS = 9, FACTOR = 1.6;
const s = await start({ workers: 17, set: { "password.scrypt": OLD, "password.wait": "10s" } });
after(() => s.stop());
const hash = (u) => s.sql(`SELECT password FROM account WHERE userId = '${u.id}'`);
const oldHash = /^\$scrypt\$ln=10,r=8,p=1\$/, newHash = /^\$scrypt\$ln=14,r=8,p=1\$/;
/** The second quickest: what other programs on a busy host take away shows least in it. */
const typical = (list) => list.toSorted((a, b) => a - b)[1];
const old = {}, now = {};

before(async () => {
	for (const k of ["wrong", "disabled", "parallel", "single", "changed", "long"]) old[k] = await s.user();
	await s.halt();
	await s.launch({ "password.scrypt": NEW });
	for (const k of ["right", "wrong", "disabled"]) now[k] = await s.user();
	for (const k of [old, now]) s.ctl("user", "disable", k.disabled.email);
	assert.match(hash(old.wrong), oldHash); assert.match(hash(now.wrong), newHash);
});

test("the time tells neither who has an account, nor who is disabled, nor how old a hash is", async () => {
	const kinds = {
		"unknown e-mail": () => s.signIn(newEmail()),
		"wrong password": () => s.signIn(now.wrong.email, { password: "wrong-password" }),
		"disabled, right password": () => s.signIn(now.disabled.email),
		"disabled, wrong password": () => s.signIn(now.disabled.email, { password: "wrong-password" }),
		"hash of another cost, wrong password": () => s.signIn(old.wrong.email, { password: "wrong-password" }),
		"hash of another cost, disabled, right password": () => s.signIn(old.disabled.email),
	};
	const ms = Object.fromEntries(Object.keys(kinds).map((k) => [k, []]));
	let body;
	for (let i = -1; i < ROUNDS; i++) for (const [k, f] of Object.entries(kinds)) { // in turns, so that a busy host is the same for all
		const r = await f();
		fails(r, 401, "INVALID_EMAIL_OR_PASSWORD"); setsNothing(r); eq(body ??= r.text, r.text, k);
		if (i >= 0) ms[k].push(r.ms);
	}
	const quick = Object.fromEntries(Object.entries(ms).map(([k, v]) => [k, typical(v)])), all = Object.values(quick);
	assert.ok(Math.max(...all) / Math.min(...all) < FACTOR, JSON.stringify(quick));
	assert.match(hash(old.wrong), oldHash, "a refused try writes nothing"); assert.match(hash(old.disabled), oldHash);
});

describe("after the cost was raised", () => {
	test("sign-ins at the same moment all succeed, and the hash is renewed once and for all", async () => {
		const u = old.parallel;
		for (let round = 0; round < 2; round++) {
			const before = hash(u), all = await Promise.all(times(8, () => s.signIn(u.email)));
			for (const r of all) eq(r.status, 200, r.text);
			for (const r of all) eq(await s.alive(s.browser(r).cookie), true);
			assert.match(hash(u), newHash);
			if (round) eq(hash(u), before, "which is not renewed again");
		}
		eq(await s.alive(u.cookie), true, "and ends no session");
		fails(await s.signIn(u.email, { password: "wrong-password" }), 401, "INVALID_EMAIL_OR_PASSWORD");
	});
	test("a wrong password renews nothing, the right one does", async () => {
		const u = old.single, before = hash(u);
		fails(await s.signIn(u.email, { password: "wrong-password" }), 401);
		eq(hash(u), before);
		ok(await s.signIn(u.email));
		assert.match(hash(u), newHash);
	});
});
test("a password changed meanwhile stays changed: renewing the old hash does not bring it back", async () => {
	const u = old.changed, oldOne = hash(u), other = await s.user({ password: "another-horse-2" }), newOne = hash(other);
	const put = (h) => s.sqlSoon(`UPDATE account SET password = '${h}' WHERE userId = '${u.id}'`);
	for (const pause of [0, 10, 25, 40, 60, 90]) {
		await put(oldOne);
		const trying = times(6, () => s.signIn(u.email));
		await wait(pause); await put(newOne);
		const tried = await Promise.all(trying);
		for (const r of tried) assert.ok([200, 401].includes(r.status), `${r.status} ${r.text}`);
		eq(hash(u), newOne, `after ${pause} ms, ${tried.map((r) => r.status)}, changed ${s.sql(`SELECT updatedAt FROM account WHERE userId = '${u.id}'`)}`);
		fails(await s.signIn(u.email), 401, "INVALID_EMAIL_OR_PASSWORD");
		ok(await s.signIn(u.email, { password: "another-horse-2" }));
	}
});
test("a password that latchkeyctl reads from a line of either ending is the one that signs in", async () => {
	for (const [email, ending] of [[newEmail(), "\r\n"], [newEmail(), "\n"], [newEmail(), ""], [`T-${newEmail().toUpperCase()}`, "\r\n"]]) {
		const ctl = (password, ...args) => execFileSync(path.join(BUILD, "latchkeyctl"), ["-c", s.conf, ...args], { input: password + ending, env: cleanEnv(), stdio: "pipe" });
		ctl(PASSWORD, "user", "add", email);
		ok(await s.signIn(email)); fails(await s.signIn(email, { password: `${PASSWORD}\r` }), 401);
		ctl("another-horse-2", "user", "set-password", email);
		ok(await s.signIn(email, { password: "another-horse-2" })); fails(await s.signIn(email), 401);
	}
});
