/** OC49: two accounts of one person become one. @module */
import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  type FullAuth,
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  refusal,
  system,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, givenApp, givenPasskey, personAt } from "../support/factors.ts";
import { withNewAddress, withVerifiedAddress } from "../support/links.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";
import { answerOf, freshIdentity, givenIdentity, signInWith } from "../support/practice-provider.ts";

describeWorld("OC49: merging two accounts", { on: ["pglite", "postgres"] }, (world, auth) => {
  const { withPasskey, passkeySignIn, inside } = usersWithPasskeys(world);
  const merge = (person: Pick<Person, "actor">, kept: Pick<Person, "actor">, through: FullAuth = auth) =>
    through.merging.merge({ actor: person.actor, into: kept.actor });
  const two = async () => [await world.person(), await world.person({ password: otherPassword })] as const;
  const passwordSignIn = async ({ identifier, password }: Pick<Person, "identifier" | "password">) => {
    const done = await auth.signIn.password({ identifier, password, context: { address: freshAddress() } });
    if (done.mfaRequired) throw new Error("A second factor is demanded.");
    return done.session.userId;
  };
  const statusOf = async (userId: Person["userId"]) => (await auth.users.get({ actor: system, userId })).status;
  const active = async ({ userId }: Person) =>
    (await auth.credentials.list({ actor: system, userId })).data
      .filter(({ status }) => status === "active")
      .map(({ type }) => type)
      .sort();

  test("every way in opens the account that is kept, and the other one is closed", async () => {
    const [person, kept] = await two();
    expect(await merge(person, kept)).toMatchObject({ id: kept.userId, status: "active" });
    expect(await statusOf(person.userId)).toBe("revoked");
    expect(await passwordSignIn(person)).toBe(kept.userId);
    expect(await passwordSignIn(kept)).toBe(kept.userId);
    expect(await active(person)).toEqual([]);
    // The session of the kept account goes on, the other one has ended.
    expect(await outcome(auth.sessions.verify(kept))).toBe("done");
    expect(await outcome(auth.sessions.verify(person))).not.toBe("done");
  });

  test("a passkey opens it with the user handle of its first account, also after a second merge", async () => {
    const { person, authenticator } = await inside();
    const [middle, kept] = await two();
    await merge(person, middle);
    const first = await passkeySignIn(authenticator);
    expect(first.session.userId).toBe(middle.userId);
    await merge(await personAt(world, middle, first), kept);
    expect((await passkeySignIn(authenticator)).session.userId).toBe(kept.userId);
    expect((await auth.passkeys.list({ actor: system, userId: kept.userId })).data).toMatchObject([{ name: "laptop" }]);
  });

  test("beside the passkeys of the kept account, which keep their own handle", async () => {
    const [one, other] = [await inside(), await inside()];
    await merge(one.person, other.person);
    for (const { authenticator } of [one, other]) {
      expect((await passkeySignIn(authenticator)).session.userId).toBe(other.person.userId);
    }
  });

  test("another account's handle is refused for it", async () => {
    const [one, other] = [await inside(), await inside()];
    await merge(one.person, other.person);
    await world.rows(sql`update webauthn_credential set handle = null where handle is not null`);
    expect(await outcome(passkeySignIn(one.authenticator))).toBe("unauthorized.invalid_credential");
  });

  test("an identity signs in to it, with its label and the tokens of its provider", async () => {
    const identity = freshIdentity({ name: "ada", tokens: { access_token: "secret-access", refresh_token: "r" } });
    const signedIn = await signInWith(auth, identity, { context: { address: freshAddress() } });
    if ("linkingRequired" in signedIn || signedIn.mfaRequired) throw new Error("No session was made.");
    const { actor, user } = await auth.sessions.verify({ token: signedIn.token, transport: "cookie" });
    const kept = await world.person();
    await merge({ actor }, kept);
    const again = await signInWith(auth, { ...identity, tokens: undefined }, { context: { address: freshAddress() } });
    expect(again).toMatchObject({ user: { id: kept.userId } });
    const { data } = await auth.federation.list({ actor: system, userId: kept.userId });
    expect(data).toMatchObject([{ provider: "practice", label: "ada", status: "active" }]);
    const asked = { actor: system, userId: kept.userId, provider: "practice" };
    expect(await auth.federation.accessToken(asked)).toMatchObject({ accessToken: "secret-access" });
    expect(await outcome(auth.federation.accessToken({ ...asked, userId: user.id }))).not.toBe("done");
    // The linked identity can be unlinked there.
    const credentialId = data[0]!.id;
    expect(await outcome(auth.federation.unlink({ actor: kept.actor, credentialId }))).toBe("done");
  });

  test("relations move, and one that both have stays once; tokens, factors and links end", async () => {
    const [one, kept] = await two();
    const { person } = await addApp(world, one);
    const { person: keptNow } = await addApp(world, kept);
    const pat = await auth.personalAccessTokens.create({ ...person, name: "ci", scope: [] });
    const [shared, own] = [crypto.randomUUID(), crypto.randomUUID()];
    const tuples = [
      { of: person, object: shared },
      { of: kept, object: shared },
      { of: person, object: own },
    ];
    for (const { of, object } of tuples) {
      await world.rows(sql`
        insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
        values (gen_random_uuid(), 'usr', ${uuidFor("usr", of.userId)}::uuid, 'editor', 'doc', ${object}::uuid)`);
    }
    await merge(person, keptNow);
    const rows = await world.rows(sql<{ id: string; object: string }>`
      select subject_id::text as id, object_id::text as object from tup
      where object_id in (${shared}::uuid, ${own}::uuid) order by object_id = ${own}::uuid`);
    const id = uuidFor("usr", kept.userId);
    expect(rows).toEqual([
      { id, object: shared },
      { id, object: own },
    ]);
    expect(await outcome(auth.personalAccessTokens.verify({ token: pat.token }))).toBe("pat.invalid");
    const factors = await auth.factors.list({ actor: system, userId: person.userId });
    expect(factors.data.filter(({ status }) => status === "active")).toEqual([]);
    expect((await auth.factors.list({ actor: system, userId: kept.userId })).data).toHaveLength(1);
  });

  test("S41: both accounts have the event, and the owner of the kept one sees it", async () => {
    const [person, kept] = await two();
    await merge(person, kept);
    const of = async ({ userId }: Person, action = "identity.user.merge") =>
      await world.events({ target: userId, action });
    expect(await of(person)).toMatchObject([
      { actorUserId: uuidFor("usr", person.userId), metadata: { into: kept.userId } },
    ]);
    expect(await of(kept, "identity.user.merge.keep")).toMatchObject([
      { actorUserId: uuidFor("usr", kept.userId), metadata: { merged: person.userId } },
    ]);
    const { data } = await auth.activity.list({ actor: kept.actor, userId: kept.userId });
    expect(data.map(({ type }) => type)).toContain("accounts_merged");
  });

  test("an application moves its own rows in the same transaction, and a refusal undoes them", async () => {
    const [person, kept] = await two();
    await world.rows(sql`create table if not exists document (id int, owner_id uuid)`);
    const plan = await auth.merging.merge.plan({ actor: person.actor, into: kept.actor });
    expect(plan.known).toEqual({ userId: person.userId, into: kept.userId });
    const write = sql`insert into document values (1, ${uuidFor("usr", plan.known.into)}::uuid)`;
    await auth.batch([plan, write]);
    const late = await auth.merging.merge.plan({ actor: person.actor, into: kept.actor });
    expect(await outcome(auth.batch([late, write]))).toBe("unauthorized.invalid_token");
    expect(await world.rows(sql`select * from document`)).toHaveLength(1);
  });

  /** A person with a verified address, to which a notice with a link is owed. */
  const verifiedWithNotice = async () => {
    const person = await withVerifiedAddress(world, await world.person());
    await auth.personalAccessTokens.create({ actor: system, userId: person.userId, name: "ci", scope: [] });
    return person;
  };

  describe("it is refused", () => {
    test("of an account into itself", async () => {
      const person = await world.person();
      const other = await world.signIn(person);
      expect(await outcome(merge(person, other))).toBe("conflict.same_user");
    });

    test("without a fresh proof of the account that ends, and of the one that is kept", async () => {
      const [person, kept] = await two();
      await world.age(person.session, 601);
      expect(await outcome(merge(person, kept))).toBe("unauthorized.reauthentication_required");
      const again = await world.signIn(person);
      await world.age(kept.session, 601);
      expect(await outcome(merge(again, kept))).toBe("unauthorized.session_expired");
      expect(await outcome(auth.merging.begin(kept))).toBe("unauthorized.reauthentication_required");
    });

    test("by a password alone if the account that ends, or the kept one, has a passkey", async () => {
      const { person } = await withPasskey();
      const other = await world.person();
      expect(await outcome(merge(person, other))).toBe("unauthorized.reauthentication_required");
      expect(await outcome(merge(other, person))).toBe("unauthorized.session_expired");
    });

    test("with an ended session of either", async () => {
      const [person, kept] = await two();
      await auth.sessions.signOut(kept);
      expect(await outcome(merge(person, kept))).toBe("unauthorized.session_expired");
      await auth.sessions.signOut(person);
      expect(await outcome(merge(person, await world.person()))).toBe("unauthorized.invalid_token");
    });

    test("with a suspended user as the kept one", async () => {
      const [person, kept] = await two();
      await auth.users.suspend({ actor: system, userId: kept.userId });
      expect(await outcome(merge(person, kept))).toBe("unauthorized.session_expired");
      expect(await statusOf(person.userId)).toBe("active");
    });

    test("S05: for an administrator's account, on either side, also at level 2", async () => {
      const [administrator, person] = [await world.administrator(), await world.person()];
      await world.levelTwo(person.session);
      expect(await outcome(merge(administrator, person))).toBe("forbidden");
      expect(await outcome(merge(person, administrator))).toBe("forbidden");
      expect(await outcome(auth.merging.begin(administrator))).toBe("forbidden");
    });

    test("S05: by the application, or with an actor that is not genuine", async () => {
      const [person, kept] = await two();
      const attempts = [
        { actor: system, into: kept.actor },
        { actor: person.actor, into: system },
        { actor: person.actor, into: { ...kept.actor } },
      ] as unknown as { actor: Person["actor"]; into: Person["actor"] }[];
      for (const attempt of attempts) await expect(outcome(auth.merging.merge(attempt))).rejects.toThrow(TypeError);
      expect(await statusOf(person.userId)).toBe("active");
    });

    test.each(["password", "oidc"] as const)("if an administrator has suspended a %s of it", async (type) => {
      const [person, kept] = await two();
      if (type === "oidc") await givenIdentity(world, person.userId, "suspended");
      else {
        const more = {
          actor: system,
          userId: person.userId,
          identifier: `${person.identifier}.x`,
          password: goodPassword,
        };
        const { id } = await auth.credentials.createPassword(more);
        await auth.credentials.suspend({ actor: system, credentialId: id });
      }
      expect(await outcome(merge(person, kept))).toBe("forbidden");
    });

    test("if only the account that ends has a second factor, or must have one", async () => {
      const [one, kept] = await two();
      const { person } = await addApp(world, one);
      expect(await outcome(merge(person, kept))).toBe("precondition.factor_needed_first");
      const { person: keptNow } = await addApp(world, kept);
      expect(await outcome(merge(person, keptNow))).toBe("done");

      const [required, other] = await two();
      await world.requireFactor(required.userId, new Date(Date.now() + 86_400_000));
      expect(await outcome(merge(required, other))).toBe("precondition.factor_needed_first");
    });

    test("while its former address may still take the account back", async () => {
      const person = await withNewAddress(world, await withVerifiedAddress(world, await world.person()));
      const kept = await world.person();
      expect(await outcome(merge(person, kept))).toBe("precondition.invalid_transition");
      await auth.notices.disown({ token: person.back, context: { address: freshAddress() } });
      expect(await statusOf(person.userId)).toBe("active");
    });

    test("S40: while the link of a notice can still take it back from an attacker with its password", async () => {
      const owner = await withVerifiedAddress(world, await world.person());
      const before = world.mailbox.messages.length;
      const context = { address: freshAddress(), userAgent: "the thief's" };
      const { identifier, password } = owner;
      const stolen = await auth.signIn.password({ identifier, password, context });
      if (stolen.mfaRequired) throw new Error("A second factor is demanded.");
      const thief = await world.person();
      const { actor } = await auth.sessions.verify({ token: stolen.token, transport: "token" });
      expect(await outcome(merge({ actor }, thief))).toBe("precondition.invalid_transition");
      await auth.mail.deliver();
      await world.mailbox.arrival(identifier, before);
      const token = world.mailbox.secretTo(identifier);
      expect(await outcome(auth.notices.disown({ token, context: { address: freshAddress() } }))).toBe("done");
      expect(await outcome(passwordSignIn(owner))).toBe("unauthorized.invalid_credential");
    });

    test("but not three days after the notice, nor as the account that is kept", async () => {
      const [person, kept] = [await verifiedWithNotice(), await verifiedWithNotice()];
      await world.rows(sql`
        update mail_message set created_at = created_at - interval '3 days 1 second'
        where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
      expect(await outcome(merge(person, kept))).toBe("done");
    });

    test("but not because of a new device, if the account has proved a second factor", async () => {
      const kept = (await addApp(world, await world.person())).person;
      const { person, app } = await addApp(world, await withVerifiedAddress(world, await world.person()));
      await world.rows(sql`
        update mail_message set used_at = sallyport_now() where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
      const context = { address: freshAddress(), userAgent: "a new one" };
      const { identifier, password } = person;
      const begun = await auth.signIn.password({ identifier, password, context });
      if (!begun.mfaRequired) throw new Error("No second factor is demanded.");
      const proof = { type: "totp", code: await app.code() } as const;
      const { token } = await auth.signIn.factor({ ticket: begun.ticket, transport: "token", proof, context });
      const { actor } = await auth.sessions.verify({ token, transport: "token" });
      const owed = await world.rows(sql`
        select from mail_message
        where usr_id = ${uuidFor("usr", person.userId)}::uuid and kind = 'new_device' and used_at is null`);
      expect(owed).toHaveLength(1);
      expect(await outcome(merge({ actor }, kept))).toBe("done");
    });

    test("while an administrator recovers it", async () => {
      const person = await withVerifiedAddress(world, await world.person());
      await auth.recovery.start({ actor: system, userId: person.userId, identifier: `new.${person.identifier}` });
      expect(await outcome(merge(person, await world.person()))).toBe("precondition.invalid_transition");
    });

    test("beyond a hundred credentials", async () => {
      const [person, kept] = await two();
      for (let count = 0; count < 98; count++) await givenIdentity(world, person.userId);
      expect(await outcome(merge(person, kept))).toBe("done");
      const more = await world.person();
      expect(await outcome(merge(more, kept))).toBe("precondition.limit_reached");
    });
  });

  test("a policy that requires a second factor goes with it", async () => {
    const [one, other] = await two();
    const [{ person }, { person: kept }] = [await addApp(world, one), await addApp(world, other)];
    await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
    await merge(person, kept);
    expect(await auth.mfaPolicies.get({ actor: system, userId: kept.userId })).toMatchObject({ required: true });
    const [factor] = (await auth.factors.list(kept)).data;
    expect(await outcome(auth.factors.revoke({ actor: kept.actor, factorId: factor!.id }))).toBe(
      "conflict.last_factor",
    );
  });

  test("a suspended passkey is not revived by it", async () => {
    const [person, kept] = await two();
    await givenPasskey(world, person.userId, "suspended");
    await merge(person, kept);
    expect(await active(kept)).toEqual(["password", "password"]);
  });

  test("a denial is recorded, and names the account that was to end", async () => {
    const [person, kept] = await two();
    await givenApp(world, person.userId, "active");
    expect((await refusal(merge(person, kept))).code).toBe("unauthorized.reauthentication_required");
    const events = await world.events({ target: person.userId, action: "identity.user.merge" });
    expect(events.map(({ outcome: how }) => how)).toEqual(["denied"]);
  });

  describe("notices", () => {
    const verified = async (password = goodPassword) =>
      await withVerifiedAddress(world, await world.person({ password }));
    const delivered = async (identifier: string) => {
      const before = world.mailbox.messages.length;
      await auth.mail.deliver();
      await world.mailbox.arrival(identifier, before);
      return world.mailbox.messages.filter(({ to }) => to === identifier).at(-1)!;
    };

    test("every verified address hears of it; only that of the kept account gets a link", async () => {
      const [person, kept] = [await verified(), await verified(otherPassword)];
      await merge(person, kept);
      const toPerson = await delivered(person.identifier);
      const toKept = world.mailbox.messages.filter(({ to }) => to === kept.identifier).at(-1)!;
      expect(toKept.subject).toContain("Two accounts were merged");
      expect(toKept.text).toContain("https://");
      expect(toPerson.subject).toContain("Two accounts were merged");
      expect(toPerson.text).not.toContain("https://");
    });

    /** A user without a password, and the address that the provider has verified. */
    const withoutPassword = async () => {
      const identity = freshIdentity({ email: freshIdentifier(), emailVerified: true });
      const done = await signInWith(auth, identity, { context: { address: freshAddress() } });
      if (!("session" in done)) throw new Error("No session was made.");
      const { actor } = await auth.sessions.verify({ token: done.token, transport: "cookie" });
      return { actor, email: identity.email! };
    };
    const isToldWithoutLink = async (email: string) => {
      const { subject, text } = await delivered(email);
      expect(subject).toContain("Two accounts were merged");
      expect(text).not.toContain("https://");
    };

    test("a thief's address that comes with the merge does not silence the provider's of the kept account", async () => {
      const kept = await withoutPassword();
      await merge(await verified(), kept);
      await isToldWithoutLink(kept.email);
    });

    test("the address that a provider has verified hears that its account ends in another one", async () => {
      const person = await withoutPassword();
      await merge(person, await verified());
      await isToldWithoutLink(person.email);
    });

    test("an address of both a password and an identity hears once, with its link", async () => {
      const kept = await verified();
      const identity = freshIdentity({ email: kept.identifier, emailVerified: true });
      const { actor } = kept;
      const started = await auth.federation.start({ provider: "practice", purpose: "link", actor });
      const linking = { provider: "practice", attempt: started.attempt, answer: answerOf(started, identity), actor };
      await auth.federation.finishLink(linking);
      await merge(await world.person(), kept);
      const told = await world.rows(sql<{ linkless: boolean }>`
        select used_at is not null as linkless from mail_message
        where usr_id = ${uuidFor("usr", kept.userId)}::uuid and kind = 'accounts_merged'`);
      expect(told).toEqual([{ linkless: false }]);
    });

    test("“this was not me” of the kept account ends all that the merge has added", async () => {
      const [thief, kept] = [await verified(), await verified(otherPassword)];
      const identity = freshIdentity();
      const { actor } = thief;
      const started = await auth.federation.start({ provider: "practice", purpose: "link", actor });
      const linking = { provider: "practice", attempt: started.attempt, answer: answerOf(started, identity), actor };
      await auth.federation.finishLink(linking);
      await world.rows(sql`
        update mail_message set created_at = created_at - interval '4 days'
        where usr_id = ${uuidFor("usr", thief.userId)}::uuid`);
      await merge(thief, kept);
      await delivered(kept.identifier);
      const token = world.mailbox.secretTo(kept.identifier);
      await auth.notices.disown({ token, context: { address: freshAddress() } });
      const left = await auth.credentials.list({ actor: system, userId: kept.userId });
      const live = left.data.filter(({ status }) => status === "active");
      expect(live.map(({ identifier }) => identifier)).toEqual([kept.identifier]);
      expect(await outcome(passwordSignIn(thief))).toBe("unauthorized.invalid_credential");
    });
  });
});
