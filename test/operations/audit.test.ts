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
    "sign-in": { act: (person) => world.auth.signIn(person), events: ["identity.sign_in success user -"] },
    "sign-in with a wrong password": {
      act: ({ identifier }) => outcome(world.auth.signIn({ identifier, password: otherPassword })),
      events: ["identity.sign_in failure - -"],
    },
    "sign-in with an unknown identifier": {
      act: () => outcome(world.auth.signIn({ identifier: freshIdentifier(), password: otherPassword })),
      events: ["identity.sign_in failure - -"],
    },
    "sign-in of a user who was suspended": {
      act: async (person) => {
        await world.rows(sql`update usr set status = 'suspended' where id = ${uuidFor("usr", person.userId)}::uuid`);
        await outcome(world.auth.signIn(person));
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
          (select jsonb_agg(to_jsonb(login_ticket) order by token_hash) from login_ticket) as tickets,
          (select jsonb_agg(to_jsonb(tup) order by id) from tup) as tup`);
      return row;
    }

    const acts: { action: string; act: (person: Person) => Promise<unknown> }[] = [
      {
        action: "identity.sign_up",
        act: () => world.auth.signUp({ identifier: freshIdentifier(), password: goodPassword }),
      },
      { action: "identity.sign_in", act: (person) => world.auth.signIn(person) },
      { action: "identity.sign_in", act: (person) => world.auth.signIn({ ...person, password: otherPassword }) },
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
        act: ({ actor, userId }) =>
          world.auth.credentials.createPassword({
            actor,
            userId,
            identifier: freshIdentifier(),
            password: otherPassword,
          }),
      },
      {
        action: "identity.credential.rotate",
        act: ({ actor, credentialId }) =>
          world.auth.credentials.rotatePassword({ actor, credentialId, password: otherPassword }),
      },
      {
        action: "identity.credential.suspend",
        act: ({ actor, credentialId }) => world.auth.credentials.suspend({ actor, credentialId }),
      },
      {
        action: "identity.credential.revoke",
        act: ({ actor, credentialId }) => world.auth.credentials.revoke({ actor, credentialId }),
      },
      {
        action: "authz.administrator.grant",
        act: ({ userId }) => world.auth.administrators.grant({ actor: system, userId }),
      },
    ];
    test.each(acts)("$action", async ({ action, act }) => {
      const person = await world.person();
      await world.signIn(person);
      const before = await everything();
      await world.rows(sql`insert into unwritable values (${action})`);
      expect(await outcome(act(person))).toBe("unavailable.database");
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
    await outcome(world.auth.signIn({ identifier: typed, password: typed }));
    await outcome(world.auth.signIn({ identifier, password: typed }));
    await outcome(world.auth.signUp({ identifier, password }));
    const created = await world.auth.sessions.create({ ticket, userId, credentialId });
    const { actor } = await world.auth.sessions.verify({ token: created.token, transport: token });
    await outcome(
      world.auth.changePassword({ actor, currentPassword: typed, newPassword: otherPassword, transport: token }),
    );
    for (let time = 0; time < 12; time++) await outcome(world.auth.signIn({ identifier, password: typed }));
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
