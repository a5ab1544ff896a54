// The calls, each a row: where it goes, and what its success does to the session of this browser.
import { sessionStore } from "./session.js";
import type { Auth, AuthOptions, Connection, Parts, Reading, Result } from "./types.js";

type Effect = "nothing" | "changes" | "ends";

/** No other character is in an id; with a dot or a slash the path would be another one. */
const inPath = (id: string) => id.replace(/\W/g, "_") || "_";

/** Where a sign-in leads, if the site gave it a callbackURL. */
function follow({ data }: Result<{ redirect: boolean; url?: string }>) {
	if (!data?.redirect || !data.url || typeof location === "undefined") return;
	const url = new URL(data.url, location.origin);
	if (/^https?:$/.test(url.protocol)) location.assign(url);
}

function calls({ send, name }: Connection, options: AuthOptions): Parts {
	const { $session, getSession, changed, tell } = sessionStore({ send, name }, options.session);

	async function request<T>(method: string, path: string, effect: Effect, extra?: Parameters<typeof send>[2]): Promise<Result<T>> {
		const result = await send<T>(method, path, extra);
		if (!result.error && effect !== "nothing") {
			tell(effect === "ends");
			await changed("user", effect === "ends");
		}
		// The session it was sent with is no more.
		if (result.error?.status === 401 && result.error.code === "UNAUTHORIZED") await changed("user");
		return result;
	}
	const get = <T>(path: string, query: object = {}) => request<T>("GET", path, "nothing", { query });
	const post = <T>(path: string, body: object = {}, effect: Effect = "nothing") => request<T>("POST", path, effect, { body });

	const auth: Auth = {
		signUp: {
			email: (input) => post("/sign-up/email", input, "changes"),
		},
		signIn: {
			async email(input) {
				const result = await post<{ redirect: boolean; url?: string; token: string | null; user: never }>("/sign-in/email", input, "changes");
				follow(result);
				return result;
			},
		},
		signOut: () => post("/sign-out", {}, "ends"),
		getSession,
		listSessions: (options?: Reading) => get("/sessions", options?.query),
		revokeSession(session) {
			const id = typeof session === "string" ? session : "id" in session ? session.id : session.token;
			return request("DELETE", `/sessions/${inPath(id)}`, "changes");
		},
		revokeOtherSessions: () => post("/revoke-other-sessions"),
		revokeSessions: () => post("/revoke-sessions", {}, "ends"),
		changePassword: (input) => post("/change-password", input, "changes"),
		verifyPassword: (input) => post("/verify-password", input, "changes"),
		requestPasswordReset: (input) => post("/request-password-reset", input),
		resetPassword: (input) => post("/reset-password", input, "changes"),
		updateUser: (input) => post("/update-user", input, "changes"),
		changeEmail: (input) => post("/change-email", input),
		deleteUser: (input) => post("/delete-user", input, "changes"),
		sendVerificationEmail: (input) => post("/send-verification-email", input),
		verifyEmail: (query) => request("GET", "/verify-email", "changes", { query }),
		notMe: (input) => post("/not-me", input, "changes"),
		listAccounts: () => get("/list-accounts"),
		token: () => get("/token"),
	};
	return { auth, $session };
}

/** `client.auth` and `client.$session`. */
export const authClient =
	(options: AuthOptions = {}) =>
	(connection: Connection): Parts =>
		calls(connection, options);
