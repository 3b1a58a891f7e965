import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemActor } from "../../src/domain/actor.ts";
import { AuthError } from "../../src/domain/error.ts";
import { argon2id } from "../../src/runtime/argon2id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock, installTestClock } from "../../src/testing/clock.ts";
import { type FullAuth as Auth, fullAuth, sealingKey, secret } from "../support/auth.ts";
import { type Backend, backend } from "../support/databases.ts";

describe.each(["pglite", "postgres"] as const)("S35: Idempotency-Key of createUser, on %s", (name) => {
  let opened: Backend;
  let auth: Auth;
  const actor = systemActor("first");
  beforeAll(async () => {
    opened = await backend(name);
    await installTestClock(opened.database);
    const { database } = opened;
    auth = fullAuth({
      sealingKeys: sealingKey,
      database,
      passwordHasher: argon2id(),
      secrets: secret,
      origins: ["https://app.example"],
    });
  });
  afterAll(() => opened.close());

  test("a repeat gives the user that the first call made, and one event", async () => {
    const input = { actor, displayName: "Ada", idempotencyKey: "order-1" };
    const first = await auth.users.create(input);
    const second = await auth.users.create(input);
    expect(second).toEqual(first);
    const events = await opened.database.run(sql<{ target: string }>`
      select target_id as target from aud where action = 'identity.user.create' and target_id = ${first.id}`);
    expect(events).toHaveLength(1);
  });

  test("fifty at once make one user", async () => {
    const made = await Promise.all(
      Array.from({ length: 50 }, () => auth.users.create({ actor, displayName: "B", idempotencyKey: "order-2" })),
    );
    expect(new Set(made.map((user) => user.id)).size).toBe(1);
    const rows = await opened.database.run(sql`select id from usr where display_name = 'B'`);
    expect(rows).toHaveLength(1);
  });

  test("another actor, another name and no key are other calls", async () => {
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

  test("after 24 hours the key is free again, and not a second before", async () => {
    const input = { actor, displayName: "E", idempotencyKey: "order-4" };
    const first = await auth.users.create(input);
    await advanceTestClock(opened.database, 86_399);
    expect((await auth.users.create(input)).id).toBe(first.id);
    await advanceTestClock(opened.database, 2);
    expect((await auth.users.create(input)).id).not.toBe(first.id);
  });

  test.each(["", " ", "é", "x".repeat(256), "a\nb"])("a key of another form is refused: %j", async (idempotencyKey) => {
    const refused = await auth.users.create({ actor, idempotencyKey }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AuthError);
    expect((refused as AuthError).code).toBe("invalid_format.idempotency_key");
  });
});
