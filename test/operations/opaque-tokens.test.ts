import { expect, test } from "vitest";
import { freshAddress, goodPassword, outcome, type Person } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";

describeWorld("S51: a text that cannot be a token", { on: ["pglite"] }, (world, auth) => {
  const context = () => ({ address: freshAddress() });
  const proof = { type: "totp", code: "123456" } as const;

  const uses: Record<string, { ask: (token: string, person: Person) => Promise<unknown>; code: string }> = {
    "a session to verify": {
      ask: (token, { transport }) => auth.sessions.verify({ token, transport }),
      code: "unauthorized.invalid_token",
    },
    "a session to refresh": {
      ask: (token, { transport }) => auth.sessions.refresh({ token, transport }),
      code: "unauthorized.invalid_token",
    },
    "a session to end": { ask: (token, { transport }) => auth.sessions.signOut({ token, transport }), code: "done" },
    "a ticket to exchange": {
      ask: (ticket, { userId, credentialId }) =>
        auth.sessions.create({ ticket, userId, credentialId, ttlSeconds: 3_600, context: context() }),
      code: "unauthorized.invalid_ticket",
    },
    "a ticket with a second factor": {
      ask: (ticket) => auth.signIn.factor({ ticket, proof, context: context() }),
      code: "unauthorized.invalid_ticket",
    },
    "a mailed link": {
      ask: (token) =>
        auth.identifiers.verify({ token, proof: { type: "password", password: goodPassword }, context: context() }),
      code: "unauthorized.invalid_link",
    },
  };

  const right = "A".repeat(43);
  const texts = ["", "x", right.slice(1), `${right}A`, `${right}=`, ` ${right.slice(1)}`, `${right.slice(1)}+`];
  const ofOtherKinds = ["pat_", "shr_"].map((prefix) => prefix + right.slice(prefix.length));

  test.each(Object.entries(uses))("%s: refused without a request to the database", async (_use, { ask, code }) => {
    const person = await world.person();
    for (const text of [...texts, ...ofOtherKinds]) {
      world.counting.reset(0);
      expect([text, await outcome(ask(text, person))]).toEqual([text, code]);
      world.counting.reset();
    }
    // What could be one is looked up.
    expect(await outcome(ask(right, person))).toBe(code);
    expect(world.counting.requests).toBeGreaterThan(0);
  });
});
