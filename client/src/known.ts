// What is known of the session, and what an answer makes of it.
import type { AuthError, Result, SessionData } from "./types.js";

export interface Known {
	data: SessionData | null;
	error: AuthError | null;
	/** Has there ever been an answer? */
	certain: boolean;
}

export const NOBODY: Known = { data: null, error: null, certain: true };

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Objects that say the same stay the same objects, so that nothing is drawn again. */
function keep(old: SessionData, now: SessionData): SessionData {
	const session = same(old.session, now.session) ? old.session : now.session;
	const user = same(old.user, now.user) ? old.user : now.user;
	return session === old.session && user === old.user ? old : { ...now, session, user };
}

/** null or 401: nobody is signed in. Any other failure tells nothing: what was known stays. */
export function judge(old: Known | undefined, { data, error }: Result<SessionData | null>): Known {
	if (error?.status === 401 || (data === null && !error)) return old?.certain && !old.data && !old.error ? old : NOBODY;
	if (!data?.session || !data.user) {
		const strange = { code: "INVALID_RESPONSE", message: "No session of latchkey", status: 200, statusText: "" };
		return { data: null, certain: false, ...old, error: error ?? strange };
	}
	const kept = old?.data ? keep(old.data, data) : data;
	return kept === old?.data && !old.error ? old : { data: kept, error: null, certain: true };
}
