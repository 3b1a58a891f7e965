import { beforeEach, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { otherPassword, outcome } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { personAt } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld(
  "fresh proof at the account's highest level",
  { on: ["pglite", "postgres"], clock: start },
  (world, auth) => {
    beforeEach(() => world.rows(sql`delete from attempt`));
    const later = (seconds: number) => advanceTestClock(world.database, seconds);
    const { withPasskey, passkeySignIn } = usersWithPasskeys(world);

    test("S04, R037, B51: a password-only session revokes the owner's passkey: refused", async () => {
      const { person, passkey } = await withPasskey();
      const thief = await world.signIn(person);
      expect(await outcome(auth.credentials.revoke({ actor: thief.actor, credentialId: passkey.id }))).toBe(
        "unauthorized.reauthentication_required",
      );
    });

    test("S28, R037: a password-only session adds a passkey to the owner's: refused", async () => {
      const { person } = await withPasskey();
      const thief = await world.signIn(person);
      expect(await outcome(auth.passkeys.registrationOptions(thief))).toBe("unauthorized.reauthentication_required");
    });

    test("S28, R037: a password-only session enrolls its own app to reach level 2: refused", async () => {
      const { person } = await withPasskey();
      const thief = await world.signIn(person);
      expect(await outcome(auth.factors.enrollTotp({ actor: thief.actor, label: "mine" }))).toBe(
        "unauthorized.reauthentication_required",
      );
    });

    test("S04, S14: a stale passkey session under a policy: the password alone does not make it fresh", async () => {
      const { person, authenticator } = await withPasskey();
      await world.requireFactor(person.userId);
      const stolen = await personAt(world, person, await passkeySignIn(authenticator));
      await later(700);
      const { actor, transport } = stolen;
      const guess = (password: string) =>
        outcome(auth.stepUp({ actor, transport, proof: { type: "password", password } }));
      expect(await guess(person.password)).toBe("unauthorized.reauthentication_required");

      // R014's attempts are not used up either: the owner can still prove the password.
      for (let n = 0; n < 25; n++) expect(await guess("guess")).toBe("unauthorized.reauthentication_required");
      const owner = await personAt(world, person, await passkeySignIn(authenticator));
      const change = { currentPassword: person.password, newPassword: otherPassword, transport };
      expect(await outcome(auth.changePassword({ ...change, actor: owner.actor }))).toBe("done");
    });

    test("S31, S04: a refreshed passkey session under a policy: the passkey does not count as proved again", async () => {
      const { person, authenticator } = await withPasskey();
      await world.requireFactor(person.userId);
      const { token } = await passkeySignIn(authenticator);
      const refreshed = await personAt(world, person, await auth.sessions.refresh({ token, transport: "token" }));
      expect(refreshed.session.mfaVerifiedAt).toBe(null);
      expect(await outcome(auth.passkeys.registrationOptions(refreshed))).toBe(
        "unauthorized.reauthentication_required",
      );
    });
  },
);
