// Races of what goes by mail, on the real program with 8 workers: what must hold whoever is quicker. Nothing keeps house; a test
// sends what it wants to read. RACES=0.1 makes a tenth of the rounds.
import { after, test } from "node:test";
import fs from "node:fs";
import path from "node:path";
import { PASSWORD, assert, eq, fails, newEmail, ok, setsNothing, times } from "../endpoint/server.mjs";
import { follow, parse, startMailing } from "../endpoint/mailbox.mjs";

const SCALE = Number(process.env.RACES ?? 1), rounds = (n) => Math.max(5, Math.round(n * SCALE));
const USUAL = { "jobs.every": "0", "session.max_per_user": "0", "password.wait": "60s", "database.busy_timeout": "30s", "log.access": "off", "account.new_device_notice": "off" };
const s = await startMailing(USUAL, { workers: 8 }), v = await startMailing({ ...USUAL, "account.require_verified_email": "on" }, { workers: 8 });
after(async () => { await s.stop(); await v.stop(); });
const all = (list) => Promise.all(list.map((f) => f()));
const word = (path_) => path_.split(/[/?]/)[1];
/** Sends what waits and takes it out of the directory: it is read once, however many rounds there are. */
function sent(t) {
	t.ctl("mail", "send");
	return fs.readdirSync(t.mailDir).filter((f) => f.endsWith(".eml")).map((f) => {
		const file = path.join(t.mailDir, f), m = parse(fs.readFileSync(file, "latin1"));
		fs.rmSync(file);
		return m.link ? { ...m, ...follow(t, m.link) } : m;
	});
}
const linked = (t, to, kind) => sent(t).find((m) => m.to === to && m.path && word(m.path) === kind);
async function resetToken(u) { ok(await s.post("/request-password-reset", { email: u.email })); return linked(s, u.email, "reset-password").token; }
const rowsOf = (u, table = "session") => s.sql(`SELECT COUNT(*) FROM ${table} WHERE userId = '${u.id}'`);

test(`one link to reset a password used twice at once, ${rounds(200)} rounds: exactly once it is good`, async () => {
	const u = await s.user();
	let password = PASSWORD;
	for (let i = 0; i < rounds(200); i++) {
		const token = await resetToken(u), b = await s.another(u, { password }), next = [0, 1].map((n) => `horse-${i}-${n}`), rs = await all(next.map((newPassword) => () => s.post("/reset-password", { token, newPassword })));
		eq(rs.filter((r) => r.status === 200).length, 1, `round ${i}: ${rs.map((r) => r.text)}`);
		const winner = rs[0].status === 200 ? 0 : 1;
		fails(rs[1 - winner], 400, "INVALID_TOKEN"); fails(await s.post("/reset-password", { token, newPassword: PASSWORD }), 400, "INVALID_TOKEN");
		eq(await s.alive(b.cookie), false); eq(rowsOf(u), "0"); fails(await s.signIn(u.email, { password: next[1 - winner] }), 401);
		password = next[winner]; // which the next round signs in with
		eq(sent(s).filter((m) => m.to === u.email).length, 1, `round ${i}: he is told once`);
	}
	eq(rowsOf(u, "account"), "1");
});

test(`sign-ins with the old password against a reset by a link, ${rounds(500)} rounds: none lives afterwards`, async (t) => {
	const u = await s.user();
	let old = PASSWORD, before = 0, refused = 0;
	for (let i = 0; i < rounds(500); i++) {
		const next = `horse-of-round-${i}`, b = await s.another(u, { password: old }), token = await resetToken(u);
		const ins = times(8, () => () => s.signIn(u.email, { password: old })), when = i % 9; // the reset at every place among the sign-ins
		const rs = (await all([...ins.slice(0, when), async () => { ok(await s.post("/reset-password", { token, newPassword: next })); return null; }, ...ins.slice(when)])).filter(Boolean);
		for (const r of rs) if (r.status !== 200) fails(r, 401, "INVALID_EMAIL_OR_PASSWORD");
		const opened = rs.filter((r) => r.status === 200);
		for (const x of [b, ...opened.map((r) => s.browser(r))]) eq(await s.alive(x.cookie), false, `round ${i}`);
		eq(rowsOf(u), "0", `round ${i}`);
		before += opened.length; refused += rs.length - opened.length; old = next;
	}
	t.diagnostic(`${before} sign-ins came before the reset, ${refused} after it`);
	assert.ok(before > 0 && refused > 0, "both orders happened");
	fails(await s.signIn(u.email), 401); ok(await s.signIn(u.email, { password: old }));
});

test(`two who sign up at once with one address, where it must be verified, ${rounds(200)} rounds: one has it, and neither is told`, async () => {
	for (let i = 0; i < rounds(200); i++) {
		const email = newEmail(), passwords = ["correct-horse-1", "correct-horse-2"], rs = await all(passwords.map((password, n) => () => v.post("/sign-up/email", { name: `N${n}`, email, password })));
		for (const r of rs) { eq(ok(r).token, null); setsNothing(r); eq(r.json.user.emailVerified, false); }
		eq(v.sql(`SELECT COUNT(*) FROM ${v.db ? "user" : "`user`"} WHERE email = '${email}'`), "1");
		const mails = sent(v).filter((m) => m.to === email);
		eq(mails.length, 2, `round ${i}: ${mails.map((m) => m.subject)}`); eq(mails.filter((m) => m.link).length, 1, "a link for who has it, and word that somebody else wants it");
		ok(await v.get(mails.find((m) => m.link).path));
		eq((await all(passwords.map((password) => () => v.signIn(email, { password })))).filter((r) => r.status === 200).length, 1, `round ${i}`);
	}
});

test(`many who sign up at once with an address that has an account, ${rounds(50)} rounds: all are answered alike`, async () => {
	const email = newEmail(), name = "Ann";
	ok(await v.post("/sign-up/email", { name, email, password: PASSWORD }));
	for (let i = 0; i < rounds(50); i++) for (const r of await all(times(8, () => () => v.post("/sign-up/email", { name, email, password: PASSWORD })))) { eq(ok(r).token, null); setsNothing(r); }
});

for (const [whose, known] of [["somebody's", true], ["nobody's", false]]) test(`many who ask at once for a mail to an address that is ${whose}, ${rounds(100)} rounds: all are answered alike`, async () => {
	for (let i = 0; i < rounds(100); i++) {
		const email = known ? (await s.user()).email : newEmail(), paths = ["/request-password-reset", "/send-verification-email"];
		for (const r of await all(times(12, (n) => () => s.post(paths[n % 2], { email })))) eq(ok(r).status, true, `round ${i}`);
		if (!known) { s.sql("DELETE FROM latchkey_mail"); continue; }
		// of the links that are sent the newest alone is good
		const tokens = sent(s).filter((m) => m.to === email && m.path && word(m.path) === "reset-password").map((m) => m.token), good = [];
		eq(tokens.length, 6);
		for (const token of tokens) if ((await s.get(`/reset-password/${token}`)).status === 200) good.push(token);
		eq(good.length, 1, `round ${i}`);
	}
});

test(`two who change to one address at once, ${rounds(100)} rounds: one has it`, async () => {
	for (let i = 0; i < rounds(100); i++) {
		const to = newEmail(), two = await all(times(2, () => () => s.user()));
		for (const u of two) ok(await s.post("/change-email", { newEmail: to }, { cookie: u.cookie }));
		const links = sent(s).filter((m) => m.to === to), rs = await all(links.map((m) => () => s.get(m.path)));
		eq(links.length, 2); eq(rs.filter((r) => r.status === 200).length, 1, `round ${i}: ${rs.map((r) => r.text)}`); fails(rs.find((r) => r.status !== 200), 401, "INVALID_TOKEN");
		const now = await all(two.map((u) => async () => (await s.session(u.cookie)).user.email));
		eq(now.filter((e) => e === to).length, 1); eq(now.filter((e) => two.some((u) => u.email === e)).length, 1, "the other keeps his");
	}
});
