// How the Cookie header is read (D15, S34, S35): several cookies of the session's name, odd ones, large ones. No answer may
// sign anybody out on account of a stranger's cookie.
import { after, describe, test } from "node:test";
import fs from "node:fs";
import { PATIENCE, assert, clears, eq, fails, ok, setsNothing, start, times, uniq } from "./server.mjs";

const s = await start({ workers: 1 });
after(() => s.stop());
const u = await s.user(), other = await s.user();
const NAME = s.cookieName, forged = `${NAME}=${s.sign("Z".repeat(32), "wrong")}`, stale = `${NAME}=${s.sign("Z".repeat(32))}`;
const who = async (cookie) => { const r = await s.get("/session", { cookie }); return [r.json?.user.id ?? null, r]; };
const is = async (cookie, user = u) => eq((await who(cookie))[0], user?.id ?? null, String(cookie).slice(0, 200));

/** The time the worker has worked, in hundredths of a second. */
const ticks = () => { const f = fs.readFileSync(`/proc/${s.workers()[0]}/stat`, "utf8").replace(/.*\) /s, "").split(" "); return Number(f[11]) + Number(f[12]); };

describe("two cookies of the name", () => {
	test("the first that verifies and lives counts, in any order", async () => {
		for (const leftover of [forged, stale, `${NAME}=`, `${NAME}=x`, `${NAME}=${"y".repeat(3000)}`, `${NAME}=%00`, `${NAME}=%zz`, `${NAME}="`]) {
			await is(`${leftover}; ${u.cookie}`); await is(`${u.cookie}; ${leftover}`);
		}
		await is(`${u.cookie}; ${other.cookie}`, u); await is(`${other.cookie}; ${u.cookie}`, other);
	});
	test("leftovers sign nobody out", async () => {
		for (const cookie of [`${stale}; ${u.cookie}`, `${u.cookie}; ${stale}`, `${forged}; ${u.cookie}`]) setsNothing((await who(cookie))[1]);
		setsNothing((await who(`${forged}; ${forged}`))[1]);
		clears(s, (await who(`${forged}; ${stale}`))[1]);
	});
	test("as separate header fields", async () => {
		for (const list of [[forged, u.cookie], [u.cookie, forged], ["a=1", u.cookie], [stale, "a=1", u.cookie]]) eq((await s.get("/session", { headers: { cookie: list } })).json?.user.id, u.id, list.join(" + ").slice(0, 100));
	});
	test("a comma separates no cookies: it is part of a value, where a stranger could plant a session", async () => {
		for (const cookie of [`theme=dark,${other.cookie}; ${u.cookie}`, `theme=dark, ${other.cookie}; ${u.cookie}`, `${u.cookie}; theme=dark,${other.cookie}`, `theme="dark,${other.cookie}"; ${u.cookie}`, `,${other.cookie}; ${u.cookie}`]) {
			const [id, res] = await who(cookie);
			eq(id, u.id, cookie.slice(0, 100)); setsNothing(res);
		}
		for (const cookie of [`theme=dark,${other.cookie}`, `a=1, ${other.cookie}, b=2`, `${forged}, ${other.cookie}`, `${other.cookie}, b=2`]) {
			const [id, res] = await who(cookie);
			eq(id, null, cookie.slice(0, 100)); setsNothing(res);
		}
		const a = await s.user(), b = await s.user();
		clears(s, await s.post("/sign-out", {}, { cookie: `theme=dark,${b.cookie}; ${a.cookie}` }));
		await is(a.cookie, null); await is(b.cookie, b);
	});
	test("signing out ends every one that is ours", async () => {
		const a = await s.user(), b = await s.user();
		clears(s, await s.post("/sign-out", {}, { cookie: `${forged}; ${a.cookie}; ${b.cookie}` }));
		await is(a.cookie, null); await is(b.cookie, null);
	});
});

describe("many and large", () => {
	test("100 copies: a small number is tried, and the worker is not kept busy", async () => {
		await is(times(100, () => u.cookie).join("; "));
		const began = ticks();
		await is(`${times(100, () => `${NAME}=${s.sign(uniq() + uniq(), "wrong")}`).join("; ")}; ${u.cookie}`, null);
		// well signed each: at most the cap is looked up
		await is(`${times(100, () => `${NAME}=${s.sign(uniq() + uniq())}`).join("; ")}; ${u.cookie}`, null);
		assert.ok(ticks() - began < 100 * PATIENCE, `${ticks() - began} ticks`);
		await is(`${forged}; ${stale}; ${u.cookie}`);
	});
	test("1000 other cookies", async () => is(`${times(1000, (i) => `c${i}=${i}`).join("; ")}; ${u.cookie}`));
	test("a Cookie header of 64 KiB is refused, signs nobody out, and costs no worker", async () => {
		const pids = s.workers();
		for (const n of [65536, 70_000, 200_000]) {
			const r = await s.get("/session", { cookie: `${u.cookie}; x=${"y".repeat(n)}` });
			fails(r, 431, "REQUEST_HEADER_FIELDS_TOO_LARGE"); setsNothing(r);
		}
		await is(`x=${"y".repeat(60_000)}; ${u.cookie}`);
		eq(s.workers().join(), pids.join()); await is(u.cookie);
	});
	test("too many header fields are refused", async () => {
		const headers = Object.fromEntries(times(2000, (i) => [`x-h${i}`, "1"]));
		fails(await s.get("/session", { headers, cookie: u.cookie }), 431);
	});
});

describe("spelling", () => {
	const v = u.value, raw = decodeURIComponent(v);
	test("is taken", async () => {
		for (const c of [`${NAME}=${v}`, `${NAME}=${raw}`, ` ${NAME} = ${v} `, `a;${NAME}=${v};b`, `;;; ${NAME}=${v}`, `${NAME}="${v}"`, `a=b=c; ${NAME}=${v}`, `=x; ${NAME}=${v}`, `\u00e9=\u00e9; ${NAME}=${v}`, `a="x;${NAME}=${v}`])
			await is(c);
	});
	test("is not taken", async () => {
		for (const c of [`${NAME}=${encodeURIComponent(v)}`, `${NAME.toUpperCase()}=${v}`, `x${NAME}=${v}`, `${NAME}x=${v}`, `${NAME}=x${v}`, `${NAME}=${v}x`, `${NAME}=${v.slice(0, -1)}`, `${NAME}=${u.token}`, `${NAME}=.${v}`, `${NAME}`, `${NAME}==${v}`,
			`${NAME}=${v.slice(0, 31)}%00${v.slice(32)}`, `${NAME}=${raw.replace(".", "..")}`, `$Version=1; $${NAME}=${v}`]) await is(c, null);
	});
	test("a changed letter case never authenticates", async () => {
		const swap = (c) => (c < "a" ? c.toLowerCase() : c.toUpperCase());
		for (let i = 0; i < 32; i++) if (/[a-z]/i.test(u.token[i])) {
			const token = u.token.slice(0, i) + swap(u.token[i]) + u.token.slice(i + 1);
			await is(s.withValue(s.sign(token)), null); // signed well: it is the store that must tell them apart
		}
	});
	test("control bytes and rubbish in the header", async () => {
		for (const junk of ["\u0001", "\u007f", "\t", "\u00ff\u00fe", "\u{1f600}", "%", "\\", "\"", "<script>"]) { const r = await s.get("/session", { cookie: `x=${junk}; ${u.cookie}` }); assert.ok([200, 400].includes(r.status)); if (r.status === 200) eq(r.json?.user.id, u.id, JSON.stringify(junk)); }
	});
	test("the public id is no credential, however signed", async () => {
		const { session } = await s.session(u.cookie);
		for (const value of [session.id, session.token, s.sign(session.id), encodeURIComponent(`${session.id}.${raw.slice(33)}`)]) await is(s.withValue(value), null);
	});
	test("the token in the query string or another field is ignored (S20)", async () => {
		for (const p of [`/session?token=${u.token}`, `/session?${NAME}=${v}`, `/session?access_token=${u.token}`]) eq(ok(await s.get(p)), null);
		for (const h of ["authorization", "x-auth-token", "x-session-token"]) eq(ok(await s.get("/session", { headers: { [h]: `Bearer ${u.token}` } })), null);
	});
});

describe("a session presented at sign-in", () => {
	test("is ended, and its value never adopted (S3)", async () => {
		const a = await s.user(), b = s.browser(await s.signIn(a.email, {}, { cookie: a.cookie }));
		assert.notEqual(b.token, a.token); await is(a.cookie, null); await is(b.cookie, a);
		const planted = "P".repeat(32), c = s.browser(await s.signIn(a.email, {}, { cookie: s.withValue(s.sign(planted)) }));
		assert.notEqual(c.token, planted);
	});
	test("sign-up ends it too", async () => {
		const a = await s.user(), b = await s.user({}, { cookie: a.cookie });
		await is(a.cookie, null); await is(b.cookie, b);
	});
});
