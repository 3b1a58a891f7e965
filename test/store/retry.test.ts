import { expect, test } from "vitest";
import { DatabaseError } from "../../src/store/drivers/database-error.ts";
import { withRetries } from "../../src/store/drivers/retry.ts";
import { DatabaseUnreachableError, pastDeadline } from "../../src/store/drivers/unreachable.ts";

/** Fails with each of these errors in turn, then answers. */
function failing(errors: readonly Error[]): { request: () => Promise<string>; attempts: () => number } {
  let attempts = 0;
  const request = async (): Promise<string> => {
    const error = errors[attempts];
    attempts += 1;
    if (error) throw error;
    return "answered";
  };
  return { request, attempts: () => attempts };
}

const deadlock = new DatabaseError({ code: "40P01" });
const serialization = new DatabaseError({ code: "40001" });
const violation = new DatabaseError({ code: "23505" });
const demoted = new DatabaseError({ code: "25006" });
const canceled = new DatabaseError({ code: "57014" });
const lost = new DatabaseUnreachableError("no usable reply");
const refused = new DatabaseUnreachableError("refused", { isUnsent: true });
const wrongPassword = new DatabaseUnreachableError("refused", { isUnsent: true, isLasting: true });

test.each([
  { case: "no failure", errors: [], attempts: 1, isAnswered: true },
  { case: "one deadlock", errors: [deadlock], attempts: 2, isAnswered: true },
  { case: "one serialization failure", errors: [serialization], attempts: 2, isAnswered: true },
  { case: "three conflicts", errors: [deadlock, serialization, deadlock], attempts: 4, isAnswered: true },
  { case: "four conflicts", errors: Array(4).fill(deadlock), attempts: 4, isAnswered: false },
  { case: "a violation", errors: [violation], attempts: 1, isAnswered: false },
  { case: "a conflict, then a violation", errors: [deadlock, violation], attempts: 2, isAnswered: false },
  { case: "no connection, four times", errors: Array(4).fill(refused), attempts: 5, isAnswered: true },
  { case: "a demoted primary, then no connection", errors: [demoted, refused], attempts: 3, isAnswered: true },
  { case: "a wrong password", errors: [wrongPassword], attempts: 1, isAnswered: false },
  { case: "a statement that was canceled", errors: [canceled], attempts: 1, isAnswered: false },
  { case: "a lost reply", errors: [lost], attempts: 1, isAnswered: false },
  { case: "a deadline before anything was sent", errors: [pastDeadline(1, true)], attempts: 1, isAnswered: false },
])("S68: $case: $attempts attempts, answered: $isAnswered", async ({ errors, attempts, isAnswered }) => {
  const fake = failing(errors);
  const promise = withRetries(fake.request, performance.now() + 5_000);
  if (isAnswered) await expect(promise).resolves.toBe("answered");
  else await expect(promise).rejects.toBe(errors.at(-1));
  expect(fake.attempts()).toBe(attempts);
});

test("S68: no repeat past the deadline", async () => {
  const fake = failing(Array(1_000).fill(refused));
  const endsAt = performance.now() + 200;
  await expect(withRetries(fake.request, endsAt)).rejects.toBe(refused);
  expect(performance.now()).toBeLessThan(endsAt + 50);
});

test("on one connection, only a conflict is repeated", async () => {
  const fake = failing([deadlock, demoted]);
  await expect(withRetries(fake.request, performance.now() + 5_000, true)).rejects.toBe(demoted);
});
