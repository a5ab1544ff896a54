// Chromium for the pages that latchkey serves, behind a real web server: people with a browser of their own each, and every
// page in every state that it has.
import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { assert, eq, newEmail, PASSWORD, PATIENCE, until } from "../endpoint/server.mjs";
import { follow, startMailing } from "../endpoint/mailbox.mjs";

export const NEXT_PASSWORD = "another-horse-2";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];

/** A browser; close() ends it. */
export const openBrowser = () => chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: FLAGS });

/** A site behind nginx whose mails become files; everything below is asked of it. */
export async function site(set = {}, o = {}) {
	const s = await startMailing({ "auth.delete_user": "mail", "password.min_strength": "2", ...set }, { server: "nginx", ...o });
	fs.writeFileSync(path.join(s.dir, "htdocs/index.html"), "<!doctype html><meta charset=utf-8><title>home</title><link rel=icon href=data:,><h1>Home</h1>");
	return s;
}

/** Somebody with a browser of his own, in one tab. js: may scripts run there? Pages of ours never need it. */
export async function person(browser, { js = false, lang = "en-GB", dark = false, width = 1280, height = 800, agent } = {}) {
	const context = await browser.newContext({ javaScriptEnabled: js, locale: lang, colorScheme: dark ? "dark" : "light", viewport: { width, height }, ...(agent && { userAgent: agent }), bypassCSP: false });
	context.setDefaultTimeout(10_000 * PATIENCE);
	const tab = await context.newPage();
	tab.faults = [];
	tab.on("console", (m) => { if (m.type() === "error" && !/^Failed to load resource: the server responded with a status of/.test(m.text())) tab.faults.push(m.text()); });
	return Object.assign(tab, { end: () => context.close() });
}
/** Where a tab is, below the base path; or the whole address, where it is elsewhere. */
export function where(s, tab) {
	const u = new URL(tab.url());
	return u.origin === s.origin && u.pathname.startsWith(`${s.prefix}/`) ? u.pathname.slice(s.prefix.length) + u.search : tab.url();
}
export const at = (s, tab, path) => eq(where(s, tab), path);
export const go = (s, tab, path) => tab.goto(s.base + path);
export const heading = (tab) => tab.locator("h1").textContent();
export async function says(tab, text) {
	const all = await tab.locator("main").innerText();
	assert.ok(text instanceof RegExp ? text.test(all) : all.includes(text), `${tab.url()} says: ${all}`);
}
/** Fills in fields by their ids and presses the button of their form, then waits for the answer. */
export async function fill(tab, fields, button) {
	for (const [id, value] of Object.entries(fields)) await tab.fill(`#${id}`, value);
	const last = Object.keys(fields).at(-1);
	await press(tab, button ? tab.getByRole("button", { name: button, exact: true }) : tab.locator(`form:has(#${last}) button`));
}
/** Presses a button, or follows a link; the next page is there. */
export async function press(tab, what) {
	const button = typeof what === "string" ? tab.getByRole("button", { name: what, exact: true }) : what;
	await Promise.all([tab.waitForEvent("load"), button.click()]);
}
export async function signUp(s, tab, email = newEmail(), more = "") {
	await go(s, tab, `/register${more}`);
	await fill(tab, { name: "Ann Smith", email, password: PASSWORD });
	return email;
}
export async function signIn(s, tab, email, { password = PASSWORD, next = "", remember = true } = {}) {
	await go(s, tab, `/login${next && `?next=${next}`}`);
	if (!remember) await tab.uncheck("#remember");
	await fill(tab, { email, password });
}
/** A new user, who was made without a browser and is signed in with this one. */
export async function member(s, tab, more = {}) {
	const u = await s.user({ name: "Ann Smith", ...more });
	await carry(s, tab, u);
	return u;
}
/** What has the focus comes to be this: a page gives it away when it is drawn. */
export async function focused(tab, id, what) {
	const now = () => tab.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
	await until(async () => (await now()) === id);
	eq(await now(), id, what);
}
/** The link of a kind in a mail to an address: what its path begins with. */
export async function linkIn(s, to, n, kind) {
	const paths = (await s.mails(to, n)).filter((m) => m.link).map((m) => follow(s, m.link).path).filter((p) => p.startsWith(kind));
	eq(paths.length, 1, `${kind}: ${paths}`);
	return paths[0];
}
export const sessionCookie = async (s, tab) => (await tab.context().cookies(s.origin)).find((c) => c.name === s.cookieName);
/** The tab's browser takes over a session that was made without it. */
export const carry = (s, tab, who) => tab.context().addCookies([{ name: s.cookieName, value: who.value, url: s.origin, httpOnly: true, sameSite: "Lax" }]);
