import { describe, expect, test } from "vitest";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { generateOpaqueToken } from "../../src/domain/bearer.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  refusal,
  system,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

describeWorld("password change", { on: ["pglite", "postgres"] }, (world) => {
  const change = ({ actor, transport }: Person, currentPassword = goodPassword, newPassword = otherPassword) =>
    world.auth.changePassword({ actor, currentPassword, newPassword, transport });
  const verify = ({ token, transport }: Pick<Person, "token" | "transport">) =>
    outcome(world.auth.sessions.verify({ token, transport }));
  const signIn = ({ identifier }: Person, password: string) =>
    outcome(world.auth.signIn.password({ identifier, password }));
  const changes = async ({ userId }: Person) =>
    (await world.events({ actor: userId, action: "identity.password.change" })).map((e) => [e.outcome, e.metadata]);

  test("S47: a password change ends every session and ticket of the user and issues a fresh session", async () => {
    const person = await world.person({ transport: "cookie" });
    const { userId } = person;
    const spare = { userId, identifier: freshIdentifier(), password: otherPassword };
    await world.auth.credentials.createPassword({ actor: system, ...spare });
    const others = [await world.signIn(person), await world.signIn({ ...person, ...spare }, { transport: "cookie" })];
    const { ticket } = await world.auth.verifyPassword(person);

    const changed = await change(person);
    expect(await Promise.all([person, ...others].map(verify))).toEqual(Array(3).fill("unauthorized.session_expired"));
    expect([await world.liveSessions(userId), await world.tickets(userId)]).toEqual([1, 0]);
    expect(await verify({ token: changed.token, transport: "cookie" })).toBe("done");
    expect(changed.session).toMatchObject({ userId, transport: "cookie", amr: ["pwd"], mfaVerifiedAt: null });
    expect(changed.session.authTime!.getTime()).toBeGreaterThanOrEqual(person.session.authTime!.getTime());
    const replaced = await world.auth.credentials.get({ actor: system, credentialId: changed.session.credentialId });
    expect(replaced).toMatchObject({ status: "active", replaces: person.credentialId, identifier: person.identifier });
    expect([await signIn(person, goodPassword), await signIn(person, otherPassword)]).toEqual([
      "unauthorized.invalid_credential",
      "done",
    ]);
    const claim = { ticket, userId, credentialId: person.credentialId };
    expect(await outcome(world.auth.sessions.create(claim))).toBe("unauthorized.invalid_ticket");
    expect(await changes(person)).toEqual([["success", { session: changed.session.id }]]);
  });

  test("S47: a password change leaves personal access tokens, factors and other users alone", async () => {
    const [person, stranger] = [await world.person(), await world.person()];
    const id = uuidFor("usr", person.userId);
    await world.rows(
      sql`insert into pat (id, usr_id, name, secret_hash) values (gen_random_uuid(), ${id}::uuid, 'x', 'x')`,
    );
    await world.enroll(person.userId);
    await world.levelTwo(person.session);
    await change(person);
    const [row] = await world.rows(sql`
      select (select count(*)::int from pat where usr_id = ${id}::uuid and revoked_at is null) as tokens,
        (select count(*)::int from mfa where usr_id = ${id}::uuid and status = 'active') as factors`);
    expect(row).toEqual({ tokens: 1, factors: 1 });
    expect(await verify(stranger)).toBe("done");
  });

  describe("R008: a password change needs the current password and a fresh session", () => {
    test.each<{
      case: string;
      current?: string;
      spoil?: (person: Person) => Promise<unknown>;
      code: string;
      events: unknown[];
    }>([
      {
        case: "a wrong current password",
        current: otherPassword,
        code: "unauthorized.invalid_credential",
        events: [["failure", {}]],
      },
      { case: "an empty password", current: "", code: "unauthorized.invalid_credential", events: [["failure", {}]] },
      {
        case: "1,025 bytes (S15)",
        current: "a".repeat(1_025),
        code: "unauthorized.invalid_credential",
        events: [["failure", {}]],
      },
      {
        case: "a session that is ten minutes old",
        spoil: ({ session }) => world.age(session, 601),
        code: "unauthorized.reauthentication_required",
        events: [["denied", { reason: "unauthorized.reauthentication_required", and_more: false }]],
      },
      {
        case: "a factor that was not proved in this session",
        spoil: ({ userId }) => world.enroll(userId),
        code: "unauthorized.reauthentication_required",
        events: [["denied", { reason: "unauthorized.reauthentication_required", and_more: false }]],
      },
      {
        case: "a session that has ended",
        spoil: ({ token }) => world.auth.sessions.signOut({ token, transport: "token" }),
        code: "unauthorized.invalid_token",
        events: [],
      },
      {
        case: "a user who was suspended",
        spoil: ({ userId }) => world.auth.users.suspend({ actor: system, userId }),
        code: "unauthorized.invalid_token",
        events: [],
      },
    ])("$case: $code", async ({ current = goodPassword, spoil, code, events }) => {
      const person = await world.person();
      const other = await world.signIn(person);
      await spoil?.(person);
      const alive = await verify(other);
      world.hasher.reset();
      expect(await outcome(change(person, current))).toBe(code);
      expect(world.hasher.computations).toBe(code === "unauthorized.invalid_credential" ? 1 : 0);
      expect(await changes(person)).toEqual(events);
      expect(await verify(other)).toBe(alive);
      const [row] = await world.rows<{ n: number }>(sql`
        select count(*)::int as n from cred where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
      expect(row!.n).toBe(1);
    });

    test("the application itself has no password to change", async () => {
      const input = {
        actor: system,
        currentPassword: goodPassword,
        newPassword: otherPassword,
        transport: "token" as const,
      };
      // @ts-expect-error It does not compile, either.
      await expect(world.auth.changePassword(input)).rejects.toThrow(TypeError);
    });

    /** A user in a session that was started with a passkey. */
    async function byPasskey(): Promise<Person> {
      const person = await world.person();
      const [passkey] = await world.rows<{ id: string }>(sql`
        insert into cred (id, usr_id, type, identifier, passkey_public_key, passkey_sign_count)
        values (gen_random_uuid(), ${uuidFor("usr", person.userId)}::uuid, 'passkey', ${freshIdentifier()}, '\\x00', 0)
        returning id`);
      const token = generateOpaqueToken();
      await world.rows(sql`
        insert into ses (id, usr_id, cred_id, expires_at, token_hash, auth_time, amr)
        values (gen_random_uuid(), ${uuidFor("usr", person.userId)}::uuid, ${passkey!.id}::uuid,
          sallyport_now() + interval '1 hour', decode(${await sha256Hex(token)}, 'hex'), sallyport_now(), '{hwk}')`);
      const { actor, session } = await world.auth.sessions.verify({ token, transport: "token" });
      await world.levelTwo(session);
      return { ...person, actor, token };
    }

    test("in a passkey session: the user's own password is required", async () => {
      const person = await byPasskey();
      expect(await outcome(change(person, otherPassword))).toBe("unauthorized.invalid_credential");
      expect(await outcome(change(person))).toBe("done");
      expect([await signIn(person, goodPassword), await signIn(person, otherPassword)]).toEqual([
        "unauthorized.invalid_credential",
        "done",
      ]);
    });

    test.each(["suspend", "revoke"] as const)(
      "S42: a user whose only password was ended by %s: answered like a wrong password",
      async (act) => {
        const person = await byPasskey();
        await world.auth.credentials[act]({ actor: system, credentialId: person.credentialId });
        world.hasher.reset();
        for (const current of [goodPassword, otherPassword]) {
          expect(await outcome(change(person, current))).toBe("unauthorized.invalid_credential");
        }
        expect(world.hasher.computations).toBe(2);
        expect(await changes(person)).toEqual([
          ["failure", {}],
          ["failure", {}],
        ]);
        expect(await outcome(world.auth.sessions.verify(person))).toBe("done");
      },
    );

    test("S42: a user without a password: ten attempts, like any other user", async () => {
      const person = await byPasskey();
      await world.auth.credentials.revoke({ actor: system, credentialId: person.credentialId });
      for (let time = 0; time < 10; time++) await outcome(change(person));
      expect(await outcome(change(person))).toBe("too_many_requests");
    });

    test("S04: in a passkey session: another user's password proves nothing", async () => {
      const [person, other] = [await byPasskey(), await world.person({ password: otherPassword })];
      await world.auth.credentials.revoke({ actor: system, credentialId: person.credentialId });
      expect(await outcome(change(person, otherPassword, goodPassword))).toBe("unauthorized.invalid_credential");
      const { credentialId } = other;
      const rotation = { actor: person.actor, credentialId, currentPassword: otherPassword, password: goodPassword };
      expect(await outcome(world.auth.credentials.rotateOwnPassword(rotation))).toBe("not_found");
      expect(await signIn(other, otherPassword)).toBe("done");
    });
  });

  describe("the new password of a change", () => {
    test.each([
      { case: "too short", password: "vmqkzhr", reason: "too_short" },
      { case: "14 characters without a factor", password: "vmqkzhrwxjcygp", reason: undefined },
      { case: "1,025 bytes", password: `${otherPassword}é`.repeat(60), reason: "too_long" },
      { case: "NUL", password: `${otherPassword}\0`, reason: "unusable_characters" },
      { case: "predictable", password: "passwordpassword", reason: "too_predictable" },
    ])("$case: refused, and nothing changes", async ({ password, reason }) => {
      const person = await world.person();
      const { code, details } = await refusal(change(person, goodPassword, password));
      expect(code).toBe("invalid_format.password");
      if (reason) expect(details).toEqual({ reason });
      expect([await verify(person), await signIn(person, goodPassword)]).toEqual(["done", "done"]);
    });

    test("R005: the user's own identifier: too predictable", async () => {
      const person = await world.person({ identifier: `grace.hopper.${freshIdentifier()}` });
      const { details } = await refusal(change(person, goodPassword, person.identifier));
      expect(details).toEqual({ reason: "too_predictable" });
    });

    test("R001: 8 characters suffice with an enforced factor", async () => {
      const person = await world.person();
      await world.enroll(person.userId);
      await world.levelTwo(person.session);
      expect(await outcome(change(person, goodPassword, "vmqkzhrw"))).toBe("done");
    });
  });

  test("after a password change the fresh session keeps its level and loses the proof of the second factor", async () => {
    const person = await world.person();
    await world.enroll(person.userId);
    await world.levelTwo(person.session);
    const { session, token } = await change(person);
    expect(session).toMatchObject({ amr: ["pwd", "mfa"], mfaVerifiedAt: null });
    expect(session.expiresAt.getTime() - session.createdAt.getTime()).toBe(86_400_000);
    const { actor } = await world.auth.sessions.verify({ token, transport: "token" });
    expect(await outcome(change({ ...person, actor }, otherPassword, goodPassword))).toBe(
      "unauthorized.reauthentication_required",
    );
  });

  test("S22, R014: a new password starts a fresh counter of ten attempts", async () => {
    const person = await world.person();
    for (let time = 0; time < 9; time++) await outcome(change(person, "wrong"));
    const { token, session } = await change(person);
    const { actor } = await world.auth.sessions.verify({ token, transport: "token" });
    expect(session.credentialId).not.toBe(person.credentialId);
    const now = { ...person, actor };
    // Ten on the account's counter and ten on the session's.
    for (let time = 0; time < 20; time++) {
      expect(await outcome(change(now, "wrong"))).toBe("unauthorized.invalid_credential");
    }
    const limitedOnce = await refusal(change(now, "wrong"));
    expect([limitedOnce.code, limitedOnce.retryAfterSeconds! > 0]).toEqual(["too_many_requests", true]);
    expect(await outcome(change(now, otherPassword))).toBe("too_many_requests");
    expect((await changes(person)).filter(([how]) => how === "denied")).toEqual([
      ["denied", { reason: "too_many_requests" }],
    ]);
  });

  test("S02: a session that ends while the isolate hashes changes nothing", async () => {
    const person = await world.person();
    const auth = world.isolate({
      passwordHasher: {
        ...world.hasher,
        verify: async (phc, password) => {
          await world.auth.sessions.signOut({ token: person.token, transport: "token" });
          return await world.hasher.verify(phc, password);
        },
      },
    });
    const { actor, transport } = person;
    const changing = auth.changePassword({
      actor,
      currentPassword: goodPassword,
      newPassword: otherPassword,
      transport,
    });
    expect(await outcome(changing)).toBe("unauthorized.invalid_token");
    expect(await signIn(person, goodPassword)).toBe("done");
  });

  test("a password that changes while the isolate hashes: not changed back", async () => {
    const person = await world.person();
    const auth = world.isolate({
      passwordHasher: {
        ...world.hasher,
        verify: async (phc, password) => {
          const matches = await world.hasher.verify(phc, password);
          await world.auth.credentials.suspend({ actor: system, credentialId: person.credentialId });
          await world.rows(sql`
            update ses set revoked_at = null where id = ${uuidFor("ses", person.session.id)}::uuid`);
          return matches;
        },
      },
    });
    const { actor, transport } = person;
    const changing = auth.changePassword({
      actor,
      currentPassword: goodPassword,
      newPassword: otherPassword,
      transport,
    });
    expect(await outcome(changing)).toBe("unauthorized.invalid_credential");
    expect(await signIn(person, otherPassword)).toBe("unauthorized.invalid_credential");
  });
});
