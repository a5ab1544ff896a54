// What the time of a refused sign-in tells while limits count: nothing, not even where a hash costs so little that it hides no
// query. See timing.mjs.
import { after, test } from "node:test";
import { PASSWORD, PATIENCE, eq, fails, newEmail, start, times } from "./server.mjs";
import { HIGH, PAIRS, WITHIN, alike } from "./timing.mjs";

const WRONG = "wrong-horse-1";
const s = await start({ workers: 1, set: { "jobs.every": "0", "log.access": "off", "password.scrypt": "10,1,1", "limits.sign_in": HIGH, "limits.total": HIGH, "limits.account": "1000000" } });
after(() => s.stop());

const refused = (r, first, kind) => { fails(r, 401, "INVALID_EMAIL_OR_PASSWORD"); eq(r.raw.toString("latin1"), first.raw.toString("latin1"), kind); };
const tries = (list, password) => (i) => s.signIn(list[i % list.length], { password });
async function users(n, disabled) {
	const list = [];
	for (let i = 0; i < n; i++) list.push((await s.user({ password: PASSWORD }, { headers: { "x-forwarded-for": "192.0.2.1" } })).email);
	if (disabled) s.sql(`UPDATE latchkey_user SET disabledAt = ${s.time(Date.now())} WHERE userId IN (SELECT id FROM ${s.db ? "user" : "`user`"} WHERE email IN (${list.map((e) => `'${e}'`)}))`);
	return list;
}
const kinds = async (n) => ({ "unknown e-mail": tries(times(n, newEmail), WRONG), "wrong password": tries(await users(n), WRONG), "disabled, right password": tries(await users(n, true), PASSWORD), "disabled, wrong password": tries(await users(n, true), WRONG) });

test(`tried again and again: within ${WITHIN} ms`, { timeout: 600_000 * PATIENCE }, (t) => alike(t, () => kinds(1), refused));
test(`tried for the first time: within ${WITHIN} ms`, { timeout: 600_000 * PATIENCE }, (t) => alike(t, () => kinds(PAIRS), refused));
