/**
 * Conditions on the issuer of an identity.
 *
 * @module
 */
import { issuerPattern } from "../domain/identity-provider.ts";
import { type Statement, sql } from "./sql.ts";

/** SQL for whether an identity's issuer is one of a list. */
export function isIssuerListed(issuer: Statement, issuers: readonly string[]): Statement {
  return sql`(${issuer} like any(${issuers.map(issuerPattern)}::text[]))`;
}

/**
 * SQL for whether a session began with an identity of an issuer that the application does not list. It is then no way in, like a
 * credential that is suspended. A session that another SDK began has no transport, and is that SDK's to end.
 *
 * @param issuers The application's issuers. Undefined if it has no feature with providers: it then verifies what others began.
 */
export function isOfUnlistedIssuer(issuers: readonly string[] | undefined): Statement {
  return sql`(ses.transport is not null and ${isUnlisted(sql`cred`, issuers)})`;
}

/** SQL for whether a credential is an identity of an issuer that the application does not list. */
export function isUnlisted(credential: Statement, issuers: readonly string[] | undefined): Statement {
  if (issuers === undefined) return sql`false`;
  return sql`(${credential}.type = 'oidc' and not ${isIssuerListed(sql`${credential}.oidc_issuer`, issuers)})`;
}
