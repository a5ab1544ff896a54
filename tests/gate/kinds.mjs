// The ways in which a web server asks latchkey about a page, what each can answer, and which pages it is tested with.

/** backend: what makes the pages in tests that do not say. spawned: the web server starts latchkey itself; then by "cgi" a
 * process for each question, by "fcgid" some that stay. tcp: latchkey listens on a port, not a socket.
 * proxies: it can pass requests on to an application.
 * redirects: a browser that opens a page is sent to the sign-in page; else the sign-in page is the answer (401).
 * includes: what a page has included (mod_include) is asked about by its "own" path, or "none" is included from elsewhere.
 * http2: it speaks that over TLS. away: the status where latchkey answers that it cannot tell; down: where
 * it is not there; cut: where it ends before it has answered. */
const ALL = [
	{ name: "nginx", server: "nginx", backend: "php", proxies: true, http2: true, redirects: true, away: [503], down: [503], cut: [503] },
	{ name: "lighttpd", server: "lighttpd", backend: "php", proxies: true, http2: true, redirects: true, away: [503], down: [503], cut: [500, 503] },
	{ name: "apache fcgid", server: "apache", apache: "fcgid", backend: "php", includes: "own", http2: true, proxies: true, spawned: "fcgid", away: [503], down: [500, 503], cut: [500, 503] },
	{ name: "apache authnz", server: "apache", apache: "authnz", backend: "php", includes: "own", http2: true, tcp: true, proxies: true, redirects: true, away: [503], down: [500, 503], cut: [500, 503] },
	{ name: "apache htaccess", server: "apache", apache: "htaccess", backend: "cgi", includes: "none", http2: true, spawned: "fcgid", away: [503], down: [500, 503], cut: [500, 503] },
	{ name: "apache cgi", server: "apache", apache: "cgi", backend: "php", includes: "own", spawned: "cgi", away: [503], down: [500, 503], cut: [500, 503] },
];
/** KINDS="nginx,apache cgi" in the environment: these only. */
const chosen = (k) => !process.env.KINDS || process.env.KINDS.split(",").includes(k.name);
export const KINDS = ALL.filter(chosen);
/** Each with its pages, and those that pass requests on to an application with that too: [kind, backend]. */
export const SITES = [...KINDS.map((k) => [k, k.backend]), ...KINDS.filter((k) => k.proxies).map((k) => [k, "proxy"])];

/** The statuses that deny a page. why: "nobody" (nobody is signed in), "forbidden" (somebody who may not), "away" (the store
 * does not answer), "down" and "cut" (latchkey does not). */
export function denied(kind, why, navigates) {
	switch (why) {
	case "nobody": return navigates && kind.redirects ? [302] : [401];
	case "forbidden": return [403];
	default: return kind[why];
	}
}

const kind = (name) => ALL.find((k) => k.name === name);

/** Checks of gate-test.sh that do not hold, and why. */
const TWO_COOKIE_LINES = { "two Cookie lines are accepted": "Apache joins them with a comma, which is part of a value (docs/architecture.md); browsers send one line" };
const CHUNKED = { "a chunked POST arrives whole": "a CGI program is not told the length of a chunked body, and php-cgi reads none without it" };

/** What gate-test.sh is run on. */
export const COMBINATIONS = [
	{ kind: kind("nginx"), backend: "php" },
	{ kind: kind("nginx"), backend: "proxy" },
	{ kind: kind("lighttpd"), backend: "php" },
	{ kind: kind("lighttpd"), backend: "cgi" },
	{ kind: kind("apache fcgid"), backend: "php", but: TWO_COOKIE_LINES },
	{ kind: kind("apache fcgid"), backend: "cgi", but: TWO_COOKIE_LINES },
	{ kind: kind("apache fcgid"), backend: "proxy", but: TWO_COOKIE_LINES },
	{ kind: kind("apache authnz"), backend: "php", but: TWO_COOKIE_LINES },
	{ kind: kind("apache authnz"), backend: "proxy", but: TWO_COOKIE_LINES },
	{ kind: kind("apache htaccess"), backend: "cgi", but: TWO_COOKIE_LINES },
	{ kind: kind("apache cgi"), backend: "php", but: { ...TWO_COOKIE_LINES, ...CHUNKED } },
].filter((c) => chosen(c.kind));
