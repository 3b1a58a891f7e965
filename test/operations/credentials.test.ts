import { describe, expect, test } from "vitest";
import { type CredentialId, type UserId, uuidFor, wireId } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { installTestClock, setTestClock } from "../../src/testing/clock.ts";
import {
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  refusal,
  system,
  tally,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

describeWorld("credentials", { on: ["pglite", "postgres"] }, (world, _auth, name) => {
  const verify = ({ token, transport }: Person) => outcome(world.auth.sessions.verify({ token, transport }));
  const createPassword = (userId: UserId, identifier = freshIdentifier(), password = otherPassword) =>
    world.auth.credentials.createPassword({ actor: system, userId, identifier, password });
  const signIn = (identifier: string, password: string) =>
    outcome(world.auth.signIn.password({ identifier, password }));

  describe("createPassword", () => {
    test("the identifier is stored in normal form, the password signs in, and no answer contains it", async () => {
      const { userId } = await world.person();
      const identifier = freshIdentifier();
      const credential = await createPassword(userId, identifier.toUpperCase());
      expect(credential).toEqual({
        id: credential.id,
        userId,
        type: "password",
        identifier,
        status: "active",
        replaces: null,
        passkeyRpId: null,
        oidcIssuer: null,
        oidcSubject: null,
        createdAt: credential.createdAt,
        updatedAt: credential.createdAt,
      });
      expect(await signIn(identifier, otherPassword)).toBe("done");
    });

    test.each([
      {
        case: "an identifier that another user has",
        make: (taken: string) => [taken, otherPassword],
        code: "conflict.duplicate_credential",
      },
      {
        case: "the same in another case",
        make: (taken: string) => [taken.toUpperCase(), otherPassword],
        code: "conflict.duplicate_credential",
      },
      { case: "no identifier", make: () => ["", otherPassword], code: "invalid_format.identifier" },
      { case: "a short password", make: () => [freshIdentifier(), "vmqkzhr"], code: "invalid_format.password" },
      {
        case: "14 characters without a factor",
        make: () => [freshIdentifier(), "vmqkzhrwxjcygp"],
        code: "invalid_format.password",
      },
      {
        case: "1,025 bytes",
        make: () => [freshIdentifier(), `${goodPassword}é`.repeat(60)],
        code: "invalid_format.password",
      },
    ])("$case: $code", async ({ make, code }) => {
      const { userId } = await world.person();
      const other = await world.person();
      const [identifier, password] = make(other.identifier) as [string, string];
      expect(await outcome(createPassword(userId, identifier, password))).toBe(code);
      expect((await world.auth.credentials.list({ actor: system, userId })).data).toHaveLength(1);
    });

    test("R001: with an enforced factor 8 characters suffice, 7 do not", async () => {
      const { userId } = await world.person();
      await world.enroll(userId);
      expect(await outcome(createPassword(userId, freshIdentifier(), "vmqkzhrw"))).toBe("done");
      expect(await outcome(createPassword(userId, freshIdentifier(), "vmqkzhr"))).toBe("invalid_format.password");
    });

    test("R001: a policy still in grace does not allow 8 characters yet", async () => {
      const { userId } = await world.person();
      await world.requireFactor(userId, new Date(Date.now() + 3_600_000));
      expect(await outcome(createPassword(userId, freshIdentifier(), "vmqkzhrw"))).toBe("invalid_format.password");
      await world.requireFactor(userId);
      expect(await outcome(createPassword(userId, freshIdentifier(), "vmqkzhrw"))).toBe("done");
    });

    test.each(["suspended", "revoked"] as const)("a %s user: refused", async (status) => {
      const { userId } = await world.person();
      await world.auth.users[status === "suspended" ? "suspend" : "revoke"]({ actor: system, userId });
      expect(await outcome(createPassword(userId))).toBe("precondition.user_not_active");
    });

    test("R005: the application's list of breached passwords is consulted", async () => {
      const asked: string[] = [];
      const auth = world.isolate({
        isCompromisedPassword: async (password) => {
          asked.push(password);
          return true;
        },
      });
      const { userId } = await world.person();
      const refused = await refusal(
        auth.credentials.createPassword({
          actor: system,
          userId,
          identifier: freshIdentifier(),
          password: otherPassword,
        }),
      );
      expect([refused.code, refused.details]).toEqual(["invalid_format.password", { reason: "compromised" }]);
      expect(asked).toEqual([otherPassword]);
    });
  });

  test("S39: after twenty answers that an identifier is taken, no more are given", async () => {
    const { actor, userId, credentialId } = await world.person();
    const taken = await world.person();
    // A user with a password proves it first, but not thirty times.
    await world.rows(sql`update cred set status = 'revoked' where id = ${uuidFor("cred", credentialId)}::uuid`);
    const create = (identifier: string) =>
      outcome(world.auth.credentials.createPassword({ actor, userId, identifier, password: goodPassword }));
    const codes = [];
    for (let time = 0; time < 30; time++) codes.push(await create(taken.identifier));
    expect(tally(codes)).toEqual({ "conflict.duplicate_credential": 20, too_many_requests: 10 });
    expect(await create(freshIdentifier())).toBe("too_many_requests");
  });

  describe("rotatePassword", () => {
    test("S47: a new credential replaces the old one, and every session and ticket of the user ends", async () => {
      const person = await world.person();
      const { auth } = world;
      const other = await createPassword(person.userId);
      const sessions = [
        person,
        await world.signIn(person),
        await world.signIn({ ...person, identifier: other.identifier, password: otherPassword }),
      ];
      await auth.verifyPassword(person);
      const rotated = await auth.credentials.rotatePassword({
        actor: system,
        credentialId: person.credentialId,
        password: otherPassword,
      });
      expect(rotated).toMatchObject({
        userId: person.userId,
        type: "password",
        identifier: person.identifier,
        status: "active",
        replaces: person.credentialId,
      });
      expect(await Promise.all(sessions.map(verify))).toEqual(Array(3).fill("unauthorized.session_expired"));
      expect([await world.liveSessions(person.userId), await world.tickets(person.userId)]).toEqual([0, 0]);
      expect(await signIn(person.identifier, goodPassword)).toBe("unauthorized.invalid_credential");
      expect(await signIn(person.identifier, otherPassword)).toBe("done");
      expect((await auth.credentials.get({ actor: system, credentialId: person.credentialId })).status).toBe("revoked");
    });

    test("ADR 0005: a chain of ten walks back to the root, and times increase along it", async () => {
      const { credentialId, userId } = await world.person();
      let last = credentialId;
      for (let turn = 0; turn < 10; turn++) {
        last = (
          await world.auth.credentials.rotatePassword({ actor: system, credentialId: last, password: otherPassword })
        ).id;
      }
      const chain = await world.rows<{ depth: number; increases: boolean; root: string }>(sql`
        with recursive chain as (
          select id, replaces, created_at, 0 as depth, true as increases from cred where id = ${uuidFor("cred", last)}::uuid
          union all
          select cred.id, cred.replaces, cred.created_at, depth + 1, cred.created_at < chain.created_at
          from chain join cred on cred.id = chain.replaces)
        select depth, increases, id as root from chain order by depth`);
      expect(chain).toHaveLength(11);
      expect(chain.every(({ increases }) => increases)).toBe(true);
      expect(chain.at(-1)!.root).toBe(uuidFor("cred", credentialId));
      const active = (await world.auth.credentials.list({ actor: system, userId })).data.filter(
        (c) => c.status === "active",
      );
      expect(active.map(({ id }) => id)).toEqual([last]);
    });

    test("two rotations in one batch with a stopped clock: each is later than the one it replaces", async () => {
      const clocked = await openAuth(name);
      await installTestClock(clocked.database);
      await setTestClock(clocked.database, new Date("2026-11-22T12:00:00Z"));
      const { auth } = clocked;
      const { credentialId } = await clocked.person();
      const first = await auth.credentials.rotatePassword.plan({
        actor: system,
        credentialId,
        password: otherPassword,
      });
      const second = await auth.credentials.rotatePassword.plan({
        actor: system,
        credentialId: first.known.credentialId,
        password: goodPassword,
      });
      // The second rotation's lock is keyed by a row that the first one makes, for a user who is already locked.
      const [one, two] = await auth.batch([first, second]);
      expect([one.replaces, two.replaces]).toEqual([credentialId, one.id]);
      const [times] = await clocked.rows<{ increase: boolean }>(sql`
        select bool_and(newer.created_at > older.created_at) as increase
        from cred newer join cred older on older.id = newer.replaces`);
      expect(times!.increase).toBe(true);
      await clocked.close();
    });

    test.each(["suspended", "revoked"] as const)("a %s credential: conflict.credential_not_active", async (status) => {
      const { credentialId } = await world.person();
      await world.auth.credentials[status === "suspended" ? "suspend" : "revoke"]({ actor: system, credentialId });
      const rotation = world.auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword });
      expect(await outcome(rotation)).toBe("conflict.credential_not_active");
    });

    test("a credential of another type: conflict.credential_type_mismatch", async () => {
      const { userId } = await world.person();
      const [passkey] = await world.rows<{ id: string }>(sql`
        insert into cred (id, usr_id, type, identifier, passkey_public_key, passkey_sign_count, passkey_rp_id)
        values (gen_random_uuid(), ${uuidFor("usr", userId)}::uuid, 'passkey', ${freshIdentifier()}, '\\x00', 0, 'example.com')
        returning id`);
      const credentialId = wireId("cred", passkey!.id);
      const rotation = world.auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword });
      expect(await outcome(rotation)).toBe("conflict.credential_type_mismatch");
      expect(await world.auth.credentials.get({ actor: system, credentialId })).toMatchObject({
        type: "passkey",
        passkeyRpId: "example.com",
      });
    });

    test("the credential of a suspended user: precondition.user_not_active", async () => {
      const { userId, credentialId } = await world.person();
      await world.auth.users.suspend({ actor: system, userId });
      const rotation = world.auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword });
      expect(await outcome(rotation)).toBe("precondition.user_not_active");
    });

    test("S11: the new credential keeps the verified identifier", async () => {
      const { credentialId } = await world.person();
      await world.rows(sql`
        update cred set identifier_verified_at = '2026-01-01' where id = ${uuidFor("cred", credentialId)}::uuid`);
      const { id } = await world.auth.credentials.rotatePassword({
        actor: system,
        credentialId,
        password: otherPassword,
      });
      const [row] = await world.rows<{ kept: boolean }>(sql`
        select identifier_verified_at = '2026-01-01' as kept from cred where id = ${uuidFor("cred", id)}::uuid`);
      expect(row!.kept).toBe(true);
    });
  });

  describe("rotateOwnPassword", () => {
    const rotate = ({ actor }: Person, credentialId: CredentialId, currentPassword: string, password = otherPassword) =>
      world.auth.credentials.rotateOwnPassword({ actor, credentialId, currentPassword, password });

    test("R008: needs the current password of that credential, and ends every session", async () => {
      const person = await world.person();
      const spare = await createPassword(person.userId);
      const rotated = await rotate(person, spare.id, otherPassword, goodPassword);
      expect(rotated).toMatchObject({ replaces: spare.id, identifier: spare.identifier, status: "active" });
      expect(await world.liveSessions(person.userId)).toBe(0);
      expect(await signIn(spare.identifier, goodPassword)).toBe("done");
      expect(await signIn(person.identifier, goodPassword)).toBe("done");
    });

    test.each<{ case: string; code: string; act: (person: Person, spareId: CredentialId) => Promise<unknown> }>([
      {
        case: "a wrong password",
        code: "unauthorized.invalid_credential",
        act: (person, id) => rotate(person, id, "wrong"),
      },
      { case: "an empty one", code: "unauthorized.invalid_credential", act: (person, id) => rotate(person, id, "") },
      {
        case: "the password of another credential of the user",
        code: "unauthorized.invalid_credential",
        act: (person, id) => rotate(person, id, person.password),
      },
      {
        case: "another user's credential with its right password",
        code: "not_found",
        act: async (person) => rotate(person, (await world.person()).credentialId, goodPassword),
      },
      { case: "no credential", code: "not_found", act: (person) => rotate(person, "cred_x", goodPassword) },
      {
        case: "a stale session",
        code: "unauthorized.reauthentication_required",
        act: async (person, id) => {
          await world.age(person.session, 601);
          return rotate(person, id, otherPassword);
        },
      },
      {
        case: "an administrator",
        code: "forbidden",
        act: async (_person, id) => rotate(await world.administrator(), id, otherPassword),
      },
      {
        case: "a suspended credential",
        code: "conflict.credential_not_active",
        act: async (person, id) => {
          await world.auth.credentials.suspend({ actor: system, credentialId: id });
          return rotate(person, id, otherPassword);
        },
      },
      {
        case: "a new password that is too short",
        code: "invalid_format.password",
        act: (person, id) => rotate(person, id, otherPassword, "short"),
      },
    ])("$case: $code, and nothing changes", async ({ code, act }) => {
      const person = await world.person();
      const spare = await createPassword(person.userId);
      expect(await outcome(act(person, spare.id))).toBe(code);
      const { data: listed } = await world.auth.credentials.list({ actor: system, userId: person.userId });
      expect(listed).toHaveLength(2);
      expect(await world.liveSessions(person.userId)).toBe(1);
    });

    test("B52: guesses are counted for the credential, whichever operation they come through", async () => {
      const person = await world.person();
      for (let time = 0; time < 10; time++) {
        expect(await outcome(rotate(person, person.credentialId, "wrong"))).toBe("unauthorized.invalid_credential");
      }
      expect(await signIn(person.identifier, person.password)).toBe("too_many_requests");
    });

    test("R008: a wrong current password, or another user's credential: refused", async () => {
      const person = await world.person();
      const { actor, credentialId, password } = person;
      const rotate = (currentPassword: string, next = otherPassword) =>
        outcome(world.auth.credentials.rotateOwnPassword({ actor, credentialId, currentPassword, password: next }));
      expect(await rotate("wrong")).toBe("unauthorized.invalid_credential");
      expect(await rotate(password, person.identifier)).toBe("invalid_format.password");
      const stranger = await world.person();
      const foreign = { actor: stranger.actor, credentialId, currentPassword: password, password: otherPassword };
      expect(await outcome(world.auth.credentials.rotateOwnPassword(foreign))).toBe("not_found");
      expect(await rotate(password)).toBe("done");
      expect(await world.liveSessions(person.userId)).toBe(0);
    });
  });

  describe("findByIdentifier and list", () => {
    test("findByIdentifier: the active credential in any letter case, otherwise undefined", async () => {
      const { credentialId, identifier } = await world.person();
      const find = (text: string) =>
        world.auth.credentials.findByIdentifier({ actor: system, type: "password", identifier: text });
      expect((await find(identifier.toUpperCase()))?.id).toBe(credentialId);
      expect((await find(` ${identifier}\t`))?.id).toBe(credentialId);
      for (const text of [identifier.replace("@", " @"), `${identifier}\0`, freshIdentifier(), "", "%"]) {
        expect(await find(text)).toBeUndefined();
      }
      await world.auth.credentials.suspend({ actor: system, credentialId });
      expect(await find(identifier)).toBeUndefined();
    });

    test("R130: an identifier that the database cannot store: a refusal, not an internal error", async () => {
      const find = world.auth.credentials.findByIdentifier({ actor: system, type: "passkey", identifier: "a\0" });
      expect(await outcome(find)).toBe("invalid_format.text");
    });

    test("list: all of a user's credentials in every state, oldest first", async () => {
      const { userId, credentialId } = await world.person();
      const second = await createPassword(userId);
      await world.auth.credentials.revoke({ actor: system, credentialId });
      const { data: listed } = await world.auth.credentials.list({ actor: system, userId });
      expect(listed.map(({ id, status }) => [id, status])).toEqual([
        [credentialId, "revoked"],
        [second.id, "active"],
      ]);
      const { id } = await world.auth.users.create({ actor: system });
      expect((await world.auth.credentials.list({ actor: system, userId: id })).data).toEqual([]);
    });
  });
});
