// How long a session lasts for somebody who visits gated pages only: it slides in the store, without a cookie anew, up to
// its absolute end. And each end of a session is seen by the very next request. Time is moved, nothing waits for it.
import { describe, test, after } from "node:test";
import { KINDS, SECOND, assert, eq, same, site } from "./gate.mjs";

const set = { "session.expires_in": "6s", "session.update_age": "2s", "session.absolute": "30s", "session.not_remembered": "6s", "cookie.max_age": "absolute" };

/** A browser that keeps one cookie for as long as it was told, and takes each that is set. */
class Jar {
	constructor(s, r) { this.s = s; this.take(r); }
	take(r) {
		for (const c of r.setCookies) if (c.name === this.s.cookieName) Object.assign(this, { text: `${c.name}=${c.value}`, until: this.s.now() + Number(c.attrs["max-age"]) * SECOND });
	}
	cookie() { return this.s.now() < this.until ? this.text : undefined; }
	async visit() { const r = await this.s.page(this.cookie()); this.take(r); return r; }
}

for (const kind of KINDS) describe(kind.name, async () => {
	const s = await site(kind, { clock: "still", set });
	after(() => s.stop());
	const begin = async () => { const u = await s.user(); return { u, jar: new Jar(s, u.res), from: s.now() }; };
	/** To so many seconds after `from`. */
	const at = (from, seconds) => s.move(from + seconds * SECOND - s.still);

	test("visits every 2 s: in for 30 s, then out, and no cookie is set meanwhile", async () => {
		const { u, jar, from } = await begin();
		eq(jar.until - from, 30 * SECOND, "Max-Age is the absolute end");
		for (let t = 2; t < 30; t += 2) {
			at(from, t);
			const r = await jar.visit();
			s.served(r, u); same(r.setCookies, [], `after ${t} s`);
		}
		at(from, 30.001);
		eq(jar.cookie(), undefined, "the browser has let go of it");
		s.refused(await s.page(jar.text), "nobody", { where: "one that keeps it" });
		s.refused(await jar.visit(), "nobody");
	});
	test("visits every 5 s, less than it lasts unused: in up to the same end", async () => {
		const { u, jar, from } = await begin();
		for (let t = 5; t < 30; t += 5) { at(from, t); s.served(await jar.visit(), u); }
		at(from, 30.001);
		s.refused(await s.page(jar.text), "nobody");
	});
	test("no visit for longer than it lasts unused: out, though the browser still has the cookie", async () => {
		const { u, jar, from } = await begin();
		at(from, 4);
		s.served(await jar.visit(), u);
		at(from, 10.001);
		assert.ok(jar.cookie());
		s.refused(await jar.visit(), "nobody");
	});
	test("of the pages only those behind the gate extend it", async () => {
		const { u, jar, from } = await begin();
		for (const t of [2, 4, 6]) { at(from, t); s.served(await s.ask("GET", "/open/", { cookie: jar.text })); }
		at(from, 6.001);
		s.refused(await jar.visit(), "nobody", { where: u.email });
	});

	for (const [what, end] of [
		["a sign-out", (u) => s.post("/sign-out", {}, { cookie: u.cookie })],
		["a revocation from another device", async (u) => {
			const other = await s.another(u), id = await s.sessionId(u);
			return s.del(`/sessions/${id}`, { cookie: other.cookie });
		}],
		["the others ended from another device", async (u) => { const other = await s.another(u); return s.post("/revoke-other-sessions", {}, { cookie: other.cookie }); }],
		["latchkeyctl session revoke", async (u) => s.ctl("session", "revoke", await s.sessionId(u))],
		["latchkeyctl user disable", (u) => s.ctl("user", "disable", u.email)],
		["latchkeyctl user delete", (u) => s.ctl("user", "delete", u.email)],
	]) test(`${what} is seen by the very next request`, async () => {
		const u = await s.user(), bystander = await s.user();
		for (let i = 0; i < 3; i++) s.served(await s.page(u.cookie), u);
		const r = await end(u);
		if (typeof r === "object") eq(r.status, 200, r.text);
		for (let i = 0; i < 4; i++) s.refused(await s.page(u.cookie), "nobody", { where: what });
		s.served(await s.page(bystander.cookie), bystander);
	});
});
