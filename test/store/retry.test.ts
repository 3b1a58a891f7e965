import { expect, test } from "vitest";
import { DatabaseError } from "../../src/store/drivers/database-error.ts";
import { retryConflicts } from "../../src/store/drivers/retry.ts";
import { DatabaseUnreachableError } from "../../src/store/drivers/unreachable.ts";
import { type Database, sql } from "../../src/store/sql.ts";

/** Fails with each of these errors in turn, then answers. */
function failing(errors: readonly Error[]): { database: Database; attempts: () => number } {
  let attempts = 0;
  const attempt = async (): Promise<never[]> => {
    const error = errors[attempts];
    attempts += 1;
    if (error) throw error;
    return [];
  };
  return { database: retryConflicts({ run: attempt, batch: attempt }), attempts: () => attempts };
}

const deadlock = new DatabaseError({ code: "40P01" });
const serialization = new DatabaseError({ code: "40001" });
const violation = new DatabaseError({ code: "23505" });
const unreachable = new DatabaseUnreachableError("no usable reply");

test.each([
  { case: "no failure", errors: [], attempts: 1, isAnswered: true },
  { case: "one deadlock", errors: [deadlock], attempts: 2, isAnswered: true },
  { case: "one serialization failure", errors: [serialization], attempts: 2, isAnswered: true },
  { case: "three conflicts", errors: [deadlock, serialization, deadlock], attempts: 4, isAnswered: true },
  { case: "four conflicts", errors: Array(4).fill(deadlock), attempts: 4, isAnswered: false },
  { case: "a violation", errors: [violation], attempts: 1, isAnswered: false },
  { case: "a conflict, then a violation", errors: [deadlock, violation], attempts: 2, isAnswered: false },
  { case: "a lost reply", errors: [unreachable], attempts: 1, isAnswered: false },
])("retries, $case: $attempts attempts, answered: $isAnswered", async ({ errors, attempts, isAnswered }) => {
  for (const request of ["run", "batch"] as const) {
    const fake = failing(errors);
    const promise = request === "run" ? fake.database.run(sql`select 1`) : fake.database.batch([sql`select 1`]);
    if (isAnswered) await expect(promise).resolves.toEqual([]);
    else await expect(promise).rejects.toBe(errors.at(-1));
    expect(fake.attempts()).toBe(attempts);
  }
});
