/**
 * Microsoft as a provider: work and school accounts of Entra ID, and personal accounts.
 *
 * @module
 */
import type { IdentityProvider } from "../domain/identity-provider.ts";
import { OAuthError, requireSetting, TokenParseError } from "../oidc/errors.ts";
import type { Claims } from "../oidc/id-token.ts";
import { issuerProvider, type KnownProviderOptions } from "../oidc/provider.ts";
import { checkNames } from "../oidc/provider-options.ts";

export type { IdentityProvider, ProvedIdentity, ProviderNotice } from "../domain/identity-provider.ts";

/** The options of {@link microsoft}. */
export interface MicrosoftOptions extends KnownProviderOptions {
  /** `organizations`, `common`, or the id of one tenant. Default `organizations`. */
  readonly tenant?: string;
  /** Accepts personal accounts too. Default false. */
  readonly allowPersonalAccounts?: boolean;
  /**
   * What identifies a user besides the tenant: `sub`, which is another in each application, or `oid`, which is one in all. A user
   * is another identity after a change. Default `sub`.
   */
  readonly subjectClaim?: "sub" | "oid";
  /** Ids of tenants whose administrators you trust: every address that they set counts as verified. Default: none. */
  readonly trustedTenants?: readonly string[];
}

const isTenantId = (tid: unknown): boolean =>
  typeof tid === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(tid);
const issuerOf = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`;
const template = issuerOf("{tenantid}");
/** The tenant of all personal accounts. */
const personal = "9188040d-6c67-4c5b-b112-36a304b66dad";

/**
 * A provider for Microsoft accounts. Each tenant is an issuer of its own, and its identities are of that issuer.
 *
 * An administrator of any tenant can give a user any address. So an address counts as verified only by the optional claim
 * `xms_edov`, or by `trustedTenants`.
 *
 * @throws {ConfigurationError} If an option cannot be used.
 */
export function microsoft(options: MicrosoftOptions): IdentityProvider {
  const { tenant = "organizations", allowPersonalAccounts = false, trustedTenants = [], ...more } = options;
  const { subjectClaim = "sub", ...clientOptions } = more;
  checkNames(clientOptions, "site");
  const isOne = isTenantId(tenant) && (allowPersonalAccounts || tenant !== personal);
  const isTenant = isOne || tenant === "common" || tenant === "organizations";
  requireSetting(isTenant, "tenant", tenant, '"common", "organizations" or the id of a tenant, in lower case');
  requireSetting(trustedTenants.every(isTenantId), "trustedTenants", trustedTenants, "ids of tenants, in lower case");
  requireSetting(subjectClaim === "sub" || subjectClaim === "oid", "subjectClaim", subjectClaim, '"sub" or "oid"');
  const mayBeIssuer = (tid: unknown, iss: unknown) => isTenantId(tid) && iss === issuerOf(tid as string);
  const variant = {
    announced: template,
    isIssuerOf: (claims: Claims) => mayBeIssuer(claims.get("tid"), claims.get("iss")),
    // Keys for all tenants have the template; those for personal accounts have the issuer of their tenant.
    maySign: (key: Claims, claims: Claims) =>
      [undefined, template, claims.get("iss")].includes(key.get("issuer") as string | undefined),
    isAnswerOf: (iss: string) => mayBeIssuer(iss.split("/")[3], iss),
  };
  return issuerProvider(
    {
      name: "microsoft",
      label: "Microsoft",
      provesAgain: false,
      ...clientOptions,
      issuerUrl: issuerOf(tenant),
      algorithms: ["RS256"],
    },
    {
      ...(!isOne && { variant }),
      issuers: [isOne ? issuerOf(tenant) : template],
      // It sends none, and they would not name the tenant.
      notices: "none",
      // Its address is not verified.
      ignoresUserInfo: true,
      identityOf(claims) {
        const [tid, subject, edov] = ["tid", subjectClaim, "xms_edov"].map((name) => claims.get(name));
        if (!mayBeIssuer(tid, claims.get("iss"))) throw new TokenParseError("id_token.tid");
        if (tid === personal && !allowPersonalAccounts) throw new OAuthError("account_not_allowed");
        if (subjectClaim === "oid" && !isTenantId(subject)) throw new TokenParseError("id_token.oid");
        const emailVerified = edov === true || edov === "1" || trustedTenants.includes(tid as string);
        return { issuer: claims.get("iss") as string, subject: subject as string, emailVerified };
      },
    },
  );
}
