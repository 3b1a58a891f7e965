/** S33, S38, S42, S67: accounts that another SDK made in the same tables. */
import { describe, expect, test } from "vitest";
import { newUuid, type UserId, uuidFor, wireId } from "../../src/domain/id.ts";
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
import { addApp, appOf, givenApp, personAt } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

/** A user with a password under exactly this name. */
async function stored(
  world: World,
  identifier: string,
  {
    password = goodPassword,
    status = "active",
  }: { password?: string; status?: "active" | "suspended" | "revoked" } = {},
): Promise<UserId> {
  const userId = newUuid();
  const hash = await quickHasher().hash(password, "typed");
  await world.rows(sql`
    with person as (insert into usr (id) values (${userId}::uuid))
    insert into cred (id, usr_id, type, identifier, status, password_hash)
    values (${newUuid()}::uuid, ${userId}::uuid, 'password', ${identifier}, ${status}, ${hash})`);
  return wireId("usr", userId);
}

const signIn = async (world: World, identifier: string, password = goodPassword, auth = world.auth) =>
  await auth.signIn.password({ identifier, password, context: { address: freshAddress() } });

/** Ways in which another SDK may have stored a name whose normal form is `name`. */
const spellings: readonly { case: string; of: (name: string) => string }[] = [
  { case: "capitals", of: (name) => name.toUpperCase() },
  { case: "white space at both ends", of: (name) => ` ${name}\t` },
  { case: "fullwidth letters", of: (name) => name.replace("p", "\uff50") },
  { case: "fullwidth capitals", of: (name) => name.replace("p", "\uff30") },
  { case: "a dot at the end of the domain", of: (name) => `${name}.` },
  { case: "an ideographic full stop in the domain", of: (name) => name.replace(".com", "\u3002com") },
  { case: "a domain in fullwidth letters", of: (name) => name.replace("@example", "@\uff45xample") },
];

describeWorld("accounts of others", { on: ["pglite", "postgres"] }, (world, auth) => {
  describe("S38: names that are not in normal form", () => {
    test.each(spellings)("$case: the exact text signs in and is found", async ({ of }) => {
      const identifier = of(freshIdentifier());
      const userId = await stored(world, identifier);
      expect(await signIn(world, identifier)).toMatchObject({ session: { userId } });
      const found = await auth.credentials.findByIdentifier({ actor: system, type: "password", identifier });
      expect(found?.userId).toBe(userId);
      expect(await outcome(signIn(world, identifier, otherPassword))).toBe("unauthorized.invalid_credential");
    });

    test.each(spellings)("$case: the normal form can be neither signed up nor added", async ({ of }) => {
      for (const status of ["active", "suspended"] as const) {
        const name = freshIdentifier();
        await stored(world, of(name), { status });
        const address = freshAddress();
        const account = { identifier: name, password: goodPassword, context: { address } };
        expect(await outcome(auth.signUp(account))).toBe("conflict.duplicate_credential");
        const { userId } = await world.person();
        const added = auth.credentials.createPassword({
          actor: system,
          userId,
          identifier: name,
          password: goodPassword,
        });
        expect(await outcome(added)).toBe("conflict.duplicate_credential");
      }
      const free = freshIdentifier();
      await stored(world, of(free), { status: "revoked" });
      await world.person({ identifier: free });
    });

    test("a stored name beyond ASCII: neither its normal form nor another spelling of its mailbox can be taken", async () => {
      const open = world.isolate({ allowNonAsciiIdentifiers: true });
      const local = freshIdentifier().split("@")[0]!;
      const exact = `${local}@bücher.example`;
      const userId = await stored(world, exact);
      for (const identifier of [`${local}@xn--bcher-kva.example`, `${local}@XN--BCHER-KVA.example.`, exact]) {
        for (const isolate of [open, auth]) {
          const account = { identifier, password: goodPassword, context: { address: freshAddress() } };
          const refusal =
            isolate === auth && identifier === exact ? "invalid_format.identifier" : "conflict.duplicate_credential";
          expect(await outcome(isolate.signUp(account))).toBe(refusal);
        }
      }
      for (const isolate of [open, auth]) {
        expect(await signIn(world, exact, goodPassword, isolate)).toMatchObject({ session: { userId } });
      }
    });

    test("every spelling of a domain leads to the one account of a mailbox", async () => {
      const open = world.isolate({ allowNonAsciiIdentifiers: true });
      const local = freshIdentifier().split("@")[0]!;
      const account = (identifier: string) => ({
        identifier,
        password: goodPassword,
        context: { address: freshAddress() },
      });
      const { session } = await open.signUp(account(`${local}@BÜCHER.example.`));
      const [row] = await world.rows(sql`
        select identifier from cred where usr_id = ${uuidFor("usr", session.userId)}::uuid`);
      expect(row).toEqual({ identifier: `${local}@xn--bcher-kva.example` });
      const same = ["bücher.example", "Bücher\u3002EXAMPLE", "xn--bcher-kva.example", "XN--BCHER-kva.example."];
      for (const domain of same) {
        const identifier = `${local}@${domain}`;
        expect(await outcome(open.signUp(account(identifier)))).toBe("conflict.duplicate_credential");
        const { userId } = await world.person();
        const added = open.credentials.createPassword({ actor: system, userId, identifier, password: goodPassword });
        expect(await outcome(added)).toBe("conflict.duplicate_credential");
        expect(await signIn(world, identifier, goodPassword, open)).toMatchObject({
          session: { userId: session.userId },
        });
        const found = await open.credentials.findByIdentifier({ actor: system, type: "password", identifier });
        expect(found?.userId).toBe(session.userId);
      }
    });

    test("a stored name whose domain has no normal form: the exact text signs in, in ASCII", async () => {
      for (const domain of ["127.0.0.1", "[::1]", "my_host", "example..com", "ex%61mple.com", "example.com:25"]) {
        const identifier = `${freshIdentifier().split("@")[0]}@${domain}`;
        const userId = await stored(world, identifier);
        expect(await signIn(world, ` ${identifier} `)).toMatchObject({ session: { userId } });
        const account = { identifier, password: goodPassword, context: { address: freshAddress() } };
        expect(await outcome(auth.signUp(account))).toBe("invalid_format.identifier");
      }
    });

    test("another spelling of a stored name does not sign in", async () => {
      const name = freshIdentifier();
      await stored(world, name.replace("p", "P"));
      for (const typed of [name, name.toUpperCase()]) {
        expect(await outcome(signIn(world, typed))).toBe("unauthorized.invalid_credential");
      }
    });

    test("the account with the normal form comes first, also for the other's exact text and while its user is suspended", async () => {
      const person = await world.person();
      const exact = person.identifier.replace("p", "P");
      await stored(world, exact, { password: otherPassword });
      expect(await signIn(world, exact)).toMatchObject({ session: { userId: person.userId } });
      expect(await outcome(signIn(world, exact, otherPassword))).toBe("unauthorized.invalid_credential");
      await auth.users.suspend({ actor: system, userId: person.userId });
      expect(await outcome(signIn(world, exact, otherPassword))).toBe("unauthorized.invalid_credential");
    });

    test("white space around a name: signs up and in as without it", async () => {
      const name = freshIdentifier();
      const { userId } = await world.person({ identifier: `  ${name} ` });
      for (const typed of [name, `${name} `, `\t${name}`]) {
        expect(await signIn(world, typed)).toMatchObject({ session: { userId } });
      }
    });

    test("the question of look-alikes is answered from an index that is empty without accounts of others", async () => {
      const plan = await world.rows<Record<string, string>>(sql`
        explain (costs off) select from cred alike where alike.type = 'password' and alike.status <> 'revoked'
          and alike.identifier <> sallyport_folded(alike.identifier)
          and sallyport_folded(alike.identifier) = ${freshIdentifier()}`);
      expect(plan.map((row) => Object.values(row)[0]).join("\n")).toContain("cred_unfolded_identifier");
    });
  });

  describe("S42: passwords that NFKC changes", () => {
    const typed = `${goodPassword}pa\u0308ss\ufb01`;

    test.each([
      { sharedDatabase: false as const, password: typed, computations: 1 },
      { sharedDatabase: true as const, password: typed, computations: 2 },
      { sharedDatabase: "inherited" as const, password: typed, computations: 2 },
      { sharedDatabase: true as const, password: otherPassword, computations: 1 },
      { sharedDatabase: true as const, password: "\u0308".repeat(5_000), computations: 1 },
    ])(
      "sharedDatabase $sharedDatabase: $computations hashes, for an unknown name, a wrong password and a suspended user alike",
      async ({ sharedDatabase, password, computations }) => {
        const isolate = world.isolate({ sharedDatabase });
        const [known, suspended] = [freshIdentifier(), freshIdentifier()];
        await stored(world, known);
        await stored(world, suspended, { status: "suspended" });
        for (const identifier of [freshIdentifier(), known, suspended]) {
          world.hasher.reset();
          expect(await outcome(signIn(world, identifier, password, isolate))).toBe("unauthorized.invalid_credential");
          expect(world.hasher.computations).toBe(computations);
        }
      },
    );

    test("without the option, only the normal form is verified", async () => {
      const name = freshIdentifier();
      await stored(world, name, { password: typed });
      expect(await outcome(signIn(world, name, typed))).toBe("unauthorized.invalid_credential");
    });

    test("in a database that another SDK uses, its hash is verified and stays; Sallyport's are as the SDK verifies them", async () => {
      const isolate = world.isolate({ sharedDatabase: true });
      const hashOf = async (identifier: string) =>
        (
          await world.rows<{ hash: string }>(sql`
          select password_hash as hash from cred where identifier = ${identifier} and status = 'active'`)
        )[0]!.hash;
      const name = freshIdentifier();
      const userId = await stored(world, name, { password: typed });
      const before = await hashOf(name);
      expect(await signIn(world, name, typed, isolate)).toMatchObject({ session: { userId } });
      expect(await hashOf(name)).toBe(before);

      const own = freshIdentifier();
      await isolate.signUp({ identifier: own, password: typed, context: { address: freshAddress() } });
      expect(await quickHasher().verify(await hashOf(own), typed, "typed")).toBe(true);
      await signIn(world, own, typed, isolate);
      // A password from before, in its normal form, is verified too.
      const { identifier } = await world.person({ password: typed });
      await signIn(world, identifier, typed, isolate);
    });

    test("in a database that another SDK has left, the next sign-in replaces the hash by one of the normal form", async () => {
      const isolate = world.isolate({ sharedDatabase: "inherited" });
      const name = freshIdentifier();
      await stored(world, name, { password: typed });
      await signIn(world, name, typed, isolate);
      for (const password of [typed, typed.normalize("NFC"), typed.normalize("NFKC")])
        await signIn(world, name, password);
    });

    test("the current password is verified in both forms too", async () => {
      const isolate = world.isolate({ sharedDatabase: true });
      const name = freshIdentifier();
      await stored(world, name, { password: typed });
      const signedIn = await signIn(world, name, typed, isolate);
      if (signedIn.mfaRequired) throw new Error("A second factor is demanded.");
      const { actor } = await isolate.sessions.verify({ token: signedIn.token, transport: "token" });
      await isolate.changePassword({
        actor,
        currentPassword: typed,
        newPassword: otherPassword,
        transport: "token",
      } as never);
      await signIn(world, name, otherPassword);
    });

    test("any other value of the option is refused by name", async () => {
      const isolate = world.isolate({ sharedDatabase: "yes" as never });
      await expect(signIn(world, "a", goodPassword, isolate)).rejects.toMatchObject({ option: "sharedDatabase" });
    });
  });

  describe("S33, S67: the row that another SDK looks at", () => {
    const row = async (userId: UserId) =>
      (
        await world.rows(sql`
        select required, grace_until as grace from usr_mfa_policy where usr_id = ${uuidFor("usr", userId)}::uuid`)
      )[0];
    const policy = async (userId: UserId) => {
      const { required, graceUntil } = await auth.mfaPolicies.get({ actor: system, userId });
      return { required, graceUntil };
    };
    const asked = { required: true, grace: null };
    const none = { required: false, graceUntil: null };
    const grace = new Date("2099-01-01T00:00:00Z");

    test("is written with the first factor, is no policy, and goes with the last factor", async () => {
      const start = await world.person();
      const { app, person } = await addApp(world, start);
      expect([await row(person.userId), await policy(person.userId)]).toEqual([asked, none]);
      const { factor } = await auth.factors.replaceRecoveryCodes({ actor: person.actor });
      await auth.factors.revoke({ actor: person.actor, factorId: factor.id });
      expect(await row(person.userId)).toEqual(asked);
      // The owner may remove the last factor, and lower nothing by it.
      await auth.factors.revoke({ actor: person.actor, factorId: app.factorId });
      expect([await row(person.userId), await policy(person.userId)]).toEqual([undefined, none]);
      expect(await signIn(world, person.identifier)).toMatchObject({ mfaRequired: false });
    });

    test("is written with a security key", async () => {
      const { actor, userId } = await world.person();
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      expect(await row(userId)).toBeUndefined();
      const response = await (await newAuthenticator()).create(options);
      await auth.securityKeys.confirm({ actor, factorId: factor.id, response, transport: "token" });
      expect([await row(userId), await policy(userId)]).toEqual([asked, none]);
    });

    test("is written with recovery codes beside another SDK's factor, for which that SDK asked no policy", async () => {
      const other = await world.person();
      await givenApp(world, other.userId, "active");
      expect(await row(other.userId)).toBeUndefined();
      await world.levelTwo(other.session);
      const { actor } = await personAt(world, other, other);
      await auth.factors.replaceRecoveryCodes({ actor });
      expect(await row(other.userId)).toEqual(asked);
    });

    test("a policy with a grace stays what was set, and comes back with the end of the factor", async () => {
      const start = await world.person();
      await auth.mfaPolicies.set({ actor: system, userId: start.userId, required: true, graceUntil: grace });
      const { app, person } = await addApp(world, start);
      expect([await row(person.userId), await policy(person.userId)]).toEqual([
        asked,
        { required: true, graceUntil: grace },
      ]);
      expect(await outcome(auth.factors.revoke({ actor: person.actor, factorId: app.factorId }))).toBe(
        "conflict.last_factor",
      );
      await auth.factors.revoke({ actor: system, factorId: app.factorId });
      expect(await row(person.userId)).toEqual({ required: true, grace });
    });

    test("S04: a user may still raise their policy beside the row, and lower none", async () => {
      const { app, person } = await addApp(world, await world.person());
      const { actor, userId } = person;
      const set = async (required: boolean, graceUntil: Date | null = null) =>
        await outcome(auth.mfaPolicies.set({ actor, userId, required, graceUntil }));
      expect([await set(true, grace), await row(userId), await policy(userId)]).toEqual([
        "done",
        asked,
        { required: true, graceUntil: grace },
      ]);
      expect([await set(true), await set(true, grace), await set(false)]).toEqual(["done", "forbidden", "forbidden"]);
      await auth.mfaPolicies.set({ actor: system, userId, required: false });
      expect([await row(userId), await policy(userId)]).toEqual([asked, none]);
      await auth.factors.revoke({ actor: system, factorId: app.factorId });
      expect(await row(userId)).toBeUndefined();
    });

    test("what another SDK sets is a policy, and another SDK may end the factor", async () => {
      const { person } = await addApp(world, await world.person());
      const id = uuidFor("usr", person.userId);
      const setByOther = async (required: boolean, until: Date | null) =>
        await world.rows(sql`
          insert into usr_mfa_policy (usr_id, required, grace_until)
          values (${id}::uuid, ${required}::boolean, ${until}::timestamptz)
          on conflict (usr_id) do update set required = excluded.required, grace_until = excluded.grace_until`);
      await setByOther(true, null);
      expect(await policy(person.userId)).toEqual({ required: true, graceUntil: null });
      await setByOther(true, grace);
      expect([await row(person.userId), await policy(person.userId)]).toEqual([
        { required: true, grace },
        { required: true, graceUntil: grace },
      ]);
      await setByOther(false, null);
      // Sallyport asks for an active factor all the same (S12).
      expect(await signIn(world, person.identifier)).toMatchObject({ mfaRequired: true });

      const next = await addApp(world, await world.person());
      const factor = uuidFor("mfa", next.app.factorId);
      await world.rows(sql`update mfa set status = 'revoked' where id = ${factor}::uuid`);
      expect(await row(next.person.userId)).toBeUndefined();
    });

    test("closing the account ends the row too; a second app leaves it", async () => {
      const first = await addApp(world, await world.person());
      const app = appOf(world, await auth.factors.enrollTotp({ actor: first.person.actor, label: "tablet" }));
      const code = await app.code();
      const confirmed = { actor: first.person.actor, transport: "token" as const, factorId: app.factorId, code };
      await auth.factors.confirmTotp(confirmed);
      expect(await row(first.person.userId)).toEqual(asked);
      await auth.users.revoke({ actor: system, userId: first.person.userId });
      expect(await row(first.person.userId)).toBeUndefined();
    });
  });

  describe("S67: passkeys of others", () => {
    test("a passkey with a handle that only its SDK knows signs in; one of Sallyport's with another handle does not", async () => {
      const { withPasskey, passkeySignIn } = usersWithPasskeys(world);
      const { authenticator, person } = await withPasskey();
      const misuse = { userHandle: "dGhlaXJz" };
      expect(await outcome(passkeySignIn(authenticator, misuse))).toBe("unauthorized.invalid_credential");
      await world.rows(sql`delete from webauthn_credential where credential_id = ${authenticator.credentialId}`);
      expect((await passkeySignIn(authenticator, misuse)).session.userId).toBe(person.userId);
      expect(await outcome(passkeySignIn(authenticator, { userHandle: null }))).toBe("unauthorized.invalid_credential");
    });
  });
});
