// client.$session in a browser: when it asks, what it shows, and what it makes of answers that fail.
import { after, describe, test } from "node:test";
import { DAY, HOUR, assert, eq, same } from "../endpoint/server.mjs";
import { carry, openBrowser, signedInTab, site, tab, until, wait } from "./browser.mjs";

const s = await site({ clock: true, set: { "session.update_age": "1h" } });
const chromium = await openBrowser();
after(async () => { await chromium.close(); await s.stop(); });

const PASSIVE = "GET /session?disableRefresh=true", ACTIVE = "GET /session";
/** Somebody, in a browser of the own. */
async function somebody(o) {
	const person = await chromium.person(), who = await s.user();
	return { person, who, t: await signedInTab(s, person, who, o) };
}
const nobody = async (o) => tab(s, await chromium.person(), o);
const row = (who) => s.sql(`SELECT lastSeenAt, expiresAt FROM session WHERE userId = '${who.id}'`);
const count = (t, what) => t.asked.filter((x) => x === what).length;
/** Waits for n requests, one more than n being one too many. */
async function asks(t, what, n) {
	await until(() => count(t, what) >= n);
	eq(count(t, what), n, t.asked.join(", "));
}
/** Answers of the server of our making; times: for so many requests. */
const instead = (t, answer, times) => t.route("**/auth/session**", (route) => (answer ? route.fulfill(answer) : route.abort()), times && { times });
const json = (status, body, headers = {}) => ({ status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });

describe("the first look", () => {
	test("pending, then who is signed in, with dates; one request, and it counts as use", async () => {
		const { t } = await somebody();
		const [first, second, third] = await t.evaluate(() => states.map((x) => ({ ...x, pieces: x.data && [x.data.session.expiresAt, x.data.session.diesAt, x.data.user.createdAt].map((d) => d instanceof Date), refetch: typeof x.refetch })));
		same([first.isPending, first.data, first.error, first.refetch], [true, null, null, "function"]);
		same([second.isPending, second.data.user.name, second.error, second.refetch], [false, "Ann", null, "function"]);
		same(second.pieces, [true, true, true]);
		eq(third, undefined);
		same(t.asked, [ACTIVE]);
		same(t.faults, []);
	});
	test("pending, then nobody", async () => {
		const t = await nobody();
		await t.shows(null);
		same(await t.evaluate(() => states.map((x) => x.isPending)), [true, false]);
	});
	test("is made by the first who looks at the store, and not before; two who look ask once", async () => {
		const t = await nobody({ look: false });
		same(t.asked, []);
		await t.evaluate(() => { look(); look(); });
		await t.shows(null);
		same(t.asked, [ACTIVE]);
	});
	test("that fails leaves it pending, with the error: nobody is signed out by an outage", async () => {
		const person = await chromium.person();
		await carry(s, person, await s.user());
		const t = await tab(s, person, { prepare: (p) => instead(p, json(503, { code: "SERVICE_UNAVAILABLE", message: "Away" }), 1) });
		await t.shows("Ann");
		const seen = await t.evaluate(() => states.map((x) => [x.isPending, x.data && x.data.user.name, x.error && x.error.code]));
		same(seen, [[true, null, null], [true, null, "SERVICE_UNAVAILABLE"], [false, "Ann", null]]);
		same(t.asked, [ACTIVE, PASSIVE]);
	});
});

describe("calls", () => {
	test("the store knows by the time that sign-in, update and sign-out are done", async () => {
		const who = await s.user(), t = await nobody();
		const seen = await t.evaluate(async (email) => {
			const seen = [], name = () => seen.push(client.$session.get().data?.user.name ?? null);
			await client.auth.signIn.email({ email, password: "correct-horse-1" }); name();
			await client.auth.updateUser({ name: "Bea" }); name();
			await client.auth.signOut(); name();
			return seen;
		}, who.email);
		same(seen, ["Ann", "Bea", null]);
		eq(await t.evaluate(() => states.filter((x) => x.isPending).length), 1, "nothing flickers");
	});
	test("that fail change nothing", async () => {
		const { t } = await somebody();
		const { error } = await t.evaluate(() => client.auth.signIn.email({ email: "a@example.org", password: "wrong-horse-1" }));
		eq(error.code, "INVALID_EMAIL_OR_PASSWORD");
		await t.shows("Ann");
		same(t.asked, [ACTIVE, "POST /sign-in/email"]);
	});
	test("an answer that was asked for before a sign-in is not taken", async () => {
		const who = await s.user(), person = await chromium.person();
		let asked, release;
		const arrived = new Promise((f) => { asked = f; }), held = new Promise((f) => { release = f; });
		const t = await tab(s, person, { prepare: (p) => p.route("**/auth/session", async (route) => { const response = await route.fetch(); asked(); await held; await route.fulfill({ response }); }, { times: 1 }) });
		await arrived;
		const signedIn = t.evaluate((email) => client.auth.signIn.email({ email, password: "correct-horse-1" }), who.email);
		await t.waitForResponse("**/sign-in/email");
		release();
		eq((await signedIn).error, null);
		await t.shows("Ann");
		same(await t.evaluate(() => states.map((x) => [x.isPending, x.data && x.data.user.name])), [[true, null], [false, "Ann"]]);
	});
	test("that find the session gone empty the store", async () => {
		const { t, who } = await somebody();
		s.sql(`DELETE FROM session WHERE userId = '${who.id}'`);
		const { error } = await t.evaluate(() => client.auth.listSessions());
		same([error.status, error.code], [401, "UNAUTHORIZED"]);
		eq((await t.state()).name, null);
	});
	test("a store that nobody looks at begins anew after a sign-in", async () => {
		const who = await s.user(), t = await nobody();
		await t.shows(null);
		await t.evaluate(() => unlook());
		await wait(1500); // nanostores lets go of a store after a second
		await t.evaluate((email) => client.auth.signIn.email({ email, password: "correct-horse-1" }), who.email);
		await t.evaluate(() => { states.length = 0; look(); });
		await t.shows("Ann");
		same(await t.evaluate(() => states.map((x) => [x.isPending, x.data && x.data.user.name])), [[true, null], [false, "Ann"]]);
	});
	test("getSession tells the store", async () => {
		const { t, who } = await somebody();
		s.sql(`UPDATE user SET name = 'Cat' WHERE id = '${who.id}'`);
		eq((await t.evaluate(() => client.auth.getSession())).data.user.name, "Cat");
		eq((await t.state()).name, "Cat");
		same(t.asked, [ACTIVE, ACTIVE]);
	});
	test("refetch asks, and its promise is kept once the store knows", async () => {
		const { t, who } = await somebody();
		s.sql(`UPDATE user SET name = 'Dan' WHERE id = '${who.id}'`);
		eq(await t.evaluate(async () => { await client.$session.get().refetch(); return client.$session.get().data.user.name; }), "Dan");
		same(t.asked, [ACTIVE, ACTIVE]);
	});
	test("objects that say the same stay the same", async () => {
		const { t, who } = await somebody();
		const kept = () => t.evaluate(async () => {
			const old = client.$session.get().data, shown = states.length;
			await client.$session.get().refetch();
			const { data } = client.$session.get();
			return [data === old, data.user === old.user, data.session === old.session, states.length - shown];
		});
		same(await kept(), [true, true, true, 0]);
		s.sql(`UPDATE user SET name = 'Eve' WHERE id = '${who.id}'`);
		same(await kept(), [false, false, true, 1]);
	});
});

describe("polls", () => {
	test("come at the interval and are no use of the session", async () => {
		const { t, who } = await somebody({ session: { refetchInterval: 1 } });
		const before = row(who);
		s.move(s.offset + 3 * HOUR);
		const n = count(t, PASSIVE);
		await until(() => count(t, PASSIVE) >= n + 3);
		await t.shows("Ann");
		eq(row(who), before, "neither lastSeenAt nor expiresAt");
		await t.evaluate(() => client.$session.get().refetch());
		assert.notEqual(row(who), before, "a look by the user is use");
		eq(count(t, ACTIVE), 2);
	});
	test("do not keep an unused session alive (S118)", async () => {
		const { t } = await somebody({ session: { refetchInterval: 1 } });
		for (const days of [3, 3]) {
			const n = count(t, PASSIVE);
			s.move(s.offset + days * DAY);
			await until(() => count(t, PASSIVE) >= n + 2);
			await t.shows("Ann");
		}
		s.move(s.offset + 2 * DAY);
		await t.shows(null);
	});
	test("find a session that was ended elsewhere", async () => {
		const { t, who } = await somebody({ session: { refetchInterval: 1 } });
		eq((await s.post("/revoke-sessions", {}, { cookie: who.cookie })).status, 200);
		await t.shows(null);
	});
	test("refetchInterval 0, longer than a timer can be, infinite, less than 0: none", async () => {
		const t = await nobody({ look: false });
		await t.evaluate(() => { for (const refetchInterval of [0, 1e9, Infinity, -1]) latchkey.createTypedClient({ plugins: [latchkey.authClient({ session: { refetchInterval } })] }).$session.listen(() => {}); });
		await asks(t, ACTIVE, 4);
		await wait(1200);
		eq(t.asked.length, 4);
	});
	test("end with the last who looks at the store", async () => {
		const { t } = await somebody({ session: { refetchInterval: 1 } });
		await until(() => count(t, PASSIVE) >= 1);
		await t.evaluate(() => unlook());
		await wait(1500);
		const n = t.asked.length;
		await wait(2500);
		eq(t.asked.length, n);
	});
});

// In the first context tabs are hidden by one another, as on a screen. One test at a time, therefore, and a blank tab in front.
describe("a tab that is hidden and shown", { concurrency: 1 }, () => {
	const { context } = chromium;
	const hidden = (t, is) => until(() => t.evaluate((x) => document.hidden === x, is));
	/** Somebody's tab, another tab that hides it, and what shows it again. */
	async function scene(o) {
		await context.clearCookies();
		const who = await s.user(), t = await signedInTab(s, context, who, o), cover = await context.newPage();
		const hide = async () => { await cover.bringToFront(); assert.ok(await hidden(t, true)); };
		const show = async () => { await t.bringToFront(); assert.ok(await hidden(t, false)); };
		return { who, t, hide, show, end: async () => { await t.close(); await cover.close(); } };
	}
	/** Past the library's time in which it does not ask twice. */
	const past = () => wait(4200);

	test("asks when it is shown, and that is use", async () => {
		const { who, t, hide, show, end } = await scene();
		await hide();
		const before = row(who);
		s.move(s.offset + 3 * HOUR);
		await past();
		same(t.asked, [ACTIVE], "not while it is hidden");
		await show();
		await asks(t, ACTIVE, 2);
		assert.ok(await until(() => row(who) !== before));
		same(await t.evaluate(() => states.filter((x) => x.isPending).length), 1, "nothing flickers");
		await end();
	});
	test("does not ask twice within four seconds", async () => {
		const began = Date.now(), { t, hide, show, end } = await scene();
		for (let i = 0; i < 6; i++) { await hide(); await show(); }
		await wait(300);
		assert.ok(t.asked.length <= 1 + (Date.now() - began) / 4000, t.asked.join());
		await end();
	});
	test("does not ask with refetchOnWindowFocus: false", async () => {
		const { t, hide, show, end } = await scene({ session: { refetchOnWindowFocus: false } });
		await hide();
		await past();
		await show();
		await wait(300);
		same(t.asked, [ACTIVE]);
		await end();
	});
	test("does not poll while it is hidden", async () => {
		const { t, hide, show, end } = await scene({ session: { refetchInterval: 1 } });
		await hide();
		await wait(200);
		const n = t.asked.length;
		await wait(2500);
		eq(t.asked.length, n);
		await show();
		await until(() => count(t, PASSIVE) > 1);
		await end();
	});
	test("is signed out at once by another tab, though it is hidden, and asks when it is shown", async () => {
		const { t, hide, show, end } = await scene({ session: { refetchOnWindowFocus: false } });
		await hide();
		const other = await tab(s, context);
		await other.shows("Ann");
		await other.evaluate(() => client.auth.signOut());
		await t.shows(null);
		same(t.asked, [ACTIVE]);
		await other.close();
		await show();
		await asks(t, ACTIVE, 2);
		await t.shows(null);
		await end();
	});
	test("learns of a sign-in when it is shown, though it does not ask on focus", async () => {
		const { t, who, hide, show, end } = await scene({ session: { refetchOnWindowFocus: false } });
		await t.evaluate(() => client.auth.signOut());
		await hide();
		const other = await tab(s, context);
		await other.evaluate((email) => client.auth.signIn.email({ email, password: "correct-horse-1" }), who.email);
		await other.close();
		eq((await t.state()).name, null);
		await show();
		await t.shows("Ann");
		await end();
	});
	test("is right when the browser takes it from its cache of pages", async () => {
		const { t, who, show, end } = await scene({ session: { refetchOnWindowFocus: false } });
		await show();
		await t.evaluate(() => { window.mark = "the same page"; });
		await t.goto(`${s.origin}/other.html`);
		eq((await s.post("/revoke-sessions", {}, { cookie: who.cookie })).status, 200);
		await t.evaluate(() => history.back());
		assert.ok(await until(() => t.evaluate(() => window.mark === "the same page").catch(() => false)), "taken from the cache");
		await t.shows(null);
		await end();
	});
});

for (const [how, prepare] of [["BroadcastChannel", undefined], ["the storage event", (p) => p.addInitScript(() => { delete window.BroadcastChannel; })]]) {
	describe(`two tabs, by ${how}`, () => {
		test("sign-out, sign-in and a new name in one show in the other", async () => {
			const { person, t, who } = await somebody({ prepare }), other = await tab(s, person, { prepare });
			await other.shows("Ann");
			await t.evaluate(() => client.auth.signOut());
			await other.shows(null);
			await other.evaluate((email) => client.auth.signIn.email({ email, password: "correct-horse-1" }), who.email);
			await t.shows("Ann");
			await t.evaluate(() => client.auth.updateUser({ name: "Flo" }));
			await other.shows("Flo");
			eq(await t.evaluate(() => typeof BroadcastChannel), prepare ? "undefined" : "function");
			assert.ok(other.asked.includes(PASSIVE), "to be told is no use of the session");
		});
		test("nothing is kept in the browser, and nothing secret is told (S45)", async () => {
			const { person, t, who } = await somebody({ prepare }), other = await tab(s, person, { prepare });
			await other.evaluate(() => {
				window.told = [];
				if (typeof BroadcastChannel === "function") new BroadcastChannel("latchkey /auth").onmessage = (e) => told.push(e.data);
				else addEventListener("storage", (e) => { if (e.newValue) told.push(e.newValue.replace(/ \d+$/, "")); });
			});
			await t.evaluate(async (email) => {
				await client.auth.updateUser({ name: "Gil" });
				await client.auth.signOut();
				await client.auth.signIn.email({ email, password: "correct-horse-1" });
				await client.auth.changePassword({ currentPassword: "correct-horse-1", newPassword: "correct-horse-2" });
			}, who.email);
			await other.shows("Gil");
			same(await other.evaluate(() => told), ["changed", "signed-out", "changed", "changed"]);
			for (const page of [t, other]) {
				same(await page.evaluate(async () => [Object.keys(localStorage), Object.keys(sessionStorage), await indexedDB.databases(), await caches.keys().catch(() => []), document.cookie]), [[], [], [], [], ""]);
			}
			same((await person.storageState({ indexedDB: true })).origins, []);
		});
	});
}
test("two tabs where neither can be: each is right when it asks", async () => {
	const prepare = (p) => p.addInitScript(() => { delete window.BroadcastChannel; Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError"); } }); });
	const { person, t } = await somebody({ prepare }), other = await tab(s, person, { prepare });
	await other.shows("Ann");
	eq((await t.evaluate(() => client.auth.signOut())).error, null);
	await other.evaluate(() => client.$session.get().refetch());
	await other.shows(null);
	same([...t.faults, ...other.faults], []);
});

describe("failing answers", () => {
	const failing = [
		["no answer", null, "NETWORK_ERROR"],
		["500", json(500, { code: "INTERNAL_SERVER_ERROR", message: "x" }), "INTERNAL_SERVER_ERROR"],
		["502 with a page of the web server", { status: 502, contentType: "text/html", body: "<h1>Bad Gateway</h1>" }, "INVALID_RESPONSE"],
		["503", json(503, { code: "SERVICE_UNAVAILABLE", message: "x" }), "SERVICE_UNAVAILABLE"],
		["429", json(429, { code: "TOO_MANY_REQUESTS", message: "x" }), "TOO_MANY_REQUESTS"],
		["404", json(404, { code: "NOT_FOUND", message: "x" }), "NOT_FOUND"],
		["403", json(403, { message: "no code" }), 403],
		["a page of somebody else's with status 200", { status: 200, contentType: "text/html", body: "<h1>Welcome to our hotel</h1>" }, "INVALID_RESPONSE"],
		["JSON of somebody else's", json(200, { hello: "world" }), "INVALID_RESPONSE"],
		["no body", { status: 200, body: "" }, "INVALID_RESPONSE"],
	];
	let shared;
	for (const [what, answer, code] of failing) {
		test(`${what}: what was known stays, and it is asked again`, async () => {
			const { t } = (shared ??= await somebody());
			t.asked.length = 0;
			await instead(t, answer, 1);
			await t.evaluate(() => client.$session.get().refetch());
			await t.shows("Ann", code);
			await asks(t, PASSIVE, 1);
			await until(async () => (await t.state()).error === null);
			same(await t.state(), { name: "Ann", isPending: false, error: null });
			assert.ok(!(await t.evaluate(() => states.slice(1).some((x) => !x.data || x.isPending))), "never signed out, never pending");
		});
	}
	for (const [what, answer] of [["null", json(200, null)], ["401", json(401, { code: "UNAUTHORIZED", message: "Unauthorized" })], ["401 by a proxy", { status: 401, body: "go away" }]]) {
		test(`${what}: nobody is signed in`, async () => {
			const { t } = await somebody();
			await instead(t, answer);
			await t.evaluate(() => client.$session.get().refetch());
			same(await t.state(), { name: null, isPending: false, error: null });
		});
	}
	test("the database away: 503 by latchkey, and Retry-After is kept to", async () => {
		const { t } = await somebody({ session: { refetchInterval: 1 } });
		const times = [], putBack = s.takeAway();
		t.on("request", () => times.push(Date.now()));
		await t.evaluate(() => client.$session.get().refetch());
		const { error } = await t.shows("Ann", "SERVICE_UNAVAILABLE");
		same([error.status, error.retryAfter], [503, 2]);
		putBack();
		await until(async () => (await t.state()).error === null);
		assert.ok(times[1] - times[0] >= 1990, `${times[1] - times[0]} ms, though the interval is 1 s`);
	});
	test("a Retry-After of years is not the next moment, and keeps neither focus nor interval", async () => {
		const { t } = await somebody({ session: { refetchInterval: 1 } });
		await instead(t, json(429, { code: "TOO_MANY_REQUESTS", message: "x" }, { "retry-after": "99999999" }), 1);
		await t.evaluate(() => client.$session.get().refetch());
		const n = t.asked.length;
		await t.evaluate(() => dispatchEvent(new Event("visibilitychange")));
		await wait(2500);
		eq(t.asked.length, n);
		await t.evaluate(() => client.$session.get().refetch());
		same(await t.state(), { name: "Ann", isPending: false, error: null });
	});
	test("latchkey stopped and started again: nobody is signed out", async () => {
		const { t } = await somebody({ session: { refetchInterval: 1 } });
		await s.halt();
		await until(async () => (await t.state()).error !== null);
		eq((await t.state()).name, "Ann");
		await s.launch();
		await until(async () => (await t.state()).error === null);
		await t.shows("Ann");
		assert.ok(!(await t.evaluate(() => states.slice(1).some((x) => !x.data || x.isPending))));
	});
});

test("offline and back", async () => {
	const { person, t, who } = await somebody();
	await person.setOffline(true);
	await t.evaluate(() => client.$session.get().refetch());
	const { error } = await t.shows("Ann", "NETWORK_ERROR");
	eq(error.status, 0);
	const call = await t.evaluate(() => client.auth.updateUser({ name: "x" }));
	same([call.data, call.error.code, call.error.status], [null, "NETWORK_ERROR", 0]);
	s.sql(`UPDATE user SET name = 'Hal' WHERE id = '${who.id}'`);
	await person.setOffline(false);
	await t.shows("Hal");
	eq((await t.state()).error, null);
	eq(count(t, ACTIVE), 2, "to come back online is no use of the session");
});
test("those who come back online together do not ask together: within two seconds, at random", async () => {
	const { t } = await somebody({ prepare: async (p) => { await p.clock.install(); await p.addInitScript(() => { Math.random = () => 0.75; }); } });
	await t.clock.pauseAt(Date.now() + HOUR);
	await t.evaluate(() => dispatchEvent(new Event("online")));
	await t.clock.runFor(1450);
	same(t.asked, [ACTIVE]);
	await t.clock.runFor(100);
	await asks(t, PASSIVE, 1);
});
