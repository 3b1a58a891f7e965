/**
 * Who has signed in at an issuer, with the organizations and scopes that the issuer states.
 *
 * @module
 */
import { epochSeconds } from "../crypto/epoch.ts";
import { membersOf } from "../crypto/json.ts";
import { hasAccess, parseScope } from "../domain/scope.ts";
import { TokenParseError } from "./errors.ts";
import type { Claims } from "./id-token.ts";
import type { TokenSet } from "./token-set.ts";

/** What an agent is. */
export type PrincipalType = "user" | "personal_token" | "api_key" | "agent";

/** The prefix of a subject says what it is. */
const principalTypes: ReadonlyMap<string, PrincipalType> = new Map([
  ["usr_", "user"],
  ["tok_", "personal_token"],
  ["key_", "api_key"],
  ["agt_", "agent"],
]);

/**
 * The type of a subject by its prefix, or `fallback` for an issuer whose subjects have no prefixes.
 *
 * @throws {TokenParseError} If there is neither: an unknown subject is never taken for a user.
 */
export function principalTypeOf(subject: string, fallback: PrincipalType | undefined): PrincipalType {
  const type = principalTypes.get(subject.slice(0, 4)) ?? fallback;
  if (!type) throw new TokenParseError("id_token.sub");
  return type;
}

/** An agent's membership of an organization. */
export interface Organization {
  readonly id: string;
  readonly title: string | null;
  /** Scopes such as `projects:read`, and the roles `owner`, `admin` and `member`. */
  readonly scopes: readonly string[];
  /** In seconds since the Unix epoch. */
  readonly joined_at: number;
}

const mostOrganizations = 200;

/**
 * The organizations of a claim. None for a claim that is missing.
 *
 * @throws {TokenParseError} If there are more than 200, or one is malformed: none is left out silently.
 */
export function parseOrganizations(claim: unknown, field: string): readonly Organization[] {
  if (claim === undefined || claim === null) return [];
  if (!Array.isArray(claim) || claim.length > mostOrganizations) throw new TokenParseError(field);
  const organizations = claim.map((entry): Organization => {
    const members = membersOf(entry);
    const [id, title, scopes, joinedAt] = ["id", "title", "scopes", "joined_at"].map((name) => members?.get(name));
    const areScopes = Array.isArray(scopes) && scopes.every((scope) => typeof scope === "string");
    const isTitle = title === null || title === undefined || typeof title === "string";
    if (typeof id !== "string" || id === "" || !isTitle || !areScopes || !Number.isSafeInteger(joinedAt))
      throw new TokenParseError(field);
    return { id, title: title ?? null, scopes, joined_at: joinedAt as number };
  });
  if (new Set(organizations.map(({ id }) => id)).size < organizations.length) throw new TokenParseError(field);
  return organizations;
}

/** What makes an agent: verified claims, or a client of its own right. */
export interface AgentParts {
  readonly id: string;
  readonly type: PrincipalType;
  readonly email?: string | undefined;
  readonly emailVerified?: boolean | undefined;
  readonly organizations: readonly Organization[];
  readonly tokens: TokenSet;
}

/**
 * Who has signed in, until `expiresAt`.
 *
 * The organizations are those of the last token: a change at the issuer shows after the next refresh.
 */
export class AuthenticatedAgent {
  /** The subject at the issuer. Only together with the issuer does it identify anyone. */
  declare readonly id: string;
  declare readonly type: PrincipalType;
  /** Identifies no one, and may be unverified. */
  declare readonly email: string | undefined;
  declare readonly emailVerified: boolean | undefined;
  declare readonly tokens: TokenSet;
  declare readonly organizations: readonly Organization[];

  constructor(parts: AgentParts) {
    Object.assign(this, parts);
  }

  /** When the access token ends, in seconds since the Unix epoch. */
  get expiresAt(): number {
    return this.tokens.expires_at;
  }

  /** The seconds until the access token ends. Negative once it has. */
  get expiresIn(): number {
    return this.expiresAt - epochSeconds();
  }

  /** True if the access token ends within `bufferSeconds`. Default 30. `isExpired(0)` is exact. */
  isExpired(bufferSeconds: number = 30): boolean {
    return epochSeconds() + bufferSeconds >= this.expiresAt;
  }

  /**
   * True if *any* organization's scopes allow the action on the resource. Do not authorize a request about one organization with
   * this: use {@link hasAccessIn}.
   *
   * An agent without organizations is judged by its token's scopes. If the token has scopes of the form `resource:action` as well,
   * they are a limit.
   */
  hasAccess(action: string, resource: string): boolean {
    const scopes = (this.tokens.scope ?? "").split(" ");
    if (this.organizations.length === 0) return hasAccess(scopes, action, resource);
    const isLimited = scopes.some(parseScope);
    if (isLimited && !hasAccess(scopes, action, resource)) return false;
    return this.organizations.some((organization) => hasAccess(organization.scopes, action, resource));
  }

  /** True if the scopes in this organization allow the action on the resource. */
  hasAccessIn(organizationId: string, action: string, resource: string): boolean {
    return hasAccess(this.getScopesFor(organizationId), action, resource);
  }

  /** The scopes and roles in an organization, as the issuer wrote them. Empty if the agent is not a member. */
  getScopesFor(organizationId: string): readonly string[] {
    return this.#organization(organizationId)?.scopes ?? [];
  }

  /** True if the agent has the role `owner`. No scope and no other role implies it. */
  isOwnerOf(organizationId: string): boolean {
    return this.getScopesFor(organizationId).includes("owner");
  }

  /** True if the agent has the role `admin`. An owner without it is not an admin. */
  isAdminOf(organizationId: string): boolean {
    return this.getScopesFor(organizationId).includes("admin");
  }

  /** True if the agent is a member, with whatever role or scopes. */
  isMemberOf(organizationId: string): boolean {
    return this.#organization(organizationId) !== undefined;
  }

  #organization(organizationId: string): Organization | undefined {
    return this.organizations.find(({ id }) => id === organizationId);
  }
}

/** The agent that verified claims are about. */
export function agentOf(claims: Claims, tokens: TokenSet, fallbackType: PrincipalType | undefined): AuthenticatedAgent {
  const id = claims.get("sub") as string;
  return new AuthenticatedAgent({
    id,
    type: principalTypeOf(id, fallbackType),
    ...profileOf(claims, "id_token"),
    tokens,
  });
}

/** What an ID token and the userinfo endpoint both say of a user. */
export function profileOf(
  claims: Claims,
  source: "id_token" | "userinfo",
): Pick<AgentParts, "organizations"> & Required<Pick<AgentParts, "email" | "emailVerified">> {
  const isVerified = claims.get("email_verified");
  return {
    email: textOf(claims, "email"),
    emailVerified: typeof isVerified === "boolean" ? isVerified : undefined,
    organizations: parseOrganizations(claims.get("organizations"), `${source}.organizations`),
  };
}

/** A claim if it is a text. */
export function textOf(claims: Claims, name: string): string | undefined {
  const claim = claims.get(name);
  return typeof claim === "string" ? claim : undefined;
}
