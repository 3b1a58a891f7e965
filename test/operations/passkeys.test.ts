import { beforeEach, expect, test } from "vitest";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, outcome, type Person, system } from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { personAt } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

const context = () => ({ address: freshAddress() });

describeWorld("passkeys", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const { withPasskey, passkeySignIn, passkeySignIn: signIn, inside } = usersWithPasskeys(world);

  test("the owner may rename a passkey", async () => {
    const { person, passkey } = await withPasskey();
    const renamed = await auth.passkeys.rename({ actor: person.actor, passkeyId: passkey.id, name: "old laptop" });
    expect(renamed).toMatchObject({ id: passkey.id, name: "old laptop", transports: ["hybrid", "internal"] });
    expect((await auth.passkeys.list(person)).data[0]).toMatchObject({ name: "old laptop", backupEligible: false });
  });

  test("R108: another user's passkey: not_found", async () => {
    const { passkey, person } = await withPasskey();
    const { actor } = await world.person();
    expect(await outcome(auth.passkeys.rename({ actor, passkeyId: passkey.id, name: "mine" }))).toBe("not_found");
    expect(await outcome(auth.passkeys.list({ actor, userId: person.userId }))).toBe("not_found");
    const password = person.credentialId;
    expect(await outcome(auth.passkeys.rename({ actor: person.actor, passkeyId: password, name: "x" }))).toBe(
      "not_found",
    );
  });

  test.each([
    ["", "invalid_format.name"],
    ["x".repeat(121), "invalid_format.name"],
    ["\0", "invalid_format.text"],
  ])("name %j: %s", async (name, code) => {
    const { person, passkey } = await withPasskey();
    expect(await outcome(auth.passkeys.rename({ actor: person.actor, passkeyId: passkey.id, name }))).toBe(code);
  });

  test("S33: the owner cannot end the last way in", async () => {
    const { person: again, passkey } = await inside();
    await auth.credentials.revoke({ actor: system, credentialId: again.credentialId });
    for (const act of ["revoke", "suspend"] as const) {
      expect(await outcome(auth.credentials[act]({ actor: again.actor, credentialId: passkey.id }))).toBe(
        "conflict.last_way_in",
      );
    }
  });

  test("a revoked passkey: no longer listed", async () => {
    const { person, passkey } = await inside();
    await auth.credentials.revoke({ actor: person.actor, credentialId: passkey.id });
    expect((await auth.passkeys.list({ actor: system, userId: person.userId })).data).toEqual([]);
  });

  test("a passkey from another SDK, without Sallyport's details: signs in", async () => {
    const { person, authenticator } = await withPasskey();
    await world.rows(sql`delete from webauthn_credential where credential_id = ${authenticator.credentialId}`);
    expect((await signIn(authenticator)).user.id).toBe(person.userId);
  });

  test.each(["passkey", "security key"] as const)(
    "S27: the id of a key that another SDK registered, as a security key and as a passkey: not registered again as a %s",
    async (kind) => {
      for (const type of ["webauthn", "passkey"] as const) {
        const [holder, stranger] = [await world.person(), await world.person()];
        const authenticator = await newAuthenticator();
        const [id, userId] = [authenticator.credentialId, uuidFor("usr", holder.userId)];
        await world.rows(
          type === "passkey"
            ? sql`insert into cred (id, usr_id, type, identifier, passkey_public_key, passkey_sign_count, passkey_rp_id)
                values (gen_random_uuid(), ${userId}::uuid, 'passkey', ${id}, decode('00', 'hex'), 0, 'example.com')`
            : sql`insert into mfa (id, usr_id, type, status, identifier, webauthn_public_key, webauthn_sign_count, webauthn_rp_id)
                values (gen_random_uuid(), ${userId}::uuid, 'webauthn', 'active', ${id}, decode('00', 'hex'), 0, 'example.com')`,
        );
        const { actor } = stranger;
        if (kind === "passkey") {
          const response = await authenticator.create(await auth.passkeys.registrationOptions({ actor }));
          expect(await outcome(auth.passkeys.register({ actor, response, transport: "token" }))).toBe(
            "conflict.duplicate_credential",
          );
        } else {
          const { factor, options } = await auth.securityKeys.enroll({ actor });
          const response = await authenticator.create(options);
          const confirm = auth.securityKeys.confirm({ actor, transport: "token", factorId: factor.id, response });
          expect(await outcome(confirm)).toBe("conflict.duplicate_credential");
        }
      }
    },
  );

  test("an unknown user: not_found", async () => {
    expect(await outcome(auth.passkeys.list({ actor: system, userId: generateId("usr") }))).toBe("not_found");
  });

  const forgetDetails = ({ credentialId }: Authenticator) =>
    world.rows(sql`delete from webauthn_credential where credential_id = ${credentialId}`);
  test("S45: a synced passkey of another SDK still signs in after it is renamed", async () => {
    const { person, authenticator, passkey } = await withPasskey({ counts: false, backup: true });
    await forgetDetails(authenticator);
    await passkeySignIn(authenticator);
    await auth.passkeys.rename({ actor: person.actor, passkeyId: passkey.id, name: "laptop" });
    expect(await outcome(passkeySignIn(authenticator))).toBe("done");
  });

  test("S32: revocation by an administrator ends the user's tokens; by the owner it leaves them", async () => {
    for (const byOwner of [false, true]) {
      const { person, authenticator, passkey } = await withPasskey();
      const owner = await personAt(world, person, await passkeySignIn(authenticator));
      const { actor, userId } = owner;
      const { token } = await auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: ["docs:read"] });
      await auth.credentials.revoke({ actor: byOwner ? actor : system, credentialId: passkey.id });
      expect(await outcome(auth.personalAccessTokens.verify({ token, context: context() }))).toBe(
        byOwner ? "done" : "pat.revoked",
      );
    }
  });

  test("requests: two to sign in, one for everything else", async () => {
    const person: Person = await world.person();
    const authenticator = await newAuthenticator();
    const trips = async <Result>(act: () => Promise<Result>): Promise<[number, Result]> => {
      const before = world.counting.requests;
      const result = await act();
      return [world.counting.requests - before, result];
    };
    const [made, options] = await trips(() => auth.passkeys.registrationOptions(person));
    const response = await authenticator.create(options);
    const [kept, { passkey, ...session }] = await trips(() =>
      auth.passkeys.register({ actor: person.actor, response, transport: "token" }),
    );
    const { actor } = await personAt(world, person, session);
    const [listed] = await trips(() => auth.passkeys.list({ actor, userId: person.userId }));
    const [renamed] = await trips(() => auth.passkeys.rename({ actor, passkeyId: passkey.id, name: "x" }));
    const [asked, request] = await trips(() => auth.signIn.passkeyOptions());
    const assertion = await authenticator.get(request);
    const [signedIn] = await trips(() => auth.signIn.passkey({ response: assertion }));
    expect({ made, kept, listed, renamed, asked, signedIn }).toEqual({
      made: 1,
      kept: 1,
      listed: 1,
      renamed: 1,
      asked: 1,
      signedIn: 2,
    });
    expect(uuidFor("cred", passkey.id)).toBeTruthy();
  });
});
