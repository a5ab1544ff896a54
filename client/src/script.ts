// For a script tag: the global variable latchkey.
import { authClient, createTypedClient } from "./index.js";

Object.assign(globalThis, { latchkey: { authClient, createTypedClient } });
