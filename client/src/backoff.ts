// How long to leave a server alone that fails: a random time, up to as long as it has been failing. So those who lost it
// together do not come back together, ask less and less often, and are back soon after a short outage.

const SHORTEST = 2_000;
const LONGEST = 300_000;
/** A browser's timers take no more; they would run at once. */
export const MAX_TIMER = 2 ** 31 - 1;

export function backoff(retry: () => void) {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let since = 0;
	let notBefore = 0;

	return {
		/** It failed, and perhaps told how many seconds to wait at least. */
		failed(retryAfter = 0) {
			const now = Date.now();
			const least = retryAfter * 1000;
			since ||= now;
			notBefore = now + least;
			const span = Math.min(LONGEST, Math.max(SHORTEST, now - since));
			clearTimeout(timer);
			timer = setTimeout(() => {
				timer = undefined;
				retry();
			}, Math.min(MAX_TIMER, least + Math.random() * span));
		},
		worked() {
			clearTimeout(timer);
			timer = undefined;
			since = notBefore = 0;
		},
		/** The next try is planned. */
		planned: () => timer !== undefined,
		/** The server asked to be left alone until later. */
		forbidden: () => Date.now() < notBefore,
	};
}
