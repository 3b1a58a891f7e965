import { describe, expect, test } from "vitest";
import { Actor, systemActor } from "../../src/domain/actor.ts";
import { generateId } from "../../src/domain/id.ts";
import { acting } from "../../src/store/access.ts";

const session = { userId: generateId("usr"), sessionId: generateId("ses"), identifier: "ada@example.com" };

describe("S29: an actor is made only by verification or by name", () => {
  test("the compiler refuses an object literal as an actor", () => {
    const forged = { subject: { system: "root" }, context: {}, userId: undefined, sessionId: undefined };
    // @ts-expect-error The private member is missing, and no literal can have it.
    const actor: Actor = forged;
    expect(actor).not.toBeInstanceOf(Actor);
  });

  test.each([
    { case: "an object literal", forged: { subject: { system: "root" }, context: {} } },
    { case: "parsed JSON", forged: JSON.parse('{"subject":{"system":"root"},"context":{}}') },
    { case: "a copy of a genuine actor", forged: { ...systemActor("job"), subject: { system: "job" } } },
    { case: "the prototype alone", forged: Object.create(Actor.prototype) },
    {
      case: "the prototype with a subject of its own",
      forged: Object.create(Actor.prototype, { subject: { value: { system: "root" } } }),
    },
    { case: "null", forged: null },
  ])("$case is no actor at run time", ({ forged }) => {
    expect(() => acting(forged as Actor)).toThrow(TypeError);
  });

  test("an actor cannot be changed or copied", () => {
    const actor = Actor.forSession(session, {});
    expect(() => Object.assign(actor, { subject: { system: "root" } })).toThrow(TypeError);
    expect(actor.userId).toBe(session.userId);
    expect(actor.sessionId).toBe(session.sessionId);
    expect(systemActor("job").userId).toBeUndefined();
    expect(systemActor("job").sessionId).toBeUndefined();
  });

  test("serialising an actor does not reveal its subject", () => {
    expect(JSON.stringify(Actor.forSession(session, {}))).not.toContain("ada@example.com");
  });
});

describe("S41: names and contexts go into the audit log", () => {
  test.each(["a", "cli", "nightly-purge", "billing.v2_x", "a".repeat(64)])("the name %s: accepted", (name) => {
    expect(systemActor(name).subject).toEqual({ system: name });
  });
  test.each(["", "a".repeat(65), "Root", "a b", "a\n", "ä", 'x","system_id":"y'])("the name %j: refused", (name) => {
    expect(() => systemActor(name)).toThrow(TypeError);
  });

  test("the context is cleaned", () => {
    expect(Actor.forSession(session, { userAgent: "a\0\u202e" }).context.userAgent).toBe("a");
    expect(systemActor("job", { address: "1.2.3.4\n" }).context.address).toBe("1.2.3.4");
  });
});
