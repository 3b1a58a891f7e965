import { beforeEach, expect, test } from "vitest";
import { refuseCeremony } from "../../src/domain/webauthn/refusal.ts";
import type { Attestation } from "../../src/http/passkeys.ts";
import { sql } from "../../src/store/sql.ts";
import { outcome, tally } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { ticketFor } from "../support/factors.ts";

describeWorld("S57: attestations that a user has verified", { on: ["pglite", "postgres"] }, (world) => {
  const limits = { address: { attempts: 3, windowSeconds: 60 } };
  let verified = 0;
  /** Refuses each statement after its work, so that no challenge is spent. */
  const attestation: Attestation = {
    read: () => ({
      verifierAt: () => async () => {
        verified++;
        return refuseCeremony("attestation_trust");
      },
    }),
  };
  beforeEach(async () => {
    verified = 0;
    await world.rows(sql`delete from attempt`);
  });

  test("one answer to one challenge, sent again and again: counted from the sixth on, per user", async () => {
    const auth = world.isolate({ limits, attestation });
    const [person, other] = [await world.person(), await world.person()];
    const answer = async ({ actor }: typeof person) =>
      await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
    const response = await answer(person);
    const register = async (by = person, sent = response, through = auth) =>
      await outcome(through.passkeys.register({ actor: by.actor, response: sent, transport: "token" }));
    const codes: string[] = [];
    while (codes.length < 20) codes.push(await register());
    // The isolate lets five through, then the database lets three through.
    expect([tally(codes), verified]).toEqual([{ "invalid_format.webauthn": 8, too_many_requests: 12 }, 8]);
    // The count is the user's: it holds for another challenge, in another isolate too, and for no other user.
    expect(await register(person, await answer(person))).toBe("too_many_requests");
    const another = world.isolate({ limits, attestation });
    for (let time = 0; time < 20; time++) await register(person, response, another);
    expect(verified).toBe(13);
    expect(await register(other, await answer(other))).toBe("invalid_format.webauthn");
  });

  test("twenty at once: no more than five, and what the database counts", async () => {
    const auth = world.isolate({ limits, attestation });
    const { actor } = await world.person();
    const response = await (await newAuthenticator()).create(await auth.passkeys.registrationOptions({ actor }));
    const register = () => outcome(auth.passkeys.register({ actor, response, transport: "token" }));
    expect(tally(await Promise.all(Array.from({ length: 20 }, register)))).toEqual({
      "invalid_format.webauthn": 8,
      too_many_requests: 12,
    });
    expect(verified).toBe(8);
  });

  test("a security key, in a session and with a ticket: counted too", async () => {
    const auth = world.isolate({ limits, attestation });
    const [{ actor }, person] = [await world.person(), await world.person()];
    await world.requireFactor(person.userId);
    const ticket = await ticketFor(world, person);
    for (const authority of [{ actor }, { ticket }]) {
      verified = 0;
      const { factor, options } = await auth.securityKeys.enroll(authority);
      const response = await (await newAuthenticator()).create(options);
      const confirmed = { ...authority, factorId: factor.id, response, transport: "token" } as const;
      for (let time = 0; time < 20; time++) await outcome(auth.securityKeys.confirm(confirmed));
      expect(verified).toBe(8);
    }
  });

  test("an answer to no challenge of the session costs no work and is not counted", async () => {
    const auth = world.isolate({ limits, attestation });
    const [ada, eve] = [await world.person(), await world.person()];
    const response = await (await newAuthenticator()).create(await auth.passkeys.registrationOptions(ada));
    for (let time = 0; time < 20; time++) {
      const register = auth.passkeys.register({ actor: eve.actor, response, transport: "token" });
      expect(await outcome(register)).toBe("invalid_format.webauthn");
    }
    expect(verified).toBe(0);
  });

  test("one request as long as the user has had few, and without attestation always", async () => {
    for (const [options, requests] of [
      [{ limits, attestation }, [0, 0, 0, 0, 0, 1]],
      [{ limits }, [0, 0, 0, 0, 0, 0]],
    ] as const) {
      const auth = world.isolate({ ...options, database: world.counting });
      const { actor } = await world.person();
      const asked = await auth.passkeys.registrationOptions({ actor });
      // Without user presence, so that the answer is refused without attestation too.
      const misuse = "attestation" in options ? {} : { flags: 0x44 };
      const response = await (await newAuthenticator()).create(asked, misuse);
      for (const expected of requests) {
        const before = world.counting.requests;
        await outcome(auth.passkeys.register({ actor, response, transport: "token" }));
        expect(world.counting.requests - before).toBe(expected);
      }
    }
  });
});
