import { expect, test } from "vitest";
import type { LookedLink } from "../../src/operations/mailed-link.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshIdentifier, otherPassword, outcome, type Person, system, type World } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { mailed, mailedChange, withVerifiedAddress } from "../support/links.ts";
import { withLink } from "./writes/write.ts";

const invalid = "unauthorized.invalid_link";

interface Mail {
  readonly token: string;
  readonly identifier: string;
}

/** The message of each purpose to a person. A new purpose is a row here. */
const purposes: Record<LookedLink["purpose"], (world: World, person: Person) => Promise<Mail>> = {
  verify_identifier: async (world, person) => ({ ...person, token: await withLink(world, person) }),
  reset_password: async (world, { identifier }) => ({ identifier, ...(await mailed(world, "reset", identifier)) }),
  async sign_in(world, person) {
    const { identifier } = await withVerifiedAddress(world, person);
    return { identifier, ...(await mailed(world, "signIn", identifier)) };
  },
  async sign_up(world) {
    const identifier = freshIdentifier();
    return { identifier, ...(await mailed(world, "signUp", identifier)) };
  },
  change_identifier: (world, person) => mailedChange(world, person),
};

/** In seconds. */
const lifetimeOf = (purpose: string) => (purpose === "verify_identifier" ? 86_400 : 3_600);

describeWorld("looking at a mailed link", { on: ["postgres"], clock: new Date("2026-12-01T10:00:00Z") }, (world) => {
  const look = (token: string) => world.auth.mailedLinks.look({ token });

  test.each(Object.entries(purposes))("%s: names the address it went to, and spends nothing", async (purpose, send) => {
    const { token, identifier } = await send(world, await world.person());
    for (let time = 0; time < 3; time++) expect(await look(token)).toEqual({ purpose, identifier });
    await advanceTestClock(world.database, lifetimeOf(purpose) - 1);
    expect(await look(token)).toEqual({ purpose, identifier });
  });

  test.each(Object.entries(purposes))("%s: after its time, it is invalid", async (purpose, send) => {
    const { token } = await send(world, await world.person());
    await advanceTestClock(world.database, lifetimeOf(purpose));
    expect(await outcome(look(token))).toBe(invalid);
  });

  test.each(Object.entries(purposes).filter(([purpose]) => purpose !== "sign_up"))(
    "%s: after its user was suspended, it is invalid",
    async (_purpose, send) => {
      const person = await world.person();
      const { token } = await send(world, person);
      await world.auth.users.suspend({ actor: system, userId: person.userId });
      expect(await outcome(look(token))).toBe(invalid);
    },
  );

  test("a spent link is invalid", async () => {
    const { identifier } = await world.person();
    const { token } = await mailed(world, "reset", identifier);
    await world.auth.passwordReset.confirm({ token, password: otherPassword });
    expect(await outcome(look(token))).toBe(invalid);
  });

  test("a replaced link is invalid, and so is a proof of an address that is proved by now", async () => {
    const person = await world.person();
    const first = await withLink(world, person);
    const second = await withLink(world, person);
    expect(await outcome(look(first))).toBe(invalid);
    await world.auth.identifiers.verify({ token: second, proof: { type: "session", actor: person.actor } });
    expect(await outcome(look(second))).toBe(invalid);
  });

  test.each(["", "x", "A".repeat(43), "A".repeat(10_000), "constructor"])(
    "an unknown secret (%#) is invalid",
    async (token) => {
      expect(await outcome(look(token))).toBe(invalid);
    },
  );
});
