// Mail by a program that is called as sendmail is: a real one (msmtp, to the SMTP server of the tests), and a script for what
// a real one does rarely. And mail as files.
import { describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { simpleParser } from "mailparser";
import { FROM, Sink, allGone, assert, ctl, eq, gone, mailLog, newDir, only, queue, running, until, withSink } from "./mail.mjs";

const MSMTP = execFileSync("sh", ["-c", "command -v msmtp || true"], { encoding: "utf8" }).trim();
const by = (program, more = {}) => ({ "mail.transport": "sendmail", "mail.from": FROM, "mail.sendmail": program, ...more });
/** A program of that text while f runs. */
async function script(text, f) {
	const dir = newDir("sendmail"), file = `${dir}/sendmail`;
	fs.chmodSync(dir, 0o1777);
	fs.writeFileSync(file, `#!/bin/sh\ncd ${dir} || exit 99\n${text}\n`, { mode: 0o755 });
	try { return await f(file, dir); } finally { fs.rmSync(dir, { recursive: true }); }
}
const send = (c) => ctl(c, "mail", "test", "ann@example.org");
/** What a program that ends with `code` makes of a mail. */
const ends = (code, f, before = "") => script(`cat > /dev/null; ${before} exit ${code}`, (file) => only(by(file), async (c) => f(await send(c))));

describe("msmtp", () => {
	const account = (sink, more = "") => `printf 'account default\\nhost 127.0.0.1\\nport ${sink.port}\\ntls off\\n${more}' > msmtprc.$$; chmod 600 msmtprc.$$; exec ${MSMTP} -C msmtprc.$$ "$@"`;
	test("is there", () => assert.ok(MSMTP, "apt-get install msmtp"));
	test("every mail arrives once, as it was written", () => withSink({}, (sink) => script(account(sink), (file) => running({ set: by(file) }, async (s) => {
		for (let i = 0; i < 5; i++) queue(s, "reset-password", `m${i}@example.org`, { link: "https://site.example/r?t=1&x=.\n." });
		await sink.has(5, 40_000); await allGone(s);
		eq(sink.got.length, 5); eq(new Set(sink.ids()).size, 5);
		for (const { from, to, mail, raw } of sink.got) { eq(from, FROM); eq(to.length, 1); assert.match(mail.text, /^Hello,/); assert.match(mail.messageId, /^<latchkey\./); assert.match(mail.text, /https:\/\/site\.example\/r\?t=1&x=\. \./); assert.ok(raw.split("\r\n").every((l) => l.length <= 76)); }
	}))));
	test("a server that is away for a while", () => withSink({}, (sink) => script(account(sink), (file) => running({ clock: true, set: by(file) }, async (s) => {
		const { port } = sink;
		await sink.close();
		queue(s, "test", "ann@example.org");
		assert.ok(await until(() => /ended with status/.test(s.sql("SELECT lastError FROM latchkey_mail"))));
		const again = await new Sink().listen(port);
		try { s.move(60_000); await again.has(1, 40_000); await allGone(s); eq(again.got.length, 1); } finally { await again.close(); sink.close = async () => {}; }
	}))));
});

describe("a program", () => {
	test("gets -i -f FROM -- TO, the message, and nothing else of ours", () => script(`printf '%s\\n' "$@" > args; env | sort > env; ls -l /proc/$$/fd > fds; grep -E 'NoNewPrivs|SigBlk|SigIgn' /proc/$$/status > status; cat > message`, (file, dir) => running({ set: by(file) }, async (s) => {
		queue(s, "test", "ann@example.org"); await allGone(s);
		const read = (f) => fs.readFileSync(`${dir}/${f}`, "utf8");
		eq(read("args"), `-i\n-f\n${FROM}\n--\nann@example.org\n`);
		const names = read("env").trim().split("\n").map((l) => l.split("=")[0]).filter((n) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(n));
		eq(names.join(), "HOME,LC_ALL,PATH");
		const open = read("fds").trim().split("\n").slice(1).map((l) => l.replace(/.* -> /, "")); // those of the shell itself among them
		for (const target of open) assert.ok(["/dev/null", file, `${dir}/fds`].includes(target) || target.startsWith("/memfd:mail"), target);
		assert.match(read("status"), /SigBlk:\s+0+$/m); assert.match(read("status"), /NoNewPrivs:\s+0$/m, "it may become who writes into its queue");
		const mail = await simpleParser(read("message"));
		eq(mail.to.value[0].address, "ann@example.org"); assert.ok(!read("message").includes("\r"));
	})));
	test("no privileges can be gained where no program is called", () => withSink({}, () => only({ "mail.transport": "none" }, async () => running({}, async (s) => {
		assert.match(fs.readFileSync(`/proc/${s.master()}/status`, "utf8"), /NoNewPrivs:\s+1/); for (const pid of s.workers()) assert.match(fs.readFileSync(`/proc/${pid}/status`, "utf8"), /NoNewPrivs:\s+1/);
	}))));
	test("nor by workers, where one is", () => script("cat > /dev/null", (file) => running({ set: by(file) }, async (s) => { for (const pid of s.workers()) assert.match(fs.readFileSync(`/proc/${pid}/status`, "utf8"), /NoNewPrivs:\s+1/); })));
	test("0: it is out", () => ends(0, (r) => eq(r.code, 0, r.err)));
	for (const code of [1, 64, 65, 67, 69, 75, 78]) test(`${code}: it is not, and what it said is told without addresses`, () => ends(code, (r) => { eq(r.code, 1); assert.match(r.err, new RegExp(`status ${code}: cannot mail \\(address\\) now`)); }, "echo 'cannot mail <ann@example.org> now' >&2;"));
	for (const [code, lasts] of [[65, false], [67, false], [68, false], [64, true], [69, true], [75, true], [77, true]]) test(`${code}: ${lasts ? "tried again" : "given up"}`, () => script(`cat > /dev/null; exit ${code}`, (file) => running({ set: by(file) }, async (s) => {
		queue(s, "test", "ann@example.org");
		if (lasts) assert.ok(await until(() => s.sql("SELECT COUNT(*) FROM latchkey_mail WHERE lastError IS NOT NULL") === "1")); else { await allGone(s); assert.match(mailLog(s), /is given up after 1 tries: the program ended with status/); }
	})));
	test("that is not there, or none", async () => { for (const p of ["/nonexistent/sendmail", "/etc/passwd"]) await only(by(p), async (c) => { const r = await send(c); eq(r.code, 1); assert.match(r.err, /could not be sent/); const row = JSON.parse((await ctl(c, "--json", "check")).out).find((x) => x.what === "mail"); eq(row.state, "FAIL"); }); });
	test("that hangs is killed, with all it has started, and the mail waits", () => script("echo $$ > pid; sleep 1000 & echo $! > child; cat > /dev/null; wait", (file, dir) => only(by(file, { "mail.timeout": "2s" }), async (c) => {
		const r = await send(c);
		eq(r.code, 1); assert.match(r.err, /did not end in time and was killed/);
		for (const f of ["pid", "child"]) { const pid = Number(fs.readFileSync(`${dir}/${f}`, "utf8")); assert.ok(await until(() => gone(pid)), f); }
	})));
	test("that does not read, writes a lot or dies", async () => {
		await script("exit 0", (file) => only(by(file), async (c) => eq((await send(c)).code, 0)));
		await script("cat > /dev/null; yes error | head -c 3000000 >&2; exit 75", (file) => only(by(file), async (c) => assert.match((await send(c)).err, /status 75: error$/m)));
		await script("kill -9 $$", (file) => only(by(file), async (c) => assert.match((await send(c)).err, /ended by signal 9/)));
	});
});

describe("files", () => {
	test("one each, whole, nobody else's, and a repeat takes the place of the first", async () => {
		const dir = newDir("eml");
		try {
			await running({ set: { "mail.transport": "file", "mail.from": FROM, "mail.directory": dir } }, async (s) => {
				queue(s, "test", "ann@example.org", {}, 20); await allGone(s);
				const files = fs.readdirSync(dir);
				eq(files.length, 20); assert.ok(files.every((f) => /^[A-Za-z0-9]{32}\.eml$/.test(f)));
				for (const f of files) { eq(fs.statSync(`${dir}/${f}`).mode & 0o777, 0o600); eq((await simpleParser(fs.readFileSync(`${dir}/${f}`))).messageId, `<latchkey.${f.slice(0, 32)}@site.example>`); }
			});
		} finally { fs.rmSync(dir, { recursive: true }); }
	});
	test("a directory that is not there is told, by check too", () => only({ "mail.transport": "file", "mail.from": FROM, "mail.directory": "/nonexistent/mail" }, async (c) => {
		const r = await send(c); eq(r.code, 1); assert.match(r.err, /No such file/);
		eq(JSON.parse((await ctl(c, "--json", "check")).out).find((x) => x.what === "mail").state, "FAIL");
	}));
});
