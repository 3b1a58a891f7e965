/** The options of a client, checked when it is made. @module */
import type { JwsAlgorithm } from "../crypto/jwk.ts";
import { signingAlgorithm } from "../crypto/sign-jws.ts";
import type { PrincipalType } from "./agent.ts";
import type { Dpop } from "./dpop.ts";
import { ConfigurationError, requireSetting } from "./errors.ts";
import { areAlgorithms, defaultAlgorithms } from "./id-token.ts";
import { type IssuerVariant, isReachable } from "./issuer-request.ts";

/** How a client proves itself at the token endpoint: OpenID Connect Core §9. */
export type ClientAuthentication = "post" | "basic" | "private_key_jwt" | "none";

/** The options of {@link createIdpClient}. */
export interface IdpClientOptions {
  /** The issuer, exactly as it writes itself. https, or http on loopback. */
  readonly issuerUrl: string;
  readonly clientId: string;
  /** Where the issuer sends the browser back to. Needed for the code flow only. */
  readonly redirectUri?: string;
  /** None for a public client. A function makes one for each request, such as Apple's, which is a signed token. */
  readonly clientSecret?: string | (() => Promise<string>);
  /** For `private_key_jwt`: the key that signs, and its id at the issuer. */
  readonly privateKey?: { readonly key: CryptoKey; readonly keyId?: string };
  /** Default: what the issuer's metadata names, `basic` before `post`; `none` without a secret. */
  readonly clientAuthentication?: ClientAuthentication;
  /** Refreshes tokens in `createAgent` before they end. Default true. */
  readonly autoRefresh?: boolean;
  /** How long before its end an access token is refreshed, 0 to 3600. Default 60. */
  readonly refreshBufferSeconds?: number;
  /** The resources that access tokens are for, at most 5 (RFC 8707). */
  readonly resources?: readonly string[];
  /** How long the issuer may take for one answer, 100 to 30000. Default 5000. */
  readonly timeoutMs?: number;
  /** How far the issuer's clock may be off, 0 to 60. Default 60. */
  readonly clockToleranceSeconds?: number;
  /** The algorithms of ID tokens. Default: ES256, RS256, EdDSA and PS256. */
  readonly algorithms?: readonly JwsAlgorithm[];
  /** The type of subjects without a prefix such as `usr_`. Default: such a subject is refused. */
  readonly principalType?: PrincipalType;
  /** Hosts that may be asked although they are not public, such as `idp.corp.internal`. Default: none. */
  readonly privateHosts?: readonly string[];
  /** Binds tokens to a key, made by `createDpop`. Default: not bound. */
  readonly dpop?: Dpop;
  /**
   * What sends requests. Default: the runtime's own. Give the same function each time: what is known of an issuer is kept by it.
   */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

type OptionWithDefault =
  | "autoRefresh"
  | "refreshBufferSeconds"
  | "resources"
  | "timeoutMs"
  | "clockToleranceSeconds"
  | "algorithms"
  | "privateHosts"
  | "fetch";

/** What an option is if it is not given. */
const defaults: Required<Pick<IdpClientOptions, OptionWithDefault>> = {
  autoRefresh: true,
  refreshBufferSeconds: 60,
  resources: [],
  timeoutMs: 5_000,
  clockToleranceSeconds: 60,
  algorithms: defaultAlgorithms,
  privateHosts: [],
  fetch: runtimeFetch,
};

/** A client's options with their defaults. */
export type ClientSettings = IdpClientOptions &
  Required<Pick<IdpClientOptions, OptionWithDefault>> & { readonly variant?: IssuerVariant | undefined };

const isText = (value: unknown): value is string => typeof value === "string" && /^[\x21-\x7e]{1,2048}$/.test(value);
const isWithin = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const isOneOf = (value: unknown, ...allowed: readonly unknown[]): boolean => allowed.includes(value);

/** Each option: what it must be, and its check. An option that is not in the table is refused. */
const rules: Readonly<Record<keyof IdpClientOptions, readonly [string, (value: unknown) => boolean]>> = {
  issuerUrl: ["a URL without query and fragment", isIssuer],
  clientId: ["a text of visible ASCII", isText],
  redirectUri: ["a URL without fragment", (value) => isText(value) && URL.canParse(value) && !value.includes("#")],
  clientSecret: ["a text, or a function", (value) => (typeof value === "string" && value !== "") || isFunction(value)],
  privateKey: ["an object with a private `key` for ES256, RS256, PS256 or EdDSA", isSigningKey],
  clientAuthentication: [
    '"post", "basic", "private_key_jwt" or "none"',
    (value) => isOneOf(value, "post", "basic", "private_key_jwt", "none"),
  ],
  autoRefresh: ["true or false", (value) => typeof value === "boolean"],
  refreshBufferSeconds: ["a whole number from 0 to 3600", (value) => isWithin(value, 0, 3_600)],
  resources: ["at most 5 URLs without fragment", areResources],
  timeoutMs: ["a whole number from 100 to 30000", (value) => isWithin(value, 100, 30_000)],
  clockToleranceSeconds: ["a whole number from 0 to 60", (value) => isWithin(value, 0, 60)],
  algorithms: ["a list of ES256, RS256, PS256, EdDSA and Ed25519", areAlgorithms],
  principalType: [
    '"user", "personal_token", "api_key" or "agent"',
    (value) => isOneOf(value, "user", "personal_token", "api_key", "agent"),
  ],
  privateHosts: ["a list of host names", (value) => Array.isArray(value) && value.every(isHost)],
  dpop: ["made by createDpop", isDpop],
  fetch: ["a function", isFunction],
};

/** @throws {ConfigurationError} With the first option that cannot be used. */
export function readSettings(options: IdpClientOptions): ClientSettings {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) throw new ConfigurationError(name, "it is not an option.");
    const [wanted, isMet] = rules[name as keyof IdpClientOptions];
    // A secret is never quoted.
    if (value !== undefined) requireSetting(isMet(value), name, /secret|key/i.test(name) ? {} : value, wanted);
  }
  for (const name of ["issuerUrl", "clientId"] as const) {
    requireSetting(options[name] !== undefined, name, undefined, rules[name][0]);
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings = { ...defaults, ...(given as unknown as IdpClientOptions) };
  const { clientAuthentication: way, clientSecret, privateKey, issuerUrl } = settings;
  requireSetting(isReachable(settings, issuerUrl), "issuerUrl", issuerUrl, "https to a public host or privateHosts");
  const hasSecret = clientSecret !== undefined;
  requireSetting(!(way === "none" && hasSecret), "clientAuthentication", way, "another with a secret");
  requireSetting(!(isOneOf(way, "post", "basic") && !hasSecret), "clientSecret", undefined, `given for "${way}"`);
  requireSetting(way !== "private_key_jwt" || !!privateKey, "privateKey", undefined, 'given for "private_key_jwt"');
  return settings;
}

/** One function for all clients, so that what is known of an issuer is shared. */
async function runtimeFetch(url: string, init: RequestInit): Promise<Response> {
  return await fetch(url, init);
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isSigningKey(value: unknown): boolean {
  const { key } = value as { readonly key?: unknown };
  return key instanceof CryptoKey && signingAlgorithm(key) !== undefined;
}

function isDpop(value: unknown): boolean {
  return isSigningKey(value) && (value as Partial<Dpop>).nonces instanceof Map;
}

/** As `URL` writes it, because it is compared with that. */
function isHost(value: unknown): boolean {
  return isText(value) && URL.canParse(`https://${value}`) && new URL(`https://${value}`).hostname === value;
}

function isIssuer(value: unknown): boolean {
  return isText(value) && URL.canParse(value) && !/[?#]/.test(value);
}

/** RFC 8707 §2. */
function areResources(value: unknown): boolean {
  const isResource = (resource: unknown) => isText(resource) && URL.canParse(resource) && !resource.includes("#");
  return Array.isArray(value) && value.length <= 5 && value.every(isResource);
}
