/** Messages that an issuer sends by itself: OpenID Connect Back-Channel Logout 1.0. @module */
import { describe, expect, test } from "vitest";
import type { IdentityProvider, ProviderNotice } from "../../src/domain/identity-provider.ts";
import { TokenParseError } from "../../src/oidc/index.ts";
import { oidc } from "../../src/providers/oidc.ts";
import { now, TestIssuer } from "../support/issuer.ts";
import { createKey, headerOf, signRaw } from "../support/tokens/signer.ts";

type Members = Record<string, unknown>;
const event = "http://schemas.openid.net/event/backchannel-logout";
let count = 0;

async function open(): Promise<{ issuer: TestIssuer; provider: IdentityProvider; claims: Members }> {
  const issuer = await TestIssuer.open();
  const { url: issuerUrl, clientId, clientSecret, fetch } = issuer;
  const claims = {
    iss: issuer.url,
    aud: clientId,
    sub: "ada",
    sid: "session-1",
    iat: now(),
    exp: now() + 120,
    jti: `notice-${++count}`,
    events: { [event]: {} },
  };
  return { issuer, provider: oidc({ name: "acme", issuerUrl, clientId, clientSecret, fetch }), claims };
}

/** Reads a logout token after a change of it. An error counts as its code and field. */
async function read(
  change: { claims?: (claims: Members) => Members; header?: (header: Members) => Members; key?: "other" } = {},
): Promise<ProviderNotice | string> {
  const { issuer, provider, claims } = await open();
  const key = change.key ? await createKey("ES256", "k1") : issuer.keys[0]!;
  const header = { typ: "logout+jwt", ...headerOf(key) };
  const token = await signRaw(key, change.header?.(header) ?? header, change.claims?.(claims) ?? claims);
  return await provider.readNotice!(token).catch((error) => {
    if (!(error instanceof TokenParseError)) throw error;
    return error.field;
  });
}

const without =
  (name: string) =>
  ({ [name]: _, ...rest }: Members) =>
    rest;
const having = (more: Members) => (claims: Members) => ({ ...claims, ...more });

describe("R093, OC47: a logout token", () => {
  test("says whose sessions end", async () => {
    expect(await read()).toMatchObject({
      ends: "sessions",
      issuer: "https://issuer.example",
      subject: "ada",
      sid: "session-1",
      id: `notice-${count}`,
    });
  });

  test.each([
    ["without a type", { header: without("typ") }],
    ["of the plain type", { header: having({ typ: "JWT" }) }],
    ["of the full media type", { header: having({ typ: "application/logout+jwt" }) }],
    ["without a session", { claims: without("sid") }],
    ["without a subject", { claims: without("sub") }],
    ["for several audiences", { claims: having({ aud: ["other", "app"] }) }],
    ["from a clock a little ahead", { claims: having({ iat: now() + 30 }) }],
    ["with other events too", { claims: having({ events: { [event]: { a: 1 }, "urn:other": {} } }) }],
  ])("%s: accepted", async (_what, change) => {
    expect(await read(change)).toMatchObject({ ends: "sessions" });
  });

  test.each([
    // The cases of R093.
    ["the type of an access token", { header: having({ typ: "at+jwt" }) }, "typ"],
    ["no events", { claims: without("events") }, "events"],
    ["another event", { claims: having({ events: { "urn:other": {} } }) }, "events"],
    ["an event that is no object", { claims: having({ events: { [event]: true } }) }, "events"],
    ["events as a text", { claims: having({ events: JSON.stringify({ [event]: {} }) }) }, "events"],
    ["a nonce", { claims: having({ nonce: "n" }) }, "nonce"],
    ["an empty nonce", { claims: having({ nonce: null }) }, "nonce"],
    ["another issuer", { claims: having({ iss: "https://evil.example" }) }, "iss"],
    ["another audience", { claims: having({ aud: "other" }) }, "aud"],
    ["no audience", { claims: without("aud") }, "aud"],
    ["an algorithm that is not accepted", { header: having({ alg: "none" }) }, ""],
    ["older than two minutes", { claims: having({ iat: now() - 200 }) }, "iat"],
    ["from the future", { claims: having({ iat: now() + 100 }) }, "iat"],
    ["without a time", { claims: without("iat") }, "iat"],
    ["past its end", { claims: having({ exp: now() - 61 }) }, "exp"],
    ["without an end", { claims: without("exp") }, "exp"],
    ["without an id", { claims: without("jti") }, "jti"],
    ["with an empty id", { claims: having({ jti: "" }) }, "jti"],
    ["with a number as its id", { claims: having({ jti: 5 }) }, "jti"],
    ["neither subject nor session", { claims: (claims: Members) => without("sub")(without("sid")(claims)) }, "sub"],
    ["a subject that is no text", { claims: having({ sub: 5 }) }, "sub"],
    ["a session that is no text", { claims: having({ sid: {} }) }, "sid"],
    ["another key", { key: "other" as const }, "signature"],
    ["an unknown key", { header: having({ kid: "k9" }) }, "kid"],
  ])("with %s: refused", async (_what, change, field) => {
    expect(await read(change)).toBe(field === "" ? "logout_token" : `logout_token.${field}`);
  });

  test("an ID token is none", async () => {
    const { issuer, provider, claims } = await open();
    const { events: _, jti: __, ...idToken } = claims;
    const token = await signRaw(issuer.keys[0]!, headerOf(issuer.keys[0]!), { ...idToken, nonce: "n" });
    await expect(provider.readNotice!(token)).rejects.toBeInstanceOf(TokenParseError);
  });

  test.each(["", "a.b.c", "x".repeat(9_000)])("a text that is no token: %j", async (token) => {
    const { issuer, provider } = await open();
    await expect(provider.readNotice!(token)).rejects.toBeInstanceOf(TokenParseError);
    expect(issuer.requests).toEqual([]);
  });

  test("an issuer that does not answer", async () => {
    const { issuer, provider, claims } = await open();
    issuer.spoils.instead = () => new Response("", { status: 500 });
    const token = await signRaw(issuer.keys[0]!, headerOf(issuer.keys[0]!), claims);
    await expect(provider.readNotice!(token)).rejects.toMatchObject({ error: "issuer_invalid_response" });
  });
});
