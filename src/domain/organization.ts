/**
 * Organizations: groups of users with roles (Flametrench `docs/tenancy.md`, ADR 0002, 0011 and 0025). They are flat: an
 * organization has no parent.
 *
 * @module
 */
import { AuthError } from "./error.ts";
import type { ValueOf } from "./record.ts";

/** An organization. */
export const organization = {
  id: "org id",
  /** The roles in a suspended organization grant nothing to the application until it is reinstated. A revoked one has ended for good. */
  status: ["active", "suspended", "revoked"],
  name: "text?",
  /** A name for URLs: unique among all organizations, also those that have ended. */
  slug: "text?",
  createdAt: "time",
  updatedAt: "time",
} as const;

/** An organization. */
export interface Organization extends ValueOf<typeof organization> {}

const slugShape = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Returns the slug, if it has 1 to 63 characters of `a-z`, `0-9` and `-`, and neither begins nor ends with `-`.
 *
 * @throws {AuthError} `precondition.org_slug_format`.
 */
export function acceptSlug(slug: string | null): string | null {
  if (slug !== null && !slugShape.test(slug)) throw new AuthError("precondition.org_slug_format");
  return slug;
}
