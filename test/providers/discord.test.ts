import { describe, expect, test } from "vitest";
import { discord } from "../../src/providers/discord.ts";
import { attempt, codeOf, StandIn, signInAt } from "../support/provider-stand-in.ts";

const userUrl = "https://discord.com/api/v10/users/@me";

/** As Discord's documentation shows a user object. */
const user = {
  id: "80351110224678912",
  username: "nelly",
  discriminator: "0",
  global_name: "Nelly",
  verified: true,
  email: "nelly@example.com",
};

function world(more: Readonly<Record<string, unknown>> = {}) {
  const site = new StandIn()
    .put("https://discord.com/api/oauth2/token", {
      json: { access_token: "6qrZcUqj", token_type: "Bearer", expires_in: 604800, scope: "identify email" },
    })
    .put(userUrl, { json: { ...user, ...more } });
  return { site, provider: discord({ clientId: "157730590492196864", clientSecret: "s3cret", fetch: site.fetch }) };
}

describe("OC30: Discord", () => {
  test("a sign-in: the id is the subject", async () => {
    const { provider } = world();
    const url = new URL(await provider.begin(attempt()));
    expect(url.origin + url.pathname).toBe("https://discord.com/oauth2/authorize");
    expect(url.searchParams.get("scope")).toBe("identify email");
    expect(await signInAt(provider)).toMatchObject({
      issuer: "https://discord.com",
      subject: "80351110224678912",
      email: "nelly@example.com",
      emailVerified: true,
      name: "Nelly",
    });
  });

  test("attack: a user name that changed hands is another identity", async () => {
    const taker = await signInAt(world({ id: "2", username: "nelly" }).provider);
    expect(taker.subject).toBe("2");
    expect((await signInAt(world({ username: "other" }).provider)).subject).toBe(user.id);
  });

  test.each([
    ["missing", undefined],
    ["a number that has lost digits", 80351110224678912],
    ["empty", ""],
  ])("attack: an id that is %s: refused", async (_, id) => {
    expect(await codeOf(signInAt(world({ id }).provider))).toBe("invalid_token_response");
  });

  test.each([
    [true, true],
    [false, false],
    [undefined, false],
    [null, false],
    [1, false],
    ["false", false],
  ])("verified %j: %j", async (verified, expected) => {
    // The standard claim is not Discord's.
    const identity = await signInAt(world({ verified, email_verified: true }).provider);
    expect(identity.emailVerified).toBe(expected);
  });

  test("a user without a display name: the user name is shown", async () => {
    expect((await signInAt(world({ global_name: null }).provider)).name).toBe("nelly");
  });
});
