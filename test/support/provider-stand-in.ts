import { toHex } from "../../src/crypto/bytes.ts";
import { signJws } from "../../src/crypto/sign-jws.ts";
import type { IdentityProvider, ProvedIdentity, ProviderAttempt } from "../../src/domain/identity-provider.ts";

/** What a site sends: JSON, or another body with its media type. */
export interface Reply {
  readonly status?: number;
  readonly json?: unknown;
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly form: URLSearchParams;
}

/** A site in this process, given to a provider as its `fetch`. It answers 404 to what a test has not put there. */
export class StandIn {
  readonly seen: SeenRequest[] = [];
  readonly #replies: Map<string, Reply | (() => Promise<Reply> | Reply)> = new Map();

  /** Bound, because what is known of an issuer is kept by the function. */
  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const form = new URLSearchParams(String(init.body ?? ""));
    this.seen.push({ method: init.method ?? "GET", url, headers: new Headers(init.headers), form });
    const put = this.#replies.get(url);
    if (!put) return new Response("", { status: 404 });
    const { status = 200, json, body, headers } = typeof put === "function" ? await put() : put;
    const type = body === undefined ? { "content-type": "application/json; charset=utf-8" } : {};
    return new Response(body ?? JSON.stringify(json), { status, headers: { ...type, ...headers } });
  };

  put(url: string, reply: Reply | (() => Promise<Reply> | Reply)): this {
    this.#replies.set(url, reply);
    return this;
  }

  /** The requests to a URL. */
  to(url: string): readonly SeenRequest[] {
    return this.seen.filter((request) => request.url === url);
  }
}

const attempts = { redirectUri: "https://app.example/auth/oidc/practice/callback" };

/** An attempt of a browser that has just begun. */
export function attempt(more: Partial<ProviderAttempt> = {}): ProviderAttempt {
  const secret = () => toHex(crypto.getRandomValues(new Uint8Array(32)));
  const createdAt = Math.floor(Date.now() / 1000);
  return { ...attempts, state: secret(), nonce: secret(), codeVerifier: secret(), createdAt, again: false, ...more };
}

/** A code for the attempt, as a browser brings it, with more parameters. */
export function callback({ state, redirectUri }: ProviderAttempt, more: Readonly<Record<string, string>> = {}): URL {
  return new URL(`${redirectUri}?${new URLSearchParams({ code: "code-1", state, ...more })}`);
}

/** Signs in with whatever the site now answers. */
export async function signInAt(
  provider: IdentityProvider,
  more: Readonly<Record<string, string>> = {},
): Promise<ProvedIdentity> {
  const begun = attempt();
  return await provider.finish(callback(begun, more), begun);
}

const keyPair = crypto.subtle.generateKey(
  { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
  true,
  ["sign", "verify"],
);

/** An issuer's metadata, and the claims and the header of its ID tokens. */
export interface IssuerReplies {
  readonly discoveryUrl: string;
  readonly metadata: { readonly issuer: string; readonly jwks_uri: string; readonly token_endpoint: string };
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A stand-in for an issuer, which signs its tokens for the attempt of the moment. */
export class IssuerStandIn extends StandIn {
  readonly #metadata: IssuerReplies["metadata"];
  readonly #claims: IssuerReplies["claims"];
  claims: Readonly<Record<string, unknown>> = {};
  /** More members of its key. */
  keyMembers: Readonly<Record<string, unknown>> = {};
  /** The key of its set, and the one that signs. */
  published: Promise<CryptoKeyPair> = keyPair as Promise<CryptoKeyPair>;
  key: Promise<CryptoKeyPair> = keyPair as Promise<CryptoKeyPair>;
  nonce = "";

  constructor({ discoveryUrl, metadata, claims }: IssuerReplies) {
    super();
    this.#metadata = metadata;
    this.#claims = claims;
    this.put(discoveryUrl, { json: metadata });
    this.put(metadata.jwks_uri, async () => {
      const { publicKey } = await this.published;
      const jwk = await crypto.subtle.exportKey("jwk", publicKey);
      return {
        json: { keys: [{ ...jwk, kid: "key-1", use: "sig", alg: "RS256", key_ops: undefined, ...this.keyMembers }] },
      };
    });
    this.put(metadata.token_endpoint, async () => {
      const token = { access_token: "access-1", token_type: "Bearer", expires_in: 3600 };
      return { json: { ...token, id_token: await this.idToken() } };
    });
  }

  get tokenUrl(): string {
    return this.#metadata.token_endpoint;
  }

  async idToken(): Promise<string> {
    const { privateKey } = await this.key;
    const now = Math.floor(Date.now() / 1000);
    const all = { iat: now, exp: now + 3600, nonce: this.nonce, ...this.#claims, ...this.claims };
    return await signJws(privateKey, { kid: "key-1", typ: "JWT" }, all);
  }

  /** Signs in with claims besides the recorded ones. `undefined` leaves a claim out. */
  async signIn(
    provider: IdentityProvider,
    claims: Readonly<Record<string, unknown>> = {},
    answer: (begun: ProviderAttempt) => URL | URLSearchParams = callback,
  ): Promise<ProvedIdentity> {
    const begun = attempt();
    this.claims = claims;
    this.nonce = begun.nonce;
    return await provider.finish(answer(begun), begun);
  }
}

/** The code of a refusal of a token by ES256, whose key the issuer publishes. */
export async function codeForEs256(site: IssuerStandIn, provider: IdentityProvider): Promise<string> {
  site.published = crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  site.key = site.published;
  site.keyMembers = { ...site.keyMembers, alg: "ES256" };
  return await codeOf(site.signIn(provider));
}

/** The code of a refusal, or `"accepted"`. */
export async function codeOf(outcome: Promise<unknown>): Promise<string> {
  try {
    await outcome;
    return "accepted";
  } catch (error) {
    return String((error as { error?: unknown }).error ?? error);
  }
}
