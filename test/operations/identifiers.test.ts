import { describe, expect, test } from "vitest";
import type { SessionActor } from "../../src/domain/actor.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  system,
  tally,
  type World,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, givenPassword, registrationBy, ticketFor } from "../support/factors.ts";
import { withLink } from "./writes/write.ts";

type Proof = Parameters<World["auth"]["identifiers"]["verify"]>[0]["proof"];

const invalid = "unauthorized.invalid_link";

describeWorld("S11: the first proof of an address", { on: ["pglite", "postgres"] }, (world) => {
  const verify = (token: string, proof: Proof) =>
    world.auth.identifiers.verify({ token, proof, context: { address: freshAddress() } });
  const bySession = ({ actor }: { actor: SessionActor }): Proof => ({ type: "session", actor });
  const byPassword = (password: string): Proof => ({ type: "password", password });
  const byNewPassword = (password: string): Proof => ({ type: "new_password", password });
  const passes = async ({ identifier }: Person, password: string) =>
    await outcome(world.auth.signIn.password({ identifier, password, context: { address: freshAddress() } }));
  const isLive = async ({ token, transport }: Person) =>
    (await outcome(world.auth.sessions.verify({ token, transport }))) === "done";

  /** What a user has besides the password of their session, each with its status. */
  const kept = async ({ userId, credentialId }: Person) => {
    const user = uuidFor("usr", userId);
    const rows = await world.rows<{ kind: string }>(sql`
      select type as kind from cred where usr_id = ${user}::uuid and status <> 'revoked' and type <> 'password'
      union all select 'other password' from cred
        where usr_id = ${user}::uuid and status <> 'revoked' and type = 'password' and identifier <> (
          select identifier from cred where id = ${uuidFor("cred", credentialId)}::uuid)
      union all select type from mfa where usr_id = ${user}::uuid and status <> 'revoked'
      union all select 'registration' from mfa_registration where usr_id = ${user}::uuid
      union all select 'token' from pat where usr_id = ${user}::uuid and revoked_at is null
      union all select 'ticket' from login_ticket where usr_id = ${user}::uuid
      union all select 'link' from verification_token where usr_id = ${user}::uuid
      order by 1`);
    return rows.map(({ kind }) => kind);
  };

  /** Somebody made an account with an address that is not theirs, and left ways in to it. */
  const hijacked = async () => {
    const person = await world.person();
    const other = await world.signIn(person);
    await world.auth.passkeys.register({
      actor: other.actor,
      response: await registrationBy(world, other, await newAuthenticator()),
      transport: "token",
    });
    const { userId } = person;
    await world.auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] });
    await givenPassword(world, userId);
    return { person };
  };

  test("with a new password: everything else ends, and only the new password opens the account", async () => {
    const { person } = await hijacked();
    const token = await linkTo(person);
    expect(await kept(person)).toEqual(["link", "other password", "passkey", "token"]);
    expect(await verify(token, byNewPassword(otherPassword))).toMatchObject({ identifier: person.identifier });
    expect(await kept(person)).toEqual([]);
    expect([await isLive(person), await world.liveSessions(person.userId)]).toEqual([false, 0]);
    expect(await passes(person, goodPassword)).toBe("unauthorized.invalid_credential");
    expect(await passes(person, otherPassword)).toBe("done");
  });

  test("with the account's password: it stays, and everything else ends", async () => {
    const { person } = await hijacked();
    expect(await verify(await linkTo(person), byPassword(goodPassword))).toEqual({
      identifier: person.identifier,
      credentialId: person.credentialId,
    });
    expect([await kept(person), await world.liveSessions(person.userId)]).toEqual([[], 0]);
    expect(await passes(person, goodPassword)).toBe("done");
  });

  test("with a fresh session: it stays with what it has enrolled, and nothing that others have", async () => {
    const person = await world.person();
    const other = await world.signIn(person);
    for (const { actor, userId } of [person, other])
      await world.auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: [] });
    const own = await world.auth.passkeys.register({
      actor: person.actor,
      response: await registrationBy(world, person, await newAuthenticator()),
      transport: "token",
    });
    const { actor } = await world.auth.sessions.verify({ token: own.token, transport: "token" });
    expect(await kept(person)).toEqual(["passkey", "token", "token"]);
    const token = await linkTo(person, actor);
    await verify(token, bySession({ actor }));
    expect(await kept(person)).toEqual(["passkey", "token"]);
    const [left] = await world.rows<{ id: string }>(sql`
      select p.id from pat p join aud on aud.target_id = 'pat_' || replace(p.id::text, '-', '')
      where p.usr_id = ${uuidFor("usr", person.userId)}::uuid and p.revoked_at is null
        and aud.auth ->> 'session_id' = ${person.session.id}`);
    expect(left).toBeDefined();
    expect([await isLive(other), await world.liveSessions(person.userId)]).toEqual([false, 1]);
    const { user } = await world.auth.sessions.verify({ token: own.token, transport: "token" });
    expect(user.identifierVerified).toBe(true);
  });

  test("with a session that has proved a factor: the factor stays, whoever enrolled it, and no other", async () => {
    const { app, person } = await addApp(world, await world.person());
    const other = await world.signIn(person).catch(() => undefined);
    expect(other).toBeUndefined();
    const ticket = await ticketFor(world, person);
    const proof = { type: "totp", code: await app.code() } as const;
    const later = await world.auth.signIn.factor({ ticket, transport: "token", proof });
    const { actor } = await world.auth.sessions.verify({ token: later.token, transport: "token" });
    await world.rows(sql`
      insert into cred (id, usr_id, type, identifier, passkey_public_key, passkey_sign_count, passkey_rp_id)
      values (gen_random_uuid(), ${uuidFor("usr", person.userId)}::uuid, 'passkey', gen_random_uuid()::text, '\\x00', 0, 'example.com')`);
    expect(await kept(person)).toEqual(["passkey", "ticket", "totp"]);
    await verify(await linkTo(person, actor), bySession({ actor }));
    expect(await kept(person)).toEqual(["totp"]);
    expect(await outcome(world.auth.sessions.verify({ token: later.token, transport: "token" }))).toBe("done");
  });

  test("a factor that ends with the proof: a new one may be enrolled, if a policy demands one", async () => {
    const { person } = await addApp(world, await world.person());
    await verify(await linkTo(person), byPassword(goodPassword));
    expect(await kept(person)).toEqual([]);
    await world.requireFactor(person.userId, new Date(0));
    const next = await world.auth.signIn.password({ identifier: person.identifier, password: goodPassword });
    expect(next).toMatchObject({ mfaRequired: true, enroll: true });
  });

  describe("a session that was not started with the password of the address", () => {
    /** Somebody who knows the password adds the owner's other address with a password of their own. */
    const added = async () => {
      const person = await world.person();
      const thief = await world.signIn(person);
      const identifier = freshIdentifier();
      await world.auth.credentials.createOwnPassword({
        actor: thief.actor,
        userId: person.userId,
        identifier,
        password: otherPassword,
        currentPassword: goodPassword,
      });
      return { person, thief, added: { ...person, identifier } };
    };
    const linkFor = async ({ actor }: Person, identifier: string) => {
      await world.auth.identifiers.requestVerification({ actor, identifier });
      await world.auth.mail.deliver();
      return world.mailbox.secretTo(identifier);
    };

    test("it does not prove the account's first address: the password that somebody set would stay", async () => {
      const { person, thief, added: other } = await added();
      const token = await linkFor(thief, other.identifier);
      expect(await outcome(verify(token, bySession(person)))).toBe("unauthorized.invalid_credential");
      expect([await isLive(person), await passes(person, goodPassword)]).toEqual([true, "done"]);
    });

    test("it does, if it has added the address: its own password stays as well", async () => {
      const { thief, added: other } = await added();
      const token = await linkFor(thief, other.identifier);
      expect(await outcome(verify(token, bySession(thief)))).toBe("done");
      expect(await isLive(thief)).toBe(true);
      expect([await passes(thief, goodPassword), await passes(other, otherPassword)]).toEqual(["done", "done"]);
    });

    test("a session of a passkey: the password must be given, and then it works", async () => {
      const person = await world.person();
      const device = await newAuthenticator();
      const response = await registrationBy(world, person, device);
      await world.auth.passkeys.register({ actor: person.actor, response, transport: "token" });
      const assertion = await device.get(await world.auth.signIn.passkeyOptions());
      const { token: bearer } = await world.auth.signIn.passkey({ response: assertion, transport: "token" });
      const { actor } = await world.auth.sessions.verify({ token: bearer, transport: "token" });
      const token = await linkFor({ ...person, actor }, person.identifier);
      expect(await outcome(verify(token, bySession({ actor })))).toBe("unauthorized.invalid_credential");
      expect(await outcome(verify(token, byPassword(goodPassword)))).toBe("done");
    });
  });

  describe("S40: an account that has a verified address already", () => {
    const withSecond = async () => {
      const { person } = await addApp(world, await world.person());
      await verify(await linkTo(person), bySession(person));
      const identifier = freshIdentifier();
      const { userId } = person;
      await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
      await world.auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] });
      await world.auth.identifiers.requestVerification({ actor: person.actor, identifier });
      await world.auth.mail.deliver();
      return { person, token: world.mailbox.secretTo(identifier) };
    };

    test("the mailbox of another address takes nothing: neither with a password nor with a new one", async () => {
      const { person, token } = await withSecond();
      const before = await kept(person);
      world.hasher.reset();
      for (const proof of [byNewPassword(goodPassword), byPassword(otherPassword)])
        expect(await outcome(verify(token, proof))).toBe("unauthorized.reauthentication_required");
      expect(world.hasher.computations).toBe(0);
      expect([await kept(person), await isLive(person)]).toEqual([before, true]);
    });

    test("a session verifies the other address, and ends nothing", async () => {
      const { person, token } = await withSecond();
      expect(await outcome(verify(token, bySession(person)))).toBe("done");
      expect(await kept(person)).toEqual(["other password", "token", "totp"]);
      expect([await isLive(person), await outcome(verify(token, bySession(person)))]).toEqual([true, invalid]);
    });
  });

  test("a password that an administrator suspended stays suspended, and its name taken", async () => {
    const person = await world.person();
    const identifier = freshIdentifier();
    const { userId } = person;
    const made = await world.auth.credentials.createPassword({
      actor: system,
      userId,
      identifier,
      password: otherPassword,
    });
    await world.auth.credentials.suspend({ actor: system, credentialId: made.id });
    await verify(await linkTo(person), bySession(person));
    const again = world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
    expect(await outcome(again)).toBe("conflict.duplicate_credential");
  });

  test("a link that was made while its address was being verified is worth nothing", async () => {
    const person = await world.person();
    const token = await linkTo(person);
    await world.rows(sql`update cred set identifier_verified_at = now() where identifier = ${person.identifier}`);
    for (const proof of [bySession(person), byPassword(goodPassword), byNewPassword(otherPassword)])
      expect(await outcome(verify(token, proof))).toBe(invalid);
  });

  test("S16: asking for a link × spending the last one: no link is left", async () => {
    for (let round = 0; round < 20; round++) {
      const person = await world.person();
      const token = await linkTo(person);
      await Promise.all([
        outcome(verify(token, bySession(person))),
        ...Array.from({ length: 3 }, () =>
          outcome(world.auth.identifiers.requestVerification({ actor: person.actor })),
        ),
      ]);
      const left = await world.rows(sql`
        select from verification_token t join cred on cred.id = t.cred_id
        where cred.identifier = ${person.identifier} and cred.identifier_verified_at is not null`);
      expect(left).toEqual([]);
    }
  });

  test("S57: new passwords beside one link are hashed ten times, from however many addresses", async () => {
    const token = await linkTo(await world.person());
    world.hasher.reset();
    const busy = world.isolate({ passwordHasher: world.hasher, isCompromisedPassword: async () => true });
    const codes: string[] = [];
    for (let time = 0; time < 12; time++) {
      const context = { address: freshAddress() };
      codes.push(await outcome(busy.identifiers.verify({ token, proof: byNewPassword(otherPassword), context })));
    }
    expect(tally(codes)).toEqual({ "invalid_format.password": 10, too_many_requests: 2 });
  });

  describe("refusals change nothing, and the link still works", () => {
    test.each<[string, (person: Person) => Promise<Proof>, string]>([
      ["a wrong password", async () => byPassword(otherPassword), "unauthorized.invalid_credential"],
      ["a short new password", async () => byNewPassword("twelve chars"), "invalid_format.password"],
      ["the session of another account", async () => bySession(await world.person()), invalid],
      [
        "a session from a proof eleven minutes ago",
        async (person) => {
          const session = await world.signIn(person);
          await world.age(session.session, 660);
          return bySession(session);
        },
        "unauthorized.reauthentication_required",
      ],
      [
        "a session that has ended",
        async (person) => {
          const session = await world.signIn(person);
          await world.auth.sessions.signOut({ token: session.token, transport: "token" });
          return bySession(session);
        },
        "unauthorized.invalid_token",
      ],
    ])("%s", async (_case, proofOf, code) => {
      const person = await world.person();
      const token = await linkTo(person);
      const proof = await proofOf(person);
      const before = await kept(person);
      expect(await outcome(verify(token, proof))).toBe(code);
      expect(await kept(person)).toEqual(before);
      expect(await isLive(person)).toBe(true);
      expect(await outcome(verify(token, bySession(person)))).toBe("done");
    });

    test("an administrator without a session: neither the password nor the mailbox suffices", async () => {
      const person = await world.administrator();
      const token = await linkTo(person);
      for (const proof of [byPassword(person.password), byNewPassword(otherPassword)])
        expect(await outcome(verify(token, proof))).toBe("unauthorized.reauthentication_required");
      expect(await outcome(verify(token, bySession(person)))).toBe("done");
    });
  });

  test.each<[string, (person: Person, token: string) => Promise<unknown>]>([
    ["it was used", (person, token) => verify(token, bySession(person))],
    ["a newer one was sent", (person) => linkTo(person)],
    ["it has expired", () => world.rows(sql`update verification_token set expires_at = created_at`)],
    [
      "the password was changed",
      ({ actor }) =>
        world.auth.changePassword({
          actor,
          currentPassword: goodPassword,
          newPassword: otherPassword,
          transport: "token",
        }),
    ],
    ["the user signed out everywhere", ({ actor }) => world.auth.sessions.revokeOthers({ actor })],
    [
      "an administrator suspended the password",
      ({ credentialId }) => world.auth.credentials.suspend({ actor: system, credentialId }),
    ],
    [
      "an administrator replaced the password",
      ({ credentialId }) =>
        world.auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword }),
    ],
    ["the user was suspended", ({ userId }) => world.auth.users.suspend({ actor: system, userId })],
    ["the account was closed", ({ userId }) => world.auth.users.revoke({ actor: system, userId })],
  ])("a link is worth nothing once %s", async (_case, end) => {
    const person = await world.person();
    const token = await linkTo(person);
    await end(person, token);
    for (const proof of [byNewPassword(otherPassword), byPassword(goodPassword)])
      expect(await outcome(verify(token, proof))).toBe(invalid);
  });

  test.each(["", "x", "A".repeat(43), `${"A".repeat(42)}\0`, "A".repeat(10_000)])(
    "a text that is no link: refused without a hash or a counter",
    async (token) => {
      world.hasher.reset();
      const count = async () => await world.rows(sql`select count(*)::int from attempt`);
      const before = await count();
      expect(await outcome(verify(token, byNewPassword(otherPassword)))).toBe(invalid);
      expect([await count(), world.hasher.computations]).toEqual([before, 0]);
    },
  );

  test("S21: guesses of the password beside a link count with those at sign-in", async () => {
    const person = await world.person();
    const token = await linkTo(person);
    for (let guess = 0; guess < 6; guess++) await outcome(verify(token, byPassword(otherPassword)));
    for (let guess = 0; guess < 4; guess++) await passes(person, otherPassword);
    expect(await outcome(verify(token, byPassword(goodPassword)))).toBe("too_many_requests");
    expect(await passes(person, goodPassword)).toBe("too_many_requests");
    // The session needs no guess.
    expect(await outcome(verify(token, bySession(person)))).toBe("done");
  });

  test("a right password gives its attempt back", async () => {
    const person = await world.person();
    for (let guess = 0; guess < 9; guess++) await passes(person, otherPassword);
    await verify(await linkTo(person), byPassword(goodPassword));
    expect(await passes(person, goodPassword)).toBe("done");
  });

  test("two hundred at once: one succeeds", async () => {
    const person = await world.person();
    const token = await linkTo(person);
    const codes = await Promise.all(Array.from({ length: 200 }, () => outcome(verify(token, bySession(person)))));
    expect(tally(codes)).toEqual({ done: 1, [invalid]: 199 });
  });

  test("S22: strangers have used up the password's attempts: a known device proves it with the link, and no other", async () => {
    const person = await world.person();
    const { password, knownDevice } = person;
    for (let time = 0; time < 10; time++)
      expect(await passes(person, otherPassword)).toBe("unauthorized.invalid_credential");
    const token = await withLink(world, person);
    const tried = (proof: Partial<Extract<Proof, { type: "password" }>>) =>
      outcome(verify(token, { type: "password", password, ...proof }));
    const stranger = await world.person();
    expect([await tried({}), await tried({ knownDevice: stranger.knownDevice })]).toEqual([
      "too_many_requests",
      "too_many_requests",
    ]);
    expect(await tried({ knownDevice, password: otherPassword })).toBe("unauthorized.invalid_credential");
    expect(await tried({ knownDevice })).toBe("done");
    // The device's attempts are those that it has at sign-in.
    const counters = await world.rows<{ count: number; streak: number }>(sql`
      select count, streak from attempt where bucket like 'device:%' order by resets_at desc limit 1`);
    expect(counters).toEqual([{ count: 1, streak: 0 }]);
  });

  describe("asking for a link", () => {
    test("five an hour for an address, whichever session or password asks", async () => {
      const person = await world.person();
      const events = async () => (await world.events({ action: "identity.identifier.request_verification" })).length;
      const before = await events();
      const codes: string[] = [];
      for (let time = 0; time < 4; time++) {
        for (const { actor } of [person, await world.signIn(person)])
          codes.push(await outcome(world.auth.identifiers.requestVerification({ actor })));
      }
      expect(codes).toEqual([...Array(5).fill("done"), ...Array(3).fill("too_many_requests")]);
      // One event for each link, and one for the refusals.
      expect((await events()) - before).toBe(6);
    });

    test("the address of somebody else is answered like an unknown one, and nothing is sent or counted", async () => {
      const [person, other] = [await world.person(), await world.person()];
      const sent = async () => await world.rows(sql`select count(*)::int from mail_message`);
      const before = await sent();
      for (const identifier of [other.identifier, "nobody@example.com"]) {
        const { actor } = person;
        expect(await outcome(world.auth.identifiers.requestVerification({ actor, identifier }))).toBe("not_found");
      }
      expect(await sent()).toEqual(before);
      expect(await outcome(world.auth.identifiers.requestVerification(other))).toBe("done");
    });

    test("a name that is no address, and an address that is verified: refused", async () => {
      const [named, person] = [
        await world.person({ identifier: freshIdentifier().split("@")[0]! }),
        await world.person(),
      ];
      await verify(await linkTo(person), bySession(person));
      const ask = ({ actor }: Person) => outcome(world.auth.identifiers.requestVerification({ actor }));
      expect([await ask(named), await ask(person)]).toEqual([
        "invalid_format.identifier",
        "precondition.invalid_transition",
      ]);
    });

    test("S22: strangers who use up the messages of the address do not keep its owner from proving it", async () => {
      const person = await world.person();
      const { identifier } = person;
      const strangers: string[] = [];
      for (let time = 0; time < 7; time++) {
        const context = { address: freshAddress() };
        strangers.push(await outcome(world.auth.passwordReset.request({ identifier, context })));
      }
      expect(strangers.at(-1)).toBe("too_many_requests");
      const own: string[] = [];
      for (let time = 0; time < 6; time++) {
        own.push(await outcome(world.auth.identifiers.requestVerification({ actor: person.actor })));
      }
      expect(own).toEqual([...Array.from({ length: 5 }, () => "done"), "too_many_requests"]);
    });

    test("S38: a spelling of the address leads to its stored form", async () => {
      const person = await world.person();
      const identifier = ` ${person.identifier.toUpperCase()}. `;
      await world.auth.identifiers.requestVerification({ actor: person.actor, identifier });
      await world.auth.mail.deliver();
      expect(world.mailbox.newestTo(person.identifier).to).toBe(person.identifier);
    });
  });

  async function linkTo(person: Person, actor = person.actor): Promise<string> {
    return await withLink(world, { ...person, actor });
  }
});
