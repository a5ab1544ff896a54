// Pages that Apache itself puts into another one (mod_include), or gets to from another address, are guarded by their own
// rules, not by that one's: from outside of the section that guards them and from within it.
import fs from "node:fs";
import path from "node:path";
import { describe, test, after } from "node:test";
import { KINDS, assert, eq, site } from "./gate.mjs";

const INCLUDED = "/admin/file.txt";

for (const kind of KINDS.filter((k) => k.includes)) describe(kind.name, async () => {
	// by plain CGI a guarded directory has PHP pages and files, but none that Apache changes
	const places = ["/", "/open/", ...(kind.spawned === "cgi" ? [] : ["/protected/"])];
	const s = await site(kind, { args: ["--set", "gate /admin/.require=group:staff"] });
	after(() => s.stop());
	for (const place of places) for (const [name, target] of [["part.shtml", INCLUDED], ["parts.shtml", "/protected/file.txt"]]) fs.writeFileSync(path.join(s.dir, "htdocs", place, name), `INCLUDES <!--#include virtual="${target}" -->`);
	const member = await s.user(), other = await s.user();
	s.ctl("group", "add", "staff", member.email);

	for (const place of places) {
		const ask = async (cookie, name = "part.shtml") => (await s.page(cookie, { path: place + name })).text;
		test(`${place}: who may not see it does not find it there`, async () => {
			for (const cookie of [undefined, other.cookie]) assert.ok(!(await ask(cookie)).includes("PLACE="), cookie);
			assert.match(await ask(other.cookie), /^INCLUDES /, "the page around it is there");
			assert.ok(!(await ask(undefined, "parts.shtml")).includes("PLACE="));
		});
		if (kind.includes === "own") test(`${place}: who may, does`, async () => {
			assert.match(await ask(member.cookie), /PLACE=admin/);
			assert.match(await ask(other.cookie, "parts.shtml"), /PLACE=protected/);
		});
		else test(`${place}: no guarded page is included from elsewhere`, async () => eq((await ask(member.cookie)).includes("PLACE="), false));
	}
});

// --- from within the section

/** Files that only staff may see, and a folder. */
const RULED = ["secret.html", "idx/index.html", "file/secret.html", "team/"];
const PAGES = {
	"secret.html": "PLACE=secret\n", "idx/index.html": "PLACE=secret\n", "team/part.txt": "PLACE=secret\n", "mine.txt": "PLACE=mine\n",
	"part.shtml": '<!--#include virtual="secret.html" -->', "folder.shtml": '<!--#include virtual="team/part.txt" -->',
	"nested.shtml": '<!--#include virtual="part.shtml" -->', "deep.shtml": '<!--#include virtual="nested.shtml" -->',
	"file.shtml": '<!--#include file="secret.html" -->', "nested-file.shtml": '<!--#include virtual="file.shtml" -->',
	"about.shtml": 'SIZE<!--#fsize virtual="secret.html" --><!--#fsize file="secret.html" -->',
	"in/index.shtml": '<!--#include virtual="../secret.html" --><!--#include virtual="/protected/idx/" -->', "mine.shtml": '<!--#include virtual="mine.txt" -->',
	"file/secret.html": "PLACE=secret\n", "file/index.shtml": '<!--#include file="secret.html" -->', "list/notes.txt": "x",
};
/** Below /protected/: what leads there. by: kinds that ask about the page's own path, and show it to who may see it. closed:
 * the others show it to nobody; open: they ask about another path, and show it (conf/shared-hosting: a rule is for a folder). */
const WAYS = {
	"secret.html": { by: ["own", "none", "cgi"] }, secret: { by: ["cgi"] }, "idx/": { by: ["own", "cgi"], open: ["none"] },
	"part.shtml": { by: ["own"] }, "folder.shtml": { by: ["own"] }, "nested.shtml": { by: ["own"] }, "deep.shtml": { by: ["own"] }, "in/": { by: ["own"] },
	"file.shtml": { by: [] }, "nested-file.shtml": { by: [] }, "file/": { by: [] },
	"way/secret.html": { by: ["own", "none", "cgi"] }, "way/way/secret.html": { by: ["own", "none", "cgi"] }, "way/team/part.txt": { by: ["own", "none", "cgi"] },
	"way/way/way/secret.html": { by: ["own", "none", "cgi"] },
	"way/secret": { by: ["cgi"] }, "way/idx/": { by: ["own", "cgi"], open: ["none"] }, "way/part.shtml": { by: ["own"] }, "way/nested.shtml": { by: ["own"] },
};

// Apache without mod_fcgid takes a configuration for the same that it would make anew otherwise
for (const [kind, backend] of KINDS.filter((k) => k.includes).flatMap((k) => [[k, k.backend], ...(k.name === "apache authnz" ? [[k, "static"]] : [])])) describe(`${kind.name} → ${backend}, within a section`, async () => {
	const s = await site(kind, { backend, args: RULED.flatMap((f) => ["--set", `gate /protected/${f}.require=group:staff`]) }), way = kind.spawned === "cgi" ? "cgi" : kind.includes;
	after(() => s.stop());
	for (const [name, text] of Object.entries(PAGES)) {
		const file = path.join(s.dir, "htdocs/protected", name);
		fs.mkdirSync(path.dirname(file), { recursive: true });
		fs.writeFileSync(file, text);
	}
	const member = await s.user(), other = await s.user(), ask = (u, p) => s.page(u?.cookie, { path: `/protected/${p}` });
	s.ctl("group", "add", "staff", member.email);

	for (const [p, { by, open = [] }] of Object.entries(WAYS)) {
		const shown = by.includes(way) || open.includes(way);
		if (!open.includes(way)) test(`${p}: who may not see what it leads to does not`, async () => {
			for (const u of [undefined, other]) {
				const r = await ask(u, p);
				assert.ok(!r.text.includes("PLACE=secret"), r.text);
				// mod_fcgid's error page looks at the address that was sent, and says 401
				if (!p.endsWith(".shtml") && by.includes(way) && !["in/", "file/"].includes(p)) assert.ok([403, ...(u && kind.spawned !== "fcgid" ? [] : [401])].includes(r.status), `${r.status}`);
			}
		});
		test(`${p}: who may ${shown ? "does" : "does not either"}`, async () => {
			const { status, text } = await ask(member, p);
			eq(text.includes("PLACE=secret"), shown, `${status} ${text}`);
		});
	}
	if (way === "own") {
		test("what is for all who are signed in is included", async () => assert.match((await ask(other, "mine.shtml")).text, /PLACE=mine/));
		test("of a file that is not for its reader the size is not told", async () => eq((await ask(other, "about.shtml")).text.replace(/<[^>]*>|\[[^\]]*\]/g, "").trim(), "SIZE"));
	}
	if (way !== "cgi") test("a folder is listed", async () => assert.match((await ask(other, "list/")).text, /notes\.txt/));
	// (by .htaccess alone an identity of two questions stands there twice)
	if (way !== "none" && backend !== "static") test("a page that another address leads to learns who it is, once", async () => {
		const name = s.script("/protected/").split("/").pop();
		for (const p of [`way/${name}`, `way/way/${name}`, "way/"]) {
			const r = await ask(other, p);
			s.served(r, other);
			eq(r.env.AUTH_USER_ID, other.id, p); eq(r.env.AUTH_EMAIL, other.email, p);
		}
	});
});
