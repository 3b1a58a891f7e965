import { describe, expect, test } from "vitest";
import { type CredentialId, type UserId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  quickHasher,
  system,
  type World,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, addPasskey, appOf, personAt, registrationBy, ticketFor } from "../support/factors.ts";
import { holdLock } from "../support/held-lock.ts";
import { mailed, mailedChange, withVerifiedAddress } from "../support/links.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";
import { answerOf, freshIdentity, practiceIssuer, signInWith, waitingIdentity } from "../support/practice-provider.ts";
import { referenceSdk } from "../support/reference-sdk.ts";

const context = () => ({ address: freshAddress() });
const roomy = { on: ["postgres"] as const, timeoutMilliseconds: 60_000 };

/** An act that is about to happen, and the credential that its session has or would have. */
interface Prepared {
  readonly credentialId: CredentialId;
  act(): Promise<unknown>;
}

/** Each act that makes a session for a credential that is stored already. */
const acts: Readonly<Record<string, (world: World) => Promise<Prepared>>> = {
  "a sign-in with a password": async (world) => {
    const person = await world.person();
    return { ...person, act: () => world.signIn(person) };
  },
  "a sign-in with a password that is hashed anew": async (world) => {
    const person = await world.person();
    const auth = world.isolate({ passwordHasher: { ...quickHasher(), needsRehash: () => true } });
    return { ...person, act: () => world.signIn(person, { auth }) };
  },
  "a session for a ticket": async (world) => {
    const person = await world.person();
    const proved = await world.auth.verifyPassword({ ...person, context: context() });
    return { ...person, act: () => world.auth.sessions.create(proved) };
  },
  "a sign-in with a link": async (world) => {
    const person = await withVerifiedAddress(world, await world.person());
    const { token } = await mailed(world, "signIn", person.identifier);
    return { ...person, act: () => world.auth.mailedSignIn.confirm({ token, context: context() }) };
  },
  "a sign-in with a passkey": async (world) => {
    const { authenticator, passkey } = await usersWithPasskeys(world).withPasskey();
    const response = await authenticator.get(await world.auth.signIn.passkeyOptions());
    return { credentialId: passkey.id, act: () => world.auth.signIn.passkey({ response, context: context() }) };
  },
  "a sign-in with a provider": async (world) => {
    const identity = freshIdentity();
    const first = await signInWith(world.auth, identity, { context: context() });
    if (!("session" in first)) throw new Error("A second factor is demanded.");
    return { ...first.session, act: () => signInWith(world.auth, identity, { context: context() }) };
  },
  "the second factor of a sign-in": async (world) => {
    const { person, app } = await addApp(world, await world.person());
    const ticket = await ticketFor(world, person);
    const proof = { type: "totp" as const, code: await app.code() };
    return { ...person, act: () => world.auth.signIn.factor({ ticket, proof, context: context() }) };
  },
  "a step-up": async (world) => {
    const { person, app } = await addApp(world, await world.person());
    const proof = { type: "totp" as const, code: await app.code() };
    const { actor, transport } = person;
    return { ...person, act: () => world.auth.stepUp({ actor, transport, proof }) };
  },
  "a step-up at a provider": async (world) => {
    const identity = freshIdentity();
    const first = await signInWith(world.auth, identity, { context: context() });
    if (!("session" in first)) throw new Error("A second factor is demanded.");
    const { actor } = await world.auth.sessions.verify({ token: first.token, transport: "cookie" });
    const started = await world.auth.federation.start({ provider: "practice", purpose: "step_up", actor });
    const asked = { provider: "practice", attempt: started.attempt, answer: answerOf(started, identity), actor };
    return { ...first.session, act: () => world.auth.federation.finishStepUp(asked) };
  },
  "a refresh": async (world) => {
    const person = await world.person();
    const { token, transport } = person;
    return { ...person, act: () => world.auth.sessions.refresh({ token, transport }) };
  },
  "the confirmation of an authenticator app": async (world) => {
    const person = await world.person();
    const { actor, transport } = person;
    const { factor, secretBase32 } = await world.auth.factors.enrollTotp({ actor, label: "phone" });
    const code = await appOf(world, { factor, secretBase32 }).code();
    return {
      ...person,
      act: () => world.auth.factors.confirmTotp({ actor, transport, factorId: factor.id, code }),
    };
  },
  "the registration of a passkey": async (world) => {
    const person = await world.person();
    const response = await registrationBy(world, person, await newAuthenticator());
    const { actor, transport } = person;
    return { ...person, act: () => world.auth.passkeys.register({ actor, response, transport }) };
  },
  "a change of the password": async (world) => {
    const person = await world.person();
    const { actor, transport } = person;
    return {
      ...person,
      act: () =>
        world.auth.changePassword({
          ...{ actor, transport, currentPassword: goodPassword, newPassword: otherPassword },
        }),
    };
  },
  "a reset of the password": async (world) => {
    const person = await withVerifiedAddress(world, await world.person());
    const { token } = await mailed(world, "reset", person.identifier);
    return {
      ...person,
      act: () => world.auth.passwordReset.confirm({ token, password: otherPassword, context: context() }),
    };
  },
  "a change of the address": async (world) => {
    const person = await withVerifiedAddress(world, await world.person());
    const { token } = await mailedChange(world, person);
    const { actor } = person;
    return { ...person, act: () => world.auth.identifiers.confirmChange({ actor, token, transport: "token" }) };
  },
  "a change of the address, in a session of a passkey": async (world) => {
    const { passkeySignIn } = usersWithPasskeys(world);
    const owner = await withVerifiedAddress(world, await world.person());
    const authenticator = await newAuthenticator();
    const { id: credentialId } = await addPasskey(world, owner, authenticator);
    const { actor } = await personAt(world, owner, await passkeySignIn(authenticator));
    const identifier = freshIdentifier();
    await world.auth.identifiers.requestChange({ actor, identifier, replaces: owner.identifier });
    await world.auth.mail.deliver();
    const token = world.mailbox.secretTo(identifier);
    return { credentialId, act: () => world.auth.identifiers.confirmChange({ actor, token, transport: "token" }) };
  },
};

describeWorld("S16: a credential that another SDK ends beside an act of its user", roomy, (world) => {
  /** Live sessions of the credential, and active credentials in its place. */
  const left = async ({ credentialId }: Prepared) => {
    const id = uuidFor("cred", credentialId);
    const [row] = await world.rows(sql<{ sessions: number; credentials: number }>`
      select (select count(*)::int from ses where cred_id = ${id}::uuid and revoked_at is null) as sessions,
        (select count(*)::int from cred where status = 'active' and (id = ${id}::uuid or replaces = ${id}::uuid)) as credentials`);
    return row!;
  };

  describe.each(Object.entries(acts))("%s", (_name, prepare) => {
    test.each(["suspended", "revoked"] as const)(
      "that finds it %s at the last moment: no session lives",
      async (status) => {
        const prepared = await prepare(world);
        const id = uuidFor("cred", prepared.credentialId);
        // What the reference sends, up to its commit.
        const held = await holdLock(
          world.backend.connectionString!,
          sql`
          with ended as (update cred set status = ${status} where id = ${id}::uuid returning id)
          update ses set revoked_at = now() from ended where ses.cred_id = ended.id and ses.revoked_at is null`,
        );
        const done = outcome(prepared.act());
        await Promise.race([held.waiting(1), done]);
        await held.commit();
        await done;
        expect(await left(prepared)).toEqual({ sessions: 0, credentials: 0 });
      },
    );
  });

  test.each(["suspend", "reinstate", "revoke"] as const)(
    "that an administrator would %s while another SDK revokes it stays revoked",
    async (change) => {
      const { credentialId } = await world.person();
      const id = uuidFor("cred", credentialId);
      if (change === "reinstate") await world.auth.credentials.suspend({ actor: system, credentialId });
      const held = await holdLock(
        world.backend.connectionString!,
        sql`update cred set status = 'revoked' where id = ${id}::uuid`,
      );
      const changed = outcome(world.auth.credentials[change]({ actor: system, credentialId }));
      await held.waiting(1);
      await held.commit();
      expect(await changed).toBe(
        change === "reinstate" ? "precondition.invalid_transition" : "conflict.already_terminal",
      );
      const [row] = await world.rows(sql<{ status: string }>`select status from cred where id = ${id}::uuid`);
      expect(row).toEqual({ status: "revoked" });
    },
  );

  describe.each(["suspended", "revoked"] as const)("a password that is %s at the last moment", (status) => {
    /** What the act comes to if another SDK ends the password beside it. */
    const besideTheEnd = async ({ credentialId }: { credentialId: CredentialId }, act: () => Promise<unknown>) => {
      const id = uuidFor("cred", credentialId);
      const held = await holdLock(
        world.backend.connectionString!,
        sql`update cred set status = ${status} where id = ${id}::uuid`,
      );
      const done = outcome(act());
      await Promise.race([held.waiting(1), done]);
      await held.commit();
      return await done;
    };
    const linkedTo = async ({ userId }: { userId: UserId }) =>
      await world.rows(sql`select from cred where usr_id = ${uuidFor("usr", userId)}::uuid and type = 'oidc'`);

    test("no identity is linked by its address", async () => {
      const person = await withVerifiedAddress(world, await world.person());
      const auth = world.isolate({ federation: { linkByVerifiedEmail: { trusted: [practiceIssuer] } } });
      const identity = freshIdentity({ email: person.identifier, emailVerified: true });
      const signIn = () => signInWith(auth, identity, { context: context() });
      expect(await besideTheEnd(person, signIn)).toBe("conflict.duplicate_credential");
      expect(await linkedTo(person)).toEqual([]);
    });

    test("no identity that has waited for its address is linked", async () => {
      const person = await world.person();
      const identity = await waitingIdentity(world, person.identifier);
      const { actor, asOf } = await world.auth.sessions.verify({ token: person.token, transport: person.transport });
      const link = () => world.auth.federation.link({ actor, identity, now: asOf });
      expect(await besideTheEnd(person, link)).toBe("unauthorized.provider");
      expect(await linkedTo(person)).toEqual([]);
    });

    test("a merge does not revive it", async () => {
      const [person, kept] = [await world.person(), await world.person()];
      const merge = () => world.auth.merging.merge({ actor: person.actor, into: kept.actor });
      expect(await besideTheEnd(person, merge)).toBe("done");
      expect(await left({ ...person, act: merge })).toEqual({ sessions: 0, credentials: 0 });
    });
  });

  test("the reference and Sallyport at once, each act twice: no deadlock, and no session lives", async () => {
    const sdk = referenceSdk(world.database, quickHasher());
    for (const prepare of Object.values(acts)) {
      for (let round = 0; round < 2; round++) {
        const prepared = await prepare(world);
        const end = () => sdk.setCredentialStatus(uuidFor("cred", prepared.credentialId), "revoked");
        // It ends sessions by the time of its own beginning, which the table refuses for a newer session. Then nothing has changed.
        const isOlder = (error: { constraint?: unknown }) => error.constraint === "ses_revoked_after_creation";
        const revoke = () =>
          outcome(
            end().catch(async (error) => {
              if (!isOlder(error)) throw error;
              await end();
            }),
          );
        const both = [revoke, () => outcome(prepared.act())];
        const codes = await Promise.all((round % 2 ? both : both.toReversed()).map((act) => act()));
        expect(codes[round % 2 ? 0 : 1]).toBe("done");
        // A new password in its place may come before the end of the old one.
        expect((await left(prepared)).sessions).toBe(0);
      }
    }
  });
});
