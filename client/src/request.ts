// One request and its answer, as data or error. Nothing here throws.
import type { AuthError, ClientOptions, Connection, Result } from "./types.js";

/** Longer than latchkey takes for anything. */
const TIMEOUT = 60_000;

/** An origin alone gets the usual path. */
function base(url: string): string {
	const plain = url.replace(/\/+$/, "");
	return /^https?:\/\/[^/]+$/i.test(plain) ? `${plain}/auth` : plain;
}

// By name and not by form: a user may be called 2026-01-01T00:00:00.000Z.
const withDates = (key: string, value: unknown) => (key.endsWith("At") && typeof value === "string" ? new Date(value) : value);

function parse(text: string) {
	try {
		return JSON.parse(text, withDates);
	} catch {
		return undefined;
	}
}

/** Retry-After: seconds, or a date. */
function secondsToWait(response: Response): number | undefined {
	const value = response.headers.get("Retry-After");
	if (!value) return undefined;
	const seconds = Number(value);
	const wait = Number.isNaN(seconds) ? (Date.parse(value) - Date.now()) / 1000 : seconds;
	return wait > 0 ? wait : undefined;
}

function failure(response: Response, body: { message?: unknown } | undefined): AuthError {
	const { ok, status, statusText } = response;
	const told = !ok && typeof body?.message === "string" ? body : { code: "INVALID_RESPONSE", message: `Status ${status}, and not by latchkey` };
	return { ...(told as { message: string }), status, statusText, retryAfter: secondsToWait(response) };
}

/** What is sent from here on goes to the server of `options`. */
export function connect({ baseURL = "/auth", fetch = (...args) => globalThis.fetch(...args) }: ClientOptions): Connection {
	const address = base(baseURL);

	async function exchange<T>(method: string, path: string, { query = {}, body }: { query?: object; body?: object } = {}): Promise<Result<T>> {
		const own = globalThis.location?.origin;
		const url = new URL(address + path, own);
		for (const [key, value] of Object.entries(query)) if (value != null) url.searchParams.set(key, String(value));
		const response = await fetch(url, {
			method,
			// to a server elsewhere the cookie goes only if asked for
			credentials: url.origin === own ? "same-origin" : "include",
			signal: AbortSignal.timeout(TIMEOUT),
			...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
		});
		const answer = parse(await response.text());
		if (response.ok && answer !== undefined) return { data: answer as T, error: null };
		return { data: null, error: failure(response, answer) };
	}

	return {
		name: `latchkey ${address}`,
		send: (...request) =>
			exchange<never>(...request).catch((reason: unknown) => ({
				data: null,
				error: { code: "NETWORK_ERROR", message: String(reason), status: 0, statusText: "" },
			})),
	};
}
