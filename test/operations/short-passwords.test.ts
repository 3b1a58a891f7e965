import { beforeEach, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshAddress, outcome, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, personAt } from "../support/factors.ts";

const start = new Date("2026-11-22T12:00:00Z");

const context = () => ({ address: freshAddress() });

describeWorld(
  "short password, allowed only with a second factor",
  { on: ["pglite", "postgres"], clock: start },
  (world, auth) => {
    beforeEach(() => world.rows(sql`delete from attempt`));
    const later = (seconds: number) => advanceTestClock(world.database, seconds);
    test.each([
      { case: "lowered", required: false, seconds: undefined, answer: "done" },
      { case: "in grace", required: true, seconds: 60, answer: "done" },
      { case: "past its grace", required: true, seconds: -60, answer: "forbidden.enrollment_not_granted" },
    ])("R001, S32: at sign-in, the policy $case: $answer", async (row) => {
      const { identifier: taken, userId } = await world.person();
      const identifier = `short-${taken}`;
      const password = "xk7#Qv2z";
      await auth.mfaPolicies.set({ actor: system, userId, required: true });
      await auth.credentials.createPassword({ actor: system, userId, identifier, password });
      const graceUntil = row.seconds === undefined ? null : new Date(start.getTime() + row.seconds * 1000);
      await auth.mfaPolicies.set({ actor: system, userId, required: row.required, graceUntil });
      expect(await outcome(auth.signIn.password({ identifier, password, context: context() }))).toBe(row.answer);
      if (row.answer !== "done") return;
      const signedIn = await auth.signIn.password({ identifier, password, context: context() });
      expect(signedIn).toMatchObject({ mfaRequired: true, enroll: true });
    });

    test("R001: the last factor cannot be removed before the short password", async () => {
      const { person, app } = await addApp(world, await world.person());
      const { actor, transport, password } = person;
      const changed = await auth.changePassword({
        actor,
        currentPassword: password,
        newPassword: "vmqkzhrw",
        transport,
      });
      await later(60);
      const owner = await personAt(world, person, changed);
      const proof = { type: "totp", code: await app.code() } as const;
      const proved = await personAt(world, owner, await auth.stepUp({ actor: owner.actor, transport, proof }));
      expect(await outcome(auth.factors.revoke({ actor: proved.actor, factorId: app.factorId }))).not.toBe("done");
    });

    test("R001: without a factor neither a check nor a refresh accepts a session from a short password", async () => {
      const { credentialId, token, transport } = await world.person();
      await world.rows(sql`update cred set needs_factor = true where id = ${uuidFor("cred", credentialId)}::uuid`);
      expect(await outcome(auth.sessions.verify({ token, transport }))).toBe("unauthorized.mfa_required");
      expect(await outcome(auth.sessions.refresh({ token, transport }))).toBe("unauthorized.mfa_required");
    });
  },
);
