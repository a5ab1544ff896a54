// What users do by mail, end to end: they ask, the mail comes over SMTP or through a program, they follow its link.
import { describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { FROM, PASSWORD, Sink, allGone, assert, eq, fails, newDir, newEmail, ok, running, smtp, start, until, withSink } from "./mail.mjs";
import { end, passSockets, at } from "../pool/pool.mjs";

const NEXT = "another-horse-2", MINUTE = 60_000, AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const ALL = { "auth.delete_user": "mail" };
/** The n-th mail to an address, once it is there. */
async function mail(sink, to, n = 1) {
	const all = () => sink.got.filter((g) => g.to[0] === to);
	assert.ok(await until(() => all().length >= n, 60_000), `${all().length} of ${n} mails to ${to}`);
	return all()[n - 1].mail;
}
/** Where its link leads, below the base path, and its token. */
function link(s, m) {
	const url = new URL(/https?:\/\/\S*(?:token=|reset-password\/)\S+/.exec(m.text)[0]);
	eq(url.origin, s.origin);
	return { path: url.pathname.slice(s.prefix.length) + url.search, token: url.searchParams.get("token") ?? url.pathname.split("/").pop() };
}
/** Opens a link as a browser, and sends the form of the page. */
async function submit(s, path, fields = {}, o = {}) {
	const page = await s.get(path, o);
	eq(page.status, 200, page.text);
	const main = page.text.slice(page.text.indexOf("<main>")); // in front of it is the form to sign out
	const form = Object.fromEntries([...main.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)].map((m) => [m[1], m[2]]));
	return s.send("POST", "", { uri: /action="([^"]+)"/.exec(main)[1], form: { ...form, ...fields }, headers: { accept: "text/html" }, ...o });
}
/** Every flow once. Returns how many mails it takes. */
async function everything(s, sink) {
	const u = await s.user();
	ok(await s.get(link(s, await mail(sink, u.email)).path)); eq((await s.session(u.cookie)).user.emailVerified, true);
	ok(await s.post("/request-password-reset", { email: u.email }));
	eq((await submit(s, link(s, await mail(sink, u.email, 2)).path, { newPassword: NEXT })).headers.location, `${s.prefix}/login?done=password`);
	eq(await s.alive(u.cookie), false); await mail(sink, u.email, 3);
	const thief = await s.another(u, { password: NEXT }, { remote: "203.0.113.7", headers: { "user-agent": AGENT } }), notice = await mail(sink, u.email, 4);
	assert.match(notice.text, /Firefox on Linux/); eq((await submit(s, link(s, notice).path)).status, 200); eq(await s.alive(thief.cookie), false);
	const me = await s.another(u, { password: NEXT }), to = newEmail();
	ok(await s.post("/change-email", { newEmail: to }, { cookie: me.cookie })); ok(await s.get(link(s, await mail(sink, to)).path));
	// since it was not him no place is known any more, so that his own sign-in is told of too
	eq((await s.session(me.cookie)).user.email, to); const told = [await mail(sink, u.email, 5), await mail(sink, u.email, 6)].map((m) => m.text); assert.ok(told.some((x) => x.includes(to)), told.join());
	ok(await s.post("/delete-user", {}, { cookie: me.cookie }));
	eq((await submit(s, link(s, await mail(sink, to, 2)).path, {}, { cookie: me.cookie })).status, 200);
	eq(s.sql(`SELECT COUNT(*) FROM user WHERE id = '${u.id}'`), "0"); fails(await s.signIn(to, { password: NEXT }), 401);
	return 8;
}
/** Each mail came once. */
async function once(s, sink, n) {
	await allGone(s);
	eq(sink.got.length, n, sink.got.map((g) => g.mail.subject).join("; ")); eq(new Set(sink.ids()).size, n);
}

test("by SMTP", () => withSink({}, (sink) => running({ set: smtp(sink, ALL) }, async (s) => once(s, sink, await everything(s, sink)))));
test("by a program that is called as sendmail is", () => withSink({}, async (sink) => {
	const dir = newDir("sendmail"), file = `${dir}/sendmail`, msmtp = execFileSync("sh", ["-c", "command -v msmtp"], { encoding: "utf8" }).trim();
	fs.chmodSync(dir, 0o1777);
	fs.writeFileSync(file, `#!/bin/sh\ncd ${dir} || exit 99\nprintf 'account default\\nhost 127.0.0.1\\nport ${sink.port}\\ntls off\\n' > rc.$$\nchmod 600 rc.$$\nexec ${msmtp} -C rc.$$ "$@"\n`, { mode: 0o755 });
	try { await running({ set: { "mail.transport": "sendmail", "mail.from": FROM, "mail.sendmail": file, ...ALL } }, async (s) => once(s, sink, await everything(s, sink))); } finally { fs.rmSync(dir, { recursive: true }); }
}));
describe("the mail server is away for 5 minutes, and latchkey is restarted meanwhile", () => {
	test("every mail comes once, and its link works", () => withSink({}, async (first) => {
		const { port } = first;
		await first.close();
		await running({ clock: true, set: { ...smtp(first, ALL), "account.link_life": "1h" } }, async (s) => {
			const users = [];
			for (let i = 0; i < 5; i++) { const u = await s.user(); ok(await s.post("/request-password-reset", { email: u.email })); users.push(u); }
			assert.ok(await until(() => Number(s.sql("SELECT COUNT(*) FROM latchkey_mail WHERE tries > 0 AND lastError IS NOT NULL")) > 0, 30_000));
			s.move(2 * MINUTE); await s.halt(); await s.launch(); s.move(5 * MINUTE);
			const again = await new Sink().listen(port);
			try {
				s.move(20 * MINUTE); await again.has(10, 90_000); await once(s, again, 10);
				for (const u of users) {
					const [reset] = again.got.filter((g) => g.to[0] === u.email && /reset-password\//.test(g.mail.text));
					eq((await submit(s, link(s, reset.mail).path, { newPassword: NEXT })).headers.location, `${s.prefix}/login?done=password`);
				}
				await again.has(15, 60_000); await once(s, again, 15);
			} finally { await again.close(); first.close = async () => {}; }
		});
	}));
});
test("where a web server starts single workers and nothing else", () => withSink({}, async (sink) => {
	const s = await start({ workers: 1, set: { "jobs.every": "1s", ...smtp(sink, ALL) } }), socket = `${s.dir}/lone`;
	await s.halt();
	const pids = await passSockets(s, [socket], { count: 2 });
	const t = at(s, socket);
	try {
		assert.ok(await until(async () => { try { return (await t.get("/ok")).status === 200; } catch { return false; } }));
		// they keep house between requests: as on any site, there are some
		let on = true; const visits = (async () => { while (on) { await t.get("/ok").catch(() => {}); await new Promise((r) => setTimeout(r, 100)); } })();
		try { await once(t, sink, await everything(t, sink)); } finally { on = false; await visits; }
	} finally { await end(pids); await s.stop(); }
}));
