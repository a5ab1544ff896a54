// Better Auth with its own tables in $DATABASE, at $MYSQL. CACHE=1: with its session cache, a signed cookie.
import { betterAuth } from "better-auth";
import { createPool } from "mysql2/promise";

const { MYSQL, DATABASE, SECRET, CACHE } = process.env;
export const pool = createPool({ socketPath: MYSQL, user: "root", database: DATABASE, timezone: "Z", connectionLimit: 10 });
export const auth = betterAuth({
	database: pool, secret: SECRET, baseURL: "http://127.0.0.1", basePath: "/auth",
	rateLimit: { enabled: false }, telemetry: { enabled: false }, logger: { level: "error" },
	session: { cookieCache: { enabled: CACHE === "1", maxAge: 86400 } },
});
