// dist/: modules and their types for bundlers, and one file for a script tag. Fails if that file grows over what is promised.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const LIMIT = 6_000;
const here = import.meta.dirname;
const bundle = path.join(here, "dist/latchkey-client.min.js");

fs.rmSync(path.join(here, "dist"), { recursive: true, force: true });
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "--project", here], { stdio: "inherit" });

const { metafile } = await build({
	entryPoints: [path.join(here, "src/script.ts")],
	outfile: bundle,
	bundle: true,
	minify: true,
	metafile: true,
	format: "iife",
	target: "es2022",
	define: { "process.env.NODE_ENV": '"production"' },
	banner: { js: "/*! MIT licence: LICENSES.txt */" },
});

// The licences want to go along.
const parts = { "latchkey-client": here };
for (const name of ["nanostores", "@nanostores/query", "nanoevents"]) parts[name] = path.join(here, "node_modules", name);
const licences = Object.entries(parts).map(([name, dir]) => `${name}\n\n${fs.readFileSync(path.join(dir, "LICENSE"), "utf8").trim()}\n`);
fs.writeFileSync(path.join(here, "dist/LICENSES.txt"), licences.join("\n"));

const [output] = Object.values(metafile.outputs);
for (const [file, { bytesInOutput }] of Object.entries(output.inputs).sort((a, b) => b[1].bytesInOutput - a[1].bytesInOutput)) console.log(`${String(bytesInOutput).padStart(6)} ${file}`);
const size = gzipSync(fs.readFileSync(bundle), { level: 9 }).length;
console.log(`${String(output.bytes).padStart(6)} latchkey-client.min.js, ${size} with gzip`);
if (size > LIMIT) throw new Error(`the bundle is larger than ${LIMIT} bytes`);
