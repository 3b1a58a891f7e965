import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { passwordHistory } from "../../src/operations/password-history.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshIdentifier, goodPassword, otherPassword, outcome, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp } from "../support/factors.ts";
import { withVerifiedAddress } from "../support/links.ts";

const day = 86_400;

/** A link's power is counted from the end of an address or a factor, which `updated_at` tells. */
describeWorld(
  "S40: the time at which a credential or factor ended",
  { on: ["pglite", "postgres"], clock: new Date("2026-12-01T10:00:00Z") },
  (world) => {
    const ends = async (userId: Person["userId"]) =>
      await world.rows(sql`
        select id, updated_at as at from cred where usr_id = ${uuidFor("usr", userId)}::uuid and status = 'revoked'
        union all select id, updated_at from mfa where usr_id = ${uuidFor("usr", userId)}::uuid and status = 'revoked' order by 1`);

    test("moves when a live one changes or ends, and no later: whatever erases or writes its secret", async () => {
      const { person, app } = await addApp(world, await withVerifiedAddress(world, await world.person()));
      await world.auth.factors.revoke({ actor: system, factorId: app.factorId });
      await world.auth.credentials.revoke({ actor: system, credentialId: person.credentialId });
      const before = await ends(person.userId);
      expect(before).toHaveLength(2);
      await advanceTestClock(world.database, day);
      const user = uuidFor("usr", person.userId);
      await world.rows(sql`update cred set password_hash = '*' where usr_id = ${user}::uuid`);
      await world.rows(sql`update mfa set totp_secret = totp_secret where usr_id = ${user}::uuid`);
      await world.auth.users.revoke({ actor: system, userId: person.userId });
      expect(await ends(person.userId)).toEqual(before);
    });

    test("a history of passwords gives a mailbox of before no power back", async () => {
      const auth = world.isolate({ history: passwordHistory(2) });
      const person = await withVerifiedAddress(world, await world.person());
      const { actor, userId, credentialId } = person;
      const own = { identifier: freshIdentifier(), password: otherPassword };
      await auth.credentials.createOwnPassword({ actor, userId, ...own, currentPassword: goodPassword });
      await auth.mail.deliver();
      const token = world.mailbox.secretTo(person.identifier);
      await auth.credentials.revokeOwnPassword({ actor, credentialId, currentPassword: goodPassword });
      await advanceTestClock(world.database, 4 * day);
      const signedIn = await auth.signIn.password(own);
      if (signedIn.mfaRequired) throw new Error("A second factor is demanded.");
      let owned = signedIn.session.credentialId;
      for (const password of [`${otherPassword}x`, `${otherPassword}y`, `${otherPassword}z`]) {
        ({ id: owned } = await auth.credentials.rotatePassword({ actor: system, credentialId: owned, password }));
      }
      expect(await outcome(auth.notices.disown({ token }))).toBe("unauthorized.invalid_link");
    });

    test("an account that closes says so to the addresses that it had, and to none of before", async () => {
      const person = await withVerifiedAddress(world, await world.person());
      const { userId, credentialId } = person;
      const identifier = freshIdentifier();
      await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
      await world.rows(sql`
        update cred set identifier_verified_at = sallyport_now() where usr_id = ${uuidFor("usr", userId)}::uuid`);
      await world.auth.credentials.revoke({ actor: system, credentialId });
      await advanceTestClock(world.database, 200 * day);
      await world.auth.users.revoke({ actor: system, userId });
      const told = await world.rows<{ recipient: string }>(sql`
        select recipient from mail_message
        where usr_id = ${uuidFor("usr", userId)}::uuid and kind = 'account_closed'`);
      expect(told).toEqual([{ recipient: identifier }]);
    });
  },
);
