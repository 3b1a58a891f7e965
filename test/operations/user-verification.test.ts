/** Keys without a PIN: what a ceremony demands is in its options, and a refusal names it. */
import { describe, expect, test } from "vitest";
import { fromBase64Url, toBase64Url } from "../../src/crypto/bytes.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, freshAddress, outcome, type Person } from "../support/auth.ts";
import { type Authenticator, newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { ticketFor } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

/** Authenticator data of a touch: the user is present but not verified. */
const touched = { flags: 0x01, userHandle: null };
const madeByTouch = { flags: 0x41 };
const levels = ["required", "preferred", "discouraged"] as const;

describeWorld("user verification", { on: ["pglite"] }, (world, auth) => {
  const { withPasskey } = usersWithPasskeys(world);
  const isolate = (secondFactorVerification?: (typeof levels)[number]) =>
    world.isolate(secondFactorVerification && { secondFactorVerification });

  /** Enrolls a key that cannot verify its user. */
  async function enroll(auth: FullAuth, person: Person, key: Authenticator) {
    const { actor, transport } = person;
    const { factor, options } = await auth.securityKeys.enroll({ actor });
    const response = await key.create(options, madeByTouch);
    return await outcome(auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response }));
  }

  test.each(levels)("S74: secondFactorVerification %s: the options of every second factor say so", async (level) => {
    const auth = isolate(level);
    const person = await world.person();
    const { actor } = person;
    const isRequired = level === "required";
    expect((await auth.securityKeys.enroll({ actor })).options.authenticatorSelection).toEqual({
      residentKey: isRequired ? "required" : "discouraged",
      requireResidentKey: isRequired,
      userVerification: level,
    });
    expect((await auth.passkeys.proofOptions({ actor })).userVerification).toBe(level);
    // A passkey signs in alone, so it is never a mere touch.
    expect((await auth.passkeys.registrationOptions({ actor })).authenticatorSelection.userVerification).toBe(
      "required",
    );
    expect((await auth.signIn.passkeyOptions()).userVerification).toBe("required");
  });

  test("S74: by default a key without a PIN is refused with the reason, and enrolls nothing", async () => {
    const person = await world.person();
    expect(await enroll(isolate(), person, await newAuthenticator())).toBe("invalid_format.user_not_verified");
    expect((await world.auth.signIn.password(person)).mfaRequired).toBe(false);
  });

  test.each(["preferred", "discouraged"] as const)(
    "S74: %s: a touch is a second factor and steps up, and never signs in alone",
    async (level) => {
      const auth = isolate(level);
      const [person, key] = [await world.person(), await newAuthenticator()];
      expect(await enroll(auth, person, key)).toBe("done");
      const ticket = await ticketFor(world, person);
      const options = await auth.passkeys.proofOptions({ ticket });
      const proof = { type: "webauthn", response: await key.get(options, touched) } as const;
      const session = await auth.webauthn.signInWithFactor({ ticket, proof });
      expect(session.session.amr).toContain("mfa");
      const { actor } = await auth.sessions.verify({ token: session.token, transport: "token" });
      const again = {
        type: "webauthn",
        response: await key.get(await auth.passkeys.proofOptions({ actor }), touched),
      } as const;
      await auth.webauthn.stepUp({ actor, transport: "token", proof: again });
      const alone = await key.get(await auth.signIn.passkeyOptions(), touched);
      expect(await outcome(auth.signIn.passkey({ response: alone }))).toBe("unauthorized.user_not_verified");
    },
  );

  test("S74: a passkey is never made or used alone by a touch, whatever the option", async () => {
    const auth = isolate("discouraged");
    const { actor, userId } = await world.person();
    const response = await (await newAuthenticator()).create(
      await auth.passkeys.registrationOptions({ actor }),
      madeByTouch,
    );
    expect(await outcome(auth.passkeys.register({ actor, response, transport: "token" }))).toBe(
      "invalid_format.user_not_verified",
    );
    expect((await auth.passkeys.list({ actor, userId })).data).toEqual([]);
    const { authenticator } = await withPasskey();
    const touch = await authenticator.get(await auth.signIn.passkeyOptions(), touched);
    expect(await outcome(auth.signIn.passkey({ response: touch }))).toBe("unauthorized.user_not_verified");
  });

  /** Every use of an assertion. */
  const uses: Record<string, (response: unknown, person: Person, ticket: string) => Promise<unknown>> = {
    "sign-in": (response) => auth.signIn.passkey({ response, context: { address: freshAddress() } }),
    "second factor": (response, _person, ticket) =>
      auth.webauthn.signInWithFactor({ ticket, proof: { type: "webauthn", response } }),
    "verification of a factor": (response, { userId }, ticket) =>
      auth.webauthn.verifyMfa({ ticket, userId, transport: "token", proof: { type: "webauthn", response } }),
    "step-up": (response, { actor, transport }) =>
      auth.webauthn.stepUp({ actor, transport, proof: { type: "webauthn", response } }),
  };

  test.each(Object.entries(uses))(
    "S74: %s: the reason is the same for known and unknown credentials, before anything is looked up or counted",
    async (_use, present) => {
      const { authenticator: known, person } = await withPasskey();
      await world.enroll(person.userId);
      const ticket = await ticketFor(world, person);
      await world.rows(sql`delete from attempt`);
      for (const device of [known, await newAuthenticator()]) {
        const options = await world.auth.signIn.passkeyOptions();
        for (const misuse of [touched, { ...touched, challenge: "AAAA" }, { ...touched, rpId: "evil.test" }]) {
          const response = await device.get(options, misuse);
          world.counting.reset(0);
          expect(await outcome(present(response, person, ticket))).toBe("unauthorized.user_not_verified");
          world.counting.reset();
        }
      }
      expect(await world.rows(sql`select bucket from attempt`)).toEqual([]);
    },
  );

  describe("S74: a signed flag cannot be turned on", () => {
    test("the flag is judged again with the signature", async () => {
      const { authenticator } = await withPasskey();
      const response = (await authenticator.get(await world.auth.signIn.passkeyOptions(), touched)) as {
        response: { authenticatorData: string };
      };
      const data = fromBase64Url(response.response.authenticatorData)!;
      data[32]! |= 0x04;
      response.response.authenticatorData = toBase64Url(data);
      expect(await outcome(world.auth.signIn.passkey({ response }))).toBe("unauthorized.invalid_credential");
    });
  });

  test("S74: another refused registration names its reason", async () => {
    const { actor } = await world.person();
    const options = await world.auth.passkeys.registrationOptions({ actor });
    const response = await (await newAuthenticator()).create(options, { origin: "https://evil.test" });
    await expect(world.auth.passkeys.register({ actor, response, transport: "token" })).rejects.toMatchObject({
      code: "invalid_format.webauthn",
      details: { reason: "origin_mismatch" },
    });
  });
});
