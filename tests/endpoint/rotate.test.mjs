// Rotation of the secret, as an administrator does it: latchkeyctl secret new, then a restart.
import { describe, test } from "node:test";
import fs from "node:fs";
import { assert, eq, ok, setsNothing, start, times, until } from "./server.mjs";

async function with_(f, o) {
	const s = await start({ workers: 2, ...o });
	try { await f(s); } finally { await s.stop(); }
}
const secrets = (s) => fs.readFileSync(s.secretFile, "utf8").split("\n").map((l) => l.trim()).filter((l) => l && !l.startsWith("#"));
/** A cookie of this session, signed with that secret. */
const signedBy = (s, u, secret) => s.withValue(s.sign(u.token, secret));
async function restart(s) { assert.notEqual(await s.halt(), null, "it ends"); await s.launch(); }
/** Not accepted, and not cleared either: it does not verify, so it could be anybody's. */
async function unknown(s, cookie, what) {
	const r = await s.get("/session", { cookie });
	eq(ok(r), null, what); setsNothing(r);
}
async function killed(s) {
	const before = s.workers();
	for (const pid of before) process.kill(pid, "SIGKILL");
	assert.ok(await until(() => s.workers().filter((p) => !before.includes(p)).length === before.length), "new workers");
}

describe("secret new", () => {
	test("once: nobody is signed out", () => with_(async (s) => {
		const u = await s.user(), [first] = secrets(s);
		s.ctl("secret", "new");
		const kept = secrets(s);
		eq(kept.length, 2); eq(kept[1], first);
		await restart(s);
		eq(await s.alive(u.cookie), true); eq(await s.alive(signedBy(s, u, kept[0])), true);
		const v = await s.user();
		eq(v.value, s.sign(v.token, kept[0]), "the first line signs");
		await restart(s);
		for (const b of [u, v]) eq(await s.alive(b.cookie), true);
	}));
	test("twice before a restart: it starts, and every secret that is kept verifies", () => with_(async (s) => {
		const u = await s.user(), [first] = secrets(s);
		s.ctl("secret", "new"); s.ctl("secret", "new");
		const kept = secrets(s);
		await restart(s);
		for (const k of kept) eq(await s.alive(signedBy(s, u, k)), true);
		if (!kept.includes(first)) await unknown(s, u.cookie, "of a secret that dropped off");
		const again = await s.another(u);
		eq(again.value, s.sign(again.token, kept[0]), "the first line signs");
		await restart(s);
		eq(await s.alive(again.cookie), true);
	}));
	test("twice with --keep 3 before a restart: nobody is signed out", () => with_(async (s) => {
		const u = await s.user(), [first] = secrets(s);
		s.ctl("secret", "new", "--keep", "3"); s.ctl("secret", "new", "--keep", "3");
		eq(secrets(s)[2], first);
		await restart(s);
		eq(await s.alive(u.cookie), true);
		s.ctl("secret", "new", "--keep", "3"); await restart(s);
		await unknown(s, u.cookie, "the first secret dropped off");
	}));
	test("--keep 1 after a leak: everybody signs in again", () => with_(async (s) => {
		const u = await s.user(), [first] = secrets(s);
		s.ctl("secret", "new", "--keep", "1");
		eq(secrets(s).length, 1); assert.notEqual(secrets(s)[0], first);
		await restart(s);
		await unknown(s, u.cookie, "what the leaked secret signed");
		await unknown(s, s.withValue(s.sign("F".repeat(32), first)), "what it could sign");
		const again = await s.another(u);
		eq(await s.alive(again.cookie), true);
		await restart(s);
		eq(await s.alive(again.cookie), true); await unknown(s, u.cookie, "still");
	}));
});
describe("before the restart", () => {
	for (const args of [[], ["--keep", "1"]]) test(`secret new ${args.join(" ")}: what runs goes on, a new worker too`, () => with_(async (s) => {
		const u = await s.user(), first = s.secret();
		s.ctl("secret", "new", ...args);
		const well = async () => {
			for (const r of await Promise.all(times(12, () => s.get("/session", { cookie: u.cookie })))) eq(ok(r).user.id, u.id);
			const b = await s.another(u);
			eq(b.value, s.sign(b.token, first), "what is in force signs"); eq(await s.alive(b.cookie), true);
		};
		await well(); await killed(s); await well(); await killed(s); await well();
		if (!args.length) { await restart(s); eq(await s.alive(u.cookie), true); }
	}));
});
test("a secret file of another database is refused, also after rotations", () => with_(async (s) => {
	s.ctl("secret", "new"); await restart(s);
	const kept = fs.readFileSync(s.secretFile);
	await s.halt();
	fs.writeFileSync(s.secretFile, `${"f".repeat(64)}\n${"e".repeat(64)}\n`);
	await assert.rejects(s.launch(), /it does not start: ended with 1/);
	fs.writeFileSync(s.secretFile, kept);
	await s.launch();
}));
