import { expect, test } from "vitest";
import { type UserId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  system,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { personAt } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

describeWorld("credential states", { on: ["pglite", "postgres"] }, (world, auth) => {
  const verify = ({ token, transport }: Person) => outcome(world.auth.sessions.verify({ token, transport }));
  const createPassword = (userId: UserId, identifier = freshIdentifier(), password = otherPassword) =>
    world.auth.credentials.createPassword({ actor: system, userId, identifier, password });
  const signIn = (identifier: string, password: string) =>
    outcome(world.auth.signIn.password({ identifier, password }));

  const { withPasskey, passkeySignIn } = usersWithPasskeys(world);

  test.each(["suspend", "revoke"] as const)(
    "%s ends the sessions and tickets that it gave, and no others",
    async (verb) => {
      const person = await world.person();
      const { auth } = world;
      const { identifier } = await createPassword(person.userId);
      const other = await world.signIn({ ...person, identifier, password: otherPassword });
      await auth.verifyPassword(person);
      await auth.verifyPassword({ identifier, password: otherPassword });
      await auth.credentials[`${verb}OwnPassword`]({
        actor: other.actor,
        credentialId: person.credentialId,
        currentPassword: person.password,
      });
      expect([await verify(person), await verify(other)]).toEqual(["unauthorized.session_expired", "done"]);
      expect(await world.tickets(person.userId)).toBe(1);
      expect(await signIn(person.identifier, person.password)).toBe("unauthorized.invalid_credential");
      expect(await signIn(identifier, otherPassword)).toBe("done");
    },
  );

  test.each(["suspend", "revoke"] as const)(
    "S32: %s of a password by the application leaves every personal access token, of a passkey those of other users",
    async (verb) => {
      const [person, other] = [await world.person(), await world.person()];
      const holder = await withPasskey();
      const tokenOf = async (userId: UserId): Promise<() => Promise<string>> => {
        const { token } = await auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: ["a"] });
        return () => outcome(auth.personalAccessTokens.verify({ token, context: { address: freshAddress() } }));
      };
      const checks = [await tokenOf(person.userId), await tokenOf(other.userId)];
      await auth.credentials[verb]({ actor: system, credentialId: person.credentialId });
      await auth.credentials[verb]({ actor: system, credentialId: holder.passkey.id });
      expect(await Promise.all(checks.map((check) => check()))).toEqual(["done", "done"]);
    },
  );

  test("a reinstated credential: signs in again, and no ended session comes back", async () => {
    const person = await world.person();
    const { credentialId } = person;
    const { ticket } = await world.auth.verifyPassword(person);
    await world.auth.credentials.suspend({ actor: system, credentialId });
    await world.auth.credentials.reinstate({ actor: system, credentialId });
    expect(await verify(person)).toBe("unauthorized.session_expired");
    const spent = world.auth.sessions.create({ ticket, userId: person.userId, credentialId });
    expect(await outcome(spent)).toBe("unauthorized.invalid_ticket");
    expect(await signIn(person.identifier, person.password)).toBe("done");
  });

  test("a suspended credential keeps its identifier: a new password cannot take it or undo the suspension", async () => {
    const { credentialId, identifier, userId } = await world.person();
    const stranger = await world.person();
    await world.auth.credentials.suspend({ actor: system, credentialId });
    for (const id of [userId, stranger.userId]) {
      expect(await outcome(createPassword(id, identifier.toUpperCase()))).toBe("conflict.duplicate_credential");
    }
    expect(await outcome(world.person({ identifier }))).toBe("conflict.duplicate_credential");
    await world.auth.credentials.revoke({ actor: system, credentialId });
    expect(await outcome(createPassword(stranger.userId, identifier))).toBe("done");
  });

  test("reinstatement after another SDK reused the identifier: conflict, and it stays suspended", async () => {
    const { credentialId, identifier } = await world.person();
    const { userId } = await world.person();
    await world.auth.credentials.suspend({ actor: system, credentialId });
    await world.rows(sql`
        insert into cred (id, usr_id, type, identifier, password_hash)
        values (gen_random_uuid(), ${uuidFor("usr", userId)}::uuid, 'password', ${identifier}, 'x')`);
    const act = { actor: system, credentialId };
    expect(await outcome(world.auth.credentials.reinstate(act))).toBe("conflict.duplicate_credential");
    expect((await world.auth.credentials.get(act)).status).toBe("suspended");
    expect(await world.events({ target: credentialId, action: "identity.credential.reinstate" })).toEqual([]);
  });

  test("reinstatement for a revoked user: refused; for a suspended user: still no sign-in", async () => {
    const revoked = await world.person();
    const reinstate = ({ credentialId }: Person) => world.auth.credentials.reinstate({ actor: system, credentialId });
    await world.auth.users.revoke({ actor: system, userId: revoked.userId });
    expect(await outcome(reinstate(revoked))).toBe("precondition.invalid_transition");
    const suspended = await world.person();
    await world.auth.credentials.suspend({ actor: system, credentialId: suspended.credentialId });
    await world.auth.users.suspend({ actor: system, userId: suspended.userId });
    expect(await outcome(reinstate(suspended))).toBe("done");
    expect(await signIn(suspended.identifier, suspended.password)).toBe("unauthorized.invalid_credential");
  });

  test.each([
    { from: "active", verb: "suspend", expected: "done" },
    { from: "active", verb: "reinstate", expected: "precondition.invalid_transition" },
    { from: "suspended", verb: "suspend", expected: "done" },
    { from: "suspended", verb: "revoke", expected: "done" },
    { from: "revoked", verb: "suspend", expected: "conflict.already_terminal" },
    { from: "revoked", verb: "reinstate", expected: "precondition.invalid_transition" },
    { from: "revoked", verb: "revoke", expected: "conflict.already_terminal" },
  ] as const)("$verb of a $from one: $expected", async ({ from, verb, expected }) => {
    const { credentialId } = await world.person();
    const act = { actor: system, credentialId };
    if (from !== "active") await world.auth.credentials[from === "suspended" ? "suspend" : "revoke"](act);
    expect(await outcome(world.auth.credentials[verb](act))).toBe(expected);
  });

  test("S04: the owner cannot revoke a suspended password to free its identifier", async () => {
    const { person, authenticator } = await withPasskey();
    const { credentialId } = person;
    await auth.credentials.suspend({ actor: system, credentialId });
    const { actor } = await personAt(world, person, await passkeySignIn(authenticator));
    expect(await outcome(auth.credentials.revoke({ actor, credentialId }))).toBe("forbidden");
    expect(await outcome(auth.credentials.revoke({ actor: system, credentialId }))).toBe("done");
  });

  test("S05: neither the owner nor a stranger can recreate a suspended password", async () => {
    const person = await world.person();
    const spare = freshIdentifier();
    const { userId, identifier, credentialId } = person;
    await world.auth.credentials.createPassword({ actor: system, userId, identifier: spare, password: goodPassword });
    await world.auth.credentials.suspend({ actor: system, credentialId });
    const again = await world.signIn({ ...person, identifier: spare });
    const create = world.auth.credentials.createOwnPassword({
      actor: again.actor,
      userId,
      identifier,
      password: goodPassword,
      currentPassword: goodPassword,
    });
    expect(await outcome(create)).toBe("conflict.duplicate_credential");
    const stranger = { identifier, password: goodPassword, context: { address: freshAddress() } };
    expect(await outcome(world.auth.signUp(stranger))).toBe("conflict.duplicate_credential");
    expect((await world.auth.credentials.reinstate({ actor: system, credentialId })).status).toBe("active");
  });
});
