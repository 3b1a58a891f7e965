import { describe, expect, test } from "vitest";
import { everyAct, everyAudited } from "../../build/every-act.node.ts";
import { lockOrder } from "../../src/domain/act.ts";
import { isErrorCode } from "../../src/domain/error.ts";

test("the list of acts is not empty", () => {
  expect(everyAct.length).toBeGreaterThan(40);
});

test("each act has its own name", () => {
  const names = everyAct.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

/** Nobody has proved to Sallyport what they say: whose an identity is, or what an invited user wants. */
const ofTheApplication = new Set(["importIdentity", "acceptInvitationFor", "declineInvitationFor", "deleteTuples"]);

describe.each(everyAct.map((act) => [act.name, act] as const))("%s", (name, { locks = [], refusals = [], who }) => {
  test("its locks are in the order in which they are taken, each once", () => {
    expect(locks).toEqual(lockOrder.filter((kind) => locks.includes(kind)));
  });

  test("its refusals are codes, each once", () => {
    expect(refusals.filter((code) => !isErrorCode(code))).toEqual([]);
    expect(refusals).toEqual([...new Set(refusals)]);
  });

  test("at least one kind of caller may do it, unless the application alone can answer for it", () => {
    expect(who !== undefined && Object.keys(who).length === 0).toBe(ofTheApplication.has(name));
  });
});

test.each(everyAudited.map(({ action }) => action))("%s is dot-namespaced", (action) => {
  expect(action).toMatch(/^(identity|authz|tenancy)(\.[a-z_]+)+$/);
});
