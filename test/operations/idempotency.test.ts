import { expect, test } from "vitest";
import { systemActor } from "../../src/domain/actor.ts";
import { AuthError } from "../../src/domain/error.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("S35: Idempotency-Key of createUser", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  const actor = systemActor("first");

  test("a repeat returns the user of the first call and leaves one event", async () => {
    const input = { actor, displayName: "Ada", idempotencyKey: "order-1" };
    const first = await auth.users.create(input);
    const second = await auth.users.create(input);
    expect(second).toEqual(first);
    const events = await world.rows(sql<{ target: string }>`
      select target_id as target from aud where action = 'identity.user.create' and target_id = ${first.id}`);
    expect(events).toHaveLength(1);
  });

  test("fifty calls at once: one user", async () => {
    const made = await Promise.all(
      Array.from({ length: 50 }, () => auth.users.create({ actor, displayName: "B", idempotencyKey: "order-2" })),
    );
    expect(new Set(made.map((user) => user.id)).size).toBe(1);
    const rows = await world.rows(sql`select id from usr where display_name = 'B'`);
    expect(rows).toHaveLength(1);
  });

  test("another actor, another name, or no key: a different call", async () => {
    const idempotencyKey = "order-3";
    const made = [
      await auth.users.create({ actor, displayName: "C", idempotencyKey }),
      await auth.users.create({ actor: systemActor("second"), displayName: "C", idempotencyKey }),
      await auth.users.create({ actor, displayName: "D", idempotencyKey }),
      await auth.users.create({ actor, displayName: null, idempotencyKey }),
      await auth.users.create({ actor, displayName: "null", idempotencyKey }),
      await auth.users.create({ actor, displayName: "C" }),
      await auth.users.create({ actor, displayName: "C" }),
    ];
    expect(new Set(made.map((user) => user.id)).size).toBe(7);
  });

  test("the key is free again after 24 hours and not before", async () => {
    const input = { actor, displayName: "E", idempotencyKey: "order-4" };
    const first = await auth.users.create(input);
    await advanceTestClock(world.database, 86_399);
    expect((await auth.users.create(input)).id).toBe(first.id);
    await advanceTestClock(world.database, 2);
    expect((await auth.users.create(input)).id).not.toBe(first.id);
  });

  test.each(["", " ", "é", "x".repeat(256), "a\nb"])("a malformed key is refused: %j", async (idempotencyKey) => {
    const refused = await auth.users.create({ actor, idempotencyKey }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AuthError);
    expect((refused as AuthError).code).toBe("invalid_format.idempotency_key");
  });

  test("a plan takes no key, since its user id is known beforehand", async () => {
    await expect(world.auth.users.create.plan({ actor: system, idempotencyKey: "k" })).rejects.toThrow(TypeError);
  });
});
