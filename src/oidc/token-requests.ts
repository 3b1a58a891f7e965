/**
 * Requests to the token, userinfo and revocation endpoints: RFC 6749 §4.1.3, §4.4 and §6, RFC 7009, RFC 9449.
 *
 * @module
 */
import { epochSeconds } from "../crypto/epoch.ts";
import { signJws } from "../crypto/sign-jws.ts";
import type { BoundedAnswer } from "../net/bounded-fetch.ts";
import { dpopProof, keepNonce } from "./dpop.ts";
import { ConfigurationError } from "./errors.ts";
import { readMetadata } from "./issuer.ts";
import type { IssuerMetadata } from "./issuer-metadata.ts";
import { askIssuer, longestAnswer, type Parameters, type RequestParts, setParameters } from "./issuer-request.ts";
import type { ClientSettings } from "./options.ts";

/** Sends a token request. The answer is not judged. */
export async function requestTokens(settings: ClientSettings, form: Parameters): Promise<BoundedAnswer> {
  const metadata = await readMetadata(settings);
  return await post(settings, metadata, metadata.token_endpoint, form);
}

/** Asks the issuer to revoke a token. */
export async function requestRevocation(
  settings: ClientSettings,
  token: string,
  hint: string | undefined,
): Promise<BoundedAnswer> {
  const metadata = await readMetadata(settings);
  const url = requireEndpoint(metadata.revocation_endpoint, "revocation");
  return await post({ ...settings, resources: [] }, metadata, url, { token, token_type_hint: hint });
}

/** The most bytes of userinfo. */
const longestUserInfo = 65_536;

/** Asks for the claims of an access token's user: OpenID Connect Core §5.3.1. */
export async function requestUserInfo(settings: ClientSettings, accessToken: string): Promise<BoundedAnswer> {
  const metadata = await readMetadata(settings);
  const url = requireEndpoint(metadata.userinfo_endpoint, "userinfo");
  const headers = { authorization: `${settings.dpop ? "DPoP" : "Bearer"} ${accessToken}` };
  return await send(settings, url, { parts: async () => ({ headers }), accessToken, maxBytes: longestUserInfo });
}

/** @throws {ConfigurationError} */
export function requireEndpoint(endpoint: string | undefined, name: string): string {
  if (endpoint !== undefined) return endpoint;
  throw new ConfigurationError("issuerUrl", `the issuer has no ${name} endpoint.`);
}

async function post(
  settings: ClientSettings,
  metadata: IssuerMetadata,
  url: string,
  form: Parameters,
): Promise<BoundedAnswer> {
  const { dpop, resources } = settings;
  const isAnnounced = metadata.dpop_signing_alg_values_supported.includes("ES256");
  if (dpop && !isAnnounced) throw new ConfigurationError("dpop", "the issuer does not announce ES256.");
  const parts = async (): Promise<RequestParts> => {
    const { form: proof, headers } = await authenticate(settings, metadata);
    const body = new URLSearchParams();
    setParameters(body, { ...form, ...proof });
    for (const resource of resources) body.append("resource", resource);
    return { method: "POST", headers, body };
  };
  return await send(settings, url, { parts, maxBytes: longestAnswer });
}

interface IssuerRequest {
  /** Makes what is sent. Each try has an assertion of its own, because an issuer accepts one only once. */
  readonly parts: () => Promise<RequestParts>;
  readonly accessToken?: string;
  readonly maxBytes: number;
}

/** Sends a request, and once more if the issuer wants its nonce in the proof (RFC 9449 §8). */
async function send(
  settings: ClientSettings,
  url: string,
  { parts, accessToken, maxBytes }: IssuerRequest,
): Promise<BoundedAnswer> {
  const { dpop } = settings;
  const once = async () => {
    const { headers, ...more } = await parts();
    const proof = dpop && { dpop: await dpopProof(dpop, { method: more.method ?? "GET", url, accessToken }) };
    return await askIssuer(settings, url, { ...more, headers: { ...headers, ...proof } }, maxBytes);
  };
  const answer = await once();
  return dpop && keepNonce(dpop, url, answer) ? await once() : answer;
}

interface ClientProof {
  readonly form: Parameters;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** For how long an assertion of the client is valid, in seconds. */
const assertionSeconds = 60;

/**
 * How the client proves itself: RFC 6749 §2.3.1, RFC 7523 §2.2, OpenID Connect Core §9.
 *
 * @throws {ConfigurationError} If the issuer accepts nothing that this client can do.
 */
async function authenticate(settings: ClientSettings, metadata: IssuerMetadata): Promise<ClientProof> {
  const { clientAuthentication, clientId, clientSecret, privateKey } = settings;
  const way = clientAuthentication ?? (privateKey ? "private_key_jwt" : announcedWay(settings, metadata));
  if (way === "private_key_jwt") {
    const { key, keyId } = privateKey!;
    const now = epochSeconds();
    const claims = { iss: clientId, sub: clientId, aud: metadata.issuer, jti: crypto.randomUUID() };
    const header = { typ: "client-authentication+jwt", ...(keyId !== undefined && { kid: keyId }) };
    const assertion = await signJws(key, header, { ...claims, iat: now, exp: now + assertionSeconds });
    const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    return { form: { client_id: clientId, client_assertion_type: type, client_assertion: assertion } };
  }
  if (way === "none") return { form: { client_id: clientId } };
  const secret = typeof clientSecret === "function" ? await clientSecret() : clientSecret!;
  if (way === "post") return { form: { client_id: clientId, client_secret: secret } };
  // Both parts are form-encoded first, which leaves ASCII.
  const credentials = [clientId, secret].map((part) => new URLSearchParams([["", part]]).toString().slice(1)).join(":");
  return { form: {}, headers: { authorization: `Basic ${btoa(credentials)}` } };
}

function announcedWay({ clientSecret }: ClientSettings, metadata: IssuerMetadata): "basic" | "post" | "none" {
  if (clientSecret === undefined) return "none";
  const announced = metadata.token_endpoint_auth_methods_supported;
  // RFC 8414 §2: the default is client_secret_basic.
  if (announced.length === 0 || announced.includes("client_secret_basic")) return "basic";
  if (announced.includes("client_secret_post")) return "post";
  throw new ConfigurationError("clientAuthentication", "the issuer accepts neither basic nor post.");
}
