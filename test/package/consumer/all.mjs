// The same with the peers that an application at the edge has.

import * as agents from "sallyport/agents";
import * as turnstile from "sallyport/captcha/turnstile";
import * as dns from "sallyport/dns";
import * as federation from "sallyport/federation";
import * as federationTokens from "sallyport/federation/tokens";
import * as hono from "sallyport/hono";
import * as invitations from "sallyport/invitations";
import * as mail from "sallyport/mail";
import * as cloudflareMail from "sallyport/mail/cloudflare";
import * as germanMail from "sallyport/mail/german";
import * as httpMail from "sallyport/mail/http";
import * as mfa from "sallyport/mfa";
import * as neon from "sallyport/neon";
import * as oidc from "sallyport/oidc";
import * as tokenCookies from "sallyport/oidc/token-cookies";
import * as tokenRows from "sallyport/oidc/token-rows";
import * as openapi from "sallyport/openapi";
import * as organizations from "sallyport/organizations";
import * as pages from "sallyport/pages";
import * as german from "sallyport/pages/german";
import * as organizationPages from "sallyport/pages/organizations";
import * as passkeys from "sallyport/passkeys";
import * as simpleWebAuthn from "sallyport/passkeys/simplewebauthn";
import * as blocklist from "sallyport/passwords/blocklist";
import * as breached from "sallyport/passwords/breached";
import * as personalAccessTokens from "sallyport/personal-access-tokens";
import * as appleProvider from "sallyport/providers/apple";
import * as authpiProvider from "sallyport/providers/authpi";
import * as discordProvider from "sallyport/providers/discord";
import * as githubProvider from "sallyport/providers/github";
import * as gitlabProvider from "sallyport/providers/gitlab";
import * as googleProvider from "sallyport/providers/google";
import * as microsoftProvider from "sallyport/providers/microsoft";
import * as oauth2Provider from "sallyport/providers/oauth2";
import * as oidcProvider from "sallyport/providers/oidc";
import * as rateLimit from "sallyport/rate-limit";
import * as scopes from "sallyport/scopes";
import { useCore } from "./core.mjs";

const entries = {
  ...{ hono, mfa, neon, openapi, pages, passkeys },
  "mail/cloudflare": cloudflareMail,
  "mail/german": germanMail,
  "mail/http": httpMail,
  "pages/german": german,
  "pages/organizations": organizationPages,
  "passkeys/simplewebauthn": simpleWebAuthn,
  "captcha/turnstile": turnstile,
  dns,
  federation,
  "federation/tokens": federationTokens,
  oidc,
  "oidc/token-cookies": tokenCookies,
  "oidc/token-rows": tokenRows,
  "providers/oidc": oidcProvider,
  "providers/oauth2": oauth2Provider,
  "providers/google": googleProvider,
  "providers/github": githubProvider,
  "providers/apple": appleProvider,
  "providers/microsoft": microsoftProvider,
  "providers/gitlab": gitlabProvider,
  "providers/discord": discordProvider,
  "providers/authpi": authpiProvider,
  scopes,
  agents,
  invitations,
  mail,
  "passwords/blocklist": blocklist,
  "passwords/breached": breached,
  organizations,
  "personal-access-tokens": personalAccessTokens,
  "rate-limit": rateLimit,
};

const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** The authentication `none.ES256` of W3C's test vectors (WebAuthn Level 3, "Test Vectors"). */
const signed = () => ({
  response: {
    clientDataJson: new TextEncoder().encode(
      '{"type":"webauthn.get","challenge":"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag","origin":"https://example.org","crossOrigin":false}',
    ),
    authenticatorData: bytes("v6vDdDKViwYzYNOtZGHJxHNa5/jt1GWSpeDwFFKy5LUZAAAAAA=="),
    signature: bytes(
      "MEYCIQD1Ck4uRAkknEqFO6NhKC8JhB303UVHoTqHeAIY3v/NOAIhAISArA8Lk1OBdPV1vxGh3V14xuSGAT+TcpXqE2U+Mx6H",
    ),
  },
  expected: {
    challenge: bytes("OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag="),
    rpId: "example.org",
    origins: ["https://example.org"],
    userVerified: false,
  },
  publicKey: bytes(
    "pQECAyYgASFYIK/voW+XypstI+uGzLZAmNINuQhWBi6yScM6m2cvJt9hIlggkwpWuHovymYzSwNFir+HlxfBLMaO1zKQry4mZHlrkiA=",
  ),
});

export async function useAll() {
  const { exports, works } = await useCore();
  const names = Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, Object.keys(entry).sort()]));
  const verifier = simpleWebAuthn.simpleWebAuthn();
  const { expected } = signed();
  const elsewhere = { ...signed(), expected: { ...expected, origins: ["https://example.com"] } };
  return {
    exports: { ...exports, ...names },
    works: {
      ...works,
      "a signature verified by SimpleWebAuthn": (await verifier.assertion(signed())).ok,
      "another origin refused by SimpleWebAuthn": !(await verifier.assertion(elsewhere)).ok,
    },
  };
}
