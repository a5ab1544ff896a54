// What a denial looks like to the browser, and what the web server says by itself of a guarded page.
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { KINDS, Site, assert, eq, site, start, until } from "./gate.mjs";

const RULES = ["/protected/verified/=verified-email", "/protected/idx/index.html=group:staff"].flatMap((r) => ["--set", `gate ${r.replace("=", ".require=")}`]);
const STAFF = ["--set", "gate /admin/.require=group:staff"];

for (const kind of KINDS) describe(kind.name, async () => {
	const s = await site(kind, { args: STAFF });
	after(() => s.stop());
	const u = await s.user();

	test("the page for who may not is in the reader's language, and its letters are right", async () => {
		for (const [language, title] of [["en", "This page is not for you"], ["de", "Diese Seite ist nicht für Sie"]]) {
			const r = s.refused(await s.visit(u.cookie, { path: "/admin/", headers: { "accept-language": language } }), "forbidden", { navigates: true });
			// without one the page's own <meta charset> counts
			assert.match(r.headers["content-type"], /^text\/html(; charset=utf-8)?$/i);
			assert.match(r.text, /<meta charset="utf-8">/);
			assert.ok(r.text.includes(`<h1>${title}</h1>`), r.text);
		}
	});
	// (no .htaccess can forbid it)
	if (!["htaccess", "cgi"].includes(kind.apache)) test("TRACE tells no cookie", async () => {
		for (const p of ["/protected/", "/protected/file.txt", "/open/", "/auth/login"]) await noTrace(s, u, p);
	});
});

async function noTrace(s, u, p) {
	const r = await s.ask("TRACE", p, { cookie: u.cookie });
	assert.notEqual(r.headers["content-type"], "message/http", `${p}: ${r.status}`);
	assert.ok(!/^cookie:/im.test(r.text), r.text);
	if (s.kind.server === "apache") { eq(r.status, 405, p); assert.ok(!r.text.includes(u.token), r.text); }
}
if (KINDS.some((k) => k.server === "apache")) test("apache proxy-fcgi: TRACE tells no cookie", async () => {
	const s = Object.assign(await start({ server: "apache", as: Site, args: ["--apache", "proxy-fcgi"] }), { kind: { server: "apache" } });
	try {
		fs.writeFileSync(path.join(s.dir, "htdocs/page.txt"), "x");
		for (const p of ["/page.txt", "/auth/login"]) await noTrace(s, await s.user(), p);
	} finally { await s.stop(); }
});

// nginx knows of the gate's answer its status and some fields: the page for who may not is asked for once more
for (const kind of KINDS.filter((k) => k.name === "nginx")) for (const backend of ["php", "static", "proxy"]) describe(`nginx → ${backend}: who may not`, async () => {
	const s = await site(kind, { backend, args: [...STAFF, ...RULES] }), files = backend !== "proxy";
	after(() => s.stop());
	const u = await s.user(), put = (file, text) => { const p = path.join(s.dir, "htdocs/protected", file); fs.mkdirSync(path.dirname(p), { recursive: true }); fs.writeFileSync(p, text); };
	put("idx/index.html", "APP=static\n"); put("bare/x.txt", "x"); put("own.php", "<?php http_response_code(403); echo 'my own no';");
	const once = (r, name) => eq(r.fields.filter(([k]) => k === name).length, 1, `${name} in ${JSON.stringify(r.fields)}`);
	const page = (r, title, denied) => {
		s.refused(r, "forbidden", { navigates: true });
		eq(r.headers["content-type"], "text/html; charset=utf-8"); eq(r.headers["cache-control"], "no-store"); once(r, "cache-control");
		eq(r.headers["latchkey-denied"], denied); once(r, "latchkey-denied");
		eq(/<h1>(.*)<\/h1>/.exec(r.text)?.[1], title, r.text);
	};

	test("a browser that opens a page is shown why, and where to go on", async () => {
		for (const p of ["/admin/", "/admin/file.txt", "/admin/?a=1&b=%41", "/admin/no/such%20page", "/protected/../admin/", ...(files ? ["/protected/idx/"] : [])]) page(await s.visit(u.cookie, { path: p }), "This page is not for you", "NOT_IN_GROUP");
		const r = await s.visit(u.cookie, { path: "/protected/verified/" });
		page(r, "Please confirm your e-mail address", "EMAIL_NOT_VERIFIED");
		assert.match(r.text, /href="\/auth\/verify"/);
	});
	test("by whatever signs the path is spelled", async () => {
		for (const p of ["/admin/a%3fb", "/admin/%23", "/admin/50%25", "/admin/50%2541", "/admin/a%0ab", "/admin/%ff"]) page(await s.visit(u.cookie, { path: p }), "This page is not for you", "NOT_IN_GROUP");
	});
	test("HEAD: the same without the page", async () => {
		const r = await s.visit(u.cookie, { path: "/admin/", method: "HEAD" });
		s.refused(r, "forbidden"); eq(r.text, ""); eq(r.headers["content-type"], "text/html; charset=utf-8"); eq(r.headers["latchkey-denied"], "NOT_IN_GROUP");
	});
	test("scripts and forms are told 403", async () => {
		for (const r of [await s.page(u.cookie, { path: "/admin/" }), await s.visit(u.cookie, { path: "/admin/", method: "POST", body: "a=1" }), await s.visit(u.cookie, { path: "/admin/", headers: { "sec-fetch-mode": "cors" } }), await s.page(u.cookie, { path: "/admin/", headers: { accept: "application/json" } })]) {
			s.refused(r, "forbidden");
			assert.match(r.text, /403 Forbidden/); eq(r.headers["latchkey-denied"], "NOT_IN_GROUP");
		}
	});
	if (files) test("nginx's own 403 stays what it is", async () => {
		const r = await s.visit(u.cookie, { path: "/protected/bare/" });
		eq(r.status, 403); assert.match(r.text, /403 Forbidden/); eq(r.headers["latchkey-denied"], undefined);
	});
	if (backend !== "static") test("the page's own 403 stays what it is", async () => {
		const r = await s.visit(u.cookie, { path: files ? "/protected/own.php" : "/protected/?status=403" });
		eq(r.status, 403); assert.match(r.text, files ? /^my own no$/ : /^APP=proxy$/m); eq(r.headers["latchkey-denied"], undefined);
	});
	test("nobody is sent to sign in, and while the gate is away all wait", async () => {
		s.refused(await s.visit(undefined, { path: "/admin/" }), "nobody", { navigates: true });
		await s.withoutGate(async () => { for (const cookie of [undefined, u.cookie]) { const r = s.refused(await s.visit(cookie, { path: "/admin/" }), "down", { navigates: true }); eq(r.headers["retry-after"], "2"); } });
		page(await s.visit(u.cookie, { path: "/admin/" }), "This page is not for you", "NOT_IN_GROUP");
	});
	test("a page of the site's may be shown instead", () => changed(s, "nginx-latchkey-gated.conf", (text) => `error_page 403 /denied.html;\n${text}`, async () => {
		fs.writeFileSync(path.join(s.dir, "htdocs/denied.html"), "the site's own no");
		const r = await s.visit(u.cookie, { path: "/admin/" });
		eq(r.status, 403); eq(r.text, "the site's own no");
	}));
	test("where latchkey is gone when the page is asked for, nobody sees it", () => changed(s, "nginx-gate.conf", (text) => text.replace(/(location @latchkey_forbidden .*?fastcgi_pass unix:)/s, "$1/nowhere"), async () => {
		const r = await s.visit(u.cookie, { path: "/admin/" });
		eq(r.status, 502); assert.match(r.text, /502 Bad Gateway/);
	}));
});
/** f while nginx runs with a file of its configuration changed. */
async function changed(s, file, change, f) {
	const name = path.join(s.dir, file), was = fs.readFileSync(name, "utf8"), master = () => Number(fs.readFileSync(path.join(s.dir, "nginx.pid"), "utf8"));
	const workers = () => fs.readFileSync(`/proc/${master()}/task/${master()}/children`, "utf8").trim().split(" ");
	const reload = async () => { const old = workers(); process.kill(master(), "SIGHUP"); assert.ok(await until(() => workers().every((p) => !old.includes(p)))); };
	assert.notEqual(change(was), was);
	fs.writeFileSync(name, change(was));
	try { await reload(); await f(); } finally { fs.writeFileSync(name, was); await reload(); }
}
