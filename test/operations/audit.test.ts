import { describe, expect, test } from "vitest";
import { systemActor } from "../../src/domain/actor.ts";
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
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, appOf, givenApp, personAt, registrationBy, ticketFor } from "../support/factors.ts";

const token = "token" as const;

describeWorld("audit events", { on: ["pglite", "postgres"] }, (world) => {
  /** The events since a moment, in the order in which they were written. */
  async function eventsOf(act: () => Promise<unknown>): Promise<string[]> {
    const before = new Set((await world.events({})).map(({ id }) => id));
    await act();
    return (await world.events({}))
      .filter(({ id }) => !before.has(id))
      .map(({ action, outcome, actorUserId, auth, metadata }) =>
        [action, outcome, actorUserId ? "user" : "-", auth?.kind ?? "-", metadata.reason ?? ""].join(" ").trim(),
      );
  }

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
    "sign-in of a suspended user": {
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
    "password change": {
      act: ({ actor }) =>
        world.auth.changePassword({
          actor,
          currentPassword: goodPassword,
          newPassword: otherPassword,
          transport: token,
        }),
      events: ["identity.password.change success user session"],
    },
    "password change with a wrong password": {
      act: ({ actor }) =>
        outcome(
          world.auth.changePassword({ actor, currentPassword: "x", newPassword: otherPassword, transport: token }),
        ),
      events: ["identity.password.change failure user session"],
    },
    "password change in a stale session": {
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
    "enrolling an authenticator app": {
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
    "enrolling a factor that a policy requires": {
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
        const device = await newAuthenticator();
        const response = await registrationBy(world, person, device);
        const { passkey, ...made } = await world.auth.passkeys.register({
          actor: person.actor,
          response,
          transport: "token",
        });
        const { actor } = await personAt(world, person, made);
        await world.auth.passkeys.rename({ actor, passkeyId: passkey.id, name: "laptop" });
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
    "verification of a malformed token": {
      act: () => outcome(world.auth.sessions.verify({ token: "x", transport: token })),
      events: [],
    },
  };

  describe("R128, S41: events of each operation (the guarded ones: access.test.ts)", () => {
    test.each(Object.keys(mutations))("%s", async (operation) => {
      const { act, events } = mutations[operation]!;
      const person = await world.person();
      expect(await eventsOf(() => act(person))).toEqual(events);
    });

    test("ADR 0019: the shape of an event", async () => {
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

  test("S41: endless refusals of one user: twenty events, and one that stands for the rest", async () => {
    const [person, other, third] = [await world.person(), await world.person(), await world.person()];
    const deny = ({ actor }: Person, { userId }: Person) => outcome(world.auth.users.suspend({ actor, userId }));
    for (let time = 0; time < 30; time++) expect(await deny(person, time % 2 ? other : third)).toBe("not_found");
    const events = (await world.events({ actor: person.userId })).filter(({ outcome }) => outcome === "denied");
    expect(events.map(({ metadata }) => metadata.and_more)).toEqual([...Array(20).fill(false), true]);
    // A flood of one user's events hides no other user's.
    expect(await deny(other, third)).toBe("not_found");
    expect((await world.events({ actor: other.userId })).filter(({ outcome }) => outcome === "denied")).toHaveLength(1);
  });

  test("S41: two hundred refusals leave twenty-one events", async () => {
    const { actor, userId } = await world.person();
    const other = await world.person();
    for (let time = 0; time < 200; time++) {
      await outcome(world.auth.users.suspend({ actor, userId: other.userId }));
    }
    const denied = (await world.events({ actor: userId })).filter(({ outcome: how }) => how === "denied");
    expect(denied).toHaveLength(21);
    expect(denied.at(-1)!.metadata).toMatchObject({ and_more: true });
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
    ])("$case: the event is written, cleaned and cut", async ({ userAgent }) => {
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
    // Users type passwords into identifier fields.
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
