// Who is signed in, as a store. When to ask is the library's business (focus, reconnect, interval, no two questions at
// once); what an answer means, and what a missing one does not mean, is ours.
import { nanoquery } from "@nanostores/query";
import { atom, onMount } from "nanostores";
import { MAX_TIMER, backoff } from "./backoff.js";
import { type Known, NOBODY, judge } from "./known.js";
import { otherTabs } from "./tabs.js";
import type { Connection, Reading, Result, SessionData, SessionOptions, SessionState } from "./types.js";

/** Why the server is asked. */
type Cause = "user" | "focus" | "online" | "tab" | "timer";

const DEDUPE = 4_000;
/** A whole office that comes back online together does not ask together. */
const ONLINE_SPREAD = 2_000;

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

export function sessionStore({ send, name }: Connection, { refetchInterval = 0, refetchOnWindowFocus = true }: SessionOptions = {}) {
	const unknown: SessionState = { data: null, isPending: true, error: null, refetch: async () => {} };
	const $session = atom(unknown);
	const ask = (options: Reading = {}): Promise<Result<SessionData | null>> => send("GET", "/session", options);

	// On a server there is nobody to look for.
	if (typeof document === "undefined") return { $session, getSession: ask, changed: async () => {}, tell: () => {} };

	let cause: Cause = "timer";
	let changes = 0;
	let known: Known | undefined;
	let running: Promise<Known> | undefined;
	let mounted = false;
	let missed = false;
	const wait = backoff(() => look("timer"));

	/** Is this no time to ask? */
	function held(why: Cause): boolean {
		if (why === "timer") return wait.planned();
		return (why === "focus" || why === "online") && wait.forbidden();
	}

	function learn(result: Result<SessionData | null>): Known {
		known = judge(known, result);
		if (known.error) wait.failed(known.error.retryAfter);
		else wait.worked();
		return known;
	}

	/** What the library calls. Only what a user does is use of the session. */
	async function load(why: Cause): Promise<Known> {
		if (known && held(why)) return known;
		if (why === "online") await pause(Math.random() * ONLINE_SPREAD);
		let passive = why !== "user" && why !== "focus";
		for (;;) {
			const asked = changes;
			const result = await ask(passive ? { query: { disableRefresh: true } } : {});
			if (asked === changes) return learn(result);
			// The answer may be older than a sign-in or sign-out meanwhile.
			passive = false;
		}
	}

	// The library does not say why it calls. It listens to these events between our two listeners.
	const during = (event: string, why: Cause) => addEventListener(event, () => (cause = why));
	during("visibilitychange", "focus");
	during("online", "online");
	const [createFetcherStore] = nanoquery({ cacheLifetime: Infinity });
	during("visibilitychange", "timer");
	during("online", "timer");

	const interval = Math.min(MAX_TIMER, refetchInterval * 1000);
	const $query = createFetcherStore<Known>("session", {
		fetcher: () => (running = load(cause)),
		dedupeTime: interval > 0 ? Math.min(DEDUPE, interval / 2) : DEDUPE,
		revalidateInterval: interval,
		revalidateOnFocus: refetchOnWindowFocus,
		revalidateOnReconnect: true,
	});

	/** Asks now, whenever it was that somebody asked last; a hidden tab, where the library does not ask, when it is shown. */
	async function look(why: Cause): Promise<void> {
		missed = document.hidden;
		cause = why;
		$query.revalidate();
		cause = "timer";
		await running;
	}

	addEventListener("visibilitychange", () => {
		if (missed && !document.hidden) look("focus");
	});
	// Back from the browser's cache of pages, where neither timers nor messages arrive.
	addEventListener("pageshow", ({ persisted }) => {
		if (persisted) look("focus");
	});

	/** Something was done to the session. Where nobody looks at the store it begins anew. */
	async function changed(why: Cause, signedOut = false): Promise<void> {
		changes++;
		if (!mounted) {
			known = undefined;
			$query.invalidate();
			$session.set(unknown);
			return;
		}
		if (signedOut) $query.mutate((known = NOBODY));
		await look(why);
	}

	async function getSession(options?: Reading) {
		const asked = changes;
		const result = await ask(options);
		if (mounted && asked === changes && !result.error) $query.mutate(learn(result));
		return result;
	}

	unknown.refetch = () => look("user");
	onMount($session, () => {
		let shown: Known | undefined;
		mounted = true;
		cause = "user";
		const stop = $query.subscribe(({ data }) => {
			if (!data || data === shown) return;
			shown = data;
			$session.set({ data: data.data, isPending: !data.certain, error: data.error, refetch: unknown.refetch });
		});
		cause = "timer";
		return () => {
			mounted = false;
			stop();
		};
	});

	return { $session, getSession, changed, tell: otherTabs(name, (signedOut) => void changed("tab", signedOut)) };
}
