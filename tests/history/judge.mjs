// Whether what was answered can be true. Times are milliseconds of one clock, and all of one process: what it sent after it
// had been answered came later. Knows nothing of how sessions are kept.

/** A session's history. reads: {start, end, host, alive}; ends: {host, asked, done}, done null: it is not known whether it
 * came about. */
export const historyOf = () => ({ reads: [], ends: [] });

/** What the answers of many histories come to. */
export class Judgement {
	constructor() { Object.assign(this, { sessions: 0, ended: 0, reads: 0, during: 0, here: 0, within: 0, after: 0, alive: 0, worst: 0, wrong: [], kinds: {} }); }
	fault(kind, h, r, e) {
		this.kinds[kind] = (this.kinds[kind] ?? 0) + 1;
		if (this.wrong.length < 20) this.wrong.push({ kind, id: h.id, read: r, end: e, late: e?.done != null ? r.start - e.done : null });
	}
	get faults() { return Object.values(this.kinds).reduce((a, b) => a + b, 0); }
}

/** bound: how much later than at the host of its end a session may still be said to live at another one. */
export function judge(h, bound, to) {
	const asked = Math.min(...h.ends.map((e) => e.asked));
	to.sessions++;
	if (h.ends.some((e) => e.done !== null)) to.ended++;
	to.reads += h.reads.length;
	for (const r of h.reads) if (r.alive) judgeAlive(h, r, bound, to); else if (r.end < asked) to.fault("dead before its end", h, r, h.ends[0]);
	judgeReturned(h, to);
	count(h, bound, to);
}
function judgeAlive(h, r, bound, to) {
	for (const e of h.ends) {
		if (e.done === null || r.start <= e.done) continue;
		if (r.host === e.host) to.fault("alive at the host of its end", h, r, e);
		else if (r.start > e.done + bound) to.fault("alive elsewhere after the bound", h, r, e);
	}
}
/** Ended at one host only, as far as anybody asked: whoever was told so there is not told there that it lives any more. */
function judgeReturned(h, to) {
	for (const host of new Set(h.ends.map((e) => e.host))) {
		if (h.ends.some((e) => e.host !== host)) continue;
		const known = Math.min(...h.reads.filter((r) => !r.alive && r.host === host).map((r) => r.end));
		for (const r of h.reads) if (r.alive && r.host === host && r.start > known) to.fault("alive again", h, r, h.ends[0]);
	}
}
/** By the first end that is known to have come about. */
function count(h, bound, to) {
	const done = h.ends.filter((e) => e.done !== null).sort((a, b) => a.done - b.done)[0];
	if (!done) return;
	for (const r of h.reads) {
		if (r.end >= done.asked && r.start <= done.done) to.during++;
		if (r.start <= done.done) continue;
		if (r.host === done.host) to.here++; else if (r.start <= done.done + bound) to.within++; else to.after++;
		if (r.alive && r.host !== done.host) { to.alive++; to.worst = Math.max(to.worst, r.start - done.done); }
	}
}
