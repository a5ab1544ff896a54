// A single process that a web server has started on descriptor 0: it sees for itself that configuration or secrets are others,
// and leaves once nobody waits, for one that reads them.
import { describe, test } from "node:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { BUILD, Load, assert, at, becomes, children, cleanEnv, end, eq, gone, newEmail, ok, passSockets, place, proc, raise, until } from "./pool.mjs";

const set = { "log.access": "off", "pool.workers": "1" };
/** A parent that keeps `count` processes on one socket, as lighttpd does. */
async function keeper(s, socket, count) {
	const script = `use Socket; use POSIX (); my ($path, $count, @rest) = @ARGV; socket(my $k, AF_UNIX, SOCK_STREAM, 0) or die $!; bind($k, sockaddr_un($path)) or die $!; listen($k, 1024) or die $!;
		my $on = 1; my %living; $SIG{TERM} = sub { $on = 0; kill TERM => keys %living };
		sub begin { my $pid = fork; if (!$pid) { $SIG{TERM} = 'DEFAULT'; POSIX::dup2(fileno $k, 0); exec { $rest[0] } @rest; die $! } $living{$pid} = 1 }
		begin() for 1 .. $count;
		while (%living) { delete $living{+wait}; begin() if $on }`;
	const log = fs.openSync(path.join(s.dir, "latchkey.log"), "a");
	const parent = spawn("perl", ["-e", script, socket, String(count), path.join(BUILD, "latchkey"), "-c", s.conf], { stdio: ["ignore", log, log], env: cleanEnv() });
	fs.closeSync(log);
	return parent;
}
/** How many have read their configuration so far. */
const begun = (dir) => { try { return fs.readFileSync(`${dir}/audit`, "utf8").match(/"configured"/g).length; } catch { return 0; } };
async function kept(o, f) {
	await place(async (dir) => {
		const s = raise({ set: { ...set, "audit.file": `${dir}/audit`, ...o.set } }), socket = `${dir}/zero`, parent = await keeper(s, socket, o.count ?? 1), k = at(s, socket), over = once(parent, "exit");
		try {
			const living = () => children(parent.pid), count = o.count ?? 1;
			let all = 0;
			const started = async () => { all += count; await becomes(() => begun(dir), all); await becomes(() => living().length, count); };
			await started();
			await f({ s, k, dir, living, replaced: async (before) => { assert.ok(await until(() => before.every(gone), 30_000), s.log().slice(-1000)); await started(); } });
		} finally { parent.kill("SIGTERM"); await over; await s.stop(); }
	});
}

describe("a process that was started by a web server", () => {
	test("leaves for a new configuration, and no request is lost", (t) => kept({ count: 3 }, async ({ s, k, living, replaced }) => {
		const before = living(), l = await new Load(k, { clients: 8 }).begin();
		await l.calm();
		s.configure({ "auth.sign_up": "closed" });
		await replaced(before);
		await l.stop();
		l.judge(t); await l.allIn();
		eq((await k.post("/sign-up/email", { name: "n", email: newEmail(), password: "correct-horse-battery-1" })).json.code, "SIGN_UP_CLOSED");
		eq(s.log().match(/configuration has changed: leaving/g)?.length, 3);
	}));
	test("and for a new secret, which signs nobody out", () => kept({}, async ({ s, k, living, replaced }) => {
		const before = living(), u = await k.user();
		s.ctl("secret", "new");
		await replaced(before);
		assert.match(s.log(), /secret file has changed: leaving/);
		eq(await k.alive(u.cookie), true);
		assert.notEqual((await k.another(u)).cookie.split(".").pop(), u.cookie.split(".").pop());
	}));
	test("stays while a new one has a fault, which the log tells, and goes when that is mended", () => kept({}, async ({ s, k, living, replaced }) => {
		const [pid] = living(), good = fs.readFileSync(s.conf);
		fs.appendFileSync(s.conf, "[session]\nnonsense = 1\n");
		assert.ok(await until(() => /session\.nonsense[^]*the old one stays in force/.test(s.log()), 30_000), s.log().slice(-1000));
		eq((await k.get("/ok")).status, 200); eq(living().join(), String(pid));
		fs.writeFileSync(s.conf, good);
		await replaced([pid]);
	}));
	test("looks when nothing else is to be done, too", () => kept({ set: { "jobs.every": "0" } }, async ({ s, living, replaced }) => {
		const before = living();
		s.configure({ "log.level": "debug" });
		await replaced(before);
	}));
	// whoever has started it looks on for as long twice over: until then the other has looked as well
	test("stays where its parent is process 1, since nobody would start another one", () => kept({}, async ({ s, dir, living, replaced }) => {
		const [orphan] = await passSockets(s, [`${dir}/orphan`], { env: { LATCHKEY_AUDIT_FILE: "" } });
		try {
			ok(await at(s, `${dir}/orphan`).get("/ok"));
			const parent = Number(/^PPid:\s*(\d+)/m.exec(proc(orphan, "status"))[1]);
			for (const level of ["debug", "info"]) { const before = living(); s.configure({ "log.level": level }); await replaced(before); }
			eq(gone(orphan), parent !== 1);
		} finally { await end([orphan]); }
	}));
});
