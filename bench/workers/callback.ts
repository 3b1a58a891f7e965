/**
 * The callback of a sign-in with Google. `/prepare?n=…` begins sign-ins and signs their ID tokens, `/callback?n=…` ends them, and
 * `/signature?n=…` checks the signatures alone.
 */
import { Hono } from "hono/tiny";
import { createAuth, type Database } from "sallyport";
import { federation } from "sallyport/federation";
import { authRoutes, cloudflareAddress } from "sallyport/hono";
import { google } from "sallyport/providers/google";
import { cannedRow, cannedSecret } from "./canned.ts";

const clientId = "1234987819200.apps.googleusercontent.com";
const issuer = "https://accounts.google.com";
const origin = "https://app.example.com";
const metadata = {
  issuer,
  authorization_endpoint: `${issuer}/o/oauth2/v2/auth`,
  token_endpoint: "https://oauth2.googleapis.com/token",
  jwks_uri: "https://www.googleapis.com/oauth2/v3/certs",
  response_types_supported: ["code"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["RS256"],
  token_endpoint_auth_methods_supported: ["client_secret_post"],
  code_challenge_methods_supported: ["S256"],
};
/** As Cloudflare names the client. */
const address = { "cf-connecting-ip": "203.0.113.7" };
const rs256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/** Answers at once, so that only Sallyport is measured. */
const row = {
  ...cannedRow,
  transport: "cookie",
  allowed: true,
  retryAfterSeconds: null,
  outcome: "sign_in",
  next: "session",
  factors: [],
};
const database: Database = {
  run: async <Row>() => [{ ...row, now: row.createdAt } as Row],
  batch: async (statements) => statements.map(() => [{ ...row, now: row.createdAt }]),
};

/** A sign-in that has begun, and what the browser brings back. */
interface Prepared {
  readonly url: string;
  readonly cookie: string;
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

const base64Url = (bytes: Uint8Array<ArrayBuffer>): string =>
  btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (character) => ({ "+": "-", "/": "_", "=": "" })[character]!);
const encode = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

async function open() {
  const { privateKey, publicKey } = (await crypto.subtle.generateKey(
    { ...rs256, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ["sign", "verify"],
  )) as CryptoKeyPair;
  const jwk = { ...((await crypto.subtle.exportKey("jwk", publicKey)) as JsonWebKey), kid: "key-1", use: "sig" };
  const tokens = new Map<string, string>();
  const answers = (url: string, init: RequestInit): object => {
    if (url === metadata.jwks_uri) return { keys: [jwk] };
    if (url !== metadata.token_endpoint) return metadata;
    const idToken = tokens.get(new URLSearchParams(String(init.body)).get("code")!)!;
    return { access_token: "access-1", token_type: "Bearer", expires_in: 3599, scope: "openid", id_token: idToken };
  };
  const provider = google({
    clientId,
    clientSecret: "secret",
    fetch: async (url, init) => Response.json(answers(url, init)),
  });
  const auth = createAuth({
    database,
    secrets: cannedSecret,
    origins: [origin],
    clientAddress: cloudflareAddress,
    features: [federation({ providers: [provider] })],
  });
  const app = new Hono();
  app.route("/", authRoutes(auth));

  const prepare = async (): Promise<Prepared> => {
    const headers = { origin, "sec-fetch-site": "same-origin", ...address };
    const begun = await app.fetch(new Request(`${origin}/auth/oidc/google/start`, { method: "POST", headers }));
    const { searchParams } = new URL(begun.headers.get("location")!);
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: issuer, aud: clientId, sub: "10769150350006150715113082367", iat: now, exp: now + 3_600 };
    const profile = { email: "ada@example.com", email_verified: true, name: "Ada", nonce: searchParams.get("nonce") };
    const parts = [
      { alg: "RS256", kid: "key-1", typ: "JWT" },
      { ...claims, ...profile },
    ];
    const text = parts.map((part) => base64Url(encode(JSON.stringify(part)))).join(".");
    const signed = encode(text);
    const signature = new Uint8Array(await crypto.subtle.sign(rs256, privateKey, signed));
    const code = crypto.randomUUID();
    tokens.set(code, `${text}.${base64Url(signature)}`);
    const url = `${origin}/auth/oidc/google/callback?code=${code}&state=${searchParams.get("state")}`;
    return { url, signed, signature, cookie: begun.headers.get("set-cookie")!.split(";")[0]! };
  };
  return {
    prepare,
    async callback({ url, cookie }: Prepared) {
      const answer = await app.fetch(new Request(url, { headers: { cookie, ...address } }));
      return answer.status === 303 && /session=[\w-]/.test(answer.headers.get("set-cookie") ?? "");
    },
    signature: ({ signed, signature }: Prepared) => crypto.subtle.verify(rs256, publicKey, signature, signed),
  };
}

let opened: Awaited<ReturnType<typeof open>> | undefined;
let prepared: Prepared[] = [];

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const count = Number(searchParams.get("n"));
    opened ??= await open();
    if (pathname === "/prepare") {
      prepared = [];
      while (prepared.length < count) prepared.push(await opened.prepare());
      return new Response(String(prepared.length));
    }
    const run = pathname === "/callback" ? opened.callback : opened.signature;
    let accepted = 0;
    for (const one of prepared.slice(0, count)) if (await run(one)) accepted += 1;
    return new Response(String(accepted));
  },
};
