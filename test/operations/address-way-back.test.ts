import { describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshAddress, freshIdentifier, goodPassword, outcome, type Person, system } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, addPasskey } from "../support/factors.ts";
import { withNewAddress, withVerifiedAddress } from "../support/links.ts";

const stale = "unauthorized.reauthentication_required";
const taken = "conflict.duplicate_credential";
const wrong = "unauthorized.invalid_factor";
/** What the owner chooses at the end. */
const password = "the owner's own pass phrase";

describeWorld(
  "S40: the way back to an address, against a thief who wants to close it",
  {
    on: ["pglite", "postgres"],
  },
  (world) => {
    const verified = async () => await withVerifiedAddress(world, await world.person());
    const context = () => ({ address: freshAddress() });
    const disown = (token: string, more: object = {}) =>
      outcome(world.auth.notices.disown({ token, context: context(), ...more }));
    /** The secret of the newest message to the owner. */
    const secretTo = async ({ identifier }: Person) => {
      await world.auth.mail.deliver();
      return world.mailbox.secretTo(identifier);
    };
    const noticeOf = async (person: Person) => {
      await world.auth.personalAccessTokens.create({ actor: system, userId: person.userId, name: "ci", scope: [] });
      return await secretTo(person);
    };
    /** Adds a password with the same text, and gives its id. */
    const add = async ({ actor, userId }: Pick<Person, "actor" | "userId">, identifier: string) => {
      const [currentPassword, added] = [goodPassword, { identifier, password: goodPassword }];
      await world.auth.credentials.createOwnPassword({ actor, userId, ...added, currentPassword });
      const { data } = await world.auth.credentials.list({ actor: system, userId });
      return data.find((one) => one.type === "password" && one.identifier === identifier && one.status === "active")!
        .id;
    };
    const passkey = async (person: Person) => {
      await addPasskey(world, person, await newAuthenticator());
      await world.levelTwo(person.session);
    };
    /** The credentials and factors that can open the account. Unusable passwords do not count. */
    const openers = async ({ userId }: Pick<Person, "userId">) => {
      const user = uuidFor("usr", userId);
      const rows = await world.rows<{ kind: string }>(sql`
      select type as kind from cred where usr_id = ${user}::uuid and status = 'active' and password_hash is distinct from '*'
      union all select type from mfa where usr_id = ${user}::uuid and status = 'active' order by 1`);
      return rows.map(({ kind }) => kind);
    };
    /** The owner chooses a password with the message that follows, and signs in. */
    const recovers = async (person: Person) => {
      const token = await secretTo(person);
      expect(world.mailbox.newestTo(person.identifier).text).toContain("/reset?token=");
      expect(await outcome(world.auth.passwordReset.confirm({ token, password, context: context() }))).toBe("done");
      const signedIn = world.auth.signIn.password({ identifier: person.identifier, password, context: context() });
      expect(await outcome(signedIn)).toBe("done");
    };
    /** A second account with the address, which it has not proved. */
    const squat = async ({ identifier }: Pick<Person, "identifier">) => {
      const squatter = await world.person({ identifier });
      return { ...squatter, second: await add(squatter, freshIdentifier()) };
    };
    const suspendOwn = async ({ actor, credentialId }: Pick<Person, "actor" | "credentialId">) =>
      await world.auth.credentials.suspendOwnPassword({ actor, credentialId, currentPassword: goodPassword });

    describe("a suspended password of the address", () => {
      test("that another account has suspended itself keeps nobody out", async () => {
        const person = await verified();
        const thief = await withNewAddress(world, person);
        const squatter = await squat(person);
        await suspendOwn(squatter);
        expect(await disown(thief.back)).toBe("done");
        const rows = await world.rows<{ status: string }>(sql`
        select status from cred where id = ${uuidFor("cred", squatter.credentialId)}::uuid`);
        expect(rows).toEqual([{ status: "revoked" }]);
        await recovers(person);
      });

      test("of the same account neither", async () => {
        const person = await verified();
        const thief = await withNewAddress(world, person);
        await suspendOwn({ ...thief, credentialId: await add(thief, person.identifier) });
        expect(await disown(thief.back)).toBe("done");
        await recovers(person);
      });

      test.each(["an administrator has suspended it", "its address is verified"])(
        "keeps the address if %s, and the notice stays unused",
        async (which) => {
          const person = await verified();
          const thief = await withNewAddress(world, person);
          const other = await squat(person);
          if (which === "its address is verified") {
            await withVerifiedAddress(world, other);
            await suspendOwn(other);
          } else await world.auth.credentials.suspend({ actor: system, credentialId: other.credentialId });
          expect(await disown(thief.back)).toBe(taken);
          await world.auth.users.revoke({ actor: system, userId: other.userId });
          expect(await disown(thief.back)).toBe("done");
          await recovers(person);
        },
      );
    });

    describe("the address, added again to the account, hides nothing", () => {
      test("what the thief has added goes", async () => {
        const person = await verified();
        const thief = await withNewAddress(world, person);
        await add(thief, person.identifier);
        await passkey(thief);
        expect(await disown(thief.back)).toBe("done");
        expect(await openers(person)).toEqual([]);
        await recovers(person);
        expect(await openers(person)).toEqual(["password"]);
      });

      test("nor if it is revoked then", async () => {
        const person = await verified();
        const thief = await withNewAddress(world, person);
        const credentialId = await add(thief, person.identifier);
        const { actor } = thief;
        await world.auth.credentials.revokeOwnPassword({ actor, credentialId, currentPassword: goodPassword });
        expect(await disown(thief.back)).toBe("done");
        expect(await openers(person)).toEqual([]);
        await recovers(person);
      });

      test("an address that came back has not been left: an older notice is one of the account", async () => {
        const person = await verified();
        const older = await noticeOf(person);
        const thief = await withNewAddress(world, person);
        expect(await disown(thief.back)).toBe("done");
        await recovers(person);
        await world.rows(sql`
        update cred set created_at = created_at - interval '80 hours' where usr_id = ${uuidFor("usr", person.userId)}::uuid`);
        await world.auth.mail.deliver();
        expect(await disown(older)).toBe("done");
        await recovers(person);
      });
    });

    describe("a thief who revokes the address, instead of changing it,", () => {
      const revoked = async (person: Person) => {
        const { actor, credentialId } = person;
        const other = await add(person, freshIdentifier());
        await world.auth.credentials.revokeOwnPassword({ actor, credentialId, currentPassword: goodPassword });
        // As if the session had begun with the other password.
        await world.rows(sql`
        update ses set revoked_at = null, ended_by = null, cred_id = ${uuidFor("cred", other)}::uuid
        where id = ${uuidFor("ses", person.session.id)}::uuid`);
        return await secretTo(person);
      };

      test.each(["active", "suspended"])(
        "cannot hold it with another account, %s and without a proof",
        async (status) => {
          const person = await verified();
          const notice = await revoked(person);
          const squatter = await squat(person);
          if (status === "suspended") await suspendOwn(squatter);
          expect(await disown(notice)).toBe("done");
          expect(await world.liveSessions(squatter.userId)).toBe(0);
          await recovers(person);
          expect(await openers(person)).toEqual(["password"]);
        },
      );

      test("keeps nothing that was added since", async () => {
        const person = await verified();
        const notice = await revoked(person);
        await passkey(person);
        await addApp(world, person);
        expect(await disown(notice)).toBe("done");
        expect(await openers(person)).toEqual([]);
        await recovers(person);
        expect(await openers(person)).toEqual(["password"]);
      });

      test("keeps nothing behind an app that was never confirmed", async () => {
        const person = await verified();
        const { actor } = person;
        for (const label of ["one", "another"]) await world.auth.factors.enrollTotp({ actor, label });
        const notice = await revoked(person);
        await addApp(world, person);
        expect(await disown(notice)).toBe("done");
        expect(await openers(person)).toEqual([]);
        await recovers(person);
      });

      test("keeps nothing by adding it again either", async () => {
        const person = await verified();
        const notice = await revoked(person);
        await add(person, person.identifier);
        await passkey(person);
        expect(await disown(notice)).toBe("done");
        await recovers(person);
        expect(await openers(person)).toEqual(["password"]);
      });

      test("but an account that has proved the address keeps it, and the notice stays unused", async () => {
        const person = await verified();
        const notice = await revoked(person);
        const other = await withVerifiedAddress(world, await world.person({ identifier: person.identifier }));
        expect(await disown(notice)).toBe(taken);
        expect(await openers(person)).toEqual(["password"]);
        await world.auth.users.revoke({ actor: system, userId: other.userId });
        expect(await disown(notice)).toBe("done");
        await recovers(person);
      });

      test("a factor of before stays: the reader of an address that the owner has revoked has no way around it", async () => {
        const person = await verified();
        const older = await noticeOf(person);
        const { person: owner } = await addApp(world, person);
        await revoked(owner);
        expect(await disown(older)).toBe("done");
        expect(await openers(person)).toEqual(["totp"]);
      });

      test("so does one that has taken its place since", async () => {
        const person = await verified();
        const { person: owner } = await addApp(world, person);
        const notice = await revoked(owner);
        await addApp(world, owner);
        expect(await disown(notice)).toBe("done");
        expect(await openers(person)).toEqual(["totp"]);
      });
    });

    describe("the factor that is asked for", () => {
      test.each(["an app", "a passkey"])(
        "is one of when the address was left: the reader of the old mailbox has no way around %s with an older notice",
        async (kind) => {
          const person = await verified();
          const older = await noticeOf(person);
          const app = kind === "an app" ? await addApp(world, person) : undefined;
          if (!app) await passkey(person);
          const changed = await withNewAddress(world, app?.person ?? person);
          expect(await disown(older)).toBe(stale);
          expect(await disown(changed.back)).toBe(stale);
          if (!app) return;
          const proof = { type: "totp", code: await app.app.code() } as const;
          expect(await disown(older, { proof })).toBe("done");
        },
      );

      test.each(["totp", "recovery"] as const)("is the owner's, if the thief has replaced it: %s", async (type) => {
        const own = await addApp(world, await verified());
        const { codes } = await world.auth.factors.replaceRecoveryCodes(own.person);
        await world.auth.mail.deliver();
        const thief = await addApp(world, own.person);
        await world.auth.mail.deliver();
        const aboutFactor = await newestAbout(own.person.userId);
        const { codes: thiefs } = await world.auth.factors.replaceRecoveryCodes(thief.person);
        await withNewAddress(world, thief.person);
        const code = async (app: typeof own.app, recovery: readonly string[]) => ({
          proof: { type, code: type === "totp" ? await app.code() : recovery[0]! },
        });
        expect(await disown(aboutFactor, await code(thief.app, thiefs))).toBe(wrong);
        expect(await disown(aboutFactor, await code(own.app, codes))).toBe("done");
        expect(await openers(own.person)).toEqual([]);
      });
    });

    /** The secret of the newest notice about a new factor. */
    async function newestAbout(userId: Person["userId"]): Promise<string> {
      const [row] = await world.rows<{ recipient: string }>(sql`
      select cred.identifier as recipient from mail_message m join cred on cred.id = m.cred_id
      where m.usr_id = ${uuidFor("usr", userId)}::uuid and m.kind = 'factor_added' order by m.created_at desc limit 1`);
      return world.mailbox.secretTo(row!.recipient);
    }
  },
);

describeWorld(
  "S40: a mailbox whose address the account has ended",
  { on: ["pglite", "postgres"], clock: new Date("2026-12-01T10:00:00Z") },
  (world) => {
    /** A person with two verified addresses, and the link of a notice to the one that was then ended. */
    const ended = async (by: "user" | "administrator") => {
      const person = await withVerifiedAddress(world, await world.person());
      const { actor, userId, credentialId } = person;
      const more = { identifier: freshIdentifier(), password: goodPassword };
      await world.auth.credentials.createOwnPassword({ actor, userId, ...more, currentPassword: goodPassword });
      await world.auth.mail.deliver();
      const token = world.mailbox.secretTo(person.identifier);
      const { revokeOwnPassword, revoke } = world.auth.credentials;
      if (by === "user") await revokeOwnPassword({ actor, credentialId, currentPassword: goodPassword });
      else await revoke({ actor: system, credentialId });
      return { person: { ...person, ...more }, token };
    };

    test.each(["user", "administrator"] as const)(
      "by its %s: after 72 hours its notices have no power, and the account is not locked",
      async (by) => {
        const { person, token } = await ended(by);
        await advanceTestClock(world.database, 72 * 3_600);
        expect(await outcome(world.auth.notices.disown({ token }))).toBe("unauthorized.invalid_link");
        expect(await outcome(world.auth.signIn.password(person))).toBe("done");
      },
    );

    test("not even if the history of passwords, or a change of keys, has erased or written its secret since", async () => {
      const { person, token } = await ended("user");
      await advanceTestClock(world.database, 73 * 3_600);
      await world.rows(sql`
        update cred set password_hash = '*' where id = ${uuidFor("cred", person.credentialId)}::uuid`);
      expect(await outcome(world.auth.notices.disown({ token }))).toBe("unauthorized.invalid_link");
    });

    test("by its user: before that, the address comes back", async () => {
      const { token, person } = await ended("user");
      await advanceTestClock(world.database, 72 * 3_600 - 1);
      expect(await outcome(world.auth.notices.disown({ token }))).toBe("done");
      expect(await outcome(world.auth.signIn.password(person))).toBe("unauthorized.invalid_credential");
    });
  },
);
