// What people do with the pages, in Chromium with JavaScript switched off, behind nginx. Everything a person sees of it:
// where the browser is, what the page says, and what it holds afterwards.
import { after, describe, test } from "node:test";
import { DAY, MINUTE, PASSWORD, assert, eq, newEmail, start } from "../endpoint/server.mjs";
import { at, carry, fill, focused, go, heading, linkIn, member, NEXT_PASSWORD, openBrowser, person, press, says, sessionCookie, signIn, signUp, site, where } from "./pages.mjs";

const browser = await openBrowser(), s = await site({ "auth.delete_user": "on" }, { clock: true });
after(async () => { await browser.close(); await s.stop(); });
/** f with the browsers of n people; nothing that a page holds may be refused by its own policy. */
const people = (n, f, o = {}) => async () => {
	const all = [];
	for (let i = 0; i < n; i++) all.push(await person(browser, o));
	try { await f(...all); for (const p of all) eq(p.faults.join("\n"), ""); } finally { s.move(0); for (const p of all) await p.end(); }
};
const signedIn = async (tab) => { await go(s, tab, "/account"); return where(s, tab) === "/account"; };
/** The page of why, in place of the one asked for. */
async function signedOut(tab, page, reason) {
	const res = await go(s, tab, page);
	eq(res.status(), 401); eq(await heading(tab), "You are signed out"); await says(tab, reason);
	eq(await sessionCookie(s, tab), undefined, "the cookie is gone");
}
/** One user in the browsers of two. */
async function memberOf(a, b) { const u = await member(s, a); await carry(s, b, await s.another(u)); return u; }
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

describe("sessions", () => {
	test("sign up, look at one's devices, end a second one: it is told why", people(1, async (a) => {
		const email = await signUp(s, a), b = await person(browser, { agent: FIREFOX });
		try {
			eq(new URL(a.url()).pathname, "/"); eq(await heading(a), "Home");
			await go(s, a, "/devices");
			eq(await a.locator(".devices li").count(), 1); await says(a, "this device"); await says(a, "127.0.0.1"); eq(await a.getByRole("button", { name: "End all other sessions" }).count(), 0);
			await signIn(s, b, email); eq(await heading(b), "Home");
			await go(s, a, "/devices");
			eq(await a.locator(".devices li").count(), 2); await says(a, /Firefox on Linux\s+Last seen\s+2\d\d\d-\d\d-\d\d \d\d:\d\d UTC\s+Signed in\s+2\S+ \S+ UTC\s+First address\s+127\.0\.0\.1\s+Last address\s+127\.0\.0\.1/);
			assert.match(await a.locator(".devices li").first().innerText(), /this device/, "this one first"); eq(await a.locator(".devices li").first().getByRole("button").count(), 0);
			await press(a, a.locator(".devices li").nth(1).getByRole("button"));
			at(s, a, "/devices?done=ended"); await says(a, "That session has ended."); eq(await a.locator(".devices li").count(), 1);
			await signedOut(b, "/account", "Your session was ended from another device.");
			await press(b, b.getByRole("link", { name: "Sign in" })); at(s, b, `/login?next=${encodeURIComponent(`${s.prefix}/account`)}`);
			await fill(b, { email, password: PASSWORD }); at(s, b, "/account");
		} finally { await b.end(); }
	}));
	test("end all others, end all", people(3, async (a, b, c) => {
		const { email } = await member(s, a); await signIn(s, b, email); await signIn(s, c, email);
		await go(s, a, "/devices"); await press(a, "End all other sessions");
		await says(a, "All other sessions have ended."); eq(await a.locator(".devices li").count(), 1);
		for (const x of [b, c]) await signedOut(x, "/devices", "Your session was ended from another device.");
		await signIn(s, b, email); await go(s, b, "/devices"); await press(b, "End all sessions, this one too");
		at(s, b, "/signed-out"); await says(b, "Your session on this device has ended."); eq(await sessionCookie(s, b), undefined);
		await signedOut(a, "/account", /Your session was ended from another device|You are signed out/);
	}));
	test("sign out, from every page there is while signed in", people(1, async (a) => {
		const u = await member(s, a);
		for (const page of ["/account", "/devices", "/reauth", "/login", "/register", "/forgot", "/verify", "/signed-out", "/error", "/reset", `/not-me?token=${"a".repeat(32)}`, `/verify-email?token=${"a".repeat(32)}`, `/reset-password/${"a".repeat(32)}`, `/delete-user/callback?token=${"a".repeat(32)}`]) {
			await go(s, a, page); await press(a, "Sign out");
			at(s, a, "/signed-out"); eq(await heading(a), "You are signed out"); eq(await sessionCookie(s, a), undefined, page);
			await go(s, a, "/devices"); at(s, a, `/login?next=${encodeURIComponent(`${s.prefix}/devices`)}`);
			await carry(s, a, await s.another(u));
		}
	}));
	test("an expired session says so, also where one signs in, and the way leads back", people(2, async (a, b) => {
		const { email } = await memberOf(a, b);
		s.move(8 * DAY);
		await signedOut(a, "/devices?x=1", "Your session has expired.");
		await press(a, a.getByRole("link", { name: "Sign in" })); await fill(a, { email, password: PASSWORD }); at(s, a, "/devices?x=1");
		await go(s, b, "/login"); await says(b, "Your session has expired."); eq(await sessionCookie(s, b), undefined);
	}));
	test("whom an administrator signs out or disables is told so", people(2, async (a, b) => {
		const { email } = await member(s, a), { email: other } = await member(s, b);
		s.ctl("session", "revoke-all", "--user", email); await signedOut(a, "/account", "An administrator has ended your session.");
		s.ctl("user", "disable", other); await signedOut(b, "/account", "Your account is disabled.");
	}));
	test("remembered or not: a cookie that stays, or goes with the browser", people(2, async (a, b) => {
		const { email } = await s.user(); await signIn(s, a, email); await signIn(s, b, email, { remember: false });
		assert.ok((await sessionCookie(s, a)).expires > Date.now() / 1000 + 6 * 86400); eq((await sessionCookie(s, b)).expires, -1);
		for (const x of [a, b]) { const c = await sessionCookie(s, x); eq(c.httpOnly, true); eq(c.sameSite, "Lax"); }
	}));
	test("a form of who has been signed out meanwhile does nothing, and the page says why", people(2, async (a, b) => {
		await memberOf(a, b); await go(s, b, "/account");
		await go(s, a, "/devices"); await press(a, "End all other sessions");
		await fill(b, { name: "Mallory" }); eq(await heading(b), "You are signed out"); await says(b, "Your session was ended from another device.");
		await go(s, a, "/account"); eq(await a.inputValue("#name"), "Ann Smith");
		// and once the browser holds nothing any more, it leads to where one signs in
		await go(s, a, "/account"); await a.context().clearCookies(); await fill(a, { name: "Mallory" }); at(s, a, "/login");
	}));
});

describe("passwords", () => {
	test("forgotten: a link by mail sets a new one, and everybody is out", people(2, async (a, b) => {
		const { email } = await member(s, a);
		await go(s, b, "/login"); await press(b, b.getByRole("link", { name: "Forgot your password?" }));
		await fill(b, { email }); at(s, b, "/forgot?done=sent"); await says(b, "a mail is on its way");
		await go(s, b, await linkIn(s, email, 2, "/reset-password/")); eq(await heading(b), "Set a new password");
		await fill(b, { newPassword: "password123" }); await says(b, "too easy to guess"); eq(await b.inputValue("#newPassword"), "");
		await fill(b, { newPassword: NEXT_PASSWORD }); at(s, b, "/login?done=password"); await says(b, "Your password is set.");
		await fill(b, { email, password: PASSWORD }); await says(b, "E-mail address or password is wrong.");
		await fill(b, { email, password: NEXT_PASSWORD }); eq(await heading(b), "Home");
		await signedOut(a, "/account", "The password of your account was changed.");
		const link = await linkIn(s, email, 3, "/reset-password/"); await go(s, a, link); eq(await heading(a), "This link does not work any more");
		await press(a, a.getByRole("link", { name: "Set a new password" })); at(s, a, "/forgot");
	}));
	test("an address that nobody has is answered alike", people(2, async (a, b) => {
		const { email } = await s.user(); await go(s, b, "/forgot"); await fill(b, { email });
		await go(s, a, "/forgot"); await fill(a, { email: newEmail() });
		eq(where(s, a), where(s, b)); eq(plain(await a.content()), plain(await b.content()));
	}));
	test("changed: the others are out and told why, this one stays", people(2, async (a, b) => {
		const { email } = await memberOf(a, b);
		await go(s, a, "/account"); await fill(a, { currentPassword: "wrong-horse-1", newPassword: NEXT_PASSWORD });
		await says(a, "The password is wrong."); eq(await signedIn(b), true);
		await fill(a, { currentPassword: PASSWORD, newPassword: "password123" }); await says(a, "too easy to guess");
		await fill(a, { currentPassword: PASSWORD, newPassword: NEXT_PASSWORD }); at(s, a, "/account?done=password-changed"); await says(a, "Your password is changed");
		await signedOut(b, "/devices", "The password of your account was changed.");
		await signIn(s, b, email); await says(b, "is wrong"); await fill(b, { email, password: NEXT_PASSWORD }); eq(await heading(b), "Home");
	}));
	test("asked for once more where it was given too long ago, and on with what was wanted", people(1, async (a) => {
		await member(s, a); const to = newEmail();
		s.move(DAY + MINUTE);
		await go(s, a, "/account"); await fill(a, { newEmail: to });
		at(s, a, `/reauth?next=${encodeURIComponent(`${s.prefix}/account`)}`); eq(await heading(a), "Is it you?");
		await fill(a, { password: "wrong-horse-1" }); await says(a, "The password is wrong.");
		await fill(a, { password: PASSWORD }); at(s, a, "/account");
		await fill(a, { newEmail: to }); at(s, a, "/account?done=email"); await says(a, "A link was sent to the new address.");
	}));
});

describe("the account", () => {
	test("name", people(1, async (a) => {
		await member(s, a); await go(s, a, "/account"); await fill(a, { name: "<b>Änn & \"Söhne\"</b>" });
		at(s, a, "/account?done=saved"); await says(a, "Saved."); eq(await a.inputValue("#name"), "<b>Änn & \"Söhne\"</b>");
		await go(s, a, "/account"); eq(await a.getByText("Saved.").count(), 0);
	}));
	test("address: proven by its link; changed by a link to the new one", people(1, async (a) => {
		const { email } = await member(s, a), to = newEmail(); await go(s, a, "/account"); await press(a, "Send a link to confirm it");
		at(s, a, "/verify?done=sent"); await says(a, "a mail is on its way"); eq(await a.inputValue("#email"), email);
		const links = (await s.mails(email, 2)).map((m) => m.link), newest = await Promise.all(links.map(async (l) => [(await s.get(new URL(l).pathname.slice(s.prefix.length) + new URL(l).search)).status, l]));
		same200(newest);
		await go(s, a, "/account"); await says(a, "confirmed"); eq(await a.getByRole("button", { name: "Send a link to confirm it" }).count(), 0);
		await fill(a, { newEmail: email }); await says(a, "That is your address already."); eq(await a.inputValue("#newEmail"), email);
		await fill(a, { newEmail: to }); await says(a, "A link was sent to the new address.");
		await go(s, a, await linkIn(s, to, 1, "/verify-email")); eq(await heading(a), "Your address is confirmed"); await press(a, a.getByRole("link", { name: "Go on" })); eq(await heading(a), "Home");
		await go(s, a, "/account"); await says(a, to); eq(await a.getByText(email).count(), 0);
	}));
	test("deleted: with the password; nothing is left, and nobody is signed in", people(2, async (a, b) => {
		const { email } = await memberOf(a, b); await go(s, a, "/account");
		await fill(a, { deletePassword: "wrong-horse-1" }); await says(a, "The password is wrong."); eq(await a.locator("#wrong a").getAttribute("href"), "#deletePassword");
		await fill(a, { deletePassword: PASSWORD }); eq(await heading(a), "Your account is deleted"); eq(await sessionCookie(s, a), undefined); eq(await a.getByRole("button", { name: "Sign out" }).count(), 0);
		eq(s.sql(`SELECT COUNT(*) FROM user WHERE email = '${email}'`), "0");
		await signedOut(b, "/account", "Your account is deleted."); await signIn(s, b, email); await says(b, "E-mail address or password is wrong.");
	}));
	test("a sign-in that was not his: the link in the mail ends it, and leads to a new password", people(2, async (a, thief) => {
		const u = await s.user(); await s.another(u, {}, { remote: "203.0.113.77" }).then((v) => carry(s, thief, v)); eq(await signedIn(thief), true);
		await go(s, a, await linkIn(s, u.email, 2, "/not-me")); eq(await heading(a), "Was this sign-in not yours?"); eq(await signedIn(thief), true);
		await press(a, "End that session"); eq(await heading(a), "That session has ended");
		await signedOut(thief, "/account", "Your session was ended because its sign-in was said not to be yours.");
		await press(a, a.getByRole("link", { name: "Set a new password" })); at(s, a, "/forgot");
	}));
});

describe("signing in", () => {
	test("leads on to where one wanted to go, through signing up as well", people(2, async (a, b) => {
		const email = await signUp(s, a, newEmail(), "?next=/?a=1%26b=2"); eq(a.url(), `${s.origin}/?a=1%26b=2`);
		await go(s, b, "/register?next=/?from=register"); await press(b, b.getByRole("link", { name: "Sign in" })); await fill(b, { email, password: "wrong-horse-1" });
		await says(b, "is wrong"); await fill(b, { email, password: PASSWORD }); eq(b.url(), `${s.origin}/?from=register`);
	}));
	test("who is signed in is told so, and can go on or be somebody else", people(1, async (a) => {
		const { email } = await member(s, a), other = await s.user(); await go(s, a, "/login?next=/?x"); await says(a, `You are signed in as ${email}.`);
		await press(a, a.getByRole("link", { name: "Go on" })); eq(a.url(), `${s.origin}/?x`);
		await signIn(s, a, other.email); await go(s, a, "/account"); await says(a, other.email);
		eq(s.sql(`SELECT COUNT(*) FROM session s JOIN user u ON s.userId = u.id WHERE u.email = '${email}'`), "0", "the session before is ended");
	}));
	test("what is wrong is told first, is linked to its field, and what was typed stays but for passwords", people(1, async (a) => {
		await go(s, a, "/login"); await focused(a, "email");
		await fill(a, { email: "ann@example.com", password: "wrong-horse-1" });
		eq(await a.title(), "Error: Sign in · 127.0.0.1"); await focused(a, "wrong"); eq(await a.locator("#wrong").getAttribute("role"), "alert");
		eq(await a.inputValue("#email"), "ann@example.com"); eq(await a.inputValue("#password"), "");
		eq(await a.locator("#email").getAttribute("aria-invalid"), "true"); eq(await a.locator("#email").getAttribute("aria-describedby"), "wrong"); eq(await a.locator("#password").getAttribute("aria-invalid"), null);
		await a.keyboard.press("Tab"); await a.keyboard.press("Enter"); await focused(a, "email");
		for (const [page, fields, id] of [["/register", { name: "Ann", email: newEmail(), password: "password123" }, "password"], ["/register", { name: "Ann", email: "ann@localhost", password: PASSWORD }, "email"], ["/forgot", { email: "ann@localhost" }, "email"], ["/verify", { email: "ann@localhost" }, "email"]]) {
			await go(s, a, page); await fill(a, fields);
			await focused(a, "wrong", page); await a.locator("#wrong a").click(); await focused(a, id, page);
		}
	}));
	test("by keyboard alone, in the order of the page", people(1, async (a) => {
		const u = await s.user(), focus = () => a.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
		await go(s, a, "/login"); await focused(a, "email"); await a.keyboard.type(u.email);
		await a.keyboard.press("Tab"); eq(await focus(), "password"); await a.keyboard.type(PASSWORD);
		await a.keyboard.press("Tab"); eq(await focus(), "remember"); await a.keyboard.press("Space"); eq(await a.isChecked("#remember"), false);
		await a.keyboard.press("Tab"); eq(await focus(), "Sign in");
		await Promise.all([a.waitForEvent("load"), a.keyboard.press("Enter")]); eq(await heading(a), "Home"); eq((await sessionCookie(s, a)).expires, -1);
		await go(s, a, "/account"); const order = [];
		for (let i = 0; i < 14; i++) { await a.keyboard.press("Tab"); order.push(await focus()); }
		eq(order.join(), "127.0.0.1,Account,Devices,Sign out,name,Save,Send a link to confirm it,newEmail,Change address,currentPassword,newPassword,Change password,deletePassword,Delete account");
	}));
	test("reloading the page after a form sends nothing twice", people(1, async (a) => {
		await member(s, a); await go(s, a, "/account"); await fill(a, { name: "Once" });
		s.sql(`UPDATE user SET name = 'Meanwhile' WHERE name = 'Once'`); await a.reload(); eq(await a.inputValue("#name"), "Meanwhile");
	}));
	test("two tabs of one browser: a form opened before the other signed in works", people(1, async (a) => {
		const u = await s.user(), b = await a.context().newPage(); await go(s, a, "/login"); await signIn(s, b, u.email);
		await fill(a, { email: u.email, password: PASSWORD }); eq(await heading(a), "Home"); eq(await signedIn(b), true);
	}));
});

describe("languages", () => {
	const german = { lang: "de-AT" };
	test("German for who asks for it, in pages, faults and reasons", people(2, async (a, b) => {
		await go(s, a, "/login"); eq(await heading(a), "Anmelden"); eq(await a.locator("html").getAttribute("lang"), "de"); eq(await a.title(), "Anmelden · 127.0.0.1");
		await fill(a, { email: newEmail(), password: "wrong-horse-1" }); await says(a, "E-Mail-Adresse oder Passwort ist falsch.");
		await memberOf(a, b); await go(s, a, "/devices"); eq(await heading(a), "Ihre Geräte"); await says(a, "dieses Gerät");
		await press(a, "Alle anderen Sitzungen beenden"); await says(a, "Alle anderen Sitzungen sind beendet."); await go(s, b, "/account"); eq(await heading(b), "Sie sind abgemeldet"); await says(b, "Ihre Sitzung wurde von einem anderen Gerät aus beendet.");
	}, german));
	test("English for everybody else", people(1, async (a) => { await go(s, a, "/login"); eq(await heading(a), "Sign in"); eq(await a.locator("html").getAttribute("lang"), "en"); }, { lang: "fr-FR" }));
});

describe("where an address must be proven first", async () => {
	const t = await site({ "account.require_verified_email": "on" });
	after(() => t.stop());
	test("sign up, be told to look for a mail, follow its link, sign in", people(1, async (a) => {
		const email = await signUp(t, a); at(t, a, "/verify"); eq(await heading(a), "Please confirm your e-mail address"); eq(await sessionCookie(t, a), undefined);
		await press(a, a.getByRole("link", { name: "Sign in" })); await fill(a, { email, password: PASSWORD }); await says(a, "Please confirm your e-mail address first: a new link was sent to you.");
		await go(t, a, "/verify"); await fill(a, { email }); at(t, a, "/verify?done=sent"); await says(a, "a mail is on its way");
		const links = (await t.mails(email, 3)).map((m) => new URL(m.link)).map((u) => u.pathname.slice(t.prefix.length) + u.search);
		for (const l of links) await go(t, a, l); // the newest of them is the one that works
		await signIn(t, a, email); eq(await heading(a), "Home");
	}));
	test("an address that has an account looks alike", people(2, async (a, b) => {
		const email = await signUp(t, a); await signUp(t, b, email);
		eq(where(t, b), where(t, a)); eq(await b.locator("main").innerHTML().then(plain), await a.locator("main").innerHTML().then(plain));
	}));
});

test("closed to new users: no way there, and a page that says so", async () => {
	const t = await start({ server: "nginx", set: { "auth.sign_up": "closed" } }), a = await person(browser);
	try {
		await go(t, a, "/login"); eq(await a.getByRole("link").count(), 1, "the site's name alone"); const res = await go(t, a, "/register"); eq(res.status(), 403); await says(a, "Nobody can sign up here.");
		for (const p of ["/forgot", "/verify"]) { eq((await go(t, a, p)).status(), 400); await says(a, "No mail is sent here."); }
	} finally { await a.end(); await t.stop(); }
});

const plain = (html) => html.replace(/name="formToken" value="[^"]*"/g, "");
function same200(list) { eq(list.filter(([status]) => status === 200).length, 1, JSON.stringify(list)); }
