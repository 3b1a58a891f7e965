/** The times of kept tokens, by the database's clock: when they are refreshed, and for how long one caller alone does it. @module */
import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import type { ProviderTokens } from "../../src/domain/identity-provider.ts";
import { keepTokens } from "../../src/operations/provider-tokens.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { type FullAuth, outcome, sealingKey, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { freshIdentity, practiceProvider, signInWith } from "../support/practice-provider.ts";

const provider = "practice";
const clock = new Date();

describeWorld("OC46: the times of kept tokens", { on: ["pglite"], clock }, (world) => {
  /** How often the provider was asked, and its answer. */
  const opened = (answer: () => Promise<ProviderTokens>) => {
    const asked: string[] = [];
    const refresh = (token: string) => {
      asked.push(token);
      return answer();
    };
    const federation = {
      providers: [{ ...practiceProvider(), refresh }],
      keepTokens: keepTokens({ sealingKeys: sealingKey }),
    };
    return { asked, auth: world.isolate({ database: world.counting, federation }) };
  };
  const renewed = async (): Promise<ProviderTokens> => ({ access_token: "new", refresh_token: "r2" });
  const never = () => new Promise<ProviderTokens>(() => undefined);

  /** A user whose access token ends in so many seconds. */
  async function signedIn(auth: FullAuth, seconds: number) {
    const done = await signInWith(auth, freshIdentity({ tokens: { access_token: "old", refresh_token: "r1" } }));
    const { userId, credentialId } = ("session" in done ? done.session : undefined)!;
    const id = uuidFor("cred", credentialId);
    await world.rows(sql`
      update provider_token set expires_at = sallyport_now() + make_interval(secs => ${seconds}::int)
      where cred_id = ${id}::uuid`);
    return { id, ask: () => auth.federation.accessToken({ actor: system, userId, provider }) };
  }

  test.each([
    { seconds: 60, token: "new" },
    { seconds: 61, token: "old" },
  ])("a token that ends in $seconds s: the $token one", async ({ seconds, token }) => {
    const { auth, asked } = opened(renewed);
    const { ask } = await signedIn(auth, seconds);
    expect((await ask()).accessToken).toBe(token);
    expect(asked).toHaveLength(token === "new" ? 1 : 0);
  });

  test.each([
    { seconds: 11, requests: 1 },
    { seconds: 10, requests: 4 },
  ])(
    "while another caller refreshes it, a token that ends in $seconds s: $requests requests, and the old one",
    async ({ seconds, requests }) => {
      const { auth, asked } = opened(never);
      const user = await signedIn(auth, seconds);
      void user.ask();
      await expect.poll(() => asked.length).toBe(1);
      world.counting.reset();
      const { accessToken } = await user.ask();
      expect([accessToken, world.counting.requests, asked.length]).toEqual(["old", requests, 1]);
    },
  );

  test("a caller whose provider does not answer has the lease for 30 s, and not a second longer", async () => {
    const held = opened(never);
    const user = await signedIn(held.auth, 0);
    void user.ask();
    await expect.poll(() => held.asked.length).toBe(1);
    await advanceTestClock(world.database, 29);
    expect(await outcome(user.ask())).toBe("unavailable.provider");
    expect(held.asked).toHaveLength(1);
    await advanceTestClock(world.database, 1);
    void user.ask();
    await expect.poll(() => held.asked.length).toBe(2);
  });
});
