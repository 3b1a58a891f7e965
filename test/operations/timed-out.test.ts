/** A request to a slow database that was given up is not sent again: the database would be slower still. @module */
import { beforeAll, expect, test } from "vitest";
import { type FullAuth, outcome } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { type FaultyDatabase, faultyDatabase } from "../support/faulty-database.ts";
import { prepareWrite, reads, writes } from "./writes/every-write.ts";

describeWorld("S82: no reply before the deadline", { on: ["pglite"] }, (world) => {
  let faulty: FaultyDatabase;
  let auth: FullAuth;
  beforeAll(() => {
    faulty = faultyDatabase(world.database);
    auth = world.isolate({ database: faulty });
  });

  const positions = [...writes, ...reads.map((read) => ({ ...read, requests: 1 }))].flatMap((operation) =>
    [...new Set([1, operation.requests])].map((request) => ({ ...operation, request })),
  );

  test.each(positions)("$name, request $request: 503, and no further request", async (operation) => {
    const { person, prepared } = await prepareWrite(world, operation);
    faulty.reset((index) => (index === operation.request - 1 ? "timed out" : undefined));
    expect(await outcome(operation.act(auth, person, prepared))).toBe("unavailable.database");
    expect(faulty.requests).toBe(operation.request);
    faulty.reset();
  });
});
