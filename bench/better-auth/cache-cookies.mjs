// cache-cookies.mjs SOCKET COOKIES: each line of COOKIES with the cookie of the session cache that is set when it is asked with.
import { readFileSync } from "node:fs";
import { get } from "node:http";

const [, , socketPath, cookies] = process.argv;
function ask(cookie) {
	return new Promise((resolve, reject) => {
		get({ socketPath, path: "/auth/get-session", headers: { cookie, host: "127.0.0.1" } }, (r) => {
			r.resume();
			resolve((r.headers["set-cookie"] ?? []).map((c) => c.split(";")[0]).filter((c) => c.startsWith("better-auth.session_data")));
		}).on("error", reject);
	});
}
for (const line of readFileSync(cookies, "utf8").trim().split("\n")) {
	const cached = await ask(line);
	if (!cached.length) throw new Error("no cookie of the session cache");
	console.log([line, ...cached].join("; "));
}
