// Pages that Apache itself puts into another one (mod_include) are guarded by their own rules, not by that one's.
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
