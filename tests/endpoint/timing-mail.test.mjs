// What the time of an answer tells of an address that may have an account, where a mail goes to who has one: nothing. Hashes cost
// so little that they hide no query, limits count, and nobody sends meanwhile. See timing.mjs.
import { after, test } from "node:test";
import { PASSWORD, PATIENCE, eq, newEmail, ok, setsNothing, times } from "./server.mjs";
import { startMailing } from "./mailbox.mjs";
import { HIGH, PAIRS, WITHIN, alike } from "./timing.mjs";

const set = { "jobs.every": "0", "log.access": "off", "password.scrypt": "10,1,1", "account.require_verified_email": "on", "limits.mail": HIGH, "limits.mail_account": HIGH, "limits.sign_up": HIGH, "limits.total": HIGH, "limits.account": "1000000" };
const s = await startMailing(set, { workers: 1 });
after(() => s.stop());

const signUp = (email) => s.post("/sign-up/email", { name: "Ann", email, password: PASSWORD });
async function users(n) {
	const list = times(n, newEmail);
	for (const email of list) ok(await signUp(email));
	return list;
}
const each = (list, f) => (i) => f(list[i % list.length]);
const asked = (path) => (email) => s.post(path, { email });
const same = (r, first, kind) => { ok(r); eq(r.text, first.text, kind); };
const joined = (r, first, kind) => { eq(ok(r).token, null); setsNothing(r); eq(Object.keys(r.json.user).join(), Object.keys(first.json.user).join(), kind); eq(r.raw.length, first.raw.length, kind); };

const ways = { "request-password-reset": asked("/request-password-reset"), "send-verification-email": asked("/send-verification-email") };
for (const [name, f] of Object.entries(ways)) for (const [what, n] of [["again and again", 1], ["for the first time", PAIRS]])
	test(`${name}, ${what}: within ${WITHIN} ms`, { timeout: 600_000 * PATIENCE }, (t) => alike(t, async () => ({ "unknown address": each(times(n, newEmail), f), "known address": each(await users(n), f) }), same));
for (const [what, n] of [["of one account", 1], ["of many accounts", PAIRS]])
	test(`sign-up, ${what}: within ${WITHIN} ms`, { timeout: 600_000 * PATIENCE }, (t) => alike(t, async () => ({ "unknown address": () => signUp(newEmail()), "known address": each(await users(n), signUp) }), joined));
