// Who sees which page: the rules of latchkey.conf on every web server and way to ask, of nested folders the longest, and
// what each denial looks like from outside. On MySQL, whose server then goes away.
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { Database } from "../pool/database.mjs";
import { KINDS, assert, atOnce, each, eq, site } from "./gate.mjs";

const RULES = {
	"/admin/": "group:staff",
	"/protected/verified/": "verified-email",
	"/protected/team/": "group:staff, group:press",
	"/protected/team/news/": "verified-email group:press",
	"/protected/team/all/": "signed-in",
	"/protected/tea/": "group:nobody",
	"/protected/team/file.txt": "group:nobody",
};
const USERS = { ann: {}, vera: { verified: true }, stan: { groups: ["staff"] }, pia: { groups: ["press"] }, ed: { verified: true, groups: ["press"] }, both: { groups: ["staff", "press"] } };
/** Who is served; everybody else who is signed in is forbidden. */
const everyone = Object.keys(USERS), TABLE = {
	"/protected/": everyone,
	"/protected/file.txt": everyone,
	"/protected/verified/": ["vera", "ed"],
	"/protected/team/": ["stan", "pia", "ed", "both"],
	"/protected/team/../team/": ["stan", "pia", "ed", "both"],
	"/protected/team/news/": ["ed"],
	"/protected/team/news/file.txt": ["ed"],
	"/protected/team/all/": everyone,
	"/protected/team/all/../news/": ["ed"],
	"/protected/team/file.txt": [],
	"/protected/tea/": [],
	"/admin/": ["stan", "both"],
	"/admin/file.txt": ["stan", "both"],
};

const db = await Database.make();
const sites = [];
after(async () => { await Promise.all(sites.map((s) => s.stop())); await db.remove(); });

/** Makes the pages that the testbed does not have. */
function furnish(s) {
	const from = path.join(s.dir, "htdocs/protected");
	for (const folder of ["verified", "team", "team/news", "team/all", "tea"]) {
		fs.mkdirSync(path.join(from, folder));
		for (const file of fs.readdirSync(from, { withFileTypes: true })) if (file.isFile()) fs.cpSync(path.join(from, file.name), path.join(from, folder, file.name));
	}
}
async function people(s) {
	for (const [name, { verified, groups = [] }] of Object.entries(USERS)) {
		const u = (s.users[name] = await s.user());
		if (verified) s.ctl("user", "verify", u.email);
		for (const g of groups) s.ctl("group", "add", g, u.email);
	}
}

for (const kind of KINDS) describe(kind.name, async () => {
	const s = await site(kind, { workers: 2, store: "mysql", mysql: db.socket, set: { "limits.request": "5s", "database.timeout": "1s" }, args: Object.entries(RULES).flatMap(([p, rule]) => ["--set", `gate ${p}.require=${rule}`]) });
	sites.push(Object.assign(s, { users: {} }));
	furnish(s);
	await people(s);

	for (const [page, may] of Object.entries(TABLE)) test(page, async () => {
		const asked = [];
		for (const navigates of [false, true]) {
			const ask = (cookie) => (navigates ? s.visit(cookie, { path: page }) : s.page(cookie, { path: page }));
			asked.push(async () => s.refused(await ask(), "nobody", { navigates, where: page }));
			for (const [name, u] of Object.entries(s.users)) asked.push(async () => {
				const r = await ask(u.cookie), where = `${page} for ${name}`;
				if (may.includes(name)) s.served(r, page.endsWith("/") ? u : undefined); else s.refused(r, "forbidden", { navigates, where });
			});
		}
		for (const method of ["HEAD", "POST"]) {
			asked.push(async () => { const r = await s.page(s.users.ann.cookie, { path: page, method }); if (!may.includes("ann")) s.refused(r, "forbidden", { where: `${method} ${page}` }); });
			asked.push(async () => s.refused(await s.page(undefined, { path: page, method }), "nobody", { where: `${method} ${page}` }));
		}
		await each(asked, (f) => f(), atOnce(kind));
	});
	test("the page that nobody guards is there for all", async () => {
		for (const cookie of [undefined, s.users.ann.cookie, s.users.both.cookie]) s.served(await s.page(cookie, { path: "/open/" }));
	});
	test("a folder without an index tells nobody what is in it", async () => {
		const dir = path.join(s.dir, "htdocs/protected/bare");
		fs.mkdirSync(dir, { recursive: true });
		fs.writeFileSync(path.join(dir, "board-minutes.txt"), "PLACE=protected\n");
		for (const where of ["/protected/bare/", "/protected/bare", "/protected/bare/?C=N;O=D"]) for (const ask of [() => s.page(undefined, { path: where }), () => s.visit(undefined, { path: where })]) {
			const r = await ask();
			assert.ok(r.status !== 200 && !r.text.includes("board-minutes"), `${where}: ${r.status}`);
		}
	});
	test("a change is seen by the very next request", async () => {
		const u = await s.user(), admin = () => s.page(u.cookie, { path: "/admin/" }), verified = () => s.page(u.cookie, { path: "/protected/verified/" });
		s.refused(await admin(), "forbidden");
		s.ctl("group", "add", "staff", u.email);
		s.served(await admin(), u);
		s.ctl("group", "remove", "staff", u.email);
		s.refused(await admin(), "forbidden");
		s.refused(await verified(), "forbidden");
		s.ctl("user", "verify", u.email);
		s.served(await verified(), u);
	});
});

describe("the store is away", () => {
	test("it stops", () => db.stop());
	for (const { name } of KINDS) test(name, async () => {
		const s = sites.find((x) => x.kind.name === name);
		for (const page of Object.keys(TABLE)) for (const navigates of [false, true]) {
			const r = await (navigates ? s.visit(s.users.both.cookie, { path: page }) : s.page(s.users.both.cookie, { path: page }));
			s.refused(r, "away", { navigates, where: page });
			eq(r.setCookies.length, 0);
		}
		s.served(await s.page(undefined, { path: "/open/" }));
	});
	test("it is back", () => db.start());
	for (const { name } of KINDS) test(`${name} serves again`, async () => {
		const s = sites.find((x) => x.kind.name === name);
		await s.serves(s.users.both.cookie);
		s.served(await s.page(s.users.both.cookie, { path: "/admin/" }), s.users.both);
		s.refused(await s.page(s.users.ann.cookie, { path: "/admin/" }), "forbidden");
	});
});
