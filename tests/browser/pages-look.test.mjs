// Every page in every state: axe-core finds nothing in it, light and dark; it fits 320 pixels; it holds no script and no style
// of its own; who is signed in can sign out from it (S17); fields say what they are for (S53). With SHOTS=DIR a picture of
// each is left there, light and dark, 360 and 1280 pixels wide, for eyes.
import { after, describe, test } from "node:test";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { assert, eq, same } from "../endpoint/server.mjs";
import { go, openBrowser, person, sessionCookie, site } from "./pages.mjs";
import { STATES } from "./states.mjs";

const AXE = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const { SHOTS } = process.env;
const browser = await openBrowser(), s = await site();
after(async () => { await browser.close(); await s.stop(); });
if (SHOTS) fs.mkdirSync(SHOTS, { recursive: true });

/** What axe-core finds, of any weight. */
async function findings(tab) {
	const { violations, passes } = await tab.evaluate(() => globalThis.axe.run(document));
	assert.ok(passes.length > 5, "it has looked");
	return violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`);
}
const shot = (tab, name, dark, width) => tab.screenshot({ path: path.join(SHOTS, `${name.replaceAll(" ", "-")}.${dark ? "dark" : "light"}.${width}.png`), fullPage: true });
/** Which fields there may be, and what they tell a password manager. */
const FIELDS = { "email email": ["username"], "newEmail email": ["email"], "password password": ["current-password", "new-password"], "deletePassword password": ["current-password"], "currentPassword password": ["current-password"], "newPassword password": ["new-password"], "name text": ["name"], " text": ["username"], "remember checkbox": [""] };

/** Nothing of the page that would need another policy than the one it has. */
const foreignParts = (tab) => tab.evaluate(() => [...document.querySelectorAll("*")].filter((e) => ["SCRIPT", "STYLE", "IFRAME", "OBJECT"].includes(e.tagName) || [...e.attributes].some((a) => /^(style|on.*)$/i.test(a.name))).map((e) => e.outerHTML));
async function signOut(tab) {
	const button = tab.locator(`form[method=post][action="${s.prefix}/sign-out"] button`), is = (await sessionCookie(s, tab)) !== undefined;
	eq(await button.count(), is ? 1 : 0, "sign-out is there for who is signed in");
	if (is) { eq(await button.isVisible(), true); assert.match(await tab.locator(`form[action="${s.prefix}/sign-out"] [name=formToken]`).inputValue(), /^[\w-]{43}$/); }
}
async function fields(tab) {
	for (const f of await tab.locator("form").all()) eq(await f.getAttribute("method"), "post");
	for (const [field, token] of await tab.evaluate(() => [...document.querySelectorAll("input:not([type=hidden])")].map((i) => [`${i.id} ${i.type}`, i.autocomplete]))) assert.ok(FIELDS[field]?.includes(token), `what a field tells a password manager: ${field}: ${token}`);
}
async function pictures(tab, name, dark) {
	for (const width of [360, 1280]) { await tab.setViewportSize({ width, height: 800 }); await shot(tab, name, dark, width); }
	await tab.setViewportSize({ width: 320, height: 640 });
}

for (const lang of ["en-GB", "de-DE"]) describe(lang, async () => {
	const tab = await person(browser, { js: true, lang, width: 320, height: 640 }), english = lang === "en-GB";
	after(() => tab.end());
	for (const [name, show] of Object.entries(STATES)) test(name, async () => {
		await tab.context().clearCookies();
		await show(s, tab);
		eq(await tab.locator("html").getAttribute("lang"), lang.slice(0, 2)); eq(await tab.locator("h1").count(), 1); assert.match(await tab.title(), /^\S.* · 127\.0\.0\.1$/);
		eq(await tab.evaluate(() => document.documentElement.scrollWidth), 320, "nothing is wider than the window");
		// a word that lacks in the catalogue is shown by its key
		assert.doesNotMatch(await tab.locator("main").innerText(), /\b(e-[A-Z_]+|[a-z]+-(title|text|button)|reason-[a-z-]+|done-[a-z-]+)\b/);
		if (english) { same(await foreignParts(tab), []); await signOut(tab); await fields(tab); }
		await tab.evaluate(AXE);
		for (const dark of english ? [false, true] : [false]) {
			await tab.emulateMedia({ colorScheme: dark ? "dark" : "light" });
			same(await findings(tab), [], dark ? "dark" : "light");
			if (SHOTS && english) await pictures(tab, name, dark);
		}
		same(tab.faults, [], "nothing that the page's policy refuses");
	});
});

test("what looks at the pages does find something, where there is something", async () => {
	const tab = await person(browser, { js: true });
	try {
		await go(s, tab, "/login"); await tab.evaluate(AXE);
		await tab.evaluate(() => { document.querySelector("label").remove(); document.querySelector("main p a").style.color = "#bbb"; });
		same((await findings(tab)).map((f) => f.split(":")[0]).sort(), ["critical label", "serious color-contrast"]);
	} finally { await tab.end(); }
});
