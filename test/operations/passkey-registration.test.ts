import { beforeEach, describe, expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { outcome, system } from "../support/auth.ts";
import { type Misuse, newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { personAt } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("passkey registration", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const later = (seconds: number) => advanceTestClock(world.database, seconds);
  const { withPasskey, passkeySignIn: signIn, inside } = usersWithPasskeys(world);

  test("options: a discoverable credential with user verification", async () => {
    const person = await world.person();
    const options = await auth.passkeys.registrationOptions(person);
    expect(options).toEqual({
      rp: { id: "example.com", name: "example.com" },
      user: { id: expect.stringMatching(/^[\w-]{43}$/), name: person.identifier, displayName: person.identifier },
      challenge: expect.any(String),
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      timeout: 300_000,
      excludeCredentials: [],
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
    });
  });

  test("S45: the user handle is permanent, opaque and unique to the user", async () => {
    const person = await world.person();
    const handles = await Promise.all(
      [person, person, await world.person()].map(async (one) => (await auth.passkeys.registrationOptions(one)).user.id),
    );
    expect(handles[0]).toBe(handles[1]);
    expect(handles[0]).not.toBe(handles[2]);
  });

  test.each(["ES256", "RS256", "EdDSA"] as const)("an %s key: registered, and signs in", async (kind) => {
    const { authenticator, passkey, person } = await withPasskey({ kind });
    expect(passkey).toEqual({
      id: expect.stringMatching(/^cred_/),
      userId: person.userId,
      status: "active",
      name: "laptop",
      transports: ["hybrid", "internal"],
      aaguid: null,
      backupEligible: false,
      backedUp: false,
      createdAt: start,
      lastUsedAt: null,
    });
    expect((await signIn(authenticator)).user.id).toBe(person.userId);
  });

  test("options: exclude the user's existing passkeys", async () => {
    const { authenticator, person } = await inside();
    const { excludeCredentials } = await auth.passkeys.registrationOptions(person);
    const transports = ["hybrid", "internal"];
    expect(excludeCredentials).toEqual([{ type: "public-key", id: authenticator.credentialId, transports }]);
  });

  describe("a registration is refused", () => {
    test.each<{ case: string; misuse: Misuse }>([
      { case: "from another origin", misuse: { origin: "https://example.com.evil.test" } },
      { case: "from a subdomain", misuse: { origin: "https://evil.example.com" } },
      { case: "for another relying party", misuse: { rpId: "evil.test" } },
      { case: "with an unknown challenge", misuse: { challenge: toBase64Url(randomBytes(70)) } },
      { case: "with the challenge of an assertion", misuse: {} },
      { case: "without a present user", misuse: { flags: 0x44 } },
      { case: "backed up without being eligible", misuse: { flags: 0x55 } },
      { case: "in a frame", misuse: { clientData: { crossOrigin: true } } },
      { case: "as an assertion", misuse: { clientData: { type: "webauthn.get" } } },
      { case: "under another id", misuse: { credentialId: toBase64Url(randomBytes(32)) } },
    ])("$case", async ({ case: name, misuse }) => {
      const { actor, userId } = await world.person();
      const options = await auth.passkeys.registrationOptions({ actor });
      const { challenge } = await auth.signIn.passkeyOptions();
      const spoilt = name === "with the challenge of an assertion" ? { challenge } : misuse;
      const response = await (await newAuthenticator()).create(options, spoilt);
      expect(await outcome(auth.passkeys.register({ actor, response }))).toBe("invalid_format.webauthn");
      expect((await auth.passkeys.list({ actor, userId })).data).toEqual([]);
    });

    test.each([null, 1, "x", [], {}, { response: {} }, { id: "", rawId: "", type: "public-key", response: null }])(
      "a response of %j",
      async (response) => {
        const { actor } = await world.person();
        expect(await outcome(auth.passkeys.register({ actor, response }))).toBe("invalid_format.webauthn");
      },
    );

    test("S28: with the challenge of another session, even of the same user", async () => {
      const person = await world.person();
      const elsewhere = await world.signIn(person);
      const options = await auth.passkeys.registrationOptions(elsewhere);
      const response = await (await newAuthenticator()).create(options);
      expect(await outcome(auth.passkeys.register({ actor: person.actor, response }))).toBe("invalid_format.webauthn");
    });

    test("a second time with the same challenge", async () => {
      const { actor, userId } = (await inside()).person;
      const options = await auth.passkeys.registrationOptions({ actor });
      await auth.passkeys.register({ actor, response: await (await newAuthenticator()).create(options) });
      const again = await (await newAuthenticator()).create(options);
      expect(await outcome(auth.passkeys.register({ actor, response: again }))).toBe("invalid_format.webauthn");
      expect((await auth.passkeys.list({ actor, userId })).data).toHaveLength(2);
    });

    test("after more than five minutes", async () => {
      const { actor } = await world.person();
      const response = await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
      await later(300);
      expect(await outcome(auth.passkeys.register({ actor, response }))).toBe("invalid_format.webauthn");
    });

    test("R037, S28: in a session that is not fresh, for the options and for the registration", async () => {
      const { actor, session } = await world.person();
      const response = await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
      await world.age(session, 601);
      expect(await outcome(auth.passkeys.registrationOptions({ actor }))).toBe(
        "unauthorized.reauthentication_required",
      );
      expect(await outcome(auth.passkeys.register({ actor, response }))).toBe("unauthorized.reauthentication_required");
    });

    test("S27: with a credential id that was ever registered, revoked or not", async () => {
      const credentialId = randomBytes(32);
      const first = await withPasskey({ credentialId });
      await auth.credentials.revoke({ actor: system, credentialId: first.passkey.id });
      const { actor } = await world.person();
      const response = await (await newAuthenticator({ credentialId })).create(
        await auth.passkeys.registrationOptions({ actor }),
      );
      expect(await outcome(auth.passkeys.register({ actor, response }))).toBe("conflict.duplicate_credential");
    });
  });

  test("options in a passkey session: name the user by identifier, never by credential id", async () => {
    const { person, authenticator } = await withPasskey();
    const owner = await personAt(world, person, await signIn(authenticator));
    const { user } = await auth.passkeys.registrationOptions(owner);
    expect(user.name).toBe(person.identifier);
  });
});
