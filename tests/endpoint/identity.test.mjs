// Who is who: which e-mail addresses are one and which are several (S61), and that nobody is there before somebody comes (S56).
import { after, describe, test } from "node:test";
import { PASSWORD, assert, eq, fails, ok, pathOf, same, setsNothing, start, uniq } from "./server.mjs";

const s = await start({ workers: 1 });
after(() => s.stop());
const up = (email) => s.post("/sign-up/email", { name: "A", email, password: PASSWORD });

test("a fresh store holds no user, no account and no session (S56)", () => {
	for (const table of ["user", "account", "session"]) eq(s.sql(`SELECT COUNT(*) FROM ${table}`), "0", table);
	same(JSON.parse(s.ctl("--json", "user", "list")), []);
});

test("a session is given by signing up, signing in and a password change, and by no other route (S56)", async () => {
	const bodies = (u) => ({ name: "A", email: u.email, password: PASSWORD, currentPassword: PASSWORD, newPassword: PASSWORD, token: "a".repeat(32) }), gave = [];
	for (const r of s.routes()) {
		const u = await s.user();
		const email = r.path.startsWith("/sign-up") ? `new-${uniq()}@example.org` : u.email;
		const res = await s.send(r.method, pathOf(r), { cookie: u.cookie, ...(r.method === "POST" ? { json: { ...bodies(u), email } } : {}) });
		assert.ok(res.status < 500, `${r.method} ${r.path}: ${res.status}`);
		if (!res.setCookies.some((c) => c.value)) continue;
		const now = s.browser(res);
		if (now.cookie !== u.cookie && await s.alive(now.cookie)) gave.push(`${r.method} ${r.path}`);
	}
	same(gave.sort(), ["POST /change-password", "POST /sign-in/email", "POST /sign-up/email"]);
});

describe("an e-mail address (S61)", () => {
	const x = uniq(), plain = `jose${x}@example.org`;
	test("is one with any mixture of upper and lower case of ASCII, and is kept in lower case", async () => {
		const { id } = ok(await up(plain)).user;
		for (const written of [plain.toUpperCase(), `Jose${x}@Example.ORG`]) {
			fails(await up(written), 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
			eq(ok(await s.signIn(written)).user.id, id); eq(s.sql(`SELECT COUNT(*) FROM user WHERE id = '${id}' AND email = '${plain}'`), "1");
		}
	});
	const others = {
		"an accent": `josé${x}@example.org`, "an accent of its own": `jose\u0301${x}@example.org`, "a full-width @": `jose${x}＠example.org`, "a full-width letter": `ｊose${x}@example.org`,
		"the Kelvin sign": `\u212A${x}@example.org`, "a long s": `jo\u017Fe${x}@example.org`, "a dotless i in the domain": `jose${x}@ex\u0131mple.org`, "ß for ss": `jo\u00DFe${x}@example.org`, "a Cyrillic o": `j\u043Ese${x}@example.org`,
		"a blank behind": `${plain} `, "a blank before": ` ${plain}`, "a no-break space": `${plain}\u00A0`, "a zero-width space": `jose\u200B${x}@example.org`, "a soft hyphen": `jose\u00AD${x}@example.org`, "a tabulator": `${plain}\t`, "a newline": `${plain}\n`, "an encoded word": `=?utf-8?q?jose${x}?=@example.org`,
	};
	for (const [what, email] of Object.entries(others)) test(`with ${what} is none: neither signs up nor in`, async () => {
		const was = s.sql("SELECT COUNT(*) FROM user");
		for (const r of [await up(email), await s.signIn(email)]) { eq(r.status, 400, r.text); assert.ok(["INVALID_EMAIL", "VALIDATION_ERROR"].includes(r.json.code), r.text); setsNothing(r); }
		assert.throws(() => s.ctl("user", "reset", email)); eq(s.sql("SELECT COUNT(*) FROM user"), was);
	});
	test("differs in a dot, a tag, a digit, or its domain: several users", async () => {
		const list = [`jo.se${x}@example.org`, `jose${x}+a@example.org`, `jose${x}+b@example.org`, `jose${x}@sub.example.org`, `j0se${x}@example.org`], ids = [];
		for (const email of list) ids.push(ok(await up(email)).user.id);
		eq(new Set(ids).size, list.length);
		for (const [i, email] of list.entries()) eq(ok(await s.signIn(email)).user.id, ids[i]);
	});
});
