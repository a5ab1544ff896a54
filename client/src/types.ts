// What goes in and comes out. docs/http-api.md of latchkey says what each field means.
import type { ReadableAtom } from "nanostores";

export interface User {
	id: string;
	name: string;
	email: string;
	emailVerified: boolean;
	image: string | null;
	createdAt: Date;
	updatedAt: Date;
}

export interface Session {
	/** Names the session; no credential. */
	id: string;
	/** The id once more. */
	token: string;
	userId: string;
	/** Its end if it is not used again. */
	expiresAt: Date;
	/** Its end whatever its use. */
	diesAt: Date;
	createdAt: Date;
	updatedAt: Date;
	/** When the password was given. */
	authenticatedAt: Date;
	lastSeenAt: Date;
	/** Address and browser at sign-in; empty if unknown. */
	ipAddress: string;
	userAgent: string;
	lastIpAddress: string;
	/** A name for the device, such as "Firefox on Linux". */
	device: string;
	/** Is it the session of this browser? */
	current: boolean;
	rememberMe: boolean;
}

export interface SessionData {
	session: Session;
	user: User;
}

export interface Account {
	id: string;
	accountId: string;
	providerId: string;
	userId: string;
	scopes: string[];
	createdAt: Date;
	updatedAt: Date;
}

/** An answer that is no success, or no answer at all. */
export interface AuthError {
	/** For programs. NETWORK_ERROR: no answer; INVALID_RESPONSE: not latchkey's; else latchkey's own code, if it has one. */
	code?: string;
	/** For people. */
	message: string;
	/** Of HTTP; 0 if there was no answer. */
	status: number;
	statusText: string;
	/** Seconds to wait, where the answer told. */
	retryAfter?: number | undefined;
}

export type Result<T> = { data: T; error: null } | { data: null; error: AuthError };
type Answer<T> = Promise<Result<T>>;

/** Does the request leave the session as it is? Then it does not count as use of it. */
export interface Reading {
	query?: { disableRefresh?: boolean };
}

export interface Status {
	status: boolean;
}

export interface Auth {
	signUp: {
		email(input: { name: string; email: string; password: string; image?: string; rememberMe?: boolean; callbackURL?: string }): Answer<{ token: string | null; user: User }>;
	};
	signIn: {
		email(input: { email: string; password: string; rememberMe?: boolean; callbackURL?: string }): Answer<{ redirect: boolean; url?: string; token: string | null; user: User }>;
	};
	signOut(): Answer<{ success: boolean }>;
	getSession(options?: Reading): Answer<SessionData | null>;
	listSessions(options?: Reading): Answer<Session[]>;
	/** Ends one of the user's sessions. */
	revokeSession(session: string | { id: string } | { token: string }): Answer<Status>;
	revokeOtherSessions(): Answer<Status>;
	/** Ends all of the user's sessions, this one too. */
	revokeSessions(): Answer<Status>;
	changePassword(input: { currentPassword: string; newPassword: string; revokeOtherSessions?: boolean }): Answer<{ token: string | null; user: User }>;
	verifyPassword(input: { password: string }): Answer<Status>;
	requestPasswordReset(input: { email: string; redirectTo?: string }): Answer<Status & { message: string }>;
	resetPassword(input: { newPassword: string; token: string }): Answer<Status>;
	updateUser(input: { name?: string; image?: string | null }): Answer<Status>;
	changeEmail(input: { newEmail: string; callbackURL?: string }): Answer<Status>;
	deleteUser(input?: { password?: string; token?: string; callbackURL?: string }): Answer<{ success: boolean; message: string }>;
	sendVerificationEmail(input: { email: string; callbackURL?: string }): Answer<Status>;
	verifyEmail(input: { token: string }): Answer<Status & { user: null }>;
	/** Ends a session that a mail about a new device told of. */
	notMe(input: { token: string }): Answer<Status>;
	listAccounts(): Answer<Account[]>;
	/** A JWT for other services, where latchkey is in jwt mode. */
	token(): Answer<{ token: string }>;
}

export interface SessionState {
	/** Who is signed in; null: nobody, or not known (isPending). */
	data: SessionData | null;
	/** Not known yet. */
	isPending: boolean;
	/** Why the last try to learn it failed. What was known before stays in data. */
	error: AuthError | null;
	/** Asks now; the promise is kept once the store knows. */
	refetch: () => Promise<void>;
}

export type SessionStore = ReadableAtom<SessionState>;

export interface SessionOptions {
	/** Seconds between looks at the session; 0 (the default): none. They do not keep it alive. */
	refetchInterval?: number;
	/** Look when the tab is shown again; true is the default. */
	refetchOnWindowFocus?: boolean;
}

export interface AuthOptions {
	session?: SessionOptions;
}

export interface Parts {
	auth: Auth;
	$session: SessionStore;
}

/** One request: a path below the base, and what goes along. */
export type Send = <T>(method: string, path: string, extra?: { query?: object | undefined; body?: object | undefined }) => Answer<T>;

export interface Connection {
	send: Send;
	/** Names the server among others that the same page may use. */
	name: string;
}

export type Plugin = (connection: Connection) => Parts;

export interface ClientOptions {
	/** Where latchkey is; "/auth" at the page's own origin by default. An origin alone gets "/auth". */
	baseURL?: string;
	/** Instead of the global fetch. */
	fetch?: typeof fetch;
	plugins?: Plugin[];
}

export type Client = Parts;
