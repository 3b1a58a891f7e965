import { beforeEach, describe, expect, test } from "vitest";
import { fromBase64Url, randomBytes } from "../../src/crypto/bytes.ts";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { outcome, type Person, system } from "../support/auth.ts";
import { type Authenticator, type Misuse, newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, personAt, ticketFor } from "../support/factors.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

const start = new Date("2026-11-22T12:00:00Z");

describeWorld("security key", { on: ["pglite", "postgres"], clock: start }, (world, auth) => {
  beforeEach(() => world.rows(sql`delete from attempt`));
  const { withPasskey } = usersWithPasskeys(world);

  async function addKey(person: Person, authenticator: Authenticator, misuse?: Misuse) {
    const { actor, transport } = person;
    const { factor, options } = await auth.securityKeys.enroll({ actor });
    const response = await authenticator.create(options, misuse);
    const confirmed = await auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response });
    return { factor: confirmed.factor, confirmed, person: await personAt(world, person, confirmed) };
  }
  const proofBy = async (authenticator: Authenticator, ticket: string, transport: "token" | "cookie") => ({
    type: "webauthn" as const,
    response: await authenticator.get(await auth.passkeys.proofOptions({ ticket, transport })),
  });

  test("S12, S14: confirming a security key gives a fresh session at level 2, and sign-in then requires the key", async () => {
    const before = await world.person();
    const authenticator = await newAuthenticator();
    const { factor, confirmed, person } = await addKey(before, authenticator);
    expect(factor).toMatchObject({
      type: "webauthn",
      status: "active",
      identifier: authenticator.credentialId,
      rpId: "example.com",
      signCount: 1,
      aaguid: null,
      transports: ["hybrid", "internal"],
    });
    expect(confirmed.session).toMatchObject({ amr: ["mfa", "pop", "pwd", "user"], mfaVerifiedAt: start });
    expect(await outcome(auth.sessions.verify(before))).toBe("unauthorized.session_expired");
    const needed = await auth.signIn.password(person);
    expect(needed).toMatchObject({ mfaRequired: true, factors: ["webauthn"] });
    const ticket = await ticketFor(world, person);
    const { transport } = person;
    const proof = await proofBy(authenticator, ticket, transport);
    const { session } = await auth.webauthn.signInWithFactor({ ticket, transport, proof });
    expect(session.amr).toEqual(["mfa", "pop", "pwd", "user"]);
    const {
      data: [listed],
    } = await auth.factors.list(await personAt(world, person, { ...confirmed, token: person.token }));
    expect(listed).toMatchObject({ type: "webauthn", signCount: 2 });
  });

  test("S27: a security key cannot sign in by itself and is not listed as a passkey", async () => {
    const authenticator = await newAuthenticator();
    const { person } = await addKey(await world.person(), authenticator);
    const response = await authenticator.get(await auth.signIn.passkeyOptions());
    expect(await outcome(auth.signIn.passkey({ response }))).toBe("unauthorized.invalid_credential");
    expect((await auth.passkeys.list(person)).data).toEqual([]);
  });

  test("several security keys: each is removed separately", async () => {
    const [first, second] = [await newAuthenticator(), await newAuthenticator()];
    let { factor, person } = await addKey(await world.person(), first);
    const firstId = factor.id;
    ({ factor, person } = await addKey(person, second));
    await auth.factors.revoke({ actor: person.actor, factorId: firstId });
    const { transport } = person;
    const ticket = await ticketFor(world, person);
    expect(
      await outcome(
        auth.webauthn.signInWithFactor({ ticket, transport, proof: await proofBy(first, ticket, transport) }),
      ),
    ).toBe("unauthorized.invalid_factor");
    await auth.webauthn.signInWithFactor({ ticket, transport, proof: await proofBy(second, ticket, transport) });
  });

  describe("confirmation of a security key is refused", () => {
    test.each<{ case: string; misuse: Misuse }>([
      { case: "from another origin", misuse: { origin: "https://evil.test" } },
      { case: "for another relying party", misuse: { rpId: "evil.test" } },
      { case: "as an assertion", misuse: { clientData: { type: "webauthn.get" } } },
    ])("$case", async ({ misuse }) => {
      const person = await world.person();
      expect(await outcome(addKey(person, await newAuthenticator(), misuse))).toBe("invalid_format.webauthn");
      expect((await auth.signIn.password(person)).mfaRequired).toBe(false);
    });

    test("S28: with the challenge of a passkey, of another pending key, or of another user", async () => {
      const person = await world.person();
      const { actor, transport } = person;
      const old = await auth.securityKeys.enroll({ actor });
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      const stranger = await auth.securityKeys.enroll({ actor: (await world.person()).actor });
      const passkey = await auth.passkeys.registrationOptions({ actor });
      const authenticator = await newAuthenticator();
      for (const other of [old.options, stranger.options, passkey]) {
        const response = await authenticator.create(other);
        expect(await outcome(auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response }))).toBe(
          "invalid_format.webauthn",
        );
      }
      const response = await authenticator.create(options);
      expect(
        await outcome(auth.securityKeys.confirm({ actor, transport, factorId: stranger.factor.id, response })),
      ).toBe("invalid_format.webauthn");
      await auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response });
    });

    test("after more than five minutes, or in a session that is not fresh", async () => {
      const { actor, transport, session } = await world.person();
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      const response = await (await newAuthenticator()).create(options);
      await world.age(session, 601);
      const confirm = () => outcome(auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response }));
      expect(await confirm()).toBe("unauthorized.reauthentication_required");
      await world.age(session, 0);
      await advanceTestClock(world.database, 300);
      await world.age(session, 0);
      expect(await confirm()).not.toBe("done");
    });

    test("S27: with the id of another user's passkey or key", async () => {
      const credentialId = randomBytes(32);
      const owner = await world.person();
      const options = await auth.passkeys.registrationOptions(owner);
      const first = await newAuthenticator({ credentialId });
      await auth.passkeys.register({ actor: owner.actor, response: await first.create(options), transport: "token" });
      expect(await outcome(addKey(await world.person(), await newAuthenticator({ credentialId })))).toBe(
        "conflict.duplicate_credential",
      );
    });

    test.each([null, {}, "x", 1])("with a response of %j", async (response) => {
      const { actor, transport } = await world.person();
      const { factor } = await auth.securityKeys.enroll({ actor });
      expect(await outcome(auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response }))).toBe(
        "invalid_format.webauthn",
      );
    });
  });

  test("S45: a relying party that is not the configured one: refused", () => {
    expect(() => auth.securityKeys.requireRpId("example.com")).not.toThrow();
    for (const other of ["com", "www.example.com", "EXAMPLE.COM", "evil.test", ""]) {
      expect(() => auth.securityKeys.requireRpId(other)).toThrow("The relying party ID does not match.");
    }
  });

  test("R039: a user who must have a factor enrolls the key with the ticket", async () => {
    const person = await world.person();
    const { transport } = person;
    await auth.mfaPolicies.set({ actor: system, userId: person.userId, required: true });
    const ticket = await ticketFor(world, person);
    const { factor, options } = await auth.securityKeys.enroll({ ticket, transport });
    const response = await (await newAuthenticator()).create(options);
    const { session } = await auth.securityKeys.confirm({ ticket, transport, factorId: factor.id, response });
    expect(session.amr).toEqual(["mfa", "pop", "pwd", "user"]);
    expect(await world.tickets(person.userId)).toBe(0);
  });

  test("a challenge for a second factor enrolls no key", async () => {
    const { person } = await addApp(world, await world.person());
    const ticket = await ticketFor(world, person);
    expect(await outcome(auth.securityKeys.enroll({ ticket, transport: person.transport }))).toBe(
      "unauthorized.invalid_ticket",
    );
  });
  describe("a credential from another SDK", () => {
    const idOf = ({ credentialId }: Authenticator) => fromBase64Url(credentialId)!;
    const forget = ({ credentialId }: Authenticator) =>
      world.rows(sql`delete from webauthn_credential where credential_id = ${credentialId}`);

    test("S27: another user cannot claim its credential id", async () => {
      const { authenticator } = await withPasskey();
      await forget(authenticator);
      const thief = await world.person();
      const { actor, transport } = thief;
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      const fake = await newAuthenticator({ credentialId: idOf(authenticator) });
      const response = await fake.create(options);
      expect(await outcome(auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response }))).toBe(
        "conflict.duplicate_credential",
      );
    });

    test("S27: registering its security key again: a conflict, not an internal error", async () => {
      const owner = await world.person();
      const authenticator = await newAuthenticator();
      await world.rows(sql`
        insert into mfa (id, usr_id, type, identifier, webauthn_public_key, webauthn_sign_count, webauthn_rp_id)
        values (${uuidFor("mfa", generateId("mfa"))}::uuid, ${uuidFor("usr", owner.userId)}::uuid, 'webauthn',
          ${authenticator.credentialId}, decode('00', 'hex'), 0, 'example.com')`);
      const { actor, transport } = await world.person();
      const { factor, options } = await auth.securityKeys.enroll({ actor });
      const response = await authenticator.create(options);
      expect(await outcome(auth.securityKeys.confirm({ actor, transport, factorId: factor.id, response }))).toBe(
        "conflict.duplicate_credential",
      );
    });

    test("its own transports are in the options", async () => {
      const person = await world.person();
      const { credentialId: id } = await newAuthenticator();
      await world.rows(sql`
        insert into mfa (id, usr_id, type, identifier, webauthn_public_key, webauthn_sign_count, webauthn_rp_id,
          webauthn_transports)
        values (${uuidFor("mfa", generateId("mfa"))}::uuid, ${uuidFor("usr", person.userId)}::uuid, 'webauthn', ${id},
          decode('00', 'hex'), 0, 'example.com', array['usb', 'nfc'])`);
      const { transport } = person;
      const ticket = await ticketFor(world, person);
      const { allowCredentials } = await auth.passkeys.proofOptions({ ticket, transport });
      expect(allowCredentials).toEqual([{ type: "public-key", id, transports: ["usb", "nfc"] }]);
    });
  });
});
