import { beforeEach, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshAddress, outcome, type Person, system } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, appOf, ticketFor } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

const context = () => ({ address: freshAddress() });
const wrong = { type: "totp", code: "000000" } as const;

describeWorld(
  "second-factor attempts used up by an attacker",
  { on: ["pglite", "postgres"], clock: start },
  (world, auth) => {
    beforeEach(() => world.rows(sql`delete from attempt`));
    const later = (seconds: number) => advanceTestClock(world.database, seconds);
    const { proofBy } = usersWithPasskeys(world);

    /** Uses up the user's attempts at second factors, as an attacker with the password can. */
    async function useFactorsUp(person: Person, attempts = 10): Promise<void> {
      for (let used = 0; used < attempts; ) {
        const ticket = await ticketFor(world, person);
        for (let n = 0; n < 5 && used < attempts; n++, used++) {
          const code = await outcome(auth.signIn.factor({ ticket, proof: wrong, context: context() }));
          expect(["unauthorized.invalid_factor", "too_many_requests"]).toContain(code);
        }
      }
    }

    test("S32, R014: a hundred failures and an administrator's reset: the owner can enroll again", async () => {
      const { person, app } = await addApp(world, await world.person());
      const { userId, transport } = person;
      await auth.mfaPolicies.set({ actor: system, userId, required: true });
      for (let round = 0; round < 11; round++) {
        await useFactorsUp(person);
        await later(86_401);
      }
      const administrator = await world.administrator();
      await auth.factors.revoke({ actor: administrator.actor, factorId: app.factorId });
      const ticket = await ticketFor(world, person);
      const next = appOf(world, await auth.factors.enrollTotp({ ticket, transport, label: "new phone" }));
      expect(
        await outcome(
          auth.factors.confirmTotp({
            ticket,
            transport,
            factorId: next.factorId,
            code: await next.code(),
            context: context(),
          }),
        ),
      ).toBe("done");
    });

    test("S22: codes are limited, a security key still finishes the sign-in", async () => {
      const { person } = await addApp(world, await world.person());
      const authenticator = await newAuthenticator();
      const { factor, options } = await auth.securityKeys.enroll({ actor: person.actor });
      await auth.securityKeys.confirm({
        actor: person.actor,
        transport: "token",
        factorId: factor.id,
        response: await authenticator.create(options),
      });
      await useFactorsUp(person);
      const ticket = await ticketFor(world, person);
      const proof = await proofBy(authenticator, ticket);
      expect(await outcome(auth.webauthn.signInWithFactor({ ticket, proof, context: context() }))).toBe("done");
    });

    test("R014: codes are limited, the owner's own session still steps up", async () => {
      const { person, app } = await addApp(world, await world.person());
      await later(700);
      await useFactorsUp(person);
      const { actor, transport } = person;
      expect(await outcome(auth.stepUp({ actor, transport, proof: { type: "totp", code: await app.code() } }))).toBe(
        "done",
      );
    });

    test("R014, S22: attempts used up by a stolen session: the owner still signs in", async () => {
      const { person, app } = await addApp(world, await world.person());
      const { actor, transport } = person;
      await later(700);
      for (let n = 0; n < 10; n++) await outcome(auth.stepUp({ actor, transport, proof: wrong }));
      const ticket = await ticketFor(world, person);
      const proof = { type: "totp", code: await app.code() } as const;
      expect(await outcome(auth.signIn.factor({ ticket, proof, context: context() }))).toBe("done");
    });
  },
);
