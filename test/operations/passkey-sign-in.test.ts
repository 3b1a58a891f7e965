import { beforeEach, describe, expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { outcome, system } from "../support/auth.ts";
import { type Misuse, withBitTurned } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("passkey sign-in", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const { withPasskey, passkeySignIn: signIn } = usersWithPasskeys(world);

  test("one passkey counts as two factors: the session is at level 2", async () => {
    const { person, authenticator, passkey } = await withPasskey();
    const { session } = await signIn(authenticator);
    expect(session).toMatchObject({
      userId: person.userId,
      credentialId: passkey.id,
      amr: ["mfa", "pop", "user"],
      authTime: start,
      mfaVerifiedAt: start,
    });
    expect((await auth.passkeys.list(person)).data[0]!.lastUsedAt).toEqual(start);
  });

  test("the user of such a session has no identifier: the passkey's id is not one", async () => {
    const { person, authenticator } = await withPasskey();
    const { token, transport } = person;
    expect((await auth.sessions.verify({ token, transport })).user.identifier).toBe(person.identifier);
    const signedIn = await signIn(authenticator);
    expect((await auth.sessions.verify({ token: signedIn.token, transport })).user.identifier).toBe(null);
  });

  test("S45: a synced passkey without a counter signs in again and again", async () => {
    const { authenticator, passkey } = await withPasskey({ counts: false, backup: true });
    expect(passkey).toMatchObject({ backupEligible: true, backedUp: true });
    await signIn(authenticator);
    await signIn(authenticator);
  });

  test("a passkey satisfies a policy that requires a second factor", async () => {
    const { person, authenticator } = await withPasskey();
    await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
    const { token } = await signIn(authenticator);
    expect(await outcome(auth.sessions.verify({ token, transport: "token" }))).toBe("done");
  });

  test("S26: the options name no credential", async () => {
    expect(await auth.signIn.passkeyOptions()).toEqual({
      challenge: expect.any(String),
      timeout: 300_000,
      rpId: "example.com",
      allowCredentials: [],
      userVerification: "required",
    });
  });

  test("S46: a page view leaves no row", async () => {
    const count = async () =>
      (await world.rows<{ n: number }>(sql`select count(*)::int as n from spent_challenge`))[0]!.n;
    const before = await count();
    await auth.signIn.passkeyOptions();
    expect(await count()).toBe(before);
  });

  describe("a sign-in is refused", () => {
    test.each<{ case: string; misuse: Misuse }>([
      { case: "from another origin", misuse: { origin: "https://example.com:8443" } },
      { case: "for another relying party", misuse: { rpId: "evil.test" } },
      { case: "with an unknown challenge", misuse: { challenge: toBase64Url(randomBytes(70)) } },
      { case: "without a present user", misuse: { flags: 0x04 } },
      { case: "in a frame", misuse: { clientData: { crossOrigin: true } } },
      { case: "as a registration", misuse: { clientData: { type: "webauthn.create" } } },
      { case: "with a counter that stands still", misuse: { signCount: 1 } },
      { case: "with a counter that falls", misuse: { signCount: 0 } },
      { case: "when it becomes eligible for backup", misuse: { flags: 0x0d } },
      { case: "without a handle", misuse: { userHandle: null } },
      { case: "with another user's handle", misuse: { userHandle: toBase64Url(randomBytes(32)) } },
      { case: "with an empty handle", misuse: { userHandle: "" } },
      { case: "under another id", misuse: { credentialId: toBase64Url(randomBytes(32)) } },
    ])("$case", async ({ misuse }) => {
      const { person, authenticator } = await withPasskey();
      const before = await world.liveSessions(person.userId);
      expect(await outcome(signIn(authenticator, misuse))).toBe("unauthorized.invalid_credential");
      expect(await world.liveSessions(person.userId)).toBe(before);
      await signIn(authenticator);
    });

    test("with any bit of the signed data flipped", async () => {
      const { authenticator } = await withPasskey();
      const response = await authenticator.get(await auth.signIn.passkeyOptions());
      for (const member of ["authenticatorData", "clientDataJSON", "signature"]) {
        for (let bit = 0; bit < 160; bit += 13) {
          await world.rows(sql`delete from attempt`);
          const spoilt = withBitTurned(response, member, bit);
          expect(await outcome(auth.signIn.passkey({ response: spoilt }))).toBe("unauthorized.invalid_credential");
        }
      }
      await auth.signIn.passkey({ response });
    });

    test("a second time with the same challenge, even without a counter", async () => {
      const { authenticator } = await withPasskey({ counts: false });
      const response = await authenticator.get(await auth.signIn.passkeyOptions());
      await auth.signIn.passkey({ response });
      expect(await outcome(auth.signIn.passkey({ response }))).toBe("unauthorized.invalid_credential");
    });

    test("after more than five minutes", async () => {
      const { authenticator } = await withPasskey();
      const response = await authenticator.get(await auth.signIn.passkeyOptions());
      await later(300);
      expect(await outcome(auth.signIn.passkey({ response }))).toBe("unauthorized.invalid_credential");
    });

    test.each(["suspend", "revoke"] as const)("after %s of the passkey or of its user", async (act) => {
      const one = await withPasskey();
      await auth.credentials[act]({ actor: system, credentialId: one.passkey.id });
      expect(await outcome(signIn(one.authenticator))).toBe("unauthorized.invalid_credential");
      const other = await withPasskey();
      await auth.users[act]({ actor: system, userId: other.person.userId });
      expect(await outcome(signIn(other.authenticator))).toBe("unauthorized.invalid_credential");
    });

    test.each([null, {}, "x", { id: "AAAA", rawId: "AAAA", type: "public-key", response: {} }])(
      "a response of %j",
      async (response) => {
        expect(await outcome(auth.signIn.passkey({ response }))).toBe("unauthorized.invalid_credential");
      },
    );

    test("past the address's limit, before any verification", async () => {
      const strict = world.isolate({ limits: { address: { attempts: 2, windowSeconds: 60 } } });
      const { authenticator } = await withPasskey();
      for (const expected of ["unauthorized.invalid_credential", "unauthorized.invalid_credential"]) {
        expect(await outcome(strict.signIn.passkey({ response: {} }))).toBe(expected);
      }
      const response = await authenticator.get(await strict.signIn.passkeyOptions());
      expect(await outcome(strict.signIn.passkey({ response }))).toBe("too_many_requests");
    });
  });

  test("S41: a failure is recorded with a keyed digest of the credential and without a user", async () => {
    const { authenticator } = await withPasskey();
    await outcome(signIn(authenticator, { flags: 0x04 }));
    const events = await world.events({ action: "identity.sign_in" });
    const failed = events.find(({ metadata }) => metadata.reason === "user_present" && metadata.method);
    const { outcome: result, actorUserId, metadata, targetId } = failed!;
    expect([result, actorUserId, metadata]).toEqual(["failure", null, { method: "passkey", reason: "user_present" }]);
    expect(targetId).not.toContain(authenticator.credentialId);
  });
});
