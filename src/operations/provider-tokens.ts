/**
 * Tokens of providers that an application keeps, to act for its users there: `federation({ keepTokens: keepTokens({ … }) })`.
 *
 * @module
 */
import { fromHex, toHex, utf8 } from "../crypto/bytes.ts";
import type { SealingKeys } from "../crypto/sealing.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, newUuid, uuidFor } from "../domain/id.ts";
import type { ProviderTokens } from "../domain/identity-provider.ts";
import { execute } from "../engine/execute.ts";
import {
  type AccessTokenRequest,
  type KeepingCore,
  type ProviderAccessToken,
  type TokenKeeping,
  tokenPlace,
} from "../engine/kept-tokens.ts";
import { refuse } from "../engine/refuse.ts";
import { readSealingKeys } from "../engine/sealing-keys.ts";
import * as store from "../store/provider-tokens.ts";
import type { Statement } from "../store/sql.ts";
import { providerOf, refused } from "./provider-answer.ts";
import { providerFault } from "./provider-fault.ts";

export type { TokenKeeping } from "../engine/kept-tokens.ts";

/** The options of {@link keepTokens}. */
export interface KeepTokensOptions {
  /** Keys that seal the tokens in the database, as for the feature `mfa`. They must differ from the root secret. */
  readonly sealingKeys: string | undefined;
}

/**
 * Keeps the tokens of every sign-in at a provider, and of every identity that is linked, until the identity or its user ends or is
 * suspended. The provider gives a refresh token only if it is asked for one: with the scope `offline_access` (OpenID Connect Core
 * §11), or with `offline: true` of `google`.
 */
export function keepTokens(options: KeepTokensOptions): TokenKeeping {
  const keysOf = (core: KeepingCore) => readSealingKeys(core, options.sealingKeys);
  return {
    async keep(core, identity, tokens) {
      // Without a way to use it, a refresh token is only a danger.
      const mayRefresh = providerOf(core, identity.provider).refresh !== undefined;
      const kept = mayRefresh ? tokens : { ...tokens, refresh_token: undefined };
      const sealed = await seal(keysOf(core), identity, kept);
      return (from) => store.keepTokens(sealed, from);
    },
    accessToken: async (core, asked) => await accessToken(core, keysOf(core), asked),
    keys: (core) => keysOf(core).all,
    purge: store.purgeProviderTokens,
  };
}

/** An access token that ends sooner is refreshed first, in seconds. */
const leastSeconds = 60;

/** The waits of a caller for the one that refreshes, in milliseconds. */
const waits = [200, 500, 1_000];

async function accessToken(
  core: KeepingCore,
  keys: SealingKeys,
  asked: AccessTokenRequest,
): Promise<ProviderAccessToken> {
  // The provider, and with it its client, may have been taken from the list.
  providerOf(core, asked.provider);
  const leaseId = newUuid();
  let held = await claim(core, asked, leaseId);
  for (const wait of waits) {
    if (held.isClaimed || held.refreshToken === null || !endsWithin(held, leastSeconds)) break;
    await new Promise((resolve) => setTimeout(resolve, wait));
    held = await claim(core, asked, leaseId);
  }
  const { accessToken: token, refreshToken, expiresAt, scope } = held;
  if (token === null) throw refused("no_token");
  if (held.isClaimed) {
    const refreshed = await refresh(core, keys, { asked, held, leaseId });
    if (refreshed) return refreshed;
  }
  if (!endsWithin(held, 0)) {
    return toAnswer(
      { access_token: await open(keys, "access_token", held, token), scope: scope ?? undefined },
      expiresAt,
    );
  }
  // Another caller refreshes it, and that takes long.
  if (refreshToken !== null) throw new AuthError("unavailable.provider", { retryAfterSeconds: 5 });
  throw refused("token_expired");
}

/** The user's tokens, and the lease if they must be refreshed and no other caller has it. */
async function claim(
  core: KeepingCore,
  { actor, userId, provider }: AccessTokenRequest,
  leaseId: string,
): Promise<store.HeldTokensRow> {
  const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId) };
  const row = await execute(core, {
    body: store.claimTokens({ ...asked, provider, leaseId, leastSeconds }),
    onLostReply: "repeat",
    mustCommit: true,
  });
  refuse(row.refusal);
  if (row.credId === null) throw new AuthError("not_found");
  return row;
}

function endsWithin({ expiresAt, now }: store.HeldTokensRow, seconds: number): boolean {
  return expiresAt !== null && expiresAt.getTime() <= now.getTime() + seconds * 1_000;
}

/** RFC 6749 §5.2, and what GitHub says instead. */
const refusedForGood: ReadonlySet<unknown> = new Set(["invalid_grant", "bad_refresh_token"]);

/** New tokens from the provider; or `undefined` if it gives none now and the old access token still lives. */
async function refresh(
  core: KeepingCore,
  keys: SealingKeys,
  of: { asked: AccessTokenRequest; held: store.HeldTokensRow; leaseId: string },
): Promise<ProviderAccessToken | undefined> {
  const { asked, held, leaseId } = of;
  const lease = { actor: asked.actor, auditId: newAuditId(), credentialId: held.credId!, leaseId };
  const end = async <Row>(body: Statement<Row>) =>
    await execute(core, { body, onLostReply: "repeat", mustCommit: true, decode: (row) => row });
  let tokens: ProviderTokens;
  try {
    const refreshToken = await open(keys, "refresh_token", held, held.refreshToken!);
    tokens = await providerOf(core, asked.provider).refresh!(refreshToken, held.subject);
  } catch (error) {
    const isOver = refusedForGood.has((error as { error?: unknown }).error);
    await end(isOver ? store.dropTokens(lease) : store.releaseLease(lease));
    if (isOver) throw refused("token_expired");
    if (error instanceof AuthError || endsWithin(held, 0)) throw providerFault(core, error);
    core.onError(error);
    return undefined;
  }
  const sealed = await seal(keys, held, tokens);
  const { isKept } = await end(store.storeRefreshed(lease, sealed));
  // The identity or its user has ended meanwhile.
  if (!isKept) throw new AuthError("not_found");
  return toAnswer({ ...tokens, scope: tokens.scope ?? held.scope ?? undefined }, sealed.expiresAt);
}

function toAnswer(
  { access_token: accessToken, scope = "" }: ProviderTokens,
  expiresAt: Date | null,
): ProviderAccessToken {
  return { accessToken, expiresAt, scopes: scope.split(" ").filter(Boolean) };
}

type Named = { readonly issuer: string; readonly subject: string };
type Column = "access_token" | "refresh_token";

async function seal(keys: SealingKeys, named: Named, tokens: ProviderTokens): Promise<store.SealedTokens> {
  const { access_token, refresh_token, expires_at, scope } = tokens;
  const hexOf = async (column: Column, token: string) =>
    toHex(await keys.seal(await tokenPlace(column, named), utf8(token)));
  return {
    accessToken: await hexOf("access_token", access_token),
    refreshToken: refresh_token === undefined ? null : await hexOf("refresh_token", refresh_token),
    expiresAt: expires_at === undefined ? null : new Date(expires_at * 1_000),
    scope: scope ?? null,
  };
}

/** @throws {AuthError} `unavailable.configuration` if no key opens it. */
async function open(keys: SealingKeys, column: Column, named: Named, hex: string): Promise<string> {
  try {
    return new TextDecoder().decode(await keys.open(await tokenPlace(column, named), fromHex(hex)!));
  } catch (error) {
    throw new AuthError("unavailable.configuration", { cause: error, details: { option: "sealingKeys" } });
  }
}
