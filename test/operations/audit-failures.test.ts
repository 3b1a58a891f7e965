import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Database, sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword, otherPassword, outcome, type Person, system } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, givenApp, givenPasskey, registrationBy, ticketFor } from "../support/factors.ts";

const token = "token" as const;

describeWorld("audit events", { on: ["pglite", "postgres"] }, (world) => {
  describe("ADR 0019: the audit log is append-only, even for the owner of the table", () => {
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
    ])("$verb: refused, and every event is unchanged", async ({ statement }) => {
      await world.person();
      const before = await world.events({});
      await expect(world.rows(statement)).rejects.toMatchObject({ code: "SP002" });
      expect(await world.events({})).toEqual(before);
      expect(before.length).toBeGreaterThan(0);
    });
  });

  describe("B55, F26: an event that cannot be written", () => {
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

    /** Everything except the counters, which may go up. */
    async function everything(): Promise<unknown> {
      const [row] = await world.rows(sql`
        select (select jsonb_agg(to_jsonb(usr) order by id) from usr) as usr,
          (select jsonb_agg(to_jsonb(cred) order by id) from cred) as cred,
          (select jsonb_agg(to_jsonb(ses) order by id) from ses) as ses,
          (select jsonb_agg(to_jsonb(login_ticket) - '{attempts,last_attempt}'::text[] order by token_hash) from login_ticket) as tickets,
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
      /** The rows that may still be written, and then the act. */
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
          return () => world.auth.passkeys.register({ actor: person.actor, response, transport: "token" });
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
          await world.auth.passkeys.register({ actor: person.actor, response: made, transport: "token" });
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
    test.each(acts)("$action: the change does not happen", async ({ action, act, begin }) => {
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
    ])("$action, read by an administrator: refused", async ({ action, act }) => {
      const [admin, person] = [await world.administrator(), await world.person()];
      await world.rows(sql`insert into unwritable values (${action})`);
      expect(await outcome(act(admin, person))).toBe("unavailable.database");
    });

    test("S03: a denial without its event: stays a denial, and the application is informed", async () => {
      const told: unknown[] = [];
      const auth = world.isolate({ onError: (error) => told.push(error) });
      const [person, other] = [await world.person(), await world.person()];
      await world.rows(sql`insert into unwritable values ('identity.user.suspend')`);
      expect(await outcome(auth.users.suspend({ actor: person.actor, userId: other.userId }))).toBe("not_found");
      expect(told).toMatchObject([{ code: "53100" }]);
    });
  });

  test("S03: the denial's own write fails: the refusal stays the same, and the application is informed", async () => {
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
});
