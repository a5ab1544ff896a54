// Who a page takes its reader for comes from the gate alone: nothing that a client sends or a user is called makes up an
// identity, on guarded pages, on open ones, and while the gate is away.
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { KINDS, PASSWORD, SITES, assert, eq, hasPage, newEmail, same, site } from "./gate.mjs";
import { CLAIMED, lighttpdSpellings, spellings } from "./names.mjs";

// --- names of users

/** As the interface takes them, or refuses. */
const NAMES = {
	"another field after a newline": "Eve\nVariable-REMOTE_USER: mallory@evil.example",
	"another field after CRLF": "Eve\r\nVariable-REMOTE_USER: mallory@evil.example",
	"all other fields": "Eve\nVariable-AUTH_USER_ID: mallory\nVariable-AUTH_EMAIL: mallory\nVariable-AUTH_SESSION_ID: mallory\nVariable-REMOTE_USER: mallory",
	"a carriage return": "Eve\rVariable-REMOTE_USER: mallory",
	"a status": "Eve\nStatus: 500 mallory",
	"a cookie": "Eve\nSet-Cookie: mallory=1",
	"the end of the head": "Eve\r\n\r\nmallory",
	"NEL and line separators": "Eve\u0085Variable-REMOTE_USER: mallory\u2028Variable-REMOTE_USER: mallory\u2029x",
	"look-alikes of CRLF": "Eve\u560d\u560aVariable-REMOTE_USER: mallory",
	"NUL": "Eve\u0000mallory",
	"DEL": "Eve\u007fmallory",
	"a tab": "Eve\tmallory",
	"control bytes": "Eve\u0001\u001b[31m\u0008mallory",
	"UTF-8": "Zoë 日本語 😀",
	"an order of writing turned round": "Eve \u202eyrollam",
	"quotes": `"Eve" 'Eve' \`Eve\``,
	"what servers and shells expand": "$HOME ${x} %{REMOTE_ADDR}e %h %0a%0d $(id) `id` \\n \\r\\n",
	"separators": "a;b, c=d & e | f: g",
	"markup": "<script>alert(1)</script>&amp;",
	"blanks around": "  Eve  ",
	"nothing": "",
	"blanks only": "   ",
	"255 letters": "x".repeat(255),
	"2000 letters": "x".repeat(2000),
	"8000 letters": "x".repeat(8000),
	"1000 letters of two bytes": "é".repeat(1000),
};
/** Names that a page is handed as they are. */
const UNCHANGED = ["UTF-8", "quotes", "separators", "markup", "what servers and shells expand", "255 letters"];

const nameOf = (r) => r.env.AUTH_NAME ?? r.env.HTTP_AUTH_NAME;
const userOf = (r) => r.env.REMOTE_USER ?? r.env.HTTP_REMOTE_USER;
const ID = { id: ["AUTH_USER_ID", "HTTP_AUTH_USER_ID"], email: ["AUTH_EMAIL", "HTTP_AUTH_EMAIL"], session: ["AUTH_SESSION_ID", "HTTP_AUTH_SESSION_ID"] };
/** The page's reader is this user, whatever he is called. */
function isReader(r, u, what) {
	for (const [field, names] of Object.entries(ID)) eq(names.map((n) => r.env[n]).find((v) => v !== undefined), u[field], `${what}: ${field}`);
	same(r.setCookies, [], what);
	for (const [k, v] of r.fields) assert.ok(!/mallory|^variable-/i.test(`${k}: ${v}`), `${what}: the browser is told ${k}: ${v}`);
}

for (const kind of KINDS) describe(`${kind.name}: names`, async () => {
	const s = await site(kind, { store: "sqlite", set: { "gate.remote_user": "name" } });
	after(() => s.stop());

	for (const [what, name] of Object.entries(NAMES)) test(what, async () => {
		const r = await s.post("/sign-up/email", { name, email: newEmail(), password: PASSWORD });
		assert.ok([200, 400, 422].includes(r.status), r.text);
		let u;
		if (r.status === 200) u = { email: r.json.user.email, id: r.json.user.id, ...s.browser(r) };
		else u = await s.user();
		u.session = await s.sessionId(u);
		await look(u, name);
		// as it would be if another program had written it
		s.sql(`UPDATE "user" SET "name" = ${literal(name)} WHERE "id" = '${u.id}'`);
		await look(u, name);

		async function look(of, called) {
			const page = await s.page(of.cookie);
			eq(page.status, 200, page.text);
			isReader(page, of, what);
			const shown = nameOf(page) ?? "";
			eq(userOf(page), shown || of.id, "REMOTE_USER is the name, or the id of who has none");
			assert.ok(!/[\x00-\x1f\x7f]/.test(shown), JSON.stringify(shown));
			if (UNCHANGED.includes(what) && called === name) eq(shown, name);
		}
	});
	test("bytes that are no text", async () => {
		const u = await s.user();
		u.session = await s.sessionId(u);
		for (const hex of ["ff", "c0af", "45766580", "e282", "f0808080", "4576650a5661726961626c652d52454d4f54455f555345523a206d616c6c6f7279ff"]) {
			s.sql(`UPDATE "user" SET "name" = CAST(x'${hex}' AS TEXT) WHERE "id" = '${u.id}'`);
			const r = await s.page(u.cookie);
			eq(r.status, 200, hex);
			isReader(r, u, hex);
			eq(userOf(r), nameOf(r));
		}
	});
});
/** SQL text that SQLite reads as this string, whatever is in it. */
const literal = (text) => `CAST(x'${Buffer.from(text).toString("hex")}' AS TEXT)`;

// --- what a client says of itself

/** In each spelling that may become the same variable; of the signs that honest clients do not use two for each name, all
 * through it and at its end. */
const ODD = [..."!#$%&'*+^`|~"];
const ALL = CLAIMED.flatMap((name, i) => [...spellings(name, ["-", "_", "."]), ...spellings(name, [ODD[i % ODD.length]]), name.replace(/-([^-]*)$/, `${ODD[(i + 5) % ODD.length]}$1`)]);
/** lighttpd's list, for who has no mod_magnet, knows less; it is run with CGI scripts (scripts/servers/lighttpd.sh). */
const LISTED = CLAIMED.flatMap(lighttpdSpellings);

for (const [kind, backend] of [...SITES, ...KINDS.filter((k) => k.name === "lighttpd").map((k) => [k, "cgi"])]) describe(`${kind.name} → ${backend}: claims`, async () => {
	const s = await site(kind, { backend });
	after(() => s.stop());
	const spelled = kind.name === "lighttpd" && backend === "cgi" ? LISTED : ALL;
	const by20 = (names) => Array.from({ length: Math.ceil(names.length / 20) }, (_, i) => names.slice(20 * i, 20 * i + 20)), groups = by20(spelled);
	const u = await s.user();
	u.session = await s.sessionId(u);

	const head = (p, cookie, lines) => [`GET ${p} HTTP/1.1`, `Host: ${s.host}`, "Connection: close", ...(cookie ? [`Cookie: ${cookie}`] : []), ...lines, "", ""].join("\r\n");
	/** Variables of the page that carry the claim. */
	const believed = (text) => text.split("\n").filter((l) => /mallory/.test(l) && /^[A-Za-z0-9_]+=/.test(l) && !/^PHP_AUTH_USER=/.test(l));
	const never = async (p, cookie, { page = true, names: some = groups } = {}) => {
		// where a server refuses a request for one field's name, each of the others is tried by itself
		const ask = async (lines) => {
			const text = await s.raw(head(p, cookie, lines));
			same(believed(text), [], `${p} with ${lines.join(", ")}`);
			if (page) assert.match(text, /^HTTP\/1\.1 (200|400)/, "served, or refused for a field's name"); else assert.ok(!hasPage(text), text);
			if (p === "/protected/" && hasPage(text)) assert.ok(text.includes(`=${u.email}`), "the reader is still who he is");
			if (/^HTTP\/1\.1 400/.test(text) && lines.length > 1) for (const line of lines) await ask([line]);
		};
		for (const names of some) for (const twice of [false, true]) {
			const lines = names.flatMap((n) => [`${n}: mallory`, ...(twice ? [`${n}: mallory2`, `${n.toLowerCase()}: mallory3`] : [])]);
			// more fields than Apache takes in one request
			for (let i = 0; i < lines.length; i += 60) await ask(lines.slice(i, i + 60));
		}
	};
	test("on a guarded page: its reader is who the session says", () => never("/protected/", u.cookie));
	test("on an open page, without a session", () => never("/open/"));
	test("on an open page, with one", () => never("/open/", u.cookie));
	test("one at a time, on a guarded page: served all the same", async () => {
		for (const name of CLAIMED) {
			const r = await s.page(u.cookie, { headers: { [name]: "mallory" } });
			s.served(r, u); same(believed(r.text), [], name); isReader(r, u, name);
		}
	});
	test("without a session they open nothing", async () => {
		for (const names of groups) assert.ok(!hasPage(await s.raw(head("/protected/", undefined, names.map((n) => `${n}: ${u.email}`)))));
	});
	test("a Basic name is no identity", async () => {
		const authorization = `Basic ${Buffer.from("mallory:x").toString("base64")}`;
		s.refused(await s.page(undefined, { headers: { authorization } }), "nobody");
		for (const p of ["/protected/", "/open/"]) { const r = await s.page(u.cookie, { path: p, headers: { authorization } }); s.served(r, p === "/open/" ? undefined : u); same(believed(r.text), [], p); }
	});
	test("Connection takes no identity away", async () => {
		const text = await s.raw(head("/protected/", u.cookie, [`Connection: ${["close", ...CLAIMED].join(", ")}`]).replace("Connection: close\r\n", ""));
		assert.match(text, /^HTTP\/1\.1 200/);
		assert.ok(text.includes(`=${u.email}`) && text.includes(`=${u.id}`), text);
	});
	test("what the server says all by itself tells nobody else who the reader is", async () => {
		fs.mkdirSync(path.join(s.dir, "htdocs/protected/folder"), { recursive: true });
		for (const [method, p] of [["GET", "/protected/folder"], ["GET", "/protected/nothing-here.html"], ["DELETE", "/protected/file.txt"]]) {
			const r = await s.ask(method, p, { cookie: u.cookie }), told = r.fields.filter(([k]) => /^variable-/i.test(k));
			assert.ok(!JSON.stringify(r.fields).includes(u.token), p);
			// mod_headers does not reach the fields of an answer that Apache makes itself: then no cache may keep it
			if (kind.spawned !== "fcgid") same(told, [], `${method} ${p}: ${r.status}`);
			else if (told.length > 0) assert.match(r.headers["cache-control"] ?? "", /private/, `${method} ${p}: ${r.status}`);
		}
	});
	if (kind.spawned === "fcgid" && backend !== "proxy") test("an error page of the site tells nobody either", async () => {
		const page = path.join(s.dir, "htdocs/lost.html"); // scripts/servers/apache.sh
		fs.writeFileSync(page, "Nothing here.\n");
		const r = await s.page(u.cookie, { path: "/protected/nothing-here.html" });
		eq(r.status, 404); assert.match(r.text, /^Nothing here/); same(r.fields.filter(([k]) => /^variable-/i.test(k)), []);
		fs.rmSync(page);
	});
	test("an open page is told nothing of who reads it", async () => {
		const r = await s.page(u.cookie, { path: "/open/" });
		s.served(r);
		for (const v of [u.email, u.id, u.session]) assert.ok(!Object.entries(r.env).some(([k, x]) => k !== "HTTP_COOKIE" && x.includes(v)), `${v} in ${r.text}`);
	});
	test("while the gate is away", async () => {
		await s.withoutGate(async () => {
			// (each question may take a second where a program is to be started that is not there)
			await never("/protected/", u.cookie, { page: false, names: by20(CLAIMED) });
			await never("/open/", u.cookie);
		});
		await s.serves(u.cookie);
	});
});
