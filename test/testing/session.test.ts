import { afterAll, beforeAll, expect, test } from "vitest";
import { systemActor } from "../../src/domain/actor.ts";
import { argon2id } from "../../src/runtime/argon2id.ts";
import { dangerouslyCreateSession } from "../../src/testing/session.ts";
import { type FullAuth as Auth, fullAuth, goodPassword, sealingKey, secret } from "../support/auth.ts";
import { type Backend, backend } from "../support/databases.ts";

let opened: Backend;
let auth: Auth;
beforeAll(async () => {
  opened = await backend("pglite");
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

test("S29: makes a session without proof, for tests, at the requested level", async () => {
  const actor = systemActor("test");
  const { id: userId } = await auth.users.create({ actor });
  const credential = { identifier: "ada@example.com", password: goodPassword };
  const { id: credentialId } = await auth.credentials.createPassword({ actor, userId, ...credential });

  const one = await dangerouslyCreateSession(opened.database, { userId, credentialId });
  const verified = await auth.sessions.verify({ token: one.token, transport: "token" });
  expect([verified.user.id, verified.session.id, verified.session.amr]).toEqual([userId, one.sessionId, ["pwd"]]);

  const two = await dangerouslyCreateSession(opened.database, {
    userId,
    credentialId,
    transport: "cookie",
    secondFactor: true,
  });
  const { session } = await auth.sessions.verify({ token: two.token, transport: "cookie" });
  expect(session.amr).toContain("mfa");
  expect(session.mfaVerifiedAt).not.toBeNull();
  await expect(auth.sessions.verify({ token: two.token, transport: "token" })).rejects.toMatchObject({
    code: "unauthorized.invalid_token",
  });
});
