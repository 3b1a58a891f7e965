import { expect, test } from "vitest";
import { github } from "../../src/providers/github.ts";
import { freshAddress, freshIdentifier } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { StandIn } from "../support/provider-stand-in.ts";

describeWorld("signing in with github()", { on: ["pglite"], auth: { signUp: "open" } }, (world) => {
  const site = new StandIn().put("https://github.com/login/oauth/access_token", {
    json: { access_token: "gho_16C7e42F", scope: "read:user,user:email", token_type: "bearer" },
  });
  const provider = github({ clientId: "Iv1.1", clientSecret: "s3cret", fetch: site.fetch });
  const signIn = async (id: number, login: string, address: { email: string; verified: boolean }) => {
    site.put("https://api.github.com/user", { json: { id, login, email: address.email } });
    site.put("https://api.github.com/user/emails?per_page=100", { json: [{ ...address, primary: true }] });
    const { federation } = world.isolate({ federation: { providers: [provider] } });
    const { url, attempt } = await federation.start({ provider: "github" });
    const { searchParams } = new URL(url);
    const answer = new URL(searchParams.get("redirect_uri")!);
    answer.search = `${new URLSearchParams({ code: "code-1", state: searchParams.get("state")! })}`;
    const context = { address: freshAddress() };
    const result = await federation.finish({ provider: "github", attempt, answer, context });
    return "linkingRequired" in result || result.mfaRequired ? undefined : result.user.id;
  };

  test("R087: the numeric id is the account, whatever the login name and the address are", async () => {
    const id = 1_000_000 + Math.floor(performance.now() * 1000);
    const mine = { email: freshIdentifier(), verified: true };
    const first = await signIn(id, "octocat", mine);
    expect(first).toBeDefined();
    expect(await signIn(id, "renamed", { email: freshIdentifier(), verified: true })).toBe(first);
    expect(await signIn(id + 1, "octocat", { email: freshIdentifier(), verified: true })).not.toBe(first);
  });

  test("B29: another account of GitHub with the same address: verified it must be linked, unverified it is its own", async () => {
    const id = 2_000_000 + Math.floor(performance.now() * 1000);
    const email = freshIdentifier();
    const owner = await signIn(id, "owner", { email, verified: true });
    expect(await signIn(id + 1, "second", { email, verified: true })).toBeUndefined();
    const other = await signIn(id + 2, "attacker", { email, verified: false });
    expect(other).toBeDefined();
    expect(other).not.toBe(owner);
  });
});
