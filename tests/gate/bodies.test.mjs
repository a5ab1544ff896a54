// Bodies are for the page, not for the gate: they arrive whole however large, and however many come at once.
import { createHash, randomBytes } from "node:crypto";
import { after, describe, test } from "node:test";
import { KINDS, assert, eq, site, times } from "./gate.mjs";

const MIB = 1024 * 1024, WORKERS = 8;
const md5 = (bytes) => createHash("md5").update(bytes).digest("hex");
const large = randomBytes(10 * MIB), small = randomBytes(64 * 1024);

/** The page was served to this user and found this body. */
function whole(s, r, u, body) {
	s.served(r, u);
	eq(r.env.BODY_LEN, String(body.length)); eq(r.env.BODY_MD5, md5(body));
}

for (const kind of KINDS) describe(kind.name, async () => {
	const s = await site(kind, { workers: WORKERS });
	after(() => s.stop());
	const u = await s.user(), bytes = { "content-type": "application/octet-stream" };

	for (const method of ["POST", "PUT"]) test(`${method} of 10 MiB`, async () => {
		whole(s, await s.page(u.cookie, { method, path: s.script(), body: large, headers: bytes }), u, large);
	});
	test("a body of 10 MiB from nobody is refused", async () => {
		// what has not been read when the answer comes may break the connection: the answer may be lost, the page may not come
		let r;
		try { r = await s.page(undefined, { method: "POST", body: large, headers: bytes, agent: false }); } catch (e) { assert.match(e.code, /^(ECONNRESET|EPIPE)$/); return; }
		s.refused(r, "nobody");
	});
	test("200 requests at once, half of them with bodies, from 20 users", async () => {
		const users = [];
		for (let i = 0; i < 20; i++) users.push(await s.user());
		const all = await Promise.all(times(200, (i) => s.page(users[i % 20].cookie, { agent: false, ...(i % 40 < 20 ? { method: "POST", body: small, headers: bytes } : {}) })));
		all.forEach((r, i) => whole(s, r, users[i % 20], i % 40 < 20 ? small : Buffer.alloc(0)));
	});
	// (a program that is started for each question is nobody's to wait for)
	if (kind.spawned !== "cgi") test("200 at once that nobody has sent: none hangs", async () => {
		const all = await Promise.all(times(200, (i) => s.page(undefined, { agent: false, ...(i % 2 ? { method: "POST", body: small, headers: bytes } : {}) })));
		for (const r of all) s.refused(r, "nobody");
		s.served(await s.page(u.cookie), u);
	});
	test("a client that sends its body slowly keeps nobody waiting", async () => {
		const head = ["POST /protected/ HTTP/1.1", `Host: ${s.host}`, `Cookie: ${u.cookie}`, "Content-Type: application/octet-stream", "Content-Length: 1000", "Connection: close", "", "x"].join("\r\n");
		const held = times(4 * WORKERS, () => s.hold(head));
		try {
			await Promise.all(held.map((h) => h.sent));
			for (let i = 0; i < 5; i++) s.served(await s.page(u.cookie), u);
			eq((await s.get("/session", { cookie: u.cookie })).json.user.id, u.id);
		} finally { for (const h of held) h.end(); }
	});
});
