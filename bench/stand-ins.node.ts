/**
 * Google and Neon on this machine, as the proxy of a Worker. It counts the requests that a Worker sends to each.
 *
 * @module
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { PGlite } from "@electric-sql/pglite";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { type NeonQuery, type NeonResult, pgliteBackend } from "../worker/development/neon-backend.node.ts";

export const googleClient = { id: "1234987819200.apps.googleusercontent.com", secret: "benchmark-secret" };
/** For the client: nothing is sent there but by the proxy. */
export const databaseUrl = "postgres://bench:bench@database.example.com/bench";

const issuer = "https://accounts.google.com";
const endpoints = {
  authorization: `${issuer}/o/oauth2/v2/auth`,
  token: "https://oauth2.googleapis.com/token",
  keys: "https://www.googleapis.com/oauth2/v3/certs",
};

/** What Google's discovery document says, as far as it concerns the code flow. */
const metadata = {
  issuer,
  authorization_endpoint: endpoints.authorization,
  token_endpoint: endpoints.token,
  userinfo_endpoint: "https://openidconnect.googleapis.com/v1/userinfo",
  jwks_uri: endpoints.keys,
  response_types_supported: ["code"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["RS256"],
  token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
  code_challenge_methods_supported: ["plain", "S256"],
};

/** The requests of a Worker since the last count. */
export interface Requests {
  readonly database: number;
  /** The URLs of the requests to Google, without their queries. */
  readonly provider: readonly string[];
}

export interface StandIns {
  readonly port: number;
  /** The user agrees at Google. Returns the URL to which Google sends the browser. */
  agree(authorizationUrl: string): string;
  /** The requests since the last call. */
  count(): Requests;
  close(): Promise<void>;
}

/** Starts the proxy in front of an embedded Postgres. */
export async function startStandIns(embedded: PGlite): Promise<StandIns> {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "key-1", use: "sig", alg: "RS256" };
  const nonces = new Map<string, string | null>();
  let database = 0;
  let provider: string[] = [];

  const tokens = async (form: URLSearchParams): Promise<object> => {
    const nonce = nonces.get(form.get("code") ?? "");
    if (nonce === undefined) throw new Error("The code is unknown.");
    const profile = { name: "Ada", given_name: "Ada", picture: "https://lh3.googleusercontent.com/a/ada" };
    const idToken = await new SignJWT({
      ...{ azp: googleClient.id, email: "ada@example.com", email_verified: true, ...profile },
      ...(nonce !== null && { nonce }),
    })
      .setProtectedHeader({ alg: "RS256", kid: jwk.kid, typ: "JWT" })
      .setIssuer(issuer)
      .setAudience(googleClient.id)
      .setSubject("10769150350006150715113082367")
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(privateKey);
    const scope =
      "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile";
    return { access_token: "access-1", token_type: "Bearer", expires_in: 3599, scope, id_token: idToken };
  };
  const sites = new Map<string, (body: string) => Promise<object> | object>([
    [`${issuer}/.well-known/openid-configuration`, () => metadata],
    [endpoints.keys, () => ({ keys: [jwk] })],
    [endpoints.token, (body: string) => tokens(new URLSearchParams(body))],
  ]);
  const answer = async (url: URL, body: string): Promise<object> => {
    if (url.hostname.endsWith(".example.com") && url.pathname === "/sql") {
      database += 1;
      return await runStatements(embedded, JSON.parse(body));
    }
    const site = `${url.origin}${url.pathname}`;
    provider.push(site);
    const reply = sites.get(site);
    if (!reply) throw new Error(`No stand-in for ${site}.`);
    return await reply(body);
  };

  // workerd writes the host into the request line only.
  const server = createServer({ requireHostHeader: false }, async (request, response) => {
    try {
      const reply = await answer(new URL(request.url!), await bodyOf(request));
      response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(reply));
    } catch (error) {
      const { message, ...fields } = error as Error;
      response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ message, ...fields }));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    agree(authorizationUrl) {
      const { origin, pathname, searchParams } = new URL(authorizationUrl);
      if (`${origin}${pathname}` !== endpoints.authorization) throw new Error(`Not Google: ${authorizationUrl}`);
      const code = crypto.randomUUID();
      nonces.set(code, searchParams.get("nonce"));
      const back = new URL(searchParams.get("redirect_uri")!);
      back.searchParams.set("state", searchParams.get("state")!);
      back.searchParams.set("code", code);
      return back.href;
    },
    count() {
      const counted = { database, provider };
      database = 0;
      provider = [];
      return counted;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

type Sent = NeonQuery | { readonly queries: readonly NeonQuery[] };

async function runStatements(embedded: PGlite, sent: Sent): Promise<object> {
  const backend = pgliteBackend(embedded);
  // Neon counts the rows of a query as well, and Auth.js reads that count.
  const counted = (result: NeonResult): NeonResult => ({ ...result, rowCount: result.rowCount || result.rows.length });
  if ("queries" in sent) return { results: (await backend.transaction("begin", sent.queries)).map(counted) };
  return counted(await backend.run(sent));
}
