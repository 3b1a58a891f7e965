/** What every operation does if the database does not answer in time, or says that it cannot serve. @module */
import { beforeAll, expect, test } from "vitest";
import { DatabaseError } from "../../src/store/drivers/database-error.ts";
import { type FullAuth, outcome, refusal } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { type FaultyDatabase, faultyDatabase } from "../support/faulty-database.ts";
import { prepareWrite, reads, writes } from "./writes/every-write.ts";

// A slow database would be slower still.
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

describeWorld("S69: a server that cannot serve", { on: ["pglite"] }, (world) => {
  const codes = ["25006", "53300", "57P01", "57P03", "XX000"];

  test.each([...writes, ...reads])("$name: 503 with the time to retry", async (operation) => {
    const { person, prepared } = await prepareWrite(world, operation);
    for (const code of codes) {
      const fail = () => Promise.reject(new DatabaseError({ code }));
      const auth = world.isolate({ database: { run: fail, batch: fail } });
      const answer = await refusal(operation.act(auth, person, prepared));
      expect([code, answer.code, answer.status, answer.retryAfterSeconds]).toEqual([
        code,
        "unavailable.database",
        503,
        1,
      ]);
    }
  });
});
