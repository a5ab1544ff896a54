// Each web server's example takes away the same header fields: what a page might take for who its reader is.
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { assert, ROOT, same } from "./gate.mjs";
import { CLAIMED, lighttpdSpellings } from "./names.mjs";

const read = (file) => fs.readFileSync(path.join(ROOT, "conf", file), "utf8").replace(/^\s*(#|--).*$/gm, "");
const all = (text, pattern) => [...text.matchAll(pattern)].map((m) => m[1]);
/** As names are compared: in small letters, with "-". */
const plain = (names) => [...new Set(names.map((n) => n.toLowerCase().replaceAll("_", "-").trim()))].sort();
const expected = plain([...CLAIMED, "Proxy"]);

/** How each file says it. */
const LISTS = {
	"nginx/latchkey-page.params": (text) => all(text, /^fastcgi_param HTTP_(\w+) +"";/gm),
	"nginx/latchkey-app.params": (text) => all(text, /^proxy_set_header (\S+) +(?:""|\$latchkey_\w+);/gm).filter((n) => n !== "Forwarded"),
	"lighttpd/latchkey-headers.lua": (text) => /\[\[(.*?)\]\]/s.exec(text)[1].trim().split(/\s+/),
	"lighttpd/latchkey-headers.conf": (text) => all(text, /"([\w.-]+)" => ""/g).map((n) => n.replaceAll(".", "-")),
	"apache/latchkey-fields.conf": (text) => [...all(text, /^Use LatchkeyField\d? +(.*)$/gm).map((n) => n.trim().replace(/\s+/g, "-")), ...all(text, /^RequestHeader unset (\w+) early$/gm)],
	"shared-hosting/.htaccess": (text) => all(text, /^RequestHeader unset (\S+)$/gm),
	"plain-cgi/.htaccess": (text) => all(text, /^RequestHeader unset (\S+)$/gm),
};
for (const [file, names] of Object.entries(LISTS)) test(file, () => same(plain(names(read(file))), expected));

test("plain-cgi/gate.php", () => {
	const [, pattern] = /CLAIM = '\/(.*)\/'/.exec(read("plain-cgi/gate.php")), claim = new RegExp(pattern);
	for (const n of expected) for (const before of ["", "HTTP_", "REDIRECT_HTTP_"]) assert.match(before + n.toUpperCase().replaceAll("-", "_"), claim);
	for (const n of ["HTTP_ACCEPT", "HTTP_COOKIE", "HTTP_X_REQUESTED_WITH", "REQUEST_URI"]) assert.doesNotMatch(n, claim);
});
test("lighttpd/latchkey-headers.conf has each spelling that it promises", () => {
	const listed = all(read("lighttpd/latchkey-headers.conf"), /"([\w.-]+)" => ""/g);
	same([...listed].sort(), [...new Set([...CLAIMED.flatMap(lighttpdSpellings), "Proxy"])].sort());
});
