// Chromium, driven over its own protocol, and a site for it: latchkey behind a real web server with pages beside it.
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { PATIENCE, ROOT, start, until, wait } from "../endpoint/server.mjs";

export const CLIENT = path.join(ROOT, "client");
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0"];

/** Its helpers write into the profile for a moment longer. */
function groupGone(pid) {
	try { process.kill(-pid, 0); return false; } catch { return true; }
}

/** A browser with a profile of its own. In its first context tabs are shown and hidden as on a screen; in further ones, each
 * another person's browser, every tab counts as shown. */
export async function openBrowser() {
	const profile = fs.mkdtempSync(path.join(os.tmpdir(), "latchkey-chromium."));
	const child = spawn("/usr/bin/chromium", [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "pipe"], detached: true });
	const url = await new Promise((resolve, reject) => {
		let told = "";
		child.stderr.on("data", (d) => { told += d; const m = /DevTools listening on (ws:\S+)/.exec(told); if (m) resolve(m[1]); });
		child.once("exit", (code) => reject(new Error(`chromium ended with ${code}: ${told.slice(-2000)}`)));
		child.once("error", reject);
	});
	const browser = await chromium.connectOverCDP(url, { noDefaults: true });
	const context = browser.contexts()[0];
	return {
		browser, context,
		person: () => browser.newContext(),
		async close() {
			await (await browser.newBrowserCDPSession()).send("Browser.close");
			if (!(await until(() => groupGone(child.pid)))) process.kill(-child.pid, "SIGKILL");
			await until(() => groupGone(child.pid));
			fs.rmSync(profile, { recursive: true });
		},
	};
}

export const site = async (options) => furnish(await start({ server: "nginx", ...options }));

/** Puts pages beside latchkey. */
export function furnish(s) {
	s.root = path.join(s.dir, "htdocs");
	/** A file, a directory, or text. */
	s.put = (name, from) => {
		const to = path.join(s.root, name);
		fs.mkdirSync(path.dirname(to), { recursive: true });
		if (path.isAbsolute(from)) fs.cpSync(from, to, { recursive: true });
		else fs.writeFileSync(to, from);
	};
	/** Takes the database away; gives back what puts it there again. */
	s.takeAway = () => {
		const moved = ["", "-wal", "-shm"].map((x) => s.db + x).filter((f) => fs.existsSync(f));
		for (const f of moved) fs.renameSync(f, `${f}.away`);
		return () => { for (const f of moved) fs.renameSync(`${f}.away`, f); };
	};
	s.put("latchkey-client.min.js", path.join(CLIENT, "dist/latchkey-client.min.js"));
	s.put("page.html", PAGE);
	s.put("other.html", "<!doctype html><meta charset=utf-8><title>other</title><link rel=icon href=data:,><p>another page");
	return s;
}
const PAGE = `<!doctype html><meta charset=utf-8><title>page</title><link rel=icon href=data:,>
<script src="latchkey-client.min.js"></script>`;

/** The cookie of a user made by site.user(), for a context. */
export const carry = (s, context, who) => context.addCookies([{ name: s.cookieName, value: who.value, url: s.origin, httpOnly: true, sameSite: "Lax" }]);

/** A tab with the client in it. What it asks for is in tab.asked, as "GET /session?disableRefresh=true"; what its store has
 * shown in `states` of the page, newest last. session: options of authClient; look: is anybody looking at the store? */
export async function tab(s, context, { session = {}, options = {}, look = true, page = "page.html", prepare } = {}) {
	const t = await context.newPage();
	t.asked = [];
	t.faults = [];
	t.on("request", (r) => { const u = new URL(r.url()); if (u.pathname.startsWith(s.prefix)) t.asked.push(`${r.method()} ${u.pathname.slice(s.prefix.length)}${u.search}`); });
	t.on("pageerror", (e) => t.faults.push(e));
	if (prepare) await prepare(t);
	await t.goto(`${s.origin}/${page}`);
	await t.evaluate(([session, options, look]) => {
		window.client = latchkey.createTypedClient({ ...options, plugins: [latchkey.authClient({ session })] });
		window.states = [];
		window.look = () => { window.unlook = client.$session.subscribe((state) => states.push(state)); };
		if (look) window.look();
	}, [session, options, look]);
	t.state = () => t.evaluate(() => { const { data, isPending, error } = client.$session.value; return { name: data && data.user.name, isPending, error }; });
	/** Waits until the store says so. */
	t.shows = async (name, error) => {
		let last;
		const fits = (x) => !x.isPending && x.name === name && (error === undefined || (x.error && (x.error.code ?? x.error.status)) === error);
		if (!(await until(async () => fits((last = await t.state())), 15_000))) throw new Error(`expected ${name}, ${error}, but ${JSON.stringify(last)}`);
		return last;
	};
	return t;
}
/** A tab of somebody who is signed in, and whose store knows it. */
export async function signedInTab(s, context, who, o) {
	await carry(s, context, who);
	const t = await tab(s, context, o);
	if (o?.look !== false) await t.shows("Ann");
	return t;
}

/** A build of an example, put into the site under this name. */
export function example(s, name) {
	const dir = path.join(CLIENT, "examples", name);
	execFileSync(path.join(dir, "node_modules/.bin/vite"), ["build", "--outDir", path.join(s.root, name), "--logLevel", "warn"], { cwd: dir, stdio: ["ignore", "ignore", "inherit"] });
}
export { PATIENCE, until, wait };
