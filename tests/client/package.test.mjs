// The npm package: what is in it, how large it is, and that it can be installed and imported where it is meant to be.
import { after, describe, test } from "node:test";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT, assert, eq, same } from "../endpoint/server.mjs";
import { CLIENT, openBrowser, site } from "./browser.mjs";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "latchkey-package."));
after(() => fs.rmSync(dir, { recursive: true, force: true }));

const run = (program, args, cwd = dir) => execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const write = (files) => { for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(dir, name), text); };
const node = (text) => { write({ "run.mjs": text }); return run(process.execPath, ["run.mjs"]).trim(); };
const json = (file) => JSON.parse(fs.readFileSync(file, "utf8"));

const [packed] = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", dir], CLIENT));
const TYPESCRIPT = path.join(CLIENT, "node_modules/typescript/bin/tsc");
const VITE = path.join(CLIENT, "examples/react/node_modules/.bin/vite");

describe("what is packed", () => {
	const files = packed.files.map((f) => f.path).sort();
	test("the built modules, their types and the bundle; README and LICENSE; nothing else", () => {
		same(files.filter((f) => !f.startsWith("dist/")), ["LICENSE", "README.md", "package.json"]);
		const modules = fs.readdirSync(path.join(CLIENT, "src")).map((f) => f.replace(".ts", "")).flatMap((m) => [`dist/${m}.d.ts`, `dist/${m}.js`]);
		same(files.filter((f) => f.startsWith("dist/")), [...modules, "dist/LICENSES.txt", "dist/latchkey-client.min.js"].sort());
	});
	test("the bundle is at most 6 kB with gzip, its libraries included", () => {
		const bundle = fs.readFileSync(path.join(CLIENT, "dist/latchkey-client.min.js"));
		const size = gzipSync(bundle, { level: 9 }).length;
		assert.ok(size <= 6_000, `${size} bytes`);
		assert.doesNotMatch(bundle.toString(), /process\.env|\bimport\b|\brequire\(/);
	});
	test("the licences of the libraries in the bundle are beside it", () => {
		const text = fs.readFileSync(path.join(CLIENT, "dist/LICENSES.txt"), "utf8");
		for (const name of ["nanostores", "@nanostores/query", "nanoevents", "latchkey-client"]) assert.match(text, new RegExp(`^${name}$`, "m"));
		eq(text.match(/Permission is hereby granted/g).length, 4);
	});
	test("its licence and version are those of latchkey", () => {
		const { version, license } = json(path.join(CLIENT, "package.json"));
		eq(license, "MIT");
		assert.ok(fs.readFileSync(path.join(ROOT, "configure.ac"), "utf8").includes(`AC_INIT([latchkey], [${version}]`));
		eq(fs.readFileSync(path.join(CLIENT, "LICENSE"), "utf8"), fs.readFileSync(path.join(ROOT, "LICENSE"), "utf8"));
	});
	test("no lock file names where packages are downloaded", () => {
		for (const d of [CLIENT, path.join(CLIENT, "examples/react"), path.join(CLIENT, "examples/better-auth"), import.meta.dirname]) {
			for (const [name, { resolved, link }] of Object.entries(json(path.join(d, "package-lock.json")).packages)) assert.ok(!resolved || link, `${d}: ${name}: ${resolved}`);
		}
	});
});

describe("installed into an empty project", () => {
	write({ "package.json": '{ "name": "empty", "private": true, "type": "module" }' });
	run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", path.join(dir, packed.filename)]);

	test("three libraries come along", () => {
		const names = Object.keys(json(path.join(dir, "package-lock.json")).packages).filter(Boolean).map((x) => x.replace("node_modules/", ""));
		same(names.sort(), ["@nanostores/query", "latchkey-client", "nanoevents", "nanostores"]);
	});
	test("Node imports it; there is no window", () => {
		eq(node('import * as a from "latchkey-client"; import { authClient } from "latchkey-client/auth"; console.log(Object.keys(a).join(), a.authClient === authClient, typeof window);'), "authClient,createTypedClient true undefined");
	});
	test("on a server the store is pending, nothing is asked, and the program ends", () => {
		const said = node(`import { createTypedClient } from "latchkey-client";
			globalThis.fetch = () => console.log("asked");
			const client = createTypedClient(), seen = [];
			client.$session.subscribe((x) => seen.push(x.isPending, x.data, x.error));
			await client.$session.get().refetch();
			console.log(JSON.stringify(seen));`);
		eq(said, "[true,null,null]");
	});
	test("in Node a path is no address: an error, and nothing is thrown", () => {
		const { data, error } = JSON.parse(node('import { createTypedClient } from "latchkey-client"; console.log(JSON.stringify(await createTypedClient().auth.getSession()));'));
		same([data, error.code, error.status], [null, "NETWORK_ERROR", 0]);
	});
	test("Node calls a latchkey at an address, with the cookie that a fetch of its own adds", async () => {
		const s = await site();
		try {
			const who = await s.user();
			const said = node(`import { createTypedClient } from "latchkey-client";
				const headers = { cookie: ${JSON.stringify(who.cookie)}, origin: ${JSON.stringify(s.origin)} };
				const client = createTypedClient({ baseURL: ${JSON.stringify(s.origin)}, fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } }) });
				const { data } = await client.auth.getSession();
				await client.auth.updateUser({ name: "Kim" });
				console.log(data.user.name, data.user.createdAt instanceof Date, (await client.auth.getSession()).data.user.name, (await client.auth.signOut()).data.success, (await client.auth.getSession()).data);`);
			eq(said, "Ann true Kim true null");
		} finally { await s.stop(); }
	});
	for (const [module, resolution, more] of [["NodeNext", "NodeNext", {}], ["ESNext", "bundler", {}], ["ESNext", "bundler", { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }]]) {
		test(`its types are right for ${module}, ${resolution} ${JSON.stringify(more)}`, () => {
			write({
				"tsconfig.json": JSON.stringify({ compilerOptions: { module, moduleResolution: resolution, target: "ES2022", lib: ["ES2022", "DOM"], types: [], strict: true, noEmit: true, ...more }, files: ["use.ts"] }),
				"use.ts": `import { authClient, createTypedClient, type AuthError, type Session, type SessionState, type User } from "latchkey-client";
					import { authClient as same } from "latchkey-client/auth";
					const client = createTypedClient<{ any: "thing" }>({ baseURL: "https://www.example.org/auth", plugins: [authClient({ session: { refetchInterval: 300, refetchOnWindowFocus: false } })] });
					export const a: typeof authClient = same;
					export const state: SessionState = client.$session.get();
					client.$session.subscribe(({ data, isPending, error, refetch }) => { const x: [User | undefined, boolean, AuthError | null, Promise<void>] = [data?.user, isPending, error, refetch()]; return x; });
					export async function f(): Promise<Date | string | number> {
						const { data, error } = await client.auth.signIn.email({ email: "a", password: "b", rememberMe: false });
						if (error) return error.retryAfter ?? error.code ?? error.message;
						const who: User = data.user, list = await client.auth.listSessions();
						if (list.error) return list.error.status;
						for (const s of list.data satisfies Session[]) { await client.auth.revokeSession(s); await client.auth.revokeSession(s.id); await client.auth.revokeSession({ token: s.token }); }
						const session = await client.auth.getSession({ query: { disableRefresh: true } });
						return session.data ? session.data.session.expiresAt : who.createdAt;
					}
					// @ts-expect-error a password is missing
					client.auth.signIn.email({ email: "a" });
					// @ts-expect-error there is no such option
					authClient({ session: { refetchIntervall: 1 } });
					// @ts-expect-error nobody may be signed in
					client.auth.getSession().then(({ data }) => data.user);`,
			});
			eq(run(process.execPath, [TYPESCRIPT, "--pretty", "false"]).trim(), "");
		});
	}
	test("Vite builds a page with it, which works in a browser", async () => {
		write({ "index.html": '<!doctype html><meta charset=utf-8><p id="p"></p><script type="module" src="/page.js"></script>', "vite.config.js": 'export default { base: "./" };',
			"page.js": 'import { createTypedClient } from "latchkey-client"; const client = createTypedClient(); client.$session.subscribe(({ data, isPending }) => { document.getElementById("p").textContent = isPending ? "?" : data ? data.user.name : "nobody"; });' });
		run(VITE, ["build", "--logLevel", "error"]);
		const s = await site(), chromium = await openBrowser();
		try {
			s.put("vite", path.join(dir, "dist"));
			const t = await chromium.context.newPage();
			await t.goto(`${s.origin}/vite/index.html`);
			await t.getByText("nobody", { exact: true }).waitFor();
		} finally { await chromium.close(); await s.stop(); }
	});
});
