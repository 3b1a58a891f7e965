import { describe, expect, test } from "vitest";
import { parsePhc } from "../../src/crypto/phc.ts";
import { type UserId, uuidFor } from "../../src/domain/id.ts";
import { argon2id, decoyHash } from "../../src/runtime/argon2id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  quickHasher,
  refusal,
  system,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

/** A hash of {@link goodPassword}, made by the C reference at a cost that is no longer written. */
const oldHash = "$argon2id$v=19$m=16,p=1,t=1$c2FsdHNhbHQ$Emo8SUk0LLuJ3sydl9odK1k3dHBJz2AGGzY0I91MWqM";

describeWorld("sign-in", { on: ["pglite", "postgres"] }, (world) => {
  const signIn = (identifier: string, password: string, more: object = {}) =>
    world.auth.signIn.password({ identifier, password, context: { address: freshAddress() }, ...more });
  const verify = ({ token, transport }: Pick<Person, "token" | "transport">) =>
    outcome(world.auth.sessions.verify({ token, transport }));
  const setHash = (person: Person, hash: string) =>
    world.rows(sql`update cred set password_hash = ${hash} where id = ${uuidFor("cred", person.credentialId)}::uuid`);
  const hashOf = async ({ credentialId }: Person) =>
    (
      await world.rows<{ hash: string }>(sql`
        select password_hash as hash from cred where id = ${uuidFor("cred", credentialId)}::uuid`)
    )[0]!.hash;

  /** The statements that were sent, except the purge that one sign-in in a hundred includes. */
  const sent = () => world.counting.statements.filter((text) => !text.includes("tickets as"));

  describe("R010, S42: every refused sign-in costs one hash, two requests and gives one answer", () => {
    const paths: { case: string; attempt: () => Promise<[identifier: string, password: string]> }[] = [
      { case: "a wrong password", attempt: async () => [(await world.person()).identifier, otherPassword] },
      { case: "an unknown identifier", attempt: async () => [freshIdentifier(), goodPassword] },
      { case: "an empty identifier", attempt: async () => ["", goodPassword] },
      {
        case: "an identifier with a space",
        attempt: async () => [(await world.person()).identifier.replace("@", " @"), goodPassword],
      },
      { case: "an identifier beyond ASCII", attempt: async () => ["ren\u00e9@example.com", goodPassword] },
      { case: "an identifier with NUL", attempt: async () => ["a\0", goodPassword] },
      { case: "an identifier with a lone surrogate", attempt: async () => ["a\ud800", goodPassword] },
      { case: "an identifier of a megabyte", attempt: async () => ["a".repeat(1_000_000), goodPassword] },
      { case: "an empty password", attempt: async () => [(await world.person()).identifier, ""] },
      {
        case: "a password of 1,025 bytes",
        attempt: async () => [(await world.person()).identifier, "a".repeat(1_025)],
      },
      {
        case: "a password of ten megabytes",
        attempt: async () => [(await world.person()).identifier, "a".repeat(10_000_000)],
      },
      {
        case: "a password with a lone surrogate",
        attempt: async () => [(await world.person()).identifier, `${goodPassword}\ud800`],
      },
      { case: "an unknown identifier with an unusable password", attempt: async () => [freshIdentifier(), ""] },
      ...(["suspend", "revoke"] as const).flatMap((verb) => [
        {
          case: `the right password of a user after ${verb}`,
          attempt: async (): Promise<[string, string]> => {
            const { userId, identifier } = await world.person();
            await world.auth.users[verb]({ actor: system, userId });
            return [identifier, goodPassword];
          },
        },
        {
          case: `the right password of a credential after ${verb}`,
          attempt: async (): Promise<[string, string]> => {
            const { credentialId, identifier } = await world.person();
            await world.auth.credentials[verb]({ actor: system, credentialId });
            return [identifier, goodPassword];
          },
        },
      ]),
      {
        case: "the right password of a suspended user whose hash needs a rehash",
        attempt: async () => {
          const person = await world.person();
          await setHash(person, oldHash);
          await world.rows(sql`update usr set status = 'suspended' where id = ${uuidFor("usr", person.userId)}::uuid`);
          return [person.identifier, goodPassword];
        },
      },
      {
        case: "an identifier that only a passkey has",
        attempt: async () => {
          const { userId } = await world.person();
          const identifier = freshIdentifier();
          await world.rows(sql`
            insert into cred (id, usr_id, type, identifier, passkey_public_key, passkey_sign_count)
            values (gen_random_uuid(), ${uuidFor("usr", userId)}::uuid, 'passkey', ${identifier}, '\\x00', 0)`);
          return [identifier, goodPassword];
        },
      },
      {
        case: "an unreadable stored hash",
        attempt: async () => {
          const person = await world.person();
          await setHash(person, "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy");
          return [person.identifier, goodPassword];
        },
      },
      {
        case: "a stored hash that asks for 4 GiB (R012)",
        attempt: async () => {
          const person = await world.person();
          await setHash(person, (await hashOf(person)).replace(/m=\d+/, "m=4194304"));
          return [person.identifier, goodPassword];
        },
      },
    ];

    let expected: { statements: readonly string[]; answer: object } | undefined;
    test.each(paths)("$case", async ({ attempt }) => {
      const [identifier, password] = await attempt();
      for (const operation of [world.auth.signIn.password, world.auth.verifyPassword]) {
        world.counting.reset(2);
        world.hasher.reset();
        const {
          name: kind,
          code,
          status,
          message,
          details,
          retryAfterSeconds,
        } = await refusal(operation({ identifier, password, context: { address: freshAddress() } }));
        const [requests, statements, computations] = [world.counting.requests, sent(), world.hasher.computations];
        world.counting.reset();
        expect(code).toBe("unauthorized.invalid_credential");
        expect([requests, computations]).toEqual([2, 1]);
        const answer = { kind, code, status, message, details, retryAfterSeconds };
        expected ??= { statements, answer };
        expect({ statements, answer }).toEqual(expected);
      }
    });
  });

  describe("sign-in, success", () => {
    test("a new session, with the identifier in any letter case", async () => {
      const password = "vmqkzhrwxjcygpf\u00e9";
      const person = await world.person({ password });
      const signedIn = await signIn(person.identifier.toUpperCase(), "vmqkzhrwxjcygpfe\u0301");
      if (signedIn.mfaRequired) expect.unreachable();
      expect(signedIn.session).toMatchObject({
        userId: person.userId,
        credentialId: person.credentialId,
        amr: ["pwd"],
        transport: "token",
      });
      expect(signedIn.session.id).not.toBe(person.session.id);
      expect([await verify({ ...person, token: signedIn.token }), await verify(person)]).toEqual(["done", "done"]);
      for (const wrong of [password.toUpperCase(), `${password} `, ` ${password}`, password.slice(0, -1)]) {
        expect(await outcome(signIn(person.identifier, wrong))).toBe("unauthorized.invalid_credential");
      }
    });

    test("R044, R055: a presented token is never adopted, and its session ends", async () => {
      const [ada, eve] = [await world.person({ transport: "cookie" }), await world.person({ transport: "cookie" })];
      const signedIn = await signIn(ada.identifier, ada.password, { transport: "cookie", presentedToken: eve.token });
      if (signedIn.mfaRequired) expect.unreachable();
      expect(signedIn.token).not.toBe(eve.token);
      expect([await verify(eve), await verify(ada)]).toEqual(["unauthorized.session_expired", "done"]);
    });

    test("R044: a presented token that was already refreshed: its successor ends, also at sign-up", async () => {
      const [ada, eve] = [await world.person(), await world.person()];
      const child = await world.auth.sessions.refresh({ token: ada.token, transport: "token" });
      await signIn(eve.identifier, eve.password, { presentedToken: ada.token });
      expect(await verify({ ...child, transport: "token" })).toBe("unauthorized.session_expired");
      const again = await world.signIn(ada);
      const next = await world.auth.sessions.refresh({ token: again.token, transport: "token" });
      const context = { address: freshAddress() };
      await world.auth.signUp({
        identifier: freshIdentifier(),
        password: goodPassword,
        presentedToken: again.token,
        context,
      });
      expect(await verify({ ...next, transport: "token" })).toBe("unauthorized.session_expired");
      expect(await verify(eve)).toBe("done");
    });

    test("S12: while a second factor is pending, the presented session goes on", async () => {
      const [ada, eve] = [await world.person(), await world.person()];
      await world.enroll(ada.userId);
      const { mfaRequired } = await signIn(ada.identifier, ada.password, { presentedToken: eve.token });
      expect([mfaRequired, await verify(eve)]).toEqual([true, "done"]);
    });

    test("S08: a session of the other transport goes on", async () => {
      const person = await world.person();
      await signIn(person.identifier, person.password, { transport: "cookie", presentedToken: person.token });
      expect(await verify(person)).toBe("done");
    });

    test("a failed sign-in leaves the presented session alone", async () => {
      const person = await world.person();
      await outcome(signIn(person.identifier, otherPassword, { presentedToken: person.token }));
      expect(await verify(person)).toBe("done");
    });

    test.each(["", "garbage", "pat_x", "a".repeat(43), "' or true --"])(
      "a presented token %j changes nothing",
      async (presentedToken) => {
        const person = await world.person();
        expect(await outcome(signIn(person.identifier, person.password, { presentedToken }))).toBe("done");
      },
    );
  });

  describe("S12: a required second factor gives a ticket and no session", () => {
    test.each([
      {
        case: "an active factor",
        demand: (userId: UserId) => world.enroll(userId),
        required: { enroll: false, factors: ["totp"] },
      },
      {
        case: "a policy",
        demand: (userId: UserId) => world.requireFactor(userId),
        required: { enroll: true, factors: [] },
      },
      {
        case: "a policy and an active factor, with or without grace",
        demand: async (userId: UserId) => {
          await world.requireFactor(userId, new Date(0));
          await world.enroll(userId);
        },
        required: { enroll: false, factors: ["totp"] },
      },
      {
        case: "a policy whose grace is over, and an administrator's permission",
        demand: async (userId: UserId) => {
          await world.requireFactor(userId, new Date(0));
          await world.auth.mfaPolicies.grantEnrollment({ actor: system, userId });
        },
        required: { enroll: true, factors: [] },
      },
      {
        case: "a policy that is still in grace",
        demand: (userId: UserId) => world.requireFactor(userId, new Date(Date.now() + 60_000)),
        required: false,
      },
      {
        case: "a factor that was revoked",
        demand: async (userId: UserId) => {
          await world.enroll(userId);
          await world.rows(sql`update mfa set status = 'revoked' where usr_id = ${uuidFor("usr", userId)}::uuid`);
        },
        required: false,
      },
      {
        case: "a factor that is pending",
        demand: async (userId: UserId) => {
          await world.enroll(userId);
          await world.rows(sql`
            update mfa set status = 'pending', pending_expires_at = sallyport_now() + interval '10 minutes'
            where usr_id = ${uuidFor("usr", userId)}::uuid`);
        },
        required: false,
      },
    ])("$case: $required", async ({ demand, required }) => {
      const person = await world.person();
      await demand(person.userId);
      const before = await world.liveSessions(person.userId);
      const signedIn = await signIn(person.identifier, person.password, { presentedToken: person.token });
      expect(signedIn.mfaRequired).toBe(required !== false);
      // S20: the first factor is proved, so the kinds of the others are revealed, and nothing else.
      if (required)
        expect(signedIn).toEqual({ mfaRequired: true, ticket: expect.any(String), ...(required as object) });
      expect(await world.liveSessions(person.userId)).toBe(before);
      expect(await world.tickets(person.userId)).toBe(required ? 1 : 0);
      expect((await world.auth.verifyPassword(person)).mfaRequired).toBe(required !== false);
    });

    test.each([
      { case: "a policy whose grace is over", spoil: async () => undefined },
      {
        case: "and whose factor was removed",
        spoil: async (userId: UserId) => {
          await world.enroll(userId);
          await world.rows(sql`update mfa set status = 'revoked' where usr_id = ${uuidFor("usr", userId)}::uuid`);
        },
      },
      {
        case: "and an administrator's permission that has expired",
        spoil: async (userId: UserId) => {
          await world.auth.mfaPolicies.grantEnrollment({ actor: system, userId });
          await world.rows(sql`
            update mfa_enrollment_grant set expires_at = sallyport_now() where usr_id = ${uuidFor("usr", userId)}::uuid`);
        },
      },
    ])("S32, $case: the right password enrolls nothing and leaves no ticket", async ({ spoil }) => {
      const person = await world.person();
      await world.requireFactor(person.userId, new Date(0));
      await spoil(person.userId);
      const before = await world.liveSessions(person.userId);
      for (const attempt of [
        () => signIn(person.identifier, person.password),
        () => world.auth.verifyPassword(person),
      ]) {
        expect(await outcome(attempt())).toBe("forbidden.enrollment_not_granted");
      }
      // A client without the password learns nothing about this.
      expect(await outcome(signIn(person.identifier, otherPassword))).toBe("unauthorized.invalid_credential");
      expect([await world.liveSessions(person.userId), await world.tickets(person.userId)]).toEqual([before, 0]);
    });
  });

  describe("R009: a weaker hash is replaced at the next success", () => {
    async function personWithOldHash(): Promise<Person> {
      const person = await world.person();
      await setHash(person, oldHash);
      return person;
    }

    test("rehash: only after a success", async () => {
      const person = await personWithOldHash();
      const auth = world.isolate({ passwordHasher: quickHasher() });
      expect(await outcome(auth.signIn.password({ identifier: person.identifier, password: otherPassword }))).toBe(
        "unauthorized.invalid_credential",
      );
      expect(await hashOf(person)).toBe(oldHash);
      expect(await outcome(auth.signIn.password({ identifier: person.identifier, password: goodPassword }))).toBe(
        "done",
      );
      const renewed = await hashOf(person);
      expect(renewed).toMatch(/\$m=8,t=1,p=1\$/);
      expect(await outcome(auth.signIn.password({ identifier: person.identifier, password: goodPassword }))).toBe(
        "done",
      );
      expect(await hashOf(person)).toBe(renewed);
    });

    test("rehash: does not overwrite a password that changed in the meantime", async () => {
      const person = await personWithOldHash();
      const current = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c29tZXNhbHQ";
      // The change is committed while the isolate hashes.
      const hasher = {
        ...quickHasher(),
        hash: async (password: string) => {
          await setHash(person, current);
          return await quickHasher().hash(password);
        },
      };
      await outcome(
        world
          .isolate({ passwordHasher: hasher })
          .signIn.password({ identifier: person.identifier, password: goodPassword }),
      );
      expect(await hashOf(person)).toBe(current);
    });
  });
});

describeWorld("sign-in with the production hash", { on: ["pglite"], hasher: "real" }, (world) => {
  test("R009: sign-up writes the pinned cost, and sign-in verifies it", async () => {
    const person = await world.person();
    const [row] = await world.rows<{ hash: string }>(sql`
      select password_hash as hash from cred where id = ${uuidFor("cred", person.credentialId)}::uuid`);
    expect(parsePhc(row!.hash)).toMatchObject({ cost: { memoryKiB: 19_456, passes: 2, lanes: 1 } });
    world.hasher.reset();
    expect(await outcome(world.auth.signIn.password(person))).toBe("done");
    expect(await outcome(world.auth.signIn.password({ ...person, password: otherPassword }))).toBe(
      "unauthorized.invalid_credential",
    );
    expect(await outcome(world.auth.signIn.password({ ...person, identifier: freshIdentifier() }))).toBe(
      "unauthorized.invalid_credential",
    );
    expect(world.hasher.computations).toBe(3);
  });

  test("R011: 100 sign-ins at once: as many as the queue holds succeed, the rest get 503 with a retry time", async () => {
    const people = await Promise.all(Array.from({ length: 4 }, () => world.person()));
    const attempts = Array.from({ length: 100 }, (_, index) => {
      const { identifier, password } = people[index % 4]!;
      return world.auth.signIn.password({ identifier, password, context: { address: freshAddress() } }).then(
        () => undefined,
        (error: { code: string; status: number; retryAfterSeconds: number }) => error,
      );
    });
    const refused = (await Promise.all(attempts)).filter((error) => error !== undefined);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(100);
    for (const { code, status, retryAfterSeconds } of refused.filter((error) => error.code !== "too_many_requests")) {
      expect([code, status, retryAfterSeconds]).toEqual(["unavailable.busy", 503, 1]);
    }
  });

  test("F13, S24: new passwords take half of the hash queue, checks the rest", async () => {
    const hasher = argon2id({ queueLength: 4 });
    const outcomes = (work: Promise<unknown>[]) =>
      Promise.all(
        work.map((one) =>
          one.then(
            () => "done" as const,
            (error: Error) => error.name,
          ),
        ),
      );
    const hashes = outcomes(Array.from({ length: 6 }, () => hasher.hash(goodPassword)));
    const checks = outcomes(Array.from({ length: 3 }, () => hasher.verify(decoyHash, "wrong")));
    expect((await hashes).filter((one) => one === "done")).toHaveLength(2);
    expect((await checks).filter((one) => one === "done")).toHaveLength(2);
  });
});
