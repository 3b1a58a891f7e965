/**
 * The port through which the feature `federation` keeps the tokens of providers, so that an application that keeps none carries
 * nothing of it.
 *
 * @module
 */
import { fromHex } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/digest.ts";
import type { KeyVersions } from "../crypto/root-secrets.ts";
import type { SealedPlace, SealingKeys } from "../crypto/sealing.ts";
import type { Actor } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import type { CredentialId, UserId } from "../domain/id.ts";
import type { IdentityProvider, ProviderTokens } from "../domain/identity-provider.ts";
import type { NewIdentity } from "../store/linked-identities.ts";
import type { Purge } from "../store/maintenance.ts";
import type { Statement } from "../store/sql.ts";
import type { Core } from "./core.ts";

/** The settings that keeping tokens needs. */
export interface KeepingCore extends Core {
  readonly providers: ReadonlyMap<string, IdentityProvider>;
}

/** An access token of a user at a provider. It is a secret: use it on the server, and send it to no browser. */
export interface ProviderAccessToken {
  readonly accessToken: string;
  /** The identity that it is for. */
  readonly credentialId: CredentialId;
  /** Null if the provider states no end. */
  readonly expiresAt: Date | null;
  /** The scopes that were granted. Empty if the provider has not said. */
  readonly scopes: readonly string[];
}

/** What an application asks for a token with. */
export interface AccessTokenRequest {
  readonly actor: Actor;
  readonly userId: UserId;
  /** The provider's name. */
  readonly provider: string;
  /** One of the user's identities there. Default: the oldest that has tokens. */
  readonly credentialId?: CredentialId | undefined;
}

/** How tokens of providers are kept: made by `keepTokens` of `sallyport/federation/tokens`. */
export interface TokenKeeping {
  /** SQL that keeps the tokens of a sign-in, for the row with `cred_id` of a statement. */
  keep(core: KeepingCore, identity: NewIdentity, tokens: ProviderTokens): Promise<(from: Statement) => Statement>;
  accessToken(core: KeepingCore, asked: AccessTokenRequest): Promise<ProviderAccessToken>;
  /** Revokes tokens at their providers, at most `limit`. */
  revokeOwed(core: KeepingCore, limit: number): Promise<{ readonly revoked: number }>;
  /** The versions of its sealing keys. */
  keys(core: KeepingCore): KeyVersions;
  readonly purge: Purge;
}

export type TokenColumn = "access_token" | "refresh_token";
type Named = Pick<NewIdentity, "issuer" | "subject" | "provider">;

/** Where a token is stored. It is sealed for its identity: at a sign-in, the row of the credential is not known yet. */
export async function tokenPlace(column: TokenColumn, { issuer, subject, provider }: Named): Promise<SealedPlace> {
  const rowId = await sha256Hex(JSON.stringify([provider, issuer, subject]));
  return { purpose: "provider token", table: "provider_token", column, rowId, userId: "" };
}

/** @throws {AuthError} `unavailable.configuration` if no key opens it. */
export async function openToken(keys: SealingKeys, column: TokenColumn, named: Named, hex: string): Promise<string> {
  try {
    return new TextDecoder().decode(await keys.open(await tokenPlace(column, named), fromHex(hex)!));
  } catch (error) {
    throw new AuthError("unavailable.configuration", { cause: error, details: { option: "sealingKeys" } });
  }
}
