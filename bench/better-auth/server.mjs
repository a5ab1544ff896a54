// server.mjs SOCKET PROCESSES: node:http, and node:cluster for more than one process.
import cluster from "node:cluster";
import { rmSync } from "node:fs";
import { createServer } from "node:http";

const [, , socket, processes] = process.argv;
if (cluster.isPrimary) rmSync(socket, { force: true });
if (processes > 1 && cluster.isPrimary) {
	for (let i = 0; i < processes; i++) cluster.fork();
} else {
	const { auth } = await import("./auth.mjs");
	const { toNodeHandler } = await import("better-auth/node");
	const server = createServer(toNodeHandler(auth));
	server.keepAliveTimeout = 0;
	server.listen({ path: socket, backlog: 1024 });
}
