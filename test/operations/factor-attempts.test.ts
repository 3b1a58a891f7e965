import { beforeEach, describe, expect, test } from "vitest";
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

    test.each([
      { type: "totp", admitted: 10 },
      { type: "webauthn", admitted: 10 },
      { type: "recovery", admitted: 1 },
    ] as const)("S24: an attempt by $type: the address has $admitted of them when its limit is ten", async (row) => {
      const limited = world.isolate({ limits: { address: { attempts: 10, windowSeconds: 60 } } });
      const { person } = await addApp(world, await world.person());
      await auth.factors.replaceRecoveryCodes(person);
      const [address, stranger] = [freshAddress(), await newAuthenticator()];
      const attempt = async () => {
        const ticket = await ticketFor(world, person);
        await world.rows(sql`delete from attempt where bucket like 'factor:%'`);
        const use = { ticket, context: { address } };
        return row.type === "webauthn"
          ? await limited.webauthn.signInWithFactor({ ...use, proof: await proofBy(stranger, ticket) })
          : await limited.signIn.factor({ ...use, proof: { type: row.type, code: "000000" } });
      };
      const codes: string[] = [];
      for (let n = 0; n < 11; n++) codes.push(await outcome(attempt()));
      const [wrongly, limit] = [Array(row.admitted).fill("unauthorized.invalid_factor"), "too_many_requests"];
      expect(codes).toEqual([...wrongly, ...Array(11 - row.admitted).fill(limit)]);
    });

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

    describe("S22: a stranger who knows the password uses up the codes", () => {
      /** The owner, after a sign-in with the app: the device is known with the factor. */
      async function ownerWithDevice() {
        const { person, app } = await addApp(world, await world.person());
        const signedIn = await auth.signIn.factor({
          ticket: await ticketFor(world, person),
          proof: { type: "totp", code: await app.code() },
          context: context(),
        });
        return { person, app, knownDevice: signedIn.knownDevice };
      }
      const codeSignIn = async (
        person: Person,
        code: string,
        knownDevice?: string,
        type: "totp" | "recovery" = "totp",
      ) =>
        await outcome(
          auth.signIn.factor({
            ticket: await ticketFor(world, person),
            proof: { type, code },
            knownDevice,
            context: context(),
          }),
        );

      test("a hundred failures in nine days: the owner's device still signs in, at once and a year later", async () => {
        const { person, app, knownDevice } = await ownerWithDevice();
        const { codes } = await auth.factors.replaceRecoveryCodes({ actor: person.actor });
        for (let day = 0; day < 11; day++) {
          await later(86_401);
          await useFactorsUp(person);
        }
        expect(await codeSignIn(person, await app.code())).toBe("too_many_requests");
        expect(await codeSignIn(person, codes[0]!, undefined, "recovery")).toBe("too_many_requests");
        expect(await codeSignIn(person, codes[0]!, knownDevice, "recovery")).toBe("done");
        expect(await codeSignIn(person, await app.code(), knownDevice)).toBe("done");
        await later(365 * 86_400);
        expect(await codeSignIn(person, await app.code())).toBe("too_many_requests");
        expect(await codeSignIn(person, await app.code(), knownDevice)).toBe("done");
      });

      test("a device has ten guesses of its own, and the account keeps its ten", async () => {
        const { person, app, knownDevice } = await ownerWithDevice();
        for (let n = 0; n < 10; n++) {
          expect(await codeSignIn(person, "000000", knownDevice)).toBe("unauthorized.invalid_factor");
        }
        await later(30);
        expect(await codeSignIn(person, await app.code(), knownDevice)).toBe("too_many_requests");
        expect(await codeSignIn(person, await app.code())).toBe("done");
      });

      test.each<{ case: string; device: (person: Person) => Promise<string> }>([
        { case: "that a password alone made known", device: async ({ knownDevice }) => knownDevice },
        {
          case: "that a password alone made known, with the mark of a factor",
          device: async ({ knownDevice }) => `${knownDevice}.factor`,
        },
        { case: "of another user", device: async () => (await ownerWithDevice()).knownDevice },
        {
          case: "of another user with this credential's id",
          device: async ({ credentialId }) =>
            [credentialId, ...(await ownerWithDevice()).knownDevice.split(".").slice(1)].join("."),
        },
      ])("a device $case: counted for the account", async ({ device }) => {
        const { person } = await addApp(world, await world.person());
        const knownDevice = await device(person);
        for (let n = 0; n < 10; n++) {
          expect(await codeSignIn(person, "000000", knownDevice)).toBe("unauthorized.invalid_factor");
        }
        expect(await codeSignIn(person, "000000", knownDevice)).toBe("too_many_requests");
        // The account has no guesses left for another device either.
        expect(await codeSignIn(person, "000000")).toBe("too_many_requests");
      });
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
