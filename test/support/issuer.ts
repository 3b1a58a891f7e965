/**
 * An OpenID Connect issuer in this process: real keys, real signatures, and every answer can be spoiled. A client reaches it
 * through its `fetch`. It runs in every runtime.
 *
 * @module
 */
import { toBase64Url, utf8 } from "../../src/crypto/bytes.ts";
import { createIdpClient, type IdpClient, type IdpClientOptions } from "../../src/oidc/index.ts";
import { createKey, headerOf, signRaw, type TestKey } from "./tokens/signer.ts";

type Members = Record<string, unknown>;
export type Endpoint = "metadata" | "keys" | "token" | "userinfo" | "revocation" | "elsewhere";

/** A request that the issuer got. */
export interface IssuerRequest {
  readonly endpoint: Endpoint;
  readonly url: string;
  readonly headers: Headers;
  readonly form: URLSearchParams;
}

/** What the issuer does instead of the right thing. Each function gets the right thing. */
export interface Spoils {
  metadata?: (metadata: Members) => unknown;
  keys?: (set: { keys: Members[] }) => unknown;
  header?: (header: Members) => Members;
  claims?: (claims: Members) => Members;
  /** The finished ID token. */
  idToken?: (token: string, issuer: TestIssuer) => unknown;
  tokens?: (tokens: Members) => unknown;
  userInfo?: (claims: Members) => unknown;
  /** The address that the browser comes back to. */
  callback?: (url: URL) => void;
  /** Answers a request in place of the issuer, which never sees it. */
  instead?: (request: IssuerRequest) => Response | Promise<Response> | undefined;
  /** Any answer. */
  answer?: (response: Response, request: IssuerRequest) => Response | Promise<Response>;
  /** The key that signs ID tokens. */
  signer?: () => TestKey | Promise<TestKey>;
}

/** What a user's tokens say. */
export interface TestUser {
  readonly sub: string;
  readonly [claim: string]: unknown;
}

interface Grant {
  readonly user: TestUser;
  readonly nonce: string | undefined;
  readonly scope: string;
  readonly challenge: string;
  readonly redirectUri: string;
  readonly authTime: number;
}

export const now = (): number => Math.floor(Date.now() / 1_000);

/** The tokens' life in seconds. */
const lifetime = 3_600;

export class TestIssuer {
  readonly url: string;
  readonly clientId = "app";
  readonly clientSecret = "s3cret:/+~%";
  readonly redirectUri = "https://app.example/callback";
  readonly requests: IssuerRequest[] = [];
  readonly revoked: string[] = [];
  spoils: Spoils = {};
  keys: TestKey[] = [];
  #rotations = 1;
  readonly #codes = new Map<string, Grant>();
  readonly #refreshTokens = new Map<string, Grant>();
  readonly #accessTokens = new Map<string, Grant>();
  /** One function for each issuer, so that what clients know of one is not known of another. */
  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => await this.#answer(url, init);

  constructor(url = "https://issuer.example") {
    this.url = url;
  }

  static async open(url?: string): Promise<TestIssuer> {
    const issuer = new TestIssuer(url);
    issuer.keys = [await createKey("ES256", "k1")];
    return issuer;
  }

  /** A client of this issuer. */
  client(options: Partial<IdpClientOptions> = {}): IdpClient {
    const { url: issuerUrl, clientId, clientSecret, redirectUri, fetch } = this;
    const all = { issuerUrl, clientId, clientSecret, redirectUri, fetch, principalType: "user", ...options } as const;
    return createIdpClient(
      Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as unknown as IdpClientOptions,
    );
  }

  /** How often an endpoint was asked. */
  count(endpoint: Endpoint): number {
    return this.requests.filter((request) => request.endpoint === endpoint).length;
  }

  get metadata(): Members {
    const { url } = this;
    return {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      userinfo_endpoint: `${url}/userinfo`,
      jwks_uri: `${url}/jwks`,
      revocation_endpoint: `${url}/revoke`,
      end_session_endpoint: `${url}/logout`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256", "RS256", "PS256", "EdDSA"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
      dpop_signing_alg_values_supported: ["ES256"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  /** The user agrees: the address that the browser comes back to. */
  authorize(authorizationUrl: string, user: TestUser = { sub: "usr_1" }): string {
    const asked = new URL(authorizationUrl).searchParams;
    const code = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
    this.#codes.set(code, {
      user,
      nonce: asked.get("nonce") ?? undefined,
      scope: asked.get("scope")!,
      challenge: asked.get("code_challenge")!,
      redirectUri: asked.get("redirect_uri")!,
      authTime: now(),
    });
    const url = new URL(asked.get("redirect_uri")!);
    for (const [name, value] of Object.entries({ code, state: asked.get("state")!, iss: this.url })) {
      url.searchParams.set(name, value);
    }
    this.spoils.callback?.(url);
    return url.href;
  }

  /** A whole sign-in. */
  async signIn(client: IdpClient, user?: TestUser, scopes: readonly string[] = ["openid", "email"]) {
    const transaction = await client.createAuthorizationUrl({ scopes });
    return await client.exchangeCallback(this.authorize(transaction.url, user), transaction);
  }

  async rotate(): Promise<void> {
    this.keys = [await createKey("ES256", `k${++this.#rotations}`)];
  }

  async #answer(address: string, init: RequestInit): Promise<Response> {
    const url = new URL(address);
    const [endpoint, answer] = this.#route(url);
    const headers = new Headers(init.headers);
    const request = { endpoint, url: address, headers, form: new URLSearchParams(String(init.body ?? "")) };
    this.requests.push(request);
    const response = (await this.spoils.instead?.(request)) ?? (await answer(request));
    return (await this.spoils.answer?.(response, request)) ?? response;
  }

  #route({ origin, pathname }: URL): readonly [Endpoint, (request: IssuerRequest) => Promise<Response>] {
    if (origin !== new URL(this.url).origin) return ["elsewhere", async () => json({ error: "elsewhere" }, 500)];
    const base = new URL(this.url).pathname.replace(/\/$/, "");
    switch (pathname.slice(base.length)) {
      case "/.well-known/openid-configuration":
        return ["metadata", async () => json((this.spoils.metadata ?? same)(this.metadata))];
      case "/jwks": {
        const set = { keys: this.keys.map(({ jwk }) => ({ ...jwk })) };
        return ["keys", async () => json((this.spoils.keys ?? same)(set))];
      }
      case "/token":
        return ["token", async (request) => await this.#token(request)];
      case "/userinfo":
        return ["userinfo", async (request) => await this.#userInfo(request)];
      case "/revoke":
        return ["revocation", async ({ form }) => json(this.revoked.push(form.get("token")!))];
      default:
        return ["elsewhere", async () => json({ error: "not_found" }, 404)];
    }
  }

  async #token({ form }: IssuerRequest): Promise<Response> {
    const kind = form.get("grant_type");
    if (kind === "client_credentials") return await this.#issue(undefined, form.get("scope") ?? "api:read");
    const presented = kind === "refresh_token" ? form.get("refresh_token")! : form.get("code")!;
    const grants = kind === "refresh_token" ? this.#refreshTokens : this.#codes;
    const grant = grants.get(presented);
    // Each is spent at its first use.
    grants.delete(presented);
    if (!grant) return json({ error: "invalid_grant", error_description: "unknown or spent" }, 400);
    if (kind === "authorization_code") {
      const digest = await crypto.subtle.digest("SHA-256", utf8(form.get("code_verifier") ?? ""));
      const isProved = toBase64Url(new Uint8Array(digest)) === grant.challenge;
      if (!isProved || form.get("redirect_uri") !== grant.redirectUri) return json({ error: "invalid_grant" }, 400);
    }
    return await this.#issue(grant, grant.scope);
  }

  async #issue(grant: Grant | undefined, scope: string): Promise<Response> {
    const access_token = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
    const tokens: Members = { access_token, token_type: "Bearer", expires_in: lifetime, scope };
    if (grant) {
      const refresh_token = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
      this.#refreshTokens.set(refresh_token, grant);
      this.#accessTokens.set(access_token, grant);
      Object.assign(tokens, { refresh_token, id_token: await this.idToken(grant, access_token) });
    }
    return json((this.spoils.tokens ?? same)(tokens));
  }

  /** An ID token, spoiled as this issuer spoils them. */
  async idToken(
    { user, nonce, authTime }: Pick<Grant, "user" | "nonce" | "authTime">,
    accessToken: string,
  ): Promise<unknown> {
    const { spoils } = this;
    const key = (await spoils.signer?.()) ?? this.keys[0]!;
    const hash = key.algorithm === "EdDSA" ? "SHA-512" : "SHA-256";
    const digest = new Uint8Array(await crypto.subtle.digest(hash, utf8(accessToken)));
    const claims: Members = {
      iss: this.url,
      aud: this.clientId,
      exp: now() + lifetime,
      iat: now(),
      auth_time: authTime,
      at_hash: toBase64Url(digest.subarray(0, digest.length / 2)),
      ...(nonce !== undefined && { nonce }),
      ...user,
    };
    const header = (spoils.header ?? same)(headerOf(key)) as Members;
    const token = await signRaw(key, header, (spoils.claims ?? same)(claims) as Members);
    return spoils.idToken ? await spoils.idToken(token, this) : token;
  }

  async #userInfo({ headers }: IssuerRequest): Promise<Response> {
    const grant = this.#accessTokens.get(/^(?:Bearer|DPoP) (.*)$/.exec(headers.get("authorization") ?? "")?.[1] ?? "");
    if (!grant) {
      return json({}, 401, { "www-authenticate": 'Bearer error="invalid_token", error_description="unknown"' });
    }
    return json((this.spoils.userInfo ?? same)({ ...grant.user }));
  }
}

const same = (value: unknown): unknown => value;

/** An answer in JSON. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Response(text, { status, headers: { "content-type": "application/json", ...headers } });
}
