/**
 * A real OpenID Connect issuer on loopback: `oidc-provider`, the certified server. Its users, their claims and its keys can change
 * while it runs. It has a plain login form, so that a browser can use it too.
 *
 * @module
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { createKey } from "./tokens/signer.ts";

/** A client's registration, with the names of RFC 7591. */
export type ClientMetadata = Readonly<Record<string, unknown>> & { readonly client_id: string };

export interface RealIssuer {
  readonly url: string;
  /** Claims by subject. A user signs in by typing the subject. The claims are read each time a token is made. */
  readonly users: Map<string, Readonly<Record<string, unknown>>>;
  /** Why clients could not be told of a sign-out. */
  readonly failures: readonly Error[];
  /** Publishes a new key, which signs from now on. Unless `keepsOld`, the old keys are withdrawn. */
  rotateKeys(keepsOld?: boolean): Promise<void>;
  /** Walks as a browser does, with the cookies of one, until the address is the application's. Returns that address. */
  walk(address: string, browser: Browser, visitor: Visitor): Promise<string>;
  close(): Promise<void>;
}

/** The cookies of one browser. */
export type Browser = Map<string, string>;

/** In place of a subject: the user cancels. */
export const cancelled: unique symbol = Symbol("cancelled");

/** Who sits at the browser. */
type Visitor = string | typeof cancelled;

/** The scopes of applications that clients may ask for. */
const applicationScopes = "users:read users:write posts:* posts:**";

/** What a user says unless the test says otherwise. */
const namesOfClaims = {
  openid: ["sub", "organizations", "auth_time", "acr"],
  email: ["email", "email_verified"],
  profile: ["name", "picture"],
};

export async function openProvider(clients: readonly ClientMetadata[], port = 0): Promise<RealIssuer> {
  const users: RealIssuer["users"] = new Map();
  const stored = new Map<string, Record<string, unknown>>();
  let keys: object[] = [];
  let rotations = 0;
  const failures: Error[] = [];
  let provider: Provider;

  const server = createServer(async (request, response) => {
    const isInteraction = request.url!.startsWith("/interaction/");
    await (isInteraction ? interact(provider, users, request, response) : provider.callback()(request, response));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const rotateKeys = async (keepsOld = false): Promise<void> => {
    const { privateJwk } = await createKey("ES256", `key-${++rotations}`);
    const rsa = await createKey("RS256", `rsa-${rotations}`);
    keys = [{ ...privateJwk, use: "sig" }, { ...rsa.privateJwk, use: "sig" }, ...(keepsOld ? keys : [])];
    // Another instance on the same storage: the configuration of one is fixed.
    provider = new Provider(url, configurationOf(clients, users, keys, stored));
    provider.on("backchannel.error", (_: unknown, error: Error) => failures.push(error));
  };
  await rotateKeys();

  return {
    url,
    users,
    failures,
    rotateKeys,
    walk: async (address, browser, visitor) => await walk(url, address, browser, visitor),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function configurationOf(
  clients: readonly ClientMetadata[],
  users: RealIssuer["users"],
  keys: readonly object[],
  stored: Map<string, Record<string, unknown>>,
): Record<string, unknown> {
  const hour = 3_600;
  const kinds = [
    "AccessToken",
    "AuthorizationCode",
    "ClientCredentials",
    "Grant",
    "IdToken",
    "Interaction",
    "RefreshToken",
    "Session",
  ];
  return {
    clients: clients.map((client) => ({ id_token_signed_response_alg: "ES256", ...client })),
    adapter: (kind: string) => new MemoryAdapter(kind, stored),
    jwks: { keys },
    cookies: { keys: ["a key of the test"] },
    claims: namesOfClaims,
    scopes: ["openid", "offline_access", "email", "profile", ...applicationScopes.split(" ")],
    conformIdTokenClaims: false,
    clientDefaults: { response_types: ["code"], grant_types: ["authorization_code", "refresh_token"] },
    enabledJWA: {
      idTokenSigningAlgValues: ["ES256", "RS256"],
      userinfoSigningAlgValues: ["ES256"],
      clientAuthSigningAlgValues: ["ES256", "RS256", "PS256", "EdDSA"],
      dPoPSigningAlgValues: ["ES256"],
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
      introspection: { enabled: true, allowedPolicy: () => true },
      backchannelLogout: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
      jwtUserinfo: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: signOutPage, postLogoutSuccessSource: signedOutPage },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (_: unknown, audience: string) => ({
          audience,
          scope: applicationScopes,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
    pkce: { required: () => true },
    // Its own dispatcher refuses loopback, where the clients of tests listen.
    fetch: (address: string, { dispatcher: _, ...init }: RequestInit & { dispatcher?: unknown }) =>
      fetch(address, init),
    ttl: Object.fromEntries(kinds.map((kind) => [kind, () => hour])),
    issueRefreshToken: () => true,
    rotateRefreshToken: () => true,
    findAccount: (_: unknown, sub: string) =>
      users.has(sub) ? { accountId: sub, claims: () => ({ sub, ...users.get(sub) }) } : undefined,
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    // Nobody is asked for consent: the login form is the only page.
    async loadExistingGrant({ oidc }: GrantContext) {
      const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
      grant.addOIDCScope(`openid offline_access email profile ${applicationScopes}`);
      for (const resource of [oidc.params.resource].flat()) {
        if (resource !== undefined) grant.addResourceScope(resource, applicationScopes);
      }
      await grant.save();
      return grant;
    },
  };
}

interface GrantContext {
  readonly oidc: {
    readonly provider: Provider;
    readonly session: { readonly accountId: string };
    readonly client: { readonly clientId: string };
    readonly params: { readonly resource?: string | string[] };
  };
}

const page = (title: string, content: string) =>
  `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${content}</html>`;

/** The login form, and what it sends. A name that is no user's shows the form again. */
async function interact(
  provider: Provider,
  users: RealIssuer["users"],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  const accountId = form.get("login") ?? "";
  if (form.has("cancel")) {
    await provider.interactionFinished(request, response, { error: "access_denied" });
  } else if (users.has(accountId)) {
    await provider.interactionFinished(request, response, { login: { accountId } });
  } else {
    const { uid } = await provider.interactionDetails(request, response);
    const fields = `<label>Name <input name="login" required></label> <button>Sign in</button>`;
    const cancel = `<button name="cancel" value="yes" formnovalidate>Cancel</button>`;
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(
      page("Sign in at the issuer", `<form method="post" action="/interaction/${uid}">${fields} ${cancel}</form>`),
    );
  }
}

function signOutPage(context: { body: string }, form: string): void {
  context.body = page(
    "Sign out at the issuer",
    `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`,
  );
}

function signedOutPage(context: { body: string }): void {
  context.body = page("Signed out at the issuer", "");
}

async function walk(issuer: string, start: string, browser: Browser, visitor: Visitor): Promise<string> {
  let address = start;
  for (let step = 0; step < 20; step++) {
    if (!address.startsWith(`${issuer}/`)) return address;
    let response = await ask(address, browser);
    if (response.status === 200) {
      const html = await response.text();
      const action = /action="([^"]+)"/.exec(html)?.[1];
      if (!action) return address;
      const hidden = [...html.matchAll(/type="hidden" name="([^"]+)" value="([^"]+)"/g)].map(([, name, value]) => [
        name!,
        value!,
      ]);
      const body = new URLSearchParams([
        ...hidden,
        visitor === cancelled ? ["cancel", "yes"] : ["login", visitor],
        ["logout", "yes"],
      ]);
      response = await ask(new URL(action, address).href, browser, { method: "POST", body });
    }
    const location = response.headers.get("location");
    if (location === null) throw new Error(`The issuer answered ${response.status}: ${await response.text()}`);
    address = new URL(location, address).href;
  }
  throw new Error("The issuer redirects without an end.");
}

async function ask(address: string, browser: Browser, init: RequestInit = {}): Promise<Response> {
  const cookie = [...browser].map(([name, value]) => `${name}=${value}`).join("; ");
  const response = await fetch(address, { ...init, redirect: "manual", headers: { cookie } });
  for (const set of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
    browser.set(name!, value!);
  }
  return response;
}

/** The storage of one issuer, for all kinds of things. */
class MemoryAdapter {
  readonly #kind: string;
  readonly #stored: Map<string, Record<string, unknown>>;

  constructor(kind: string, stored: Map<string, Record<string, unknown>>) {
    this.#kind = kind;
    this.#stored = stored;
  }

  async upsert(id: string, payload: Record<string, unknown>): Promise<void> {
    this.#stored.set(`${this.#kind} ${id}`, { ...payload });
  }

  async find(id: string): Promise<Record<string, unknown> | undefined> {
    const found = this.#stored.get(`${this.#kind} ${id}`);
    return found && { ...found };
  }

  async findByUid(uid: string): Promise<Record<string, unknown> | undefined> {
    return [...this.#stored].find(([key, payload]) => key.startsWith(`${this.#kind} `) && payload.uid === uid)?.[1];
  }

  async consume(id: string): Promise<void> {
    const found = this.#stored.get(`${this.#kind} ${id}`);
    if (found) found.consumed = Math.floor(Date.now() / 1_000);
  }

  async destroy(id: string): Promise<void> {
    this.#stored.delete(`${this.#kind} ${id}`);
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, payload] of this.#stored) if (payload.grantId === grantId) this.#stored.delete(key);
  }
}
