// What another site, or another page of this one, can do to a visitor's browser: nothing. The attacker's pages are real ones on
// another port, which to a browser is another origin of the same site, so that SameSite keeps no cookie back.
import { after, describe, test } from "node:test";
import { createServer } from "node:http";
import fs from "node:fs";
import path from "node:path";
import { PASSWORD, ROOT, assert, eq, newDir, newEmail, until } from "../endpoint/server.mjs";
import { carry, fill, go, heading, member, NEXT_PASSWORD, openBrowser, person, press, says, sessionCookie, signIn, site, where } from "./pages.mjs";

const browser = await openBrowser(), s = await site({ "auth.delete_user": "on" });
/** The attacker's site: each page under a path of its own. */
const pages = new Map(), evil = createServer((req, res) => {
	const page = pages.get(req.url.split("?")[0]);
	res.writeHead(page ? 200 : 404, { "content-type": "text/html; charset=utf-8", ...page?.headers }).end(page?.html ?? "nothing");
}).listen(0, "127.0.0.1");
await new Promise((r) => evil.once("listening", r));
const EVIL = `http://127.0.0.1:${evil.address().port}`;
after(async () => { await browser.close(); evil.closeAllConnections(); evil.close(); await s.stop(); });

let n = 0;
/** Puts up a page of the attacker; its address. */
function put(html, { host = EVIL, ...headers } = {}) { const p = `/${++n}`; pages.set(p, { html: `<!doctype html><meta charset=utf-8><title>win</title><link rel=icon href=data:,>${html}`, headers }); return host + p; }
const escape = (x) => String(x).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
const form = (action, fields, more = "") => `<form method=post action="${s.base}${action}" ${more}>${Object.entries(fields).map(([k, v]) => `<input type=hidden name="${k}" value="${escape(v)}">`).join("")}<button>win</button></form>`;
const alive = async (tab) => { await go(s, tab, "/account"); return where(s, tab) === "/account"; };
const people = (f, o) => async () => { const tab = await person(browser, o); try { await f(tab); } finally { await tab.end(); } };
const tokenOf = (tab) => tab.locator("[name=formToken]").first().inputValue();

describe("a form of another origin", () => {
	const FORMS = { "/sign-out": {}, "/revoke-sessions": {}, "/revoke-other-sessions": {}, "/update-user": { name: "Mallory" }, "/delete-user": { password: PASSWORD }, "/change-password": { currentPassword: PASSWORD, newPassword: NEXT_PASSWORD }, "/change-email": { newEmail: newEmail() }, "/verify-password": { password: PASSWORD } };
	/** The answer to a form that was sent from this page. */
	async function answer(tab, url) {
		await tab.goto(url);
		const [res] = await Promise.all([tab.waitForResponse((r) => r.request().method() === "POST"), tab.waitForEvent("load"), tab.getByRole("button", { name: "win" }).click()]);
		return res;
	}
	test("does nothing, even with a form token that was stolen from the page", people(async (tab) => {
		const u = await member(s, tab), other = await s.another(u);
		for (const [action, fields] of Object.entries(FORMS)) {
			await go(s, tab, "/account");
			const res = await answer(tab, put(form(action, { ...fields, formToken: await tokenOf(tab) })));
			eq(res.status(), 403, action); assert.ok(await res.request().headerValue("cookie"), "the browser did send the session"); eq(await res.request().headerValue("origin"), EVIL);
			eq(await heading(tab), "That did not work"); await says(tab, "The form came from another site. Nothing was done.");
			eq(await alive(tab), true, action);
		}
		eq(await tab.inputValue("#name"), "Ann Smith"); await says(tab, u.email); eq(await s.alive(other.cookie), true); eq((await s.signIn(u.email)).status, 200);
	}));
	test("signs nobody in: not as the attacker, not with a token of his own browser", people(async (tab) => {
		const attacker = await s.user();
		for (const [action, fields] of [["/sign-in/email", { email: attacker.email, password: PASSWORD }], ["/sign-up/email", { name: "x", email: newEmail(), password: PASSWORD }]]) {
			await go(s, tab, "/login"); const formToken = await tokenOf(tab);
			const res = await answer(tab, put(form(action, { ...fields, formToken })));
			eq(res.status(), 403); eq(await sessionCookie(s, tab), undefined); eq((await tab.content()).includes(fields.email), false, "nor does it put words into our page");
		}
	}));
	test("whatever it says of where it comes from, and in whatever type", people(async (tab) => {
		await member(s, tab); await go(s, tab, "/account");
		const formToken = await tokenOf(tab), fields = { name: "Mallory", formToken };
		const ways = [put(form("/update-user", fields), { "referrer-policy": "no-referrer" }), put(form("/update-user", fields, "rel=noreferrer")), put(form("/update-user", fields), { "content-security-policy": "sandbox allow-forms" }), put(form("/update-user", fields, "enctype=text/plain")), put(form("/update-user", fields, "enctype=multipart/form-data")), put(form("/update-user", { '{"name":"Mallory","x":"': '"}' }, "enctype=text/plain")), put(form("/update-user", fields), { host: EVIL.replace("127.0.0.1", "localhost") })];
		for (const url of ways) {
			const res = await answer(tab, url);
			assert.ok([403, 415].includes(res.status()), `${url}: ${res.status()}`); assert.notEqual(await res.request().headerValue("origin"), s.origin);
			await go(s, tab, "/account"); eq(await tab.inputValue("#name"), "Ann Smith");
		}
	}));
	test("nor does a link or a picture, or a script of it", people(async (tab) => {
		await member(s, tab);
		await tab.goto(put(`<img src="${s.base}/sign-out"><a href="${s.base}/sign-out">win</a><link rel=prefetch href="${s.base}/sign-out">`)); await press(tab, tab.getByRole("link", { name: "win" })); eq(await alive(tab), true);
		await tab.goto(put("<p>x")); const results = await tab.evaluate(async (base) => {
			const tries = [["/sign-out", { method: "POST" }], ["/sign-out", { method: "POST", body: "formToken=x", headers: { "content-type": "application/x-www-form-urlencoded" } }], ["/sign-out", { method: "POST", body: "{}", headers: { "content-type": "application/json" } }], ["/sign-out", { method: "POST", mode: "no-cors" }], ["/account", {}], ["/account", { mode: "no-cors" }]];
			return Promise.all(tries.map(([p, o]) => fetch(base + p, { credentials: "include", ...o }).then((r) => r.text(), () => "")));
		}, s.base);
		eq(results.join(""), "", "nothing can be read"); eq(await alive(tab), true);
	}, { js: true }));
});

describe("a form of this origin", () => {
	/** Puts another token into the forms of the page. */
	const retoken = (tab, token) => tab.evaluate((t) => { for (const i of document.querySelectorAll("[name=formToken]")) i.value = t; }, token);
	test("with the token of another session, another browser, or of before the sign-in: too old", people(async (tab) => {
		const u = await s.user(), stranger = await person(browser), same = await person(browser);
		try {
			await go(s, tab, "/login"); const early = await tokenOf(tab);
			await carry(s, tab, u); await member(s, stranger); await carry(s, same, await s.another(u));
			await go(s, stranger, "/account"); await go(s, same, "/account");
			for (const token of [early, await tokenOf(stranger), await tokenOf(same), ""]) {
				await go(s, tab, "/account"); await retoken(tab, token); await fill(tab, { name: "Mallory" });
				await says(tab, "That form was too old. Please try once more."); await go(s, tab, "/account"); eq(await tab.inputValue("#name"), "Ann");
			}
			await go(s, stranger, "/devices"); await retoken(stranger, await tokenOf(same)); await press(stranger, "Sign out"); await says(stranger, "That form was too old."); eq(await alive(stranger), true);
		} finally { await stranger.end(); await same.end(); }
	}, { js: true }));
	test("of who was here before, in the same browser", people(async (tab) => {
		const first = await member(s, tab); await go(s, tab, "/account");
		const second = await s.user({ name: "Second" }); await carry(s, tab, second); // meanwhile, in another tab
		await fill(tab, { name: "Mallory" }); await says(tab, "That form was too old."); for (const u of [first, second]) eq(s.sql(`SELECT name FROM user WHERE id = '${u.id}'`), u === first ? "Ann Smith" : "Second");
	}));
	test("of a page that the site itself serves and that knows no token", people(async (tab) => {
		await member(s, tab); fs.writeFileSync(path.join(s.dir, "htdocs/own.html"), `<!doctype html><title>own</title><link rel=icon href=data:,>${form("/update-user", { name: "Mallory" })}${form("/sign-out", {})}`);
		for (const i of [0, 1]) { await tab.goto(`${s.origin}/own.html`); await press(tab, tab.getByRole("button").nth(i)); await says(tab, "That form was too old."); }
		await go(s, tab, "/account"); eq(await tab.inputValue("#name"), "Ann Smith");
	}));
});

test("no page of ours can be put into a frame, by nobody", people(async (tab) => {
	await member(s, tab);
	const paths = ["/login", "/register", "/forgot", "/devices", "/account", "/reauth", "/signed-out", "/error", "/style.css"];
	const frames = (base) => paths.map((p) => `<iframe src="${base}${p}"></iframe>`).join("") + `<object data="${base}/account"></object><embed src="${base}/devices">`;
	fs.writeFileSync(path.join(s.dir, "htdocs/frames.html"), `<!doctype html><title>own</title><link rel=icon href=data:,>${frames(s.prefix)}`);
	for (const url of [put(frames(s.base)), `${s.origin}/frames.html`]) {
		await tab.goto(url, { waitUntil: "load" });
		const inside = tab.frames().slice(1); assert.ok(inside.length >= paths.length);
		for (const f of inside) if (!f.url().endsWith("/style.css")) { eq(await f.locator("h1").count(), 0, f.url()); eq(await f.locator("form").count(), 0); }
		assert.ok(tab.faults.filter((x) => /frame-ancestors/.test(x)).length >= 8, tab.faults.join("\n")); tab.faults.length = 0;
	}
}));

describe("a return address", () => {
	const CORPUS = JSON.parse(fs.readFileSync(path.join(ROOT, "tests/endpoint/redirects.json"), "utf8")).map((x) => x.replaceAll("OWNHOST", new URL(s.origin).hostname).replaceAll("OWN", s.origin));
	/** One of each kind: the browser's own reading of them is what counts. */
	const KINDS = [/^http:\/\/evil\.example\/$/, /^\/\/evil/, /^\/\\evil/, /^\\\\/, /^\/\t\//, /^\/\n\//, /^\/%09\//, /^\/%2f/, /^\/%5c/i, /^\/\/%/, /@evil/, /^javascript:/, /^data:/, /^https?:\/\\/, /^http:evil/, /^\/\.\.\/\//, /^\/\.\/\//, /^\/a\/\.\.\/\//, /\u3002/, /^\/\ufeff/, /^\/\u00a0/, /^\s/, /^\/;@/, /^\/%0d%0a/];
	const some = KINDS.map((k) => CORPUS.find((x) => k.test(x)) ?? assert.fail(String(k)));
	test("leads nowhere but to this site, after a sign-in by its form", people(async (tab) => {
		const u = await s.user(), left = [];
		await tab.context().route((url) => url.origin !== s.origin, (r) => { left.push(r.request().url()); r.abort(); });
		for (const x of some) {
			await tab.context().clearCookies(); await signIn(s, tab, u.email, { next: encodeURIComponent(x) });
			eq(new URL(tab.url()).origin, s.origin, x); assert.ok(await sessionCookie(s, tab), "and one is signed in");
		}
		eq(left.join("\n"), "");
	}));
	test("put into the form by hand is refused, and nobody is signed in by it", people(async (tab) => {
		const u = await s.user();
		for (const x of some.filter((v) => /^(\/\/|\/\\|http:\/\/evil|javascript)/.test(v))) {
			await tab.context().clearCookies(); await go(s, tab, "/login?next=/x");
			await tab.evaluate((v) => { document.querySelector("[name=callbackURL]").value = v; }, x); await fill(tab, { email: u.email, password: PASSWORD });
			await says(tab, "The address to go on to is not one of this site."); eq(await sessionCookie(s, tab), undefined);
		}
	}, { js: true }));
});

test("a site's own look and words are taken, under the same policy", async () => {
	const dir = newDir("pages"), t = await site({ "pages.directory": dir, "pages.language": "fr" }), tab = await person(browser, { js: true });
	try {
		fs.writeFileSync(path.join(dir, "style.css"), "body { background: rgb(1, 2, 3) url(https://evil.example/x.png) }");
		fs.writeFileSync(path.join(dir, "sign-in.html"), "<p style='color: red' id=p>{{t-sign-in}}</p><script>document.title = 'ran'</script><form method=post action=https://evil.example/><button>win</button></form>");
		await go(t, tab, "/login");
		eq(await tab.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(1, 2, 3)"); assert.notEqual(await tab.evaluate(() => getComputedStyle(document.querySelector("#p")).color), "rgb(255, 0, 0)", "styles in the page are not applied");
		assert.notEqual(await tab.title(), "ran", "scripts in it are not run"); await tab.evaluate(() => document.querySelector("form").requestSubmit());
		for (const what of [/style-src|inline style/i, /script/i, /image|img-src/i, /form-action|form data/i]) assert.ok(await until(() => tab.faults.some((x) => what.test(x))), `${what}: ${tab.faults.join("\n")}`);
		eq(tab.url(), `${t.base}/login`, "and nothing is sent elsewhere");
	} finally { await tab.end(); await t.stop(); fs.rmSync(dir, { recursive: true }); }
});
