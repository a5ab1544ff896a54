import { authClient } from "./auth.js";
import { connect } from "./request.js";
import type { Client, ClientOptions } from "./types.js";

/** A client of one server. The type parameter names what the site's own API is; sessions do not depend on it. */
export function createTypedClient<_API = unknown>({ plugins = [authClient()], ...options }: ClientOptions = {}): Client {
	const connection = connect(options);
	return Object.assign({}, ...plugins.map((plugin) => plugin(connection)));
}
