// The examples of client/examples, as they stand there, behind both web servers. The React example is the product's own page
// of snippets, word for word but for the names of the modules.
import { after, describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { PASSWORD, assert, eq, same } from "../endpoint/server.mjs";
import { CLIENT, carry, example, openBrowser, site, until } from "./browser.mjs";

const chromium = await openBrowser();
after(() => chromium.close());

/** A page of a site, in the browser of somebody, signed in or not. */
async function open(s, where, who) {
	const person = await chromium.person(), t = await person.newPage();
	t.said = [];
	t.faults = [];
	t.on("console", (m) => t.said.push([m.type(), m.text()]));
	t.on("pageerror", (e) => t.faults.push(e.message));
	if (who) await carry(s, person, who);
	await t.goto(`${s.origin}/${where}`);
	return t;
}
const sees = (t, text) => t.getByText(text, { exact: true }).waitFor();
async function fill(t, who, password = PASSWORD) {
	await t.locator("input[name=email]").first().fill(who.email);
	await t.locator("input[name=password]").first().fill(password);
	await t.getByRole("button", { name: "Sign In", exact: true }).click();
}
/** Another tab of the same person. */
async function second(s, t, where) {
	const other = await t.context().newPage();
	await other.goto(`${s.origin}/${where}`);
	return other;
}

for (const server of ["nginx", "lighttpd"]) describe(`behind ${server}`, async () => {
	const s = await site({ server });
	after(() => s.stop());
	for (const name of ["react", "better-auth"]) example(s, name);
	s.put("plain", path.join(CLIENT, "examples/plain"));
	s.put("plain/latchkey-client.min.js", path.join(CLIENT, "dist/latchkey-client.min.js"));

	describe("react", () => {
		const PAGE = "react/index.html";
		test("UserStatus: Loading..., then Not logged in", async () => {
			const person = await chromium.person(), t = await person.newPage();
			let release;
			const held = new Promise((f) => { release = f; });
			await t.route("**/auth/session", async (r) => { await held; await r.continue(); });
			await t.goto(`${s.origin}/${PAGE}`);
			await sees(t, "Loading...");
			await sees(t, "One moment…");
			release();
			await sees(t, "Not logged in");
		});
		test("Dashboard sends strangers to sign in, greets them then, and signs out", async () => {
			const who = await s.user(), t = await open(s, PAGE);
			await t.waitForURL(/#\/login$/);
			await fill(t, who, "wrong-horse-1");
			await sees(t, "Invalid email or password");
			await fill(t, who);
			await t.getByRole("heading", { name: "Welcome, Ann" }).waitFor();
			await sees(t, "Welcome, Ann!");
			eq(new URL(t.url()).hash, "#/", "and is not sent back to sign in on the way");
			await t.getByRole("button", { name: "Sign Out", exact: true }).click();
			await sees(t, "Not logged in");
			await t.waitForURL(/#\/login$/);
			same(t.faults, []);
		});
		test("useAuth in another tab follows", async () => {
			const who = await s.user(), t = await open(s, PAGE, who), other = await second(s, t, PAGE);
			for (const x of [t, other]) await sees(x, "Welcome, Ann!");
			await other.getByRole("button", { name: "Sign Out", exact: true }).click();
			for (const x of [other, t]) await sees(x, "Not logged in");
		});
		test("getSession: who I am, signed in and not", async () => {
			const who = await s.user(), t = await open(s, PAGE, who);
			for (const times of [1, 2]) {
				await t.getByText("Log who I am").click();
				await until(() => t.said.length >= 2 * times);
				eq(t.said[2 * times - 2][1], `Logged in as: ${who.email}`);
				assert.match(t.said[2 * times - 1][1], /^Session expires: \w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT/, "a date");
			}
			const stranger = await open(s, PAGE);
			await stranger.getByText("Log who I am").click();
			await until(() => stranger.said.length >= 1);
			same(stranger.said, [["log", "Not logged in"]]);
		});
		test("getSession: the device, and before that nobody's", async () => {
			const t = await open(s, PAGE);
			await t.getByText("Log my device").click();
			await until(() => t.said.length >= 1);
			same(t.said, [["log", "Not logged in"]]);
			await fill(t, await s.user());
			await sees(t, "Welcome, Ann!");
			for (const times of [1, 2]) {
				await t.getByText("Log my device").click();
				await until(() => t.said.length >= 1 + 2 * times);
				assert.match(t.said.at(-2)[1], /^Mozilla\/5\.0 .*Chrome/);
				eq(t.said.at(-1)[1], "127.0.0.1");
			}
			same(t.faults, []);
		});
		test("the session is looked at every five minutes, and when the tab gets focus", async () => {
			const person = await chromium.person(), t = await person.newPage(), asked = [];
			await carry(s, person, await s.user());
			await t.clock.install();
			t.on("request", (r) => { if (r.url().includes("/auth/session")) asked.push(new URL(r.url()).search); });
			await t.goto(`${s.origin}/${PAGE}`);
			await sees(t, "Welcome, Ann!");
			await t.clock.runFor(290_000);
			same(asked, [""]);
			await t.clock.runFor(11_000);
			await until(() => asked.length >= 2);
			same(asked, ["", "?disableRefresh=true"]);
			// the answer may still be on its way while the clock moves, and then it is too soon to ask again
			await until(async () => {
				await t.clock.runFor(5_000);
				await t.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
				return asked.length >= 3;
			}, 10_000, 200);
			same(asked, ["", "?disableRefresh=true", ""]);
		});
	});

	describe("plain", () => {
		const PAGE = "plain/index.html";
		const passwords = (t) => t.locator("input[name=password]").evaluateAll((all) => all.map((x) => x.value));
		test("three files, a script tag and no build: signs in and out, in all tabs", async () => {
			const who = await s.user(), t = await open(s, PAGE), other = await second(s, t, PAGE);
			for (const x of [t, other]) await sees(x, "Not logged in");
			await fill(t, who, "wrong-horse-1");
			await sees(t, "Invalid email or password");
			await fill(t, who);
			for (const x of [t, other]) await sees(x, "Welcome, Ann!");
			eq(await t.locator("form:visible").count(), 0);
			await until(async () => (await passwords(t)).every((x) => x === ""));
			same(await passwords(t), ["", ""], "no password stays in the page");
			await other.getByRole("button", { name: "Sign Out", exact: true }).click();
			for (const x of [t, other]) await sees(x, "Not logged in");
			same(t.faults, []);
		});
		test("signs up, under a policy that allows nothing but its own files", async () => {
			const person = await chromium.person(), t = await person.newPage(), faults = [];
			t.on("console", (m) => { if (m.type() === "error" && /Content Security Policy/.test(m.text())) faults.push(m.text()); });
			await t.route(`**/${PAGE}`, async (r) => {
				const response = await r.fetch();
				await r.fulfill({ response, headers: { ...response.headers(), "content-security-policy": "default-src 'self'; img-src 'self' data:" } });
			});
			await t.goto(`${s.origin}/${PAGE}`);
			await sees(t, "Not logged in");
			const form = t.locator("#sign-up"), email = `plain-${server}@example.org`;
			await form.locator("input[name=name]").fill("Bea");
			await form.locator("input[name=email]").fill((await s.user()).email);
			await form.locator("input[name=password]").fill(PASSWORD);
			await form.getByRole("button").click();
			await form.locator("[role=alert]:not(:empty)").waitFor();
			await form.locator("input[name=email]").fill(email);
			await form.getByRole("button").click();
			await sees(t, "Welcome, Bea!");
			await until(async () => (await passwords(t)).every((x) => x === ""));
			same(await passwords(t), ["", ""]);
			await t.getByText("Your devices").click();
			await t.waitForURL(/\/auth\/devices$/);
			same(faults, []);
		});
	});

	describe("better-auth", () => {
		test("unmodified better-auth/react and better-auth/client: sign in, and out in another tab", async () => {
			const who = await s.user(), t = await open(s, "better-auth/index.html");
			await sees(t, "better-auth/client: nobody");
			await fill(t, who);
			await t.getByText("Welcome, Ann!").waitFor();
			await t.reload();
			await t.getByText("Welcome, Ann!").waitFor();
			await sees(t, `better-auth/client: ${who.email}`);
			const other = await second(s, t, "better-auth/index.html");
			await other.getByRole("button", { name: "Sign Out", exact: true }).click();
			await other.locator("form").waitFor();
			await t.locator("form").waitFor();
			await sees(t, "better-auth/client: nobody");
			same(t.faults, []);
		});
		test("beside latchkey-client on one site: they share the session", async () => {
			const who = await s.user(), t = await open(s, "plain/index.html");
			await fill(t, who);
			await sees(t, "Welcome, Ann!");
			const other = await second(s, t, "better-auth/index.html");
			await sees(other, `better-auth/client: ${who.email}`);
		});
	});
});

describe("types", () => {
	const check = (name) => {
		const dir = path.join(CLIENT, "examples", name);
		try { return execFileSync(process.execPath, [path.join(dir, "node_modules/typescript/bin/tsc"), "--noEmit", "--pretty", "false"], { cwd: dir, encoding: "utf8" }).trim(); } catch (e) { return e.stdout.trim(); }
	};
	test("the snippets are right TypeScript, strictly", () => eq(check("react"), ""));
	test("better-auth's are right for the example", () => eq(check("better-auth"), ""));
	test("the snippets are there", () => {
		const all = ["lib/client.ts", "UserStatus.tsx", "AuthProvider.tsx", "Dashboard.tsx", "who.ts", "device.ts"].map((f) => fs.readFileSync(path.join(CLIENT, "examples/react/src", f), "utf8")).join("\n");
		for (const name of ["createTypedClient<API>({", "client.$session", "client.auth.getSession()", "client.auth.signOut()", "refetchInterval: 60 * 5", "refetchOnWindowFocus: true", "data.session.userAgent", "data.session.ipAddress", "useStore(client.$session)"]) assert.ok(all.includes(name), name);
	});
	test("those in functions are there line by line", () => {
		const lines = (f) => fs.readFileSync(path.join(CLIENT, "examples/react/src", f), "utf8").split("\n").map((l) => l.trim());
		const who = ["// One-time fetch", "const { data } = await client.auth.getSession()", "", "if (data) {", 'console.log("Logged in as:", data.user.email)',
			'console.log("Session expires:", data.session.expiresAt)', "} else {", 'console.log("Not logged in")', "}"];
		const device = ["const { data } = await client.auth.getSession()", "", "// Session includes device info", 'console.log(data.session.userAgent)  // "Mozilla/5.0..."',
			'console.log(data.session.ipAddress)  // "192.168.1.1"'];
		same(lines("who.ts").slice(3, 3 + who.length), who);
		same(lines("device.ts").filter((l) => !l.startsWith("if (!data)")).slice(3, 3 + device.length), device);
	});
});
