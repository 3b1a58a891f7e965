/**
 * `npm run bench -- [part …]`: prints what Sallyport costs, what it is compared with, and how it was measured. Parts: trips,
 * sizes, session, tokens, cold, argon2id, memory. Run it on a machine that does nothing else.
 */
import { measureArgon2id, measureMemory } from "./argon2id.node.ts";
import { measureColdStart } from "./cold-start.node.ts";
import { measureRoundTrips } from "./round-trips.node.ts";
import { measureSessionCheck } from "./session-check.node.ts";
import { measureSizes } from "./sizes.node.ts";
import { measureTokenCheck } from "./token-check.node.ts";

const parts: ReadonlyMap<string, () => Promise<void>> = new Map([
  ["trips", measureRoundTrips],
  ["sizes", measureSizes],
  ["session", measureSessionCheck],
  ["tokens", measureTokenCheck],
  ["cold", measureColdStart],
  ["argon2id", measureArgon2id],
  ["memory", measureMemory],
]);

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : parts.keys()) {
  const part = parts.get(name);
  if (!part) throw new Error(`There is no part ${name}: ${[...parts.keys()].join(", ")}.`);
  await part();
}
