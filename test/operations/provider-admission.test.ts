import { afterAll, beforeAll, expect, test } from "vitest";
import { oidc } from "../../src/providers/oidc.ts";
import { freshAddress, outcome, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { openProvider, type RealIssuer } from "../support/oidc-provider.ts";

describeWorld("bounded requests to a provider", { on: ["postgres"], auth: { signUp: "open" } }, (world) => {
  let issuer: RealIssuer;
  let tokenRequests = 0;
  beforeAll(async () => {
    const { url } = await world.auth.federation.start({ provider: "practice" });
    const redirectUri = new URL(url).searchParams.get("redirect_uri")!.replace("practice", "acme");
    issuer = await openProvider([{ client_id: "app", client_secret: "s3cret", redirect_uris: [redirectUri] }]);
    issuer.users.set("ada", {});
  });
  afterAll(() => issuer.close());

  const isolate = () => {
    tokenRequests = 0;
    const counting: typeof fetch = async (input, init) => {
      if (new Request(input, init).url === `${issuer.url}/token`) tokenRequests++;
      return await fetch(input, init);
    };
    const client = { issuerUrl: issuer.url, clientId: "app", clientSecret: "s3cret" };
    return world.isolate({
      database: world.counting,
      federation: { providers: [oidc({ name: "acme", ...client, fetch: counting })] },
    });
  };
  type Auth = ReturnType<typeof isolate>;
  const comeBack = async (auth: Auth) => {
    const { url, attempt } = await auth.federation.start({ provider: "acme" });
    return { provider: "acme", attempt, answer: new URL(await issuer.walk(url, new Map(), "ada")) };
  };
  const invented = async (auth: Auth) => {
    const came = await comeBack(auth);
    came.answer.searchParams.set("code", "invented");
    return came;
  };

  test("a hundred callbacks of one attempt at once, from as many addresses: ten token requests", async () => {
    const auth = isolate();
    const came = await comeBack(auth);
    const codes = await Promise.all(
      Array.from({ length: 100 }, () =>
        outcome(auth.federation.finish({ ...came, context: { address: freshAddress() } })),
      ),
    );
    expect([tokenRequests, tally(codes).too_many_requests]).toEqual([10, 90]);
  });

  test("a hundred attempts with invented codes from one address: no more than its limit", async () => {
    const auth = isolate();
    const context = { address: freshAddress() };
    const asked = await Promise.all(Array.from({ length: 110 }, () => invented(auth)));
    tokenRequests = 0;
    const codes = [];
    for (const came of asked) codes.push(await outcome(auth.federation.finish({ ...came, context })));
    expect(tally(codes)).toEqual({ "unauthorized.provider": 105, too_many_requests: 5 });
    expect(tokenRequests).toBe(105);
  });

  test("a callback that is repeated because its reply was lost is answered", async () => {
    const auth = isolate();
    const context = { address: freshAddress() };
    const came = await comeBack(auth);
    expect(await outcome(auth.federation.finish({ ...came, context }))).toBe("done");
    expect(await outcome(auth.federation.finish({ ...came, context }))).toBe("unauthorized.provider");
  });

  test("twenty users of one address sign in, one after the other: their callbacks keep their one trip", async () => {
    const auth = isolate();
    const context = { address: freshAddress() };
    for (let user = 0; user < 20; user++) {
      const came = await comeBack(auth);
      const before = world.counting.requests;
      expect(await outcome(auth.federation.finish({ ...came, context }))).toBe("done");
      expect(world.counting.requests - before).toBe(1);
    }
  });

  test("another site's answers do not use up the attempt of a browser", async () => {
    const auth = isolate();
    const context = { address: freshAddress() };
    const came = await comeBack(auth);
    const foreign = new URL(came.answer);
    foreign.searchParams.set("state", "another");
    for (let index = 0; index < 20; index++) {
      const refused = auth.federation.finish({ ...came, answer: foreign, context });
      await expect(refused).rejects.toMatchObject({ details: { reason: "state_mismatch" } });
    }
    expect(await outcome(auth.federation.finish({ ...came, context }))).toBe("done");
  });
});
