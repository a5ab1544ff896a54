// Header fields that a page may take for who its reader is, and how else they can be spelled.

/** Those that every example takes away (names.test.mjs). */
export const CLAIMED = [
	"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups",
	"Auth-User", "Auth-User-Id", "Auth-Uid", "Auth-Email", "Auth-Name", "Auth-Sid", "Auth-Session-Id",
	"X-Auth-User", "X-Auth-User-Id", "X-Auth-Uid", "X-Auth-Email", "X-Auth-Name", "X-Auth-Groups", "X-Auth-Sid", "X-Auth-Session-Id",
	"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username",
	"X-Authenticated-User", "X-Remote-User", "X-Webauth-User",
	"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
	"Variable-Remote-User", "Variable-Auth-User-Id", "Variable-Auth-Email", "Variable-Auth-Name", "Variable-Auth-Session-Id",
];

/** A name with each of these signs between its words. */
export function spellings(name, signs) {
	const [first, ...rest] = name.split("-");
	return rest.reduce((all, part) => all.flatMap((x) => signs.map((sign) => x + sign + part)), [first]);
}
/** Those of lighttpd's list: "-" and "_", and "." in names of three words or less. */
export const lighttpdSpellings = (name) => spellings(name, name.split("-").length < 4 ? ["-", "_", "."] : ["-", "_"]);
