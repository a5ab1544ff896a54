// Limits on tries, counted by all processes and hosts together: of many who try at once as many are let through as are allowed,
// not as many for each process. RACES=0.1 makes a tenth of the rounds.
import { describe, test } from "node:test";
import fs from "node:fs";
import path from "node:path";
import { PASSWORD, assert, eq, fails, newDir, newEmail, ok, start, times } from "../endpoint/server.mjs";

const SCALE = Number(process.env.RACES ?? 1), rounds = (n) => Math.max(3, Math.round(n * SCALE));
const USUAL = { "jobs.every": "0", "log.access": "off", "password.wait": "60s", "database.busy_timeout": "30s", "limits.account_wait": "1h", "limits.account_wait_max": "1h" };
let addresses = 0;
const ip = () => `10.${(++addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;
const signIn = (s, email, password, address = ip()) => s.signIn(email, { password }, { headers: { "x-forwarded-for": address } });
const wrong = (s, email, address) => signIn(s, email, "wrong-horse-1", address);
/** A second program with a directory and a master of its own on the same database, as on another host. */
function beside(s, set) {
	const dir = newDir("secret"), file = path.join(dir, "secret"), { uid, gid } = fs.statSync(dir);
	fs.copyFileSync(s.secretFile, file); fs.chmodSync(file, 0o600); fs.chownSync(file, uid, gid);
	return start({ workers: 4, set: { ...set, "secret.file": file, ...(s.db ? { "database.path": s.db } : { "database.name": s.mysql.database }) } });
}
/** Runs f with so many programs of 4 workers on one database. */
async function with_(n, set, f) {
	const all = [await start({ workers: 4, set: { ...USUAL, ...set } })];
	try {
		while (all.length < n) all.push(await beside(all[0], { ...USUAL, ...set }));
		return await f(all[0], (i) => all[i % n]);
	} finally { for (const s of all.toReversed()) await s.stop(); }
}
/** Of 40 at once `n` were let through, all others refused, and nobody failed. */
async function through(n, f) {
	const rs = await Promise.all(times(40, f)), let_ = rs.filter((r) => r.status === 401);
	for (const r of rs) if (r.status !== 401) fails(r, 429, "TOO_MANY_REQUESTS");
	eq(let_.length, n);
}

for (const n of [1, 2]) describe(`${n === 1 ? "4 workers" : "two programs of 4 workers on one database"}: of 40 at once as many as are allowed, ${rounds(20)} rounds`, () => {
	test("for one account, known or not, from anywhere", () => with_(n, { "limits.account": "5" }, async (s, at) => {
		for (let i = 0; i < rounds(20); i++) {
			const email = i % 2 ? (await s.user()).email : newEmail();
			await through(5, (k) => wrong(at(k), email));
			await through(0, (k) => signIn(at(k), email, PASSWORD));
			eq(s.sql("SELECT MAX(tries) FROM latchkey_limit"), "5");
		}
	}));
	test("for one address, whatever the account", () => with_(n, { "limits.sign_in": "7/1h" }, async (s, at) => {
		for (let i = 0; i < rounds(20); i++) { const a = i % 2 ? ip() : `2001:db8:0:${i + 1}::1`; await through(7, (k) => wrong(at(k), newEmail(), a)); await through(0, (k) => wrong(at(k), newEmail(), a)); }
	}));
	test("for requests that do not get as far as a password", () => with_(n, { "limits.sign_in": "7/1h" }, async (s, at) => {
		for (let i = 0; i < rounds(20); i++) {
			const a = ip(), rs = await Promise.all(times(40, (k) => at(k).post("/sign-in/email", {}, { headers: { "x-forwarded-for": a } })));
			for (const r of rs) assert.ok(r.status === 400 || r.status === 429, r.text);
			// each is looked at before it is counted: those at work just then may come in addition, and no others
			const good = rs.filter((r) => r.status === 400).length;
			assert.ok(good >= 7 && good <= 7 + 4 * n, `${good} were let through`); await through(0, (k) => wrong(at(k), newEmail(), a));
		}
	}));
	test("all together", () => with_(n, { "limits.total": "9/1h", "limits.sign_in": "100/1h", "limits.account": "3" }, async (s, at) => {
		for (let i = 0; i < rounds(20); i++) { await through(9, (k) => wrong(at(k), newEmail())); await through(0, (k) => wrong(at(k), newEmail())); s.sql("DELETE FROM latchkey_limit"); }
	}));
	test("those who sign in take nothing away from it", () => with_(n, { "limits.sign_in": "30/1h", "limits.total": "60/1h", "limits.account": "50" }, async (s, at) => {
		for (let i = 0; i < rounds(20); i++) {
			const a = ip(), u = await s.user();
			for (const r of await Promise.all(times(29, (k) => signIn(at(k), u.email, PASSWORD, a)))) ok(r);
			eq(s.sql("SELECT name FROM latchkey_limit WHERE name LIKE 'sign-in account:%'"), "");
			await through(30, (k) => wrong(at(k), newEmail(), a)); s.sql("DELETE FROM latchkey_limit");
		}
	}));
});
