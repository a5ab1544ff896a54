import { defineConfig } from "vite";

// `npm run dev` passes /auth on to the latchkey of scripts/quickstart, which knows no other origin than its own. One that runs
// elsewhere: AUTH_ORIGIN=http://127.0.0.1:8081 npm run dev
const latchkey = process.env.AUTH_ORIGIN ?? "http://127.0.0.1:8080";

export default defineConfig({
	base: "./",
	resolve: { dedupe: ["nanostores"] },
	server: { proxy: { "/auth": { target: latchkey, headers: { origin: latchkey } } } },
});
