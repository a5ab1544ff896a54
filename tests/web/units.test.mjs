// The systemd units, as systemd reads them, and NOTIFY_SOCKET as it is told.
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { BUILD, ROOT, assert, eq, start, until } from "../endpoint/server.mjs";

const UNITS = path.join(ROOT, "conf/systemd");

test("systemd takes the units, without a word", () => {
	const dir = fs.mkdtempSync(path.join(process.env.TMPDIR ?? "/tmp", "latchkey-units."));
	try {
		const files = fs.readdirSync(UNITS).map((f) => {
			const text = fs.readFileSync(path.join(UNITS, f), "utf8").replaceAll("/usr/local/sbin/latchkey", path.join(BUILD, "latchkey"));
			fs.writeFileSync(path.join(dir, f), text);
			return path.join(dir, f);
		});
		eq(files.length, 3);
		const r = spawnSync("systemd-analyze", ["verify", "--man=no", ...files], { encoding: "utf8", env: { ...process.env, SYSTEMD_UNIT_PATH: `${dir}:` } });
		eq(`${r.stdout}${r.stderr}`, ""); eq(r.status, 0);
	} finally { fs.rmSync(dir, { recursive: true }); }
});

test("a setting that systemd does not know is told, so that silence means something", () => {
	const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "latchkey-units.")), "bad.service");
	fs.writeFileSync(file, "[Service]\nExecStart=/bin/true\nNoSuchSetting=yes\n");
	const r = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
	fs.rmSync(path.dirname(file), { recursive: true });
	assert.match(`${r.stdout}${r.stderr}`, /NoSuchSetting/);
});

test("the service manager is told when it is ready, reloading and stopping", async () => {
	const s = await start();
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), "latchkey-notify.")), at = path.join(dir, "n"), heard = path.join(dir, "heard");
	// node has no datagram sockets of this kind: perl is everywhere that autoconf is
	const listen = `use Socket; use IO::Handle; socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un($ARGV[0])) or die; chmod 0777, $ARGV[0];
		open(my $o, '>', $ARGV[1]); $o->autoflush(1); while (defined recv(S, $m, 4096, 0)) { $m =~ s/\\n/;/g; print $o "$m\\n"; }`;
	try {
		fs.chmodSync(dir, 0o755);
		const ear = spawn("perl", ["-e", listen, at, heard], { stdio: "ignore" });
		assert.ok(await until(() => fs.existsSync(at)));
		await s.halt();
		process.env.NOTIFY_SOCKET = at;
		try { await s.launch(); } finally { delete process.env.NOTIFY_SOCKET; }
		const lines = () => fs.readFileSync(heard, "utf8").trim().split("\n");
		assert.ok(await until(() => lines().includes("READY=1")));
		process.kill(s.master(), "SIGHUP");
		assert.ok(await until(() => lines().filter((l) => l === "READY=1").length === 2), lines().join("|"));
		assert.match(lines().join("|"), /READY=1\|RELOADING=1;MONOTONIC_USEC=\d+\|READY=1/);
		await s.halt();
		assert.ok(await until(() => lines().includes("STOPPING=1")), lines().join("|"));
		ear.kill();
	} finally { await s.stop(); fs.rmSync(dir, { recursive: true }); }
});
