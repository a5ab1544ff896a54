// Every page in every state worth a look, each shown by a tab that nobody is signed in to.
import { DAY, newEmail, PASSWORD } from "../endpoint/server.mjs";
import { carry, fill, go, linkIn, NEXT_PASSWORD, press, signIn } from "./pages.mjs";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
/** Signed in as a new user, with n further sessions elsewhere. */
async function user(s, tab, n = 0) {
	const u = await s.user({ name: "Ann Smith" });
	for (let i = 0; i < n; i++) await s.signIn(u.email, {}, { headers: { "user-agent": [FIREFOX, PHONE][i % 2] }, remote: ["203.0.113.7", "2001:db8:1234:5678:9abc:def0:1234:5678"][i % 2] });
	await carry(s, tab, u);
	return u;
}
const reset = async (s, u, n) => { await s.post("/request-password-reset", { email: u.email }); return linkIn(s, u.email, n, "/reset-password/"); };

export const STATES = {
	"sign-in": (s, tab) => go(s, tab, "/login"),
	"sign-in to go on": (s, tab) => go(s, tab, "/login?next=/protected/?a=1"),
	"sign-in wrong": (s, tab) => signIn(s, tab, newEmail()),
	"sign-in no address": async (s, tab) => { await go(s, tab, "/login"); await fill(tab, { email: "ann@localhost", password: "x" }); },
	"sign-in signed in": async (s, tab) => { await user(s, tab); await go(s, tab, "/login?next=/"); },
	"sign-in after a reset": (s, tab) => go(s, tab, "/login?done=password"),
	"sign-in revoked": async (s, tab) => { const u = await user(s, tab), v = await s.another(u); await s.post("/revoke-other-sessions", {}, { cookie: v.cookie }); await go(s, tab, "/login"); },
	"sign-up": (s, tab) => go(s, tab, "/register"),
	"sign-up wrong": async (s, tab) => { await go(s, tab, "/register"); await fill(tab, { name: "Ann Smith", email: newEmail(), password: "password123" }); },
	"sign-up taken": async (s, tab) => { const u = await s.user(); await go(s, tab, "/register"); await fill(tab, { name: "Ann Smith", email: u.email, password: PASSWORD }); },
	"forgot": (s, tab) => go(s, tab, "/forgot"),
	"forgot sent": async (s, tab) => { await go(s, tab, "/forgot"); await fill(tab, { email: newEmail() }); },
	"forgot wrong": async (s, tab) => { await go(s, tab, "/forgot"); await fill(tab, { email: "ann@localhost" }); },
	"reset": async (s, tab) => go(s, tab, await reset(s, await s.user(), 2)),
	"reset wrong": async (s, tab) => { await go(s, tab, await reset(s, await s.user(), 2)); await fill(tab, { newPassword: "password123" }); },
	"reset dead": (s, tab) => go(s, tab, `/reset-password/${"a".repeat(32)}`),
	"reset without a link": (s, tab) => go(s, tab, "/reset"),
	"verify": (s, tab) => go(s, tab, "/verify"),
	"verify sent": async (s, tab) => { await go(s, tab, "/verify"); await fill(tab, { email: newEmail() }); },
	"verified": async (s, tab) => { const u = await user(s, tab); await go(s, tab, await linkIn(s, u.email, 1, "/verify-email")); },
	"verify dead": (s, tab) => go(s, tab, `/verify-email?token=${"a".repeat(32)}`),
	"reauth": async (s, tab) => { await user(s, tab); await go(s, tab, "/reauth?next=/x"); },
	"reauth wrong": async (s, tab) => { await user(s, tab); await go(s, tab, "/reauth"); await fill(tab, { password: "wrong-horse-1" }); },
	"devices one": async (s, tab) => { await user(s, tab); await go(s, tab, "/devices"); },
	"devices": async (s, tab) => { await user(s, tab, 3); await go(s, tab, "/devices"); },
	"devices one ended": async (s, tab) => { await user(s, tab, 2); await go(s, tab, "/devices"); await press(tab, tab.locator(".devices button").first()); },
	"account": async (s, tab) => { await user(s, tab); await go(s, tab, "/account"); },
	"account verified": async (s, tab) => { const u = await user(s, tab); await s.get(await linkIn(s, u.email, 1, "/verify-email")); await go(s, tab, "/account"); },
	"account saved": async (s, tab) => { await user(s, tab); await go(s, tab, "/account"); await fill(tab, { name: "Ann" }); },
	"account wrong": async (s, tab) => { await user(s, tab); await go(s, tab, "/account"); await fill(tab, { currentPassword: "wrong-horse-1", newPassword: NEXT_PASSWORD }); },
	"account other wrong": async (s, tab) => { const u = await user(s, tab); await go(s, tab, "/account"); await fill(tab, { newEmail: u.email }); },
	"account long": async (s, tab) => { const u = await s.user({ name: "x".repeat(255) }, {}); await s.sql(`UPDATE user SET email = '${newEmail().split("@")[0]}${"verylongname".repeat(3)}@${"sub.".repeat(15)}example.org' WHERE id = '${u.id}'`); await carry(s, tab, u); await go(s, tab, "/account"); },
	"delete mailed": async (s, tab) => { const u = await user(s, tab); await go(s, tab, "/account"); await fill(tab, { deletePassword: PASSWORD }); },
	"delete asked": async (s, tab) => { const u = await user(s, tab); await s.post("/delete-user", { password: PASSWORD }, { cookie: u.cookie }); await go(s, tab, await linkIn(s, u.email, 2, "/delete-user")); },
	"deleted": async (s, tab) => { const u = await user(s, tab); await s.post("/delete-user", { password: PASSWORD }, { cookie: u.cookie }); await go(s, tab, await linkIn(s, u.email, 2, "/delete-user")); await press(tab, tab.locator("main button")); },
	"not me": async (s, tab) => { const u = await s.user(); await s.another(u, {}, { remote: "203.0.113.9" }); await go(s, tab, await linkIn(s, u.email, 2, "/not-me")); },
	"not me done": async (s, tab) => { const u = await s.user(); await s.another(u, {}, { remote: "203.0.113.9" }); await go(s, tab, await linkIn(s, u.email, 2, "/not-me")); await press(tab, tab.locator("main button")); },
	"signed out": (s, tab) => go(s, tab, "/signed-out"),
	"signed out expired": async (s, tab) => { const u = await user(s, tab); s.sql(`UPDATE session SET expiresAt = ${s.time(Date.now() - DAY)} WHERE userId = '${u.id}'`); await go(s, tab, "/devices"); },
	"error": (s, tab) => go(s, tab, "/error?error=SOME_CODE"),
	"error known": async (s, tab) => { await user(s, tab); await go(s, tab, "/error?error=TOKEN_EXPIRED"); },
	"form too old": async (s, tab) => { await go(s, tab, "/login"); await tab.context().clearCookies(); await fill(tab, { email: newEmail(), password: PASSWORD }); },
};
