export { authClient } from "./auth.js";
export { createTypedClient } from "./client.js";
export type {
	Account, Auth, AuthError, AuthOptions, Client, ClientOptions, Connection, Parts, Plugin, Reading, Result, Send, Session, SessionData,
	SessionOptions, SessionState, SessionStore, Status, User,
} from "./types.js";
