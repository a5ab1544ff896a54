// scripts/quickstart and every command that README.md shows, run as they stand there but for the port.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const README = fs.readFileSync(path.join(ROOT, "README.md"), "utf8");
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "latchkey-quickstart."));
const blocks = [...README.matchAll(/^```sh\n([^]*?)^```/gm)].map((m) => m[1]);
let port, child, greeting = "";

// what names the build of the other suites would be taken for a setting
delete process.env.LATCHKEY_BUILD;

const freePort = () => new Promise((r) => { const s = net.createServer().listen(0, "127.0.0.1", () => { const { port: p } = s.address(); s.close(() => r(p)); }); });
/** Runs shell text; resolves to all it printed, with its exit status. */
const sh = (text, env = {}) => new Promise((r) =>
	execFile("bash", ["-c", `set -e\n${text}`], { cwd: dir, env: { ...process.env, ...env } }, (e, stdout, stderr) => r({ status: e ? e.code : 0, stdout, stderr })));
const ended = (p) => new Promise((r) => (p.exitCode !== null || p.signalCode ? r() : p.once("exit", r)));

before(async () => {
	port = await freePort();
	child = spawn(path.join(ROOT, "scripts/quickstart"), { env: { ...process.env, PORT: String(port), DIR: dir }, stdio: ["ignore", "pipe", "inherit"] });
	await new Promise((resolve, reject) => {
		child.stdout.on("data", (d) => { greeting += d; if (greeting.includes("Ctrl-C ends it")) resolve(); });
		child.once("exit", (code) => reject(new Error(`quickstart ended with ${code}`)));
	});
});
after(async () => { child.kill("SIGTERM"); await ended(child); fs.rmSync(dir, { recursive: true, force: true }); });

describe("README", () => {
	test("what it shows under “Try it” does what it says", async () => {
		const [block] = blocks;
		assert.ok(block.includes("/auth/sign-up/email") && block.includes("/auth/sign-out"));
		const { status, stdout, stderr } = await sh(block.replaceAll("8080", port));
		assert.equal(status, 0, stderr);
		const answers = stdout.split(/(?=HTTP\/1\.1 )/);
		assert.ok(stdout.includes('{"ok":true}')); // ok
		assert.match(stdout, /Set-Cookie: latchkey\.session_token=[^;]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax/); // sign-up
		assert.match(stdout, /\{"session":\{.*"user":\{"name":"Ann"/); // session
		assert.match(stdout, /\[\{"expiresAt".*"current":true/); // sessions
		assert.ok(answers.some((a) => a.startsWith("HTTP/1.1 200") && a.includes('{"status":true}'))); // revoke
		assert.match(stdout, /Set-Cookie: latchkey\.session_token=; Max-Age=0;/); // sign-out
		assert.match(stdout, /\{"success":true\}null$/); // and nobody is signed in
	});
	test("what it shows under “Administer it” works on this instance", async () => {
		const build = /Who is signed in: +(\S+)\/latchkeyctl/.exec(greeting)[1];
		assert.match(blocks[1], /build\/latchkeyctl check/);
		const { status, stdout, stderr } = await sh(blocks[1].replaceAll("8080", port).replaceAll("build/", `${build}/`).replaceAll("run/", `${dir}/`));
		assert.equal(status, 0, stdout + stderr);
		assert.match(stdout, /ann@example\.org/);
		assert.match(stdout, /127\.0\.0\.1 +curl\//); // session list
		assert.match(stdout, /endedSessions +[1-9]/);
	});
});

describe("quickstart", () => {
	test("says first what to open in a browser: each is a page, and signing up leads to one", async () => {
		const pages = [...greeting.matchAll(/^ +(http:\S+)   /gm)].map((m) => m[1]);
		assert.equal(pages.length, 3);
		assert.match(pages[0], /\/auth\/register$/);
		assert.ok(greeting.indexOf(pages[2]) < greeting.indexOf("curl"));
		for (const page of pages) {
			const answer = await fetch(page, { headers: { accept: "text/html" } });
			assert.equal(answer.status, 200, page);
			assert.match(answer.headers.get("content-type"), /^text\/html; charset=utf-8$/i);
		}
		const form = await fetch(pages[0], { headers: { accept: "text/html" } }), cookie = form.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ");
		const [, formToken] = /name="formToken" value="([^"]*)"/.exec(await form.text());
		const answer = await fetch(`${pages[0].replace("/register", "/sign-up/email")}`, { method: "POST", redirect: "manual",
			headers: { cookie, accept: "text/html", origin: new URL(pages[0]).origin, "content-type": "application/x-www-form-urlencoded" },
			body: new URLSearchParams({ formToken, name: "Cleo", email: "cleo@example.org", password: "correct-horse-1" }) });
		assert.equal(answer.status, 303);
		assert.equal(new URL(answer.headers.get("location"), pages[0]).href, pages[2]);
	});
	test("what is at / is whole: each file it names is there, with its type", async () => {
		const home = `http://127.0.0.1:${port}/`, text = await (await fetch(home)).text();
		const built = fs.existsSync(path.join(ROOT, "client/dist/latchkey-client.min.js"));
		assert.equal(text.includes("latchkey-client.min.js"), built);
		if (!built) for (const at of ["register", "login", "account", "devices"]) assert.ok(text.includes(`href="/auth/${at}"`), at);
		const files = [...text.matchAll(/<(?:link|script)[^>]* (?:href|src)="([^":]*)"/g)].map((m) => m[1]);
		assert.equal(files.length, built ? 3 : 1);
		for (const file of files) {
			const answer = await fetch(new URL(file, home));
			assert.equal(answer.status, 200, file);
			assert.equal(answer.headers.get("content-type"), `text/${file.endsWith(".js") ? "javascript" : "css"}; charset=utf-8`);
		}
	});
	test("--help tells what it does, and starts nothing; other arguments are refused", async () => {
		const nowhere = path.join(dir, "nowhere"), env = { DIR: nowhere, PORT: String(port + 1) };
		const { status, stdout } = await sh(`exec ${ROOT}/scripts/quickstart --help`, env);
		assert.equal(status, 0);
		assert.match(stdout, /^usage: scripts\/quickstart[^]*PORT=[^]*DIR=/);
		const wrong = await sh(`exec ${ROOT}/scripts/quickstart 8081`, env);
		assert.equal(wrong.status, 2);
		assert.match(wrong.stderr, /^usage: /);
		assert.ok(!fs.existsSync(nowhere));
	});
	test("the two lines it prints to try work", async () => {
		const lines = [...greeting.matchAll(/^ +(curl .*)$/gm)].map((m) => m[1].replaceAll("ann@", `ann${port}@`));
		assert.equal(lines.length, 2);
		const { status, stdout, stderr } = await sh(lines.join("\n"));
		assert.equal(status, 0, stderr);
		assert.match(stdout, /"user":\{"name":"Ann"/);
	});
	test("a second one in the same directory is told so, and the first is not disturbed", async () => {
		const before = fs.readFileSync(path.join(dir, "latchkey.conf"), "utf8");
		const { status, stderr } = await sh(`exec ${ROOT}/scripts/quickstart`, { PORT: String(port + 1), DIR: dir });
		assert.notEqual(status, 0);
		assert.match(stderr, /runs in .* already/);
		assert.equal(fs.readFileSync(path.join(dir, "latchkey.conf"), "utf8"), before);
		assert.equal((await sh(`curl -fs http://127.0.0.1:${port}/auth/ok`)).stdout, '{"ok":true}');
	});
	test("a port that is taken is said to be", async () => {
		const other = fs.mkdtempSync(path.join(os.tmpdir(), "latchkey-quickstart."));
		const { status, stderr } = await sh(`exec ${ROOT}/scripts/quickstart`, { PORT: String(port), DIR: other });
		fs.rmSync(other, { recursive: true, force: true });
		assert.notEqual(status, 0);
		assert.match(stderr, new RegExp(`port ${port} is taken`));
	});
	test("ends by a signal, and leaves nothing running", async () => {
		child.removeAllListeners("exit");
		child.kill("SIGTERM");
		await ended(child);
		assert.equal(child.exitCode, 0);
		assert.equal((await sh(`! curl -s -m 2 http://127.0.0.1:${port}/auth/ok`)).status, 0);
		assert.ok(!fs.existsSync(path.join(dir, "latchkey.sock")));
	});
});
