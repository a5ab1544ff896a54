// gate-test.sh, a black-box check of a gated site, on every web server, way to ask the gate, and kind of page.
import { execFile } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { COMBINATIONS, PATIENCE, ROOT, assert, eq, site } from "./gate.mjs";

const CHECKS = 30; // at least so many are made, or something ended it early
const run = (s) => new Promise((resolve) => execFile(path.join(ROOT, "tests/gate/gate-test.sh"), [s.origin], { env: { ...process.env, AUTH: s.prefix, COOKIE: s.cookieName, TMO: String(10 * PATIENCE), CA_FILE: s.caFile ?? "" } },
	(e, stdout, stderr) => resolve({ status: e ? e.code : 0, lines: stdout.trim().split("\n"), stderr })));

for (const secure of [false, true]) for (const { kind, backend, but = {} } of COMBINATIONS) {
	test(`${kind.name} → ${backend}${secure ? ", https" : ""}`, async (t) => {
		const s = await site(kind, { backend, https: secure });
		try {
			const { lines, stderr } = await run(s);
			eq(stderr, "");
			const [, passed, failed] = /^passed (\d+) failed (\d+)$/.exec(lines.pop());
			for (const line of lines) {
				const [, word, text] = /^(ok|FAIL|note) +(.*)$/.exec(line), why = Object.keys(but).find((name) => text.startsWith(name));
				if (why) await t.test(`does not hold: ${text} (${but[why]})`, () => assert.notEqual(word, "ok", "it does: the exception can go"));
				else await t.test(text, () => eq(word, "ok", text));
			}
			assert.ok(Number(passed) + Number(failed) >= CHECKS, `only ${passed} checks passed and ${failed} failed`);
		} finally { await s.stop(); }
	});
}
