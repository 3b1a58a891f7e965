import { expect, test } from "vitest";
import { backendNames } from "../support/databases.ts";
import { describeWorld } from "../support/describe-world.ts";
import { operationNames, recorded } from "../support/recorded-operations.ts";
import { accountBudgets } from "./budgets/account-budgets.ts";
import type { Budget } from "./budgets/budget.ts";
import { factorBudgets } from "./budgets/factor-budgets.ts";
import { federationBudgets } from "./budgets/federation-budgets.ts";
import { invitationBudgets } from "./budgets/invitation-budgets.ts";
import { mailBudgets } from "./budgets/mail-budgets.ts";
import { organizationBudgets } from "./budgets/organization-budgets.ts";
import { passkeyBudgets } from "./budgets/passkey-budgets.ts";
import { sessionBudgets } from "./budgets/session-budgets.ts";
import { tupleBudgets } from "./budgets/tuple-budgets.ts";

/** The allowed cost of each operation. */
const budgets: readonly Budget[] = [
  ...sessionBudgets,
  ...accountBudgets,
  ...factorBudgets,
  ...passkeyBudgets,
  ...mailBudgets,
  ...invitationBudgets,
  ...federationBudgets,
  ...organizationBudgets,
  ...tupleBudgets,
];

/** A title begins with the name of its operation. */
const operationOf = (title: string): string => title.split(",")[0]!;

describeWorld("requests to the database", { on: backendNames }, (world) => {
  test.each(budgets)("$operation: $requests", async ({ operation, requests, prepare, act }) => {
    const person = await world.person();
    const prepared = await prepare?.(world, person);
    // One request over the budget is refused before it is sent; one too few is noticed here.
    world.counting.reset(requests);
    const called = new Set<string>();
    try {
      await act(recorded(world.auth, called), person, prepared as never);
      expect(world.counting.requests).toBe(requests);
    } finally {
      world.counting.reset();
    }
    expect([...called]).toContain(operationOf(operation));
  });

  test("every operation has a budget", () => {
    const budgeted = new Set(budgets.map(({ operation }) => operationOf(operation)));
    expect([...budgeted].toSorted()).toEqual(operationNames(world.auth).toSorted());
  });
});
