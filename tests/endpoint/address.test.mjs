// Which address a request is from (D8): the peer, unless it is a trusted proxy; then X-Forwarded-For from the right.
import { after, test } from "node:test";
import { eq, ok, start, times } from "./server.mjs";

const PROXIES = "10.0.0.0/8 192.0.2.7 2001:db8:ffff::/48 ::1";
const s = await start({ workers: 2, set: { "auth.trusted_proxies": PROXIES, "session.max_per_user": "0" } });
const alone = await start({ workers: 1, set: { "auth.trusted_proxies": "" } });
after(async () => { await s.stop(); await alone.stop(); });

async function seen(server, remote, forwarded, headers = {}) {
	const u = await server.user({}, { remote, headers: { ...headers, ...(forwarded !== undefined && { "x-forwarded-for": forwarded }) } });
	return (await server.session(u.cookie)).session.ipAddress;
}
const P = "10.1.2.3", C = "198.51.100.1";
const MATRIX = [
	// the peer itself
	["203.0.113.9", undefined, "203.0.113.9"], [P, undefined, P], [P, "", P],
	["2001:DB8:0:0:0:0:0:1", undefined, "2001:db8::1"], ["::ffff:203.0.113.9", undefined, "203.0.113.9"], ["::FFFF:CB00:7109", undefined, "203.0.113.9"],
	["0:0:0:0:0:0:0:0", undefined, "::"], ["fe80::1", undefined, "fe80::1"],
	// a stranger's header is not believed
	["203.0.113.9", C, "203.0.113.9"], ["203.0.113.9", "127.0.0.1", "203.0.113.9"], ["11.0.0.1", C, "11.0.0.1"], ["192.0.2.8", C, "192.0.2.8"], ["2001:db8:fffe::1", C, "2001:db8:fffe::1"],
	// a trusted proxy's is, from the right
	[P, C, C], ["192.0.2.7", C, C], ["2001:db8:ffff:1::5", C, C], ["::1", C, C], ["::ffff:10.1.2.3", C, C], [P, `  ${C}\t`, C],
	[P, `1.1.1.1, ${C}`, C], [P, `1.1.1.1,2.2.2.2,${C}`, C], [P, `127.0.0.1, ${C}`, C],
	[P, `${C}, 10.9.9.9`, C], [P, `${C}, 10.9.9.9, 192.0.2.7, ::1`, C], [P, `6.6.6.6, ${C}, 10.9.9.9, 2001:db8:ffff::9`, C], [P, `${C}, ::ffff:10.0.0.1`, C],
	[P, times(1000, (i) => `10.0.${i >> 8}.${i & 255}`).concat(C, "10.0.0.1").join(","), C],
	[P, times(1000, (i) => `9.9.${i >> 8}.${i & 255}`).concat(C).join(", "), C],
	// two header lines are one list
	[P, ["1.1.1.1", C], C], [P, [C, "10.0.0.1"], C],
	// nonsense before the first stranger is not reached, on the way it gives the peer
	[P, `garbage, ${C}`, C], [P, "garbage", P], [P, `${C}, garbage`, P], [P, `${C}, unknown, 10.0.0.1`, P], [P, `${C}:4711`, P], [P, `"${C}"`, P], [P, "[2001:db8::1]", P], [P, "[2001:db8::1]:80", P],
	[P, "fe80::1%eth0", P], [P, "198.51.100.01", P], [P, "198.51.100", P], [P, "198.51.100.1.1", P], [P, "0x7f.1.1.1", P], [P, "3325256705", P], [P, "999.1.1.1", P], [P, "198.51.100.1/32", P], [P, "_hidden", P],
	[P, "for=198.51.100.1", P], [P, "1::2::3", P], [P, "198.51.100.1 198.51.100.2", P],
	// canonical text
	[P, "2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"], [P, "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"], [P, "2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"],
	[P, "::ffff:192.0.2.1", "192.0.2.1"], [P, "::FFFF:c000:0201", "192.0.2.1"],
];
test("the matrix", async () => {
	for (const [remote, forwarded, wanted] of MATRIX) eq(await seen(s, remote, forwarded), wanted, `${remote} ← ${String(forwarded).slice(0, 100)}`);
});
test("other headers are never believed", async () => {
	for (const h of ["x-real-ip", "forwarded", "true-client-ip", "cf-connecting-ip", "client-ip", "x-client-ip", "x-forwarded", "x-cluster-client-ip"])
		eq(await seen(s, P, undefined, { [h]: h === "forwarded" ? `for=${C}` : C }), P, h);
});
test("without trusted proxies the peer counts, be it our own host", async () => {
	for (const remote of ["127.0.0.1", "::1", P, "203.0.113.9"]) eq(await seen(alone, remote, C), remote);
});
test("a peer that is no address is none", async () => {
	for (const remote of ["", "unix:", "localhost", "300.1.1.1"]) eq(await seen(s, remote, C), "", remote);
});
test("the address of the last use is found in the same way", async () => {
	const u = await s.user({}, { remote: P, headers: { "x-forwarded-for": C } });
	eq((await s.session(u.cookie)).session.lastIpAddress, C);
	ok(await s.get("/sessions", { cookie: u.cookie, remote: P }));
});
