import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { systemActor } from "../../src/domain/actor.ts";
import { uuidFor } from "../../src/domain/id.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  system,
  type World,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { addApp, appOf, givenApp, givenPasskey, registrationBy, ticketFor } from "../support/factors.ts";

describe.each(["pglite", "postgres"] as const)("%s", (name) => {
  let world: World;
  beforeAll(async () => {
    world = await openAuth(name);
  });
  afterAll(() => world.close());

  /** What happened since a moment, in the order that it was written. */
  async function eventsOf(act: () => Promise<unknown>): Promise<string[]> {
    const before = new Set((await world.events({})).map(({ id }) => id));
    await act();
    return (await world.events({}))
      .filter(({ id }) => !before.has(id))
      .map(({ action, outcome, actorUserId, auth, metadata }) =>
        [action, outcome, actorUserId ? "user" : "-", auth?.kind ?? "-", metadata.reason ?? ""].join(" ").trim(),
      );
  }

  const token = "token" as const;
  const mutations: Record<string, { act: (person: Person) => Promise<unknown>; events: string[] }> = {
    "sign-up": { act: () => world.person(), events: ["identity.sign_up success user -"] },
    "sign-up with a taken identifier": {
      act: ({ identifier }) => outcome(world.auth.signUp({ identifier, password: goodPassword })),
      events: ["identity.sign_up failure - -"],
    },
    "sign-in": { act: (person) => world.auth.signIn.password(person), events: ["identity.sign_in success user -"] },
    "sign-in with a wrong password": {
      act: ({ identifier }) => outcome(world.auth.signIn.password({ identifier, password: otherPassword })),
      events: ["identity.sign_in failure - -"],
    },
    "sign-in with an unknown identifier": {
      act: () => outcome(world.auth.signIn.password({ identifier: freshIdentifier(), password: otherPassword })),
      events: ["identity.sign_in failure - -"],
    },
    "sign-in of a user who was suspended": {
      act: async (person) => {
        await world.rows(sql`update usr set status = 'suspended' where id = ${uuidFor("usr", person.userId)}::uuid`);
        await outcome(world.auth.signIn.password(person));
      },
      events: ["identity.sign_in failure - -"],
    },
    verifyPassword: { act: (person) => world.auth.verifyPassword(person), events: ["identity.sign_in success user -"] },
    "a session for a ticket": {
      act: async (person) => {
        const { ticket, userId, credentialId } = await world.auth.verifyPassword(person);
        await world.auth.sessions.create({ ticket, userId, credentialId });
      },
      events: ["identity.sign_in success user -", "identity.session.create success user -"],
    },
    refresh: {
      act: (person) => world.auth.sessions.refresh({ token: person.token, transport: token }),
      events: ["identity.session.refresh success user -"],
    },
    "refresh, repeated": {
      act: async (person) => {
        for (let time = 0; time < 3; time++)
          await world.auth.sessions.refresh({ token: person.token, transport: token });
      },
      events: ["identity.session.refresh success user -"],
    },
    "reuse of a refreshed token": {
      act: async (person) => {
        const auth = world.isolate({ lifetimes: { retrySeconds: 0 } });
        await auth.sessions.refresh({ token: person.token, transport: token });
        await outcome(auth.sessions.refresh({ token: person.token, transport: token }));
      },
      events: ["identity.session.refresh success user -", "identity.session.refresh denied - - reuse"],
    },
    "sign-out": {
      act: (person) => world.auth.sessions.signOut({ token: person.token, transport: token }),
      events: ["identity.session.sign_out success user -"],
    },
    revokeOthers: {
      act: ({ actor }) => world.auth.sessions.revokeOthers({ actor }),
      events: ["identity.session.revoke_others success user session"],
    },
    "change of password": {
      act: ({ actor }) =>
        world.auth.changePassword({
          actor,
          currentPassword: goodPassword,
          newPassword: otherPassword,
          transport: token,
        }),
      events: ["identity.password.change success user session"],
    },
    "change of password with a wrong one": {
      act: ({ actor }) =>
        outcome(
          world.auth.changePassword({ actor, currentPassword: "x", newPassword: otherPassword, transport: token }),
        ),
      events: ["identity.password.change failure user session"],
    },
    "change of password in a stale session": {
      act: async ({ actor, session }) => {
        await world.age(session, 601);
        await outcome(
          world.auth.changePassword({
            actor,
            currentPassword: goodPassword,
            newPassword: otherPassword,
            transport: token,
          }),
        );
      },
      events: ["identity.password.change denied user session unauthorized.reauthentication_required"],
    },
    "by the application": {
      act: ({ userId }) => world.auth.users.suspend({ actor: system, userId }),
      events: ["identity.user.suspend success - system"],
    },
    "setting an authenticator app up": {
      act: async ({ actor, transport }) => {
        const app = appOf(world, await world.auth.factors.enrollTotp({ actor, label: "phone" }));
        const { factorId } = app;
        await outcome(world.auth.factors.confirmTotp({ actor, transport, factorId, code: "000000" }));
        await world.auth.factors.confirmTotp({ actor, transport, factorId, code: await app.code() });
      },
      events: [
        "identity.mfa.enroll success user session",
        "identity.mfa.confirm failure user session wrong",
        "identity.mfa.confirm success user session",
      ],
    },
    "setting one up that a policy demands": {
      act: async (person) => {
        await world.requireFactor(person.userId);
        const ticket = await ticketFor(world, person);
        const app = appOf(world, await world.auth.factors.enrollTotp({ ticket, label: "phone" }));
        const { factorId } = app;
        await world.auth.factors.confirmTotp({ ticket, transport: token, factorId, code: await app.code() });
      },
      events: [
        "identity.sign_in success user -",
        "identity.mfa.enroll success user -",
        "identity.mfa.confirm success user -",
      ],
    },
    "a sign-in with a second factor": {
      act: async (person) => {
        const app = await givenApp(world, person.userId, "active");
        const ticket = await ticketFor(world, person);
        await outcome(world.auth.signIn.factor({ ticket, proof: { type: "totp", code: "000000" } }));
        await world.auth.signIn.factor({ ticket, proof: { type: "totp", code: await app.code() } });
      },
      events: [
        "identity.sign_in success user -",
        "identity.mfa.verify failure - - wrong",
        "identity.mfa.verify success user -",
      ],
    },
    verifyMfa: {
      act: async (person) => {
        const app = await givenApp(world, person.userId, "active");
        const { ticket, userId } = await world.auth.verifyPassword(person);
        await world.auth.verifyMfa({ ticket, userId, proof: { type: "totp", code: await app.code() } });
      },
      events: ["identity.sign_in success user -", "identity.mfa.verify success user -"],
    },
    "stepping up": {
      act: async ({ actor, transport, password }) => {
        const prove = (typed: string) =>
          world.auth.stepUp({ actor, transport, proof: { type: "password", password: typed } });
        await outcome(prove(otherPassword));
        await prove(password);
      },
      events: ["identity.session.step_up failure user session", "identity.session.step_up success user session"],
    },
    "recovery codes": {
      act: async (person) => {
        const { actor } = (await addApp(world, person)).person;
        await world.auth.factors.replaceRecoveryCodes({ actor });
      },
      events: [
        "identity.mfa.enroll success user session",
        "identity.mfa.confirm success user session",
        "identity.mfa.enroll success user session",
      ],
    },
    "a passkey, and a sign-in with it": {
      act: async (person) => {
        const [device, { actor }] = [await newAuthenticator(), person];
        const response = await registrationBy(world, person, device);
        const { id: passkeyId } = await world.auth.passkeys.register({ actor, response });
        await world.auth.passkeys.rename({ actor, passkeyId, name: "laptop" });
        await outcome(world.auth.signIn.passkey({ response: {} }));
        await world.auth.signIn.passkey({ response: await device.get(await world.auth.signIn.passkeyOptions()) });
      },
      events: [
        "identity.passkey.register success user session",
        "identity.passkey.rename success user session",
        "identity.sign_in failure - - malformed",
        "identity.sign_in success user -",
      ],
    },
    "a security key": {
      act: async ({ actor, transport }) => {
        const { factor, options } = await world.auth.securityKeys.enroll({ actor });
        const response = await (await newAuthenticator()).create(options);
        await world.auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response });
      },
      events: ["identity.mfa.enroll success user session", "identity.mfa.confirm success user session"],
    },
    "the options of a ceremony": {
      act: async ({ actor }) => {
        await world.auth.passkeys.registrationOptions({ actor });
        await world.auth.signIn.passkeyOptions();
        await world.auth.passkeys.proofOptions({ actor });
      },
      events: [],
    },
    verify: { act: ({ token: value }) => world.auth.sessions.verify({ token: value, transport: token }), events: [] },
    "verify of a token that is not one": {
      act: () => outcome(world.auth.sessions.verify({ token: "x", transport: token })),
      events: [],
    },
  };

  describe("R128, S41: what is recorded (the guarded operations: access.test.ts)", () => {
    test.each(Object.keys(mutations))("%s", async (operation) => {
      const { act, events } = mutations[operation]!;
      const person = await world.person();
      expect(await eventsOf(() => act(person))).toEqual(events);
    });

    test("the shape of an event: ADR 0019", async () => {
      const context = { address: "192.0.2.7", userAgent: "Mozilla/5.0", requestId: "req_1", clientRequestId: "theirs" };
      const person = await world.person();
      const { actor } = await world.auth.sessions.verify({ token: person.token, transport: token, context });
      await world.auth.users.update({ actor, userId: person.userId, displayName: "Ada" });
      await world.auth.users.update({
        actor: systemActor("nightly", context),
        userId: person.userId,
        displayName: "x",
      });
      const [own, systems] = await world.events({ target: person.userId });
      expect(own).toMatchObject({
        actorUserId: uuidFor("usr", person.userId),
        auth: { kind: "session", session_id: person.session.id },
        context: { ip: "192.0.2.7", user_agent: "Mozilla/5.0", request_id: "req_1", client_request_id: "theirs" },
      });
      expect(systems).toMatchObject({ actorUserId: null, auth: { kind: "system", system_id: "nightly" } });
    });
  });

  test("S41: of somebody who is refused without end, twenty events and one that says that there were more", async () => {
    const [person, other, third] = [await world.person(), await world.person(), await world.person()];
    const deny = ({ actor }: Person, { userId }: Person) => outcome(world.auth.users.suspend({ actor, userId }));
    for (let time = 0; time < 30; time++) expect(await deny(person, time % 2 ? other : third)).toBe("not_found");
    const events = (await world.events({ actor: person.userId })).filter(({ outcome }) => outcome === "denied");
    expect(events.map(({ metadata }) => metadata.and_more)).toEqual([...Array(20).fill(false), true]);
    // One person's flood hides nobody else's.
    expect(await deny(other, third)).toBe("not_found");
    expect((await world.events({ actor: other.userId })).filter(({ outcome }) => outcome === "denied")).toHaveLength(1);
  });

  describe("ADR 0019: append-only, for the owner of the table too", () => {
    test.each([
      { verb: "update", statement: sql`update aud set outcome = 'success'` },
      { verb: "delete", statement: sql`delete from aud` },
      { verb: "truncate", statement: sql`truncate aud` },
      {
        verb: "update on conflict",
        statement: sql`
          insert into aud (id, occurred_at, action, target_kind, target_id, outcome)
          select id, occurred_at, 'forged', target_kind, target_id, outcome from aud limit 1
          on conflict (id) do update set action = excluded.action`,
      },
    ])("$verb: refused, and every event is as it was", async ({ statement }) => {
      await world.person();
      const before = await world.events({});
      await expect(world.rows(statement)).rejects.toMatchObject({ code: "SP002" });
      expect(await world.events({})).toEqual(before);
      expect(before.length).toBeGreaterThan(0);
    });
  });

  describe("B55, F26: where the event cannot be written, the change does not happen", () => {
    beforeAll(async () => {
      await world.rows(sql`create table unwritable (action text)`);
      await world.rows(sql`
        create function refuse_event() returns trigger language plpgsql as $$
        begin
          if exists (select from unwritable where action = new.action) then
            raise exception 'The disk is full.' using errcode = '53100';
          end if;
          return new;
        end $$`);
      await world.rows(
        sql`create trigger aud_refuse before insert on aud for each row execute function refuse_event()`,
      );
    });
    afterEach(() => world.rows(sql`delete from unwritable`));

    /** Everything but the counters, which may go up. */
    async function everything(): Promise<unknown> {
      const [row] = await world.rows(sql`
        select (select jsonb_agg(to_jsonb(usr) order by id) from usr) as usr,
          (select jsonb_agg(to_jsonb(cred) order by id) from cred) as cred,
          (select jsonb_agg(to_jsonb(ses) order by id) from ses) as ses,
          (select jsonb_agg(to_jsonb(login_ticket) - 'attempts' order by token_hash) from login_ticket) as tickets,
          (select jsonb_agg(to_jsonb(mfa) order by id) from mfa) as mfa,
          (select jsonb_agg(to_jsonb(usr_mfa_policy) order by usr_id) from usr_mfa_policy) as policies,
          (select jsonb_agg(to_jsonb(leave) order by usr_id) from mfa_enrollment_grant leave) as leaves,
          (select jsonb_agg(to_jsonb(webauthn_credential) order by credential_id) from webauthn_credential) as keys,
          (select jsonb_agg(to_jsonb(spent_challenge) order by digest) from spent_challenge) as challenges,
          (select jsonb_agg(to_jsonb(tup) order by id) from tup) as tup`);
      return row;
    }

    interface Unwritten {
      action: string;
      act?: (person: Person) => Promise<unknown>;
      /** What may still be written, and then the act. */
      begin?: (person: Person) => Promise<() => Promise<unknown>>;
    }
    const acts: Unwritten[] = [
      {
        action: "identity.mfa.enroll",
        act: ({ actor }) => world.auth.factors.enrollTotp({ actor, label: "phone" }),
      },
      {
        action: "identity.mfa.enroll",
        act: ({ actor }) => world.auth.securityKeys.enroll({ actor }),
      },
      {
        action: "identity.mfa.enroll",
        begin: async (person) => {
          const { actor } = (await addApp(world, person)).person;
          return () => world.auth.factors.replaceRecoveryCodes({ actor });
        },
      },
      {
        action: "identity.mfa.confirm",
        begin: async ({ actor, userId, transport }) => {
          const { factorId, code } = await givenApp(world, userId, "pending");
          return async () => world.auth.factors.confirmTotp({ actor, transport, factorId, code: await code() });
        },
      },
      {
        action: "identity.mfa.confirm",
        begin: async ({ actor, transport }) => {
          const { factor, options } = await world.auth.securityKeys.enroll({ actor });
          const response = await (await newAuthenticator()).create(options);
          return () => world.auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response });
        },
      },
      ...(["totp", "recovery"] as const).map((type) => ({
        action: "identity.mfa.verify",
        begin: async (person: Person) => {
          const { app, person: ada } = await addApp(world, person);
          const { codes } = await world.auth.factors.replaceRecoveryCodes(ada);
          const ticket = await ticketFor(world, ada);
          const proof = { type, code: type === "totp" ? await app.code() : codes[0]! };
          return () => world.auth.signIn.factor({ ticket, proof });
        },
      })),
      {
        action: "identity.mfa.verify",
        begin: async (person) => {
          const { code } = await givenApp(world, person.userId, "active");
          const { ticket, userId } = await world.auth.verifyPassword(person);
          return async () => world.auth.verifyMfa({ ticket, userId, proof: { type: "totp", code: await code() } });
        },
      },
      {
        action: "identity.session.step_up",
        act: ({ actor, transport, password }) =>
          world.auth.stepUp({ actor, transport, proof: { type: "password", password } }),
      },
      {
        action: "identity.mfa.revoke",
        begin: async ({ userId }) => {
          const { factorId } = await givenApp(world, userId, "active");
          return () => world.auth.factors.revoke({ actor: system, factorId });
        },
      },
      {
        action: "identity.mfa_policy.set",
        act: ({ userId }) => world.auth.mfaPolicies.set({ actor: system, userId, required: true }),
      },
      {
        action: "identity.mfa.grant_enrollment",
        act: ({ userId }) => world.auth.mfaPolicies.grantEnrollment({ actor: system, userId }),
      },
      {
        action: "identity.passkey.register",
        begin: async (person) => {
          const response = await registrationBy(world, person, await newAuthenticator());
          return () => world.auth.passkeys.register({ actor: person.actor, response });
        },
      },
      {
        action: "identity.passkey.rename",
        begin: async ({ actor, userId }) => {
          const passkeyId = await givenPasskey(world, userId);
          return () => world.auth.passkeys.rename({ actor, passkeyId, name: "laptop" });
        },
      },
      {
        action: "identity.sign_in",
        begin: async (person) => {
          const device = await newAuthenticator();
          const made = await registrationBy(world, person, device);
          await world.auth.passkeys.register({ actor: person.actor, response: made });
          const response = await device.get(await world.auth.signIn.passkeyOptions());
          return () => world.auth.signIn.passkey({ response });
        },
      },
      {
        action: "identity.sign_up",
        act: () => world.auth.signUp({ identifier: freshIdentifier(), password: goodPassword }),
      },
      { action: "identity.sign_in", act: (person) => world.auth.signIn.password(person) },
      {
        action: "identity.sign_in",
        act: (person) => world.auth.signIn.password({ ...person, password: otherPassword }),
      },
      { action: "identity.sign_in", act: (person) => world.auth.verifyPassword(person) },
      { action: "identity.session.refresh", act: (person) => world.auth.sessions.refresh(person) },
      { action: "identity.session.sign_out", act: (person) => world.auth.sessions.signOut(person) },
      {
        action: "identity.session.revoke",
        act: ({ actor, session }) => world.auth.sessions.revoke({ actor, sessionId: session.id }),
      },
      { action: "identity.session.revoke_others", act: ({ actor }) => world.auth.sessions.revokeOthers({ actor }) },
      {
        action: "identity.password.change",
        act: ({ actor }) =>
          world.auth.changePassword({
            actor,
            currentPassword: goodPassword,
            newPassword: otherPassword,
            transport: token,
          }),
      },
      { action: "identity.user.create", act: () => world.auth.users.create({ actor: system }) },
      {
        action: "identity.user.update",
        act: ({ actor, userId }) => world.auth.users.update({ actor, userId, displayName: "x" }),
      },
      { action: "identity.user.suspend", act: ({ userId }) => world.auth.users.suspend({ actor: system, userId }) },
      { action: "identity.user.revoke", act: ({ userId }) => world.auth.users.revoke({ actor: system, userId }) },
      {
        action: "identity.credential.create",
        act: ({ userId }) =>
          world.auth.credentials.createPassword({
            actor: system,
            userId,
            identifier: freshIdentifier(),
            password: otherPassword,
          }),
      },
      {
        action: "identity.credential.rotate",
        act: ({ credentialId }) =>
          world.auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword }),
      },
      {
        action: "identity.credential.suspend",
        act: ({ credentialId }) => world.auth.credentials.suspend({ actor: system, credentialId }),
      },
      {
        action: "identity.credential.revoke",
        act: ({ credentialId }) => world.auth.credentials.revoke({ actor: system, credentialId }),
      },
      {
        action: "authz.administrator.grant",
        begin: async ({ userId }) => {
          await world.enroll(userId);
          return () => world.auth.administrators.grant({ actor: system, userId });
        },
      },
    ];
    test.each(acts)("$action", async ({ action, act, begin }) => {
      const person = await world.person();
      await world.signIn(person);
      const end = (await begin?.(person)) ?? (() => act!(person));
      const before = await everything();
      await world.rows(sql`insert into unwritable values (${action})`);
      expect(await outcome(end())).toBe("unavailable.database");
      expect(await everything()).toEqual(before);
    });

    test.each([
      {
        action: "identity.user.read",
        act: ({ actor }: Person, { userId }: Person) => world.auth.users.get({ actor, userId }),
      },
      { action: "identity.user.list", act: ({ actor }: Person) => world.auth.users.list({ actor }) },
      {
        action: "identity.session.list",
        act: ({ actor }: Person, { userId }: Person) => world.auth.sessions.list({ actor, userId }),
      },
    ])("what an administrator reads of others: $action", async ({ action, act }) => {
      const [admin, person] = [await world.administrator(), await world.person()];
      await world.rows(sql`insert into unwritable values (${action})`);
      expect(await outcome(act(admin, person))).toBe("unavailable.database");
    });

    test("S03: a denial that cannot be recorded stays one, and the application is told", async () => {
      const told: unknown[] = [];
      const auth = world.isolate({ onError: (error) => told.push(error) });
      const [person, other] = [await world.person(), await world.person()];
      await world.rows(sql`insert into unwritable values ('identity.user.suspend')`);
      expect(await outcome(auth.users.suspend({ actor: person.actor, userId: other.userId }))).toBe("not_found");
      expect(told).toMatchObject([{ code: "53100" }]);
    });
  });

  test("S03: a denial is recorded when the database fails for it alone, and the refusal is the same", async () => {
    const told: unknown[] = [];
    let requests = 0;
    const onlyOnce: Database = {
      run: (statement) => (++requests > 1 ? Promise.reject(new Error("gone")) : world.database.run(statement)),
      batch: (statements) => (++requests > 1 ? Promise.reject(new Error("gone")) : world.database.batch(statements)),
    };
    const auth = world.isolate({ database: onlyOnce, onError: (error) => told.push(error) });
    const [person, other] = [await world.person(), await world.person()];
    expect(await outcome(auth.users.suspend({ actor: person.actor, userId: other.userId }))).toBe("not_found");
    expect(told).toHaveLength(1);
  });

  describe("S41: hostile contexts", () => {
    test.each([
      { case: "a user agent of a megabyte", userAgent: "🔑".repeat(250_000) },
      { case: "NUL", userAgent: "a\0b" },
      { case: "lone surrogates", userAgent: "\ud800\udc00\udfff" },
      { case: "bidirectional controls", userAgent: "\u202eevil" },
      { case: "JSON", userAgent: '","ip":"1.2.3.4"}' },
      { case: "SQL", userAgent: "'; drop table aud; --" },
      { case: "all four at their longest", userAgent: "\u{1F511}".repeat(999) },
    ])("$case: the event is written, and says no more than it should", async ({ userAgent }) => {
      const context = { address: freshAddress(), userAgent, requestId: userAgent, clientRequestId: userAgent };
      const { user } = await world.auth.signUp({ identifier: freshIdentifier(), password: goodPassword, context });
      const [event] = await world.events({ actor: user.id });
      for (const text of Object.values(event!.context)) {
        expect([...String(text)].length).toBeLessThanOrEqual(256);
        expect(String(text)).not.toMatch(/\p{C}/u);
      }
      expect(event!.context.ip).toBe(context.address);
    });
  });

  test("R129, T22: no identifier, password, token, ticket or device in any event, counter or ticket row", async () => {
    // People type passwords where identifiers go.
    const [identifier, password, typed] = ["canary.id@example.com", "canary-Passw0rt-vmqk", "canary-typed-secret"];
    const person = await world.person({ identifier, password });
    const { ticket, userId, credentialId } = await world.auth.verifyPassword(person);
    const refreshed = await world.auth.sessions.refresh(person);
    await outcome(world.auth.signIn.password({ identifier: typed, password: typed }));
    await outcome(world.auth.signIn.password({ identifier, password: typed }));
    await outcome(world.auth.signUp({ identifier, password }));
    const created = await world.auth.sessions.create({ ticket, userId, credentialId });
    const { actor } = await world.auth.sessions.verify({ token: created.token, transport: token });
    await outcome(
      world.auth.changePassword({ actor, currentPassword: typed, newPassword: otherPassword, transport: token }),
    );
    for (let time = 0; time < 12; time++) await outcome(world.auth.signIn.password({ identifier, password: typed }));
    await outcome(world.auth.users.suspend({ actor, userId: (await world.person()).userId }));
    await world.auth.verifyPassword({ identifier, password, knownDevice: person.knownDevice });

    const dump = (
      await world.rows<{ text: string }>(sql`
        select (select string_agg(to_jsonb(aud)::text, '') from aud)
          || (select string_agg(to_jsonb(attempt)::text, '') from attempt)
          || (select string_agg(to_jsonb(login_ticket)::text, '') from login_ticket)
          || (select string_agg(to_jsonb(ses)::text, '') from ses) as text`)
    )[0]!.text;
    expect(dump.length).toBeGreaterThan(10_000);
    const secrets = [
      identifier,
      "canary",
      password,
      ticket,
      person.token,
      refreshed.token,
      created.token,
      person.knownDevice,
    ];
    for (const secret of secrets) expect(dump.includes(secret)).toBe(false);
    for (const part of person.knownDevice.split(".").slice(1)) expect(dump.includes(part)).toBe(false);
  });
});
