// From the queue to the mail server, by whoever keeps house: every mail arrives, and once. Servers that are away, slow or
// refuse; latchkey restarted and killed; time is moved, not waited for.
import { describe, test } from "node:test";
import fs from "node:fs";
import { DAY, FROM, KINDS, MINUTE, SECOND, Sink, allGone, assert, children, ctl, eq, gone, mailLog, queue, running, smtp, until, wait, waiting, withSink } from "./mail.mjs";
import { end, lowWorkers, own, passSockets, place, signal } from "../pool/pool.mjs";

const LINK = "https://site.example/auth/verify?token=AbCdEfGhIjKlMnOpQrStUvWxYz012345&callbackURL=%2F";
const once = (sink, n) => { eq(sink.got.length, n); eq(new Set(sink.ids()).size, n, "each came once"); };
/** Runs f with a sink and a latchkey that sends there. */
const both = (f, { sink: so = {}, set = {}, ...options } = {}) => withSink(so, (sink) => running({ ...options, set: { ...smtp(sink), ...set } }, (s) => f(s, sink)));
const refuse = (code, text = "no") => () => { throw Sink.refuse(code, text); };

test("every kind arrives soon, with what it tells, and leaves nothing behind", () => both(async (s, sink) => {
	for (const kind of KINDS) queue(s, kind, "ann@example.org", { link: LINK, name: "Ann", new: "new@example.org", ip: "192.0.2.7", device: "Firefox on Linux", life: DAY });
	await sink.has(KINDS.length); await allGone(s);
	once(sink, KINDS.length);
	for (const { mail, from, to, raw } of sink.got) {
		eq(from, FROM); eq(to.join(), "ann@example.org");
		assert.match(mail.subject, /127\.0\.0\.1/); assert.match(mail.text, /^Hello,/); assert.match(mail.html, /<p>Hello,/);
		assert.ok(!/\{\{|\}\}/.test(mail.text + mail.html), "no tag is left");
		assert.ok(raw.split("\r\n").every((l) => l.length <= 76));
	}
	const by = (part) => sink.got.find((g) => g.mail.subject.startsWith(part)).mail;
	for (const part of ["Confirm your address", "Set a new password", "Delete your account", "Confirm your new address", "New sign-in", "You have an account"]) { assert.ok(by(part).text.includes(LINK), part); assert.ok(by(part).html.includes(LINK.replaceAll("&", "&amp;")), part); }
	assert.match(by("Your address").text, /new@example\.org/); assert.match(by("New sign-in").text, /Device: Firefox on Linux\nAddress: 192\.0\.2\.7/);
	assert.ok(!s.log().includes("ann@example.org") && !s.log().includes("AbCdEfGhIjKlMnOpQrStUvWxYz"), "the log has neither address nor link");
	const { out } = await ctl(s, "--json", "status"); eq(JSON.parse(out).mails, 0);
}));

test("what a user may have typed steers nothing (S60)", () => both(async (s, sink) => {
	const evil = "x\r\nBcc: eve@example.org\r\n\r\n<b>hi</b>\u202egpj.exe\u0085";
	queue(s, "new-device", "ann@example.org", { name: evil, device: evil, ip: evil, link: LINK });
	queue(s, "email-changed", "ann@example.org", { new: "a@b\r\nBcc: eve@example.org" });
	await sink.has(2);
	for (const { mail, to, raw } of sink.got) {
		eq(to.join(), "ann@example.org"); eq(mail.bcc, undefined); eq(mail.attachments.length, 0);
		assert.ok(!/^Bcc/m.test(raw.slice(0, raw.indexOf("\r\n\r\n"))));
		assert.doesNotMatch(mail.text, /^Bcc|[\u202e\u0085]/m); assert.doesNotMatch(mail.html, /<b>hi|[\u202e\u0085]/);
	}
}));

test("links and names come from base_url, whatever Host says (S60)", () => both(async (s, sink) => {
	await s.get("/session", { headers: { host: "evil.example", "x-forwarded-host": "evil.example" } });
	queue(s, "test", "ann@example.org");
	await sink.has(1);
	assert.ok(!sink.got[0].raw.includes("evil.example")); assert.match(sink.got[0].mail.text, /http:\/\/127\.0\.0\.1/);
}));

test("what is queued can be read by nobody who has the database alone, nor sent elsewhere", () => both(async (s, sink) => {
	sink.rcpt = refuse(450);
	queue(s, "reset-password", "ann@example.org", { link: LINK }); queue(s, "reset-password", "bob@example.org", { link: LINK });
	assert.ok(await until(() => s.sql("SELECT COUNT(*) FROM latchkey_mail WHERE lastError IS NOT NULL") === "2"));
	assert.ok(!s.sql("SELECT data FROM latchkey_mail").includes("token"));
	if (s.db) for (const f of fs.readdirSync(s.dir)) if (fs.statSync(`${s.dir}/${f}`).isFile()) assert.ok(!fs.readFileSync(`${s.dir}/${f}`).includes("AbCdEfGhIjKlMnOpQrStUvWxYz"), f);
	s.sql("UPDATE latchkey_mail SET recipient = 'eve@example.org' WHERE recipient = 'ann@example.org'");
	sink.rcpt = null;
	await ctl(s, "mail", "send");
	await sink.has(1); await allGone(s);
	once(sink, 1); eq(sink.got[0].to.join(), "bob@example.org");
}));

test("a row for nobody, one whose time is over and one of other secrets go unsent", () => both(async (s, sink) => {
	queue(s, "reset-password", null, { link: LINK });
	queue(s, "verify-email", "late@example.org", { link: LINK, life: -1 });
	queue(s, "verify-email", "alien@example.org", { link: LINK }, 1);
	s.sql("UPDATE latchkey_mail SET data = 'AAAA' WHERE recipient = 'alien@example.org'");
	queue(s, "test", "ann@example.org");
	await sink.has(1); await allGone(s);
	assert.ok(sink.got.every((g) => ["ann@example.org", "alien@example.org"].includes(g.to[0])));
	assert.ok(!sink.got.some((g) => g.to[0] === "late@example.org"));
}));

test("4xx is tried again, later each time; 5xx to the recipient or the message is the end, told without the address", () => place((dir) => both(async (s, sink) => {
	const audit = `${dir}/audit.log`;
	sink.rcpt = refuse(451, "4.3.0 not now <ann@example.org>");
	queue(s, "reset-password", "ann@example.org", { link: LINK });
	const state = () => s.sql("SELECT tries, lastError FROM latchkey_mail");
	assert.ok(await until(() => /^1\|.*451/.test(state())), state());
	let [m] = await waiting(s);
	eq(m.error, "the server said: 451 4.3.0 not now (address)");
	const pauses = [30, 60, 120, 300, 600, 1200, 1800, 3600, 3600];
	for (let i = 0, moved = 0; i < pauses.length; i++) {
		[m] = await waiting(s);
		const pause = Date.parse(m.next) - s.now();
		assert.ok(pause <= pauses[i] * SECOND && pause > pauses[i] * SECOND - 30_000 * 3, `pause ${i}: ${pause}`);
		s.move((moved += pauses[i] * SECOND));
		assert.ok(await until(() => state().startsWith(`${i + 2}|`) && !state().endsWith("|"), 30_000), `try ${i + 2}: ${state()}`);
	}
	sink.rcpt = null;
	s.move(s.offset + 3600 * SECOND);
	await sink.has(1, 30_000); await allGone(s); once(sink, 1);
	for (const where of ["rcpt", "data"]) {
		sink[where] = refuse(550, "5.1.1 unknown <ann@example.org>");
		queue(s, "reset-password", "ann@example.org", { link: LINK });
		await allGone(s, 40_000);
		sink[where] = null;
	}
	once(sink, 1);
	assert.ok(await until(() => fs.readFileSync(audit, "utf8").split("\n").filter((l) => /"event":"mail-failed".*"reason":"reset-password"/.test(l)).length === 2));
	assert.match(mailLog(s), /is given up after 1 tries: the server said: 550 5\.1\.1 unknown \(address\)/);
	assert.ok(!mailLog(s).includes("ann@example.org"));
}, { clock: true, set: { "audit.file": `${dir}/audit.log` } })));

test("5xx to who we are waits for a person", () => both(async (s, sink) => {
	sink.sender = refuse(553, "not from here");
	queue(s, "test", "ann@example.org");
	assert.ok(await until(() => /553/.test(s.sql("SELECT lastError FROM latchkey_mail"))));
	sink.sender = null;
	const r = await ctl(s, "--json", "mail", "send");
	eq(r.code, 0, r.err); eq(JSON.parse(r.out).sent, 1); once(sink, 1);
}));

test("until it expires: then it is given up", () => both(async (s, sink) => {
	sink.rcpt = refuse(451);
	queue(s, "reset-password", "ann@example.org", { link: LINK, life: 10 * MINUTE });
	assert.ok(await until(() => s.sql("SELECT tries FROM latchkey_mail WHERE lastError IS NOT NULL") === "1"));
	s.move(9.9 * MINUTE);
	await allGone(s, 30_000);
	assert.match(mailLog(s), /is given up after 2 tries/);
	eq(sink.got.length, 0);
}, { clock: true }));

test("the mail server is away for 5 minutes, latchkey is restarted meanwhile: every mail arrives once", () => withSink({}, async (first) => {
	const { port } = first;
	await running({ clock: true, set: smtp(first) }, async (s) => {
		queue(s, "test", "before@example.org"); await first.has(1);
		await first.close();
		for (let i = 0; i < 10; i++) queue(s, "reset-password", `away-${i}@example.org`, { link: LINK });
		assert.ok(await until(() => Number(s.sql("SELECT COUNT(*) FROM latchkey_mail WHERE tries > 0 AND lastError IS NOT NULL")) >= 2));
		s.move(2 * MINUTE);
		await s.halt(); await s.launch();
		queue(s, "reset-password", "restarted@example.org", { link: LINK });
		s.move(5 * MINUTE);
		const again = await new Sink().listen(port);
		try {
			s.move(15 * MINUTE);
			await again.has(11, 60_000); await allGone(s);
			once(again, 11);
			eq(new Set(again.got.map((g) => g.to[0])).size, 11);
		} finally { await again.close(); first.close = async () => {}; }
	});
}));

test("the housekeeper is killed in the middle of a mail: that one arrives once, and so do the others", () => both(async (s, sink) => {
	let release;
	const held = new Promise((r) => (release = r));
	sink.data = () => held;
	queue(s, "test", "ann@example.org", {}, 5);
	assert.ok(await until(() => sink.begun === 1), "a mail is under way");
	const [keeper] = lowWorkers(s);
	signal(keeper, "SIGKILL");
	assert.ok(await until(() => gone(keeper)));
	await wait(300);
	release();
	await sink.has(5, 60_000); await allGone(s, 30_000);
	once(sink, 5);
}));

test("who sends is killed before the server has taken the mail: it comes once its claim is over", () => both(async (s, sink) => {
	let hold = true;
	sink.data = () => hold && new Promise(() => {});
	queue(s, "test", "ann@example.org");
	assert.ok(await until(() => sink.begun === 1));
	const [sender] = children(lowWorkers(s)[0]);
	signal(sender, "SIGKILL");
	assert.ok(await until(() => /ended by signal 9/.test(mailLog(s))));
	hold = false;
	eq(sink.got.length, 0);
	s.move(5 * MINUTE);
	await sink.has(1, 40_000); await allGone(s); once(sink, 1);
}, { clock: true }));

test("a server that hangs keeps no request waiting, and no stop", () => both(async (s, sink) => {
	sink.data = () => new Promise(() => {});
	queue(s, "test", "ann@example.org", {}, 3);
	assert.ok(await until(() => sink.begun === 1));
	const u = await s.user();
	eq(await s.alive(u.cookie), true);
	assert.notEqual(await s.halt(), null, "it stops");
}, { set: { "mail.timeout": "3s" } }));

for (const count of [1, 3]) test(`${count} worker(s) started on descriptor 0, as by mod_fcgid: between requests, none of which waits`, (t) => withSink({}, (sink) => own({ workers: 1, set: { ...smtp(sink), "jobs.every": "1m" } }, (s) => place(async (dir) => {
	const u = await s.user(), socket = `${dir}/passed`, via = Object.create(s, { socket: { value: socket } });
	await sink.has(1); await allGone(s); sink.got.length = sink.begun = 0; // who signed up has a mail
	await s.halt();
	s.configure({ "pool.workers": "1" });
	const pids = await passSockets(s, [socket], { count });
	try {
		assert.ok(await until(async () => { try { return (await via.get("/ok")).status === 200; } catch { return false; } }));
		queue(s, "test", "first@example.org"); await sink.has(1);
		let release;
		const held = new Promise((r) => (release = r));
		sink.data = () => held;
		queue(s, "test", "ann@example.org", {}, 9);
		assert.ok(await until(() => sink.begun === 2), "a mail is under way");
		const ms = [];
		for (let i = 0; i < 50; i++) { const began = performance.now(); eq(await via.alive(u.cookie), true); ms.push(performance.now() - began); }
		t.diagnostic(`slowest of 50 requests while a mail hangs: ${Math.max(...ms).toFixed(0)} ms`);
		release(); sink.data = null;
		await sink.has(10, 60_000); await allGone(s); once(sink, 10);
		// whoever holds the lock dies: another sends, or the one that is started next
		signal(pids[0], "SIGKILL");
		if (count === 1) pids.push(...(await passSockets(s, [socket], { count })));
		queue(s, "test", "last@example.org");
		await sink.has(11, 40_000); await allGone(s); once(sink, 11);
	} finally { await end(pids.filter((p) => !gone(p))); }
}))));

test("who stops right after a mail gives the lease back", () => both(async (s, sink) => {
	queue(s, "test", "ann@example.org"); await sink.has(1); await allGone(s);
	await s.halt();
	assert.match(s.sql("SELECT value FROM latchkey_meta WHERE name = 'jobs'"), /^1970-/);
	await s.launch();
}));

test("two pools on one store: each mail is sent by one of them", () => both(async (s, sink) => {
	const first = s.master(), pidFile = `${s.dir}/latchkey.pid`, kept = fs.readFileSync(pidFile, "utf8"), other = Object.create(s, { socket: { value: `${s.dir}/other.sock` } });
	fs.mkdirSync(`${s.dir}/state`); const { uid, gid } = fs.statSync(s.dir); fs.chownSync(`${s.dir}/state`, uid, gid);
	s.configure({ "pool.socket": `${s.dir}/other.sock`, "pool.state": `${s.dir}/state` }); // another host, as far as locks go
	await other.launch();
	const second = s.master();
	fs.writeFileSync(pidFile, kept);
	try {
		for (let i = 0; i < 10; i++) queue(s, "test", `m${i}@example.org`, {}, 5);
		await sink.has(50, 60_000); await allGone(s);
		once(sink, 50);
	} finally { await end([second]); void first; }
}));

describe("latchkeyctl", () => {
	test("list, drop, send, run-jobs, status", () => both(async (s, sink) => {
		sink.rcpt = refuse(451, "later");
		queue(s, "reset-password", "ann@example.org", { link: LINK }); queue(s, "test", "bob@example.org");
		assert.ok(await until(() => s.sql("SELECT COUNT(*) FROM latchkey_mail WHERE lastError IS NOT NULL") === "2"));
		const [m, n] = await waiting(s);
		eq(m.kind, "reset-password"); eq(m.recipient, "ann@example.org"); eq(m.tries, 1); eq(n.kind, "test");
		assert.ok(Date.parse(m.next) > Date.now()); assert.match(m.error, /451 later/);
		assert.match((await ctl(s, "mail", "list")).out, /reset-password +ann@example\.org/);
		eq(JSON.parse((await ctl(s, "--json", "status")).out).mails, 2); eq(JSON.parse((await ctl(s, "--json", "status")).out).mailsTried, 2);
		eq((await ctl(s, "mail", "drop", String(m.id))).code, 0); eq((await waiting(s)).length, 1); eq((await ctl(s, "mail", "drop", String(m.id))).code, 1);
		for (const bad of ["0", "x", "1x", ""]) eq((await ctl(s, "mail", "drop", bad)).code, 1, bad);
		const r = await ctl(s, "--json", "mail", "send");
		eq(r.code, 1, "it is put off"); eq(JSON.parse(r.out).later, 1);
		sink.rcpt = null;
		eq(JSON.parse((await ctl(s, "--json", "mail", "send")).out).sent, 1);
		once(sink, 1); eq(sink.got[0].to.join(), "bob@example.org"); eq((await waiting(s)).length, 0);
		await s.halt();
		queue(s, "test", "cron@example.org");
		const jobs = JSON.parse((await ctl(s, "--json", "run-jobs")).out);
		eq(jobs.sent, 1); eq(jobs.held, false); eq(sink.got.at(-1).to.join(), "cron@example.org");
		await s.launch();
	}));
	test("user export tells what waits for the user, and user erase takes it along", () => both(async (s, sink) => {
		const u = await s.user(); await sink.has(1); await allGone(s); // who signed up has a mail
		sink.rcpt = refuse(451);
		queue(s, "reset-password", u.email, { link: LINK }); queue(s, "test", "other@example.org");
		assert.ok(await until(() => s.sql("SELECT COUNT(*) FROM latchkey_mail WHERE lastError IS NOT NULL") === "2"));
		const { mails } = JSON.parse((await ctl(s, "user", "export", u.email)).out);
		eq(mails.length, 1); eq(mails[0].kind, "reset-password"); eq(Object.keys(mails[0]).join(), "kind,createdAt");
		eq((await ctl(s, "user", "erase", u.email)).code, 0);
		eq(s.sql("SELECT recipient FROM latchkey_mail"), "other@example.org");
	}));
});

test("templates of the site: taken, and where one has a fault the mail goes out all the same", () => withSink({}, (sink) => place(async (dir) => {
	fs.writeFileSync(`${dir}/test.txt`, "Subject: Hallo {{email}}\n\nUnd <{{site}}> & {{name}}\n"); fs.writeFileSync(`${dir}/test.html`, "<p>Und {{site}} &amp; {{email}}</p>\n");
	fs.writeFileSync(`${dir}/verify-email.txt`, "Subject: x\n\n{{#link}}open\n"); fs.writeFileSync(`${dir}/password-changed.html`, "");
	await running({ set: { ...smtp(sink), "mail.templates": dir, "mail.from_name": "Verein & Söhne" } }, async (s) => {
		queue(s, "test", "ann@example.org"); await sink.has(1);
		eq(sink.got[0].mail.subject, "Hallo ann@example.org"); assert.match(sink.got[0].mail.text, /^Und <Verein & Söhne> & \n/); assert.match(sink.got[0].mail.html, /Und Verein &amp; Söhne/);
		queue(s, "verify-email", "ann@example.org", { link: LINK }); await sink.has(2);
		assert.ok(sink.got[1].mail.text.includes(LINK)); assert.match(s.log(), /verify-email\.txt: line 3: a section has no end; the one built in stands in/);
		queue(s, "password-changed", "ann@example.org"); await sink.has(3);
		eq(sink.got[2].mail.html, false); assert.match(sink.got[2].raw, /Content-Type: text\/plain/); assert.doesNotMatch(sink.got[2].raw, /multipart/);
		const row = JSON.parse((await ctl(s, "--json", "check")).out).find((x) => x.what === "templates");
		eq(row.state, "FAIL"); assert.match(row.detail, /verify-email\.txt: line 3/);
	});
})));
