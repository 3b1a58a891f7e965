/**
 * `npm run bench -- [part …]`: prints what Sallyport costs, what it is compared with, and how it was measured. Parts: trips,
 * sizes, session, tokens, organizations, members, callback, cold, federation, argon2id, memory, timing, outbox. `timing:200` measures
 * 200 pairs, and `federation:11` 11 starts. Run it on a machine that does nothing else.
 */
import { measureArgon2id, measureMemory } from "./argon2id.node.ts";
import { measureCallback } from "./callback.node.ts";
import { measureColdStart } from "./cold-start.node.ts";
import { measureEqualWork } from "./equal-work.node.ts";
import { measureMembers } from "./members.node.ts";
import { measureOutbox } from "./outbox.node.ts";
import { measureRoundTrips } from "./round-trips.node.ts";
import { measureSessionCheck } from "./session-check.node.ts";
import { measureSizes } from "./sizes.node.ts";
import { measureTokenCheck } from "./token-check.node.ts";

const parts: ReadonlyMap<string, (count?: number) => Promise<void>> = new Map([
  ["trips", measureRoundTrips],
  ["sizes", measureSizes],
  ["session", measureSessionCheck],
  ["tokens", measureTokenCheck],
  // Its peer is no part of the built package.
  ["organizations", async () => (await import("./organizations.node.ts")).measureOrganizations()],
  ["members", measureMembers],
  ["callback", measureCallback],
  ["cold", measureColdStart],
  // It needs the development server, which the built package does not have.
  ["federation", async (count) => (await import("./federation.node.ts")).measureFederation(count)],
  ["argon2id", measureArgon2id],
  ["memory", measureMemory],
  ["timing", measureEqualWork],
  ["outbox", measureOutbox],
]);

const asked = process.argv.slice(2);
for (const one of asked.length > 0 ? asked : parts.keys()) {
  const [name = "", count] = one.split(":");
  const part = parts.get(name);
  if (!part) throw new Error(`There is no part ${name}: ${[...parts.keys()].join(", ")}.`);
  await part(count === undefined ? undefined : Number(count));
}
