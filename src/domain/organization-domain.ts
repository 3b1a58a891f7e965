/**
 * Domains that organizations prove, and how users with an address of such a domain become members.
 *
 * @module
 */
import { normalizeIdentifier } from "./identifier.ts";
import type { ValueOf } from "./record.ts";

/** A domain of an organization, proved or not. */
export const organizationDomain = {
  organizationId: "org id",
  /** ASCII in lower case, with `xn--` for other letters. Its subdomains are other domains. */
  domain: "text",
  /**
   * How users whose verified address is of this domain become members: not at all, by asking an owner or admin, or by themselves. It
   * counts only while the domain is proved.
   */
  joining: ["none", "request", "automatic"],
  createdAt: "time",
  /** Since when it is proved. Null if it is not, or not any more. */
  provedAt: "time?",
  /** When the record was last looked up with a result that counted. */
  checkedAt: "time?",
} as const;

/** A domain of an organization. */
export interface OrganizationDomain extends ValueOf<typeof organizationDomain> {
  /** The TXT record that proves it. Its text is for this organization and this domain alone, and no secret. */
  readonly record: { readonly name: string; readonly text: string };
}

/** How users with an address of a domain become members. */
export type Joining = OrganizationDomain["joining"];

/** The ways of joining, from none to the easiest. */
export const joinings: readonly Joining[] = organizationDomain.joining;

/** An organization that a user may join, or ask to join. */
export const joinableOrganization = {
  organizationId: "org id",
  name: "text?",
  how: ["request", "automatic"],
  /** When the user has asked. Null if they have not. */
  requestedAt: "time?",
} as const;

/** An organization that a user may join, or ask to join. */
export interface JoinableOrganization extends ValueOf<typeof joinableOrganization> {}

/** A user who asks to join an organization. */
export const joinRequest = {
  organizationId: "org id",
  userId: "usr id",
  /** The verified address that is of a domain of the organization. */
  identifier: "text",
  displayName: "text?",
  createdAt: "time",
} as const;

/** A user who asks to join an organization. */
export interface JoinRequest extends ValueOf<typeof joinRequest> {}

/** How many domains an organization may have. */
export const mostDomains = 20;
/** How many organizations a user may ask at the same time. */
export const mostJoinRequests = 20;
/** After how many days the proof of a domain is checked again. */
export const recheckDays = 30;

/** The stored form of a domain as it is typed, as for the domain of an address; or `undefined`. */
export function normalizeDomainName(typed: string): string | undefined {
  if (typeof typed !== "string" || typed.includes("@")) return undefined;
  return normalizeIdentifier(`a@${typed.trim()}`, { allowNonAscii: true })?.slice(2);
}
