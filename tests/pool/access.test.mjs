// Who may connect (S84): a unix socket belongs to its group, a TCP socket to the addresses in pool.web_servers.
import { describe, test } from "node:test";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import { freePort } from "../mysql-link/servers.mjs";
import { IS_ROOT, PATIENCE, account, assert, bytesOf, children, eq, newDir, own, proc, raise, reload, talk, until } from "./pool.mjs";

const mode = (file) => (fs.statSync(file).mode & 0o7777).toString(8);
/** Can such a user connect? */
function connects(uid, groups, socket) {
	const r = spawnSync("setpriv", [`--reuid=${uid}`, `--regid=${groups[0]}`, ...(groups[1] ? [`--groups=${groups[1]}`] : ["--clear-groups"]), "perl", "-MSocket", "-e",
		'my $k; socket($k, AF_UNIX, SOCK_STREAM, 0) or die; print connect($k, sockaddr_un($ARGV[0])) ? "yes" : "no: $!"', socket], { encoding: "utf8" });
	eq(r.status, 0, r.stderr);
	return r.stdout;
}
/** A directory that everybody may enter, so that the socket's own mode is what counts. */
async function open_(f) {
	const dir = newDir("open");
	fs.chmodSync(dir, 0o755);
	try { await f(dir); } finally { fs.rmSync(dir, { recursive: true }); }
}
test("both unix sockets have mode 0660, whatever the umask", () => open_((dir) => own({ signIn: true, set: { "pool.sign_in_socket": `${dir}/b` } }, async (s) => {
	for (const mask of [0o000, 0o077, 0o777]) {
		await s.halt();
		const old = process.umask(0o022);
		try { process.umask(mask & 0o377); await s.launch(); } finally { process.umask(old); }
		for (const k of [s.socket, `${dir}/b`]) eq(mode(k), "660");
	}
	await reload(s, { "pool.sign_in_socket": `${dir}/c` });
	eq(mode(`${dir}/c`), "660", "after HUP, too"); assert.ok(await until(() => !fs.existsSync(`${dir}/b`)));
})));
describe("a third local user", { skip: !IS_ROOT && "needs root" }, () => {
	test("cannot connect; the socket's group can", () => open_(async (dir) => {
		const group = account("www-data"), s = raise({ set: { "pool.socket": `${dir}/a`, "pool.sign_in_socket": `${dir}/b`, "pool.socket_group": "www-data" } });
		try {
			await s.launch();
			const who = () => {
				for (const k of [`${dir}/a`, `${dir}/b`]) {
					eq(mode(k), "660"); eq(fs.statSync(k).gid, group.gid);
					assert.match(connects(65534, [65534], k), /^no: Permission denied/);
					eq(connects(65534, [65534, group.gid], k), "yes"); eq(connects(65534, [group.gid], k), "yes");
				}
			};
			who();
			await s.halt(); await s.launch(); who();
		} finally { await s.stop(); }
	}));
	test("nor without pool.socket_group", () => open_(async (dir) => {
		const s = raise({ set: { "pool.socket": `${dir}/a` } }), owner = account("www-data");
		try {
			await s.launch();
			assert.match(connects(65534, [65534], `${dir}/a`), /^no: Permission denied/);
			eq(connects(owner.uid, [owner.gid], `${dir}/a`), "yes"); eq(connects(65534, [owner.gid], `${dir}/a`), "yes");
		} finally { await s.stop(); }
	}));
	test("can read none of its files, nor look into its processes", () => own({ set: { "jobs.every": "1s" } }, async (s) => {
		await s.user();
		for (const f of fs.readdirSync(s.dir).filter((x) => /^latchkey\.(db|conf)|^secret|lock/.test(x))) eq(fs.statSync(`${s.dir}/${f}`).mode & 0o007, 0, f);
		for (const pid of [s.master(), ...children(s.master())]) for (const f of ["environ", "maps", "fd"]) {
			const r = spawnSync("setpriv", ["--reuid=www-data", "--regid=www-data", "--clear-groups", f === "fd" ? "ls" : "cat", `/proc/${pid}/${f}`], { encoding: "utf8" });
			assert.notEqual(r.status, 0, `${f} of a process is open to its own user`);
			eq(r.stdout, "");
		}
	}));
});

describe("a TCP socket", () => {
	const reach = (s, port, localAddress, host = "127.0.0.1") => talk({ host, port, localAddress }, bytesOf(s, "GET", "/ok"), { timeout: 10_000 * PATIENCE });
	/** Serves at two TCP sockets; f(server, port, second port). */
	async function tcp(set, f) {
		const [port, second] = [await freePort(), await freePort()];
		await own({}, async (s) => {
			await reload(s, { "pool.socket": `127.0.0.1:${port}`, "pool.sign_in_socket": `127.0.0.1:${second}`, "pool.sign_in_workers": "2", ...set });
			assert.ok(await until(async () => (await reach(s, port)).kind !== "refused"));
			await f(s, port, second);
		});
	}
	test("serves 127.0.0.1 and refuses 127.0.0.2, at both sockets", () => tcp({}, async (s, port, second) => {
		for (const p of [port, second]) {
			eq((await reach(s, p, "127.0.0.1")).status, 200);
			for (let i = 0; i < 5; i++) { const r = await reach(s, p, "127.0.0.2"); assert.ok(r.kind === "broken", r.kind); assert.ok(r.ms < 2000 * PATIENCE); }
			eq((await reach(s, p, "127.0.0.1")).status, 200);
		}
		assert.match(s.log(), /refused a connection from 127\.0\.0\.2, which is not in pool\.web_servers/);
		const [user] = [await talk({ host: "127.0.0.1", port }, bytesOf(s, "GET", "/session"))];
		eq(user.text, "null");
	}));
	test("a network, and a new list after HUP", () => tcp({ "pool.web_servers": "127.0.0.0/30 ::1" }, async (s, port) => {
		for (const [from, good] of [["127.0.0.1", true], ["127.0.0.3", true], ["127.0.0.4", false], ["127.1.0.1", false]]) eq((await reach(s, port, from)).kind, good ? "answer" : "broken", from);
		await reload(s, { "pool.web_servers": "127.0.0.4" });
		for (const [from, good] of [["127.0.0.1", false], ["127.0.0.4", true]]) eq((await reach(s, port, from)).kind, good ? "answer" : "broken", from);
	}));
	test("those that are refused cost nobody else anything", () => tcp({}, async (s, port) => {
		let on = true, refused = 0;
		const flood = Promise.all(Array.from({ length: 8 }, async () => { while (on) { await reach(s, port, "127.0.0.9"); refused++; } }));
		const ms = [];
		for (let i = 0; i < 200; i++) { const r = await reach(s, port); eq(r.status, 200); ms.push(r.ms); }
		on = false; await flood;
		assert.ok(refused > 50 && Math.max(...ms) < 2000 * PATIENCE, `${refused} refused, slowest ${Math.max(...ms)}`);
	}));
	test("is taken over after kill -9 of the master, although connections of before linger", () => tcp({}, async (s, port) => {
		for (let i = 0; i < 20; i++) eq((await reach(s, port)).status, 200);
		const all = children(s.master());
		await s.halt("SIGKILL");
		assert.ok(await until(() => all.every((p) => { try { return /^State:\s*Z/m.test(proc(p, "status")); } catch { return true; } })));
		const relay = net.createServer((a) => { const b = net.connect(port, "127.0.0.1"); a.pipe(b).pipe(a); a.on("error", () => b.destroy()); b.on("error", () => a.destroy()); });
		// launch() asks at s.socket whether it is there
		fs.rmSync(s.socket, { force: true });
		await new Promise((r) => relay.listen(s.socket, r));
		try { await s.launch(); eq((await reach(s, port)).status, 200); } finally { relay.close(); }
	}));
});
