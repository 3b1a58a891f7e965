/**
 * Tokens of providers that an application keeps, to act for its users there: `federation({ keepTokens: keepTokens({ … }) })`.
 *
 * @module
 */
import { toHex, utf8 } from "../crypto/bytes.ts";
import { epochSeconds } from "../crypto/epoch.ts";
import type { SealingKeys } from "../crypto/sealing.ts";
import { AuthError } from "../domain/error.ts";
import { isWithinScope } from "../domain/granted-scope.ts";
import { newAuditId, newUuid, uuidFor, wireId } from "../domain/id.ts";
import type { ProviderTokens } from "../domain/identity-provider.ts";
import { execute } from "../engine/execute.ts";
import {
  type AccessTokenRequest,
  type KeepingCore,
  openToken,
  type ProviderAccessToken,
  type TokenColumn,
  type TokenKeeping,
  tokenPlace,
} from "../engine/kept-tokens.ts";
import { claimOrWait, endsWithin } from "../engine/lease.ts";
import { refuse } from "../engine/refuse.ts";
import { readSealingKeys } from "../engine/sealing-keys.ts";
import type { NewIdentity } from "../store/linked-identities.ts";
import * as store from "../store/provider-tokens.ts";
import { providerOf, refused } from "./provider-answer.ts";
import { providerFault } from "./provider-fault.ts";
import { revokeOwed } from "./provider-revocations.ts";

export type { TokenKeeping } from "../engine/kept-tokens.ts";

/** The options of {@link keepTokens}. */
export interface KeepTokensOptions {
  /** Keys that seal the tokens in the database, as for the feature `mfa`. They must differ from the root secret. */
  readonly sealingKeys: string | undefined;
}

/**
 * Keeps the tokens of sign-ins at providers, and of identities that a signed-in user links there, until the identity or its user ends
 * or is suspended. An identity that waited for its account's owner has tokens from its next sign-in on.
 *
 * The provider gives a refresh token only if it is asked for one: with the scope `offline_access` (OpenID Connect Core §11), or with
 * `offline: true` of `google`.
 */
export function keepTokens(options: KeepTokensOptions): TokenKeeping {
  const keysOf = (core: KeepingCore) => readSealingKeys(core, options.sealingKeys);
  return {
    async keep(core, identity, tokens) {
      if (!areUsable(tokens)) throw refused("invalid_identity");
      // Without a way to use it, a refresh token is only a danger.
      const mayRefresh = providerOf(core, identity.provider).refresh !== undefined;
      const kept = mayRefresh ? tokens : { ...tokens, refresh_token: undefined };
      const sealed = await seal(keysOf(core), identity, kept);
      return (from) => store.keepTokens(identity.provider, sealed, from);
    },
    accessToken: async (core, asked) => await accessToken(core, keysOf(core), asked),
    revokeOwed: async (core, limit) => await revokeOwed(core, keysOf(core), limit),
    keys: (core) => keysOf(core).all,
    purge: store.purgeProviderTokens,
  };
}

/** A provider that an application wrote itself may give anything. RFC 6749 appendix A.4, A.12 and A.17. */
function areUsable({ access_token, refresh_token, expires_at, scope }: ProviderTokens): boolean {
  const isText = (text: unknown, form: RegExp) => typeof text === "string" && form.test(text);
  return (
    isText(access_token, /^[\x20-\x7e]{1,65536}$/) &&
    (refresh_token === undefined || isText(refresh_token, /^[\x20-\x7e]{1,65536}$/)) &&
    (scope === undefined || isText(scope, /^[\x20-\x7e]{0,4096}$/)) &&
    (expires_at === undefined || Number.isSafeInteger(expires_at))
  );
}

/** An access token that ends sooner is refreshed first, in seconds. */
const leastSeconds = 60;

async function accessToken(
  core: KeepingCore,
  keys: SealingKeys,
  asked: AccessTokenRequest,
): Promise<ProviderAccessToken> {
  const leaseId = newUuid();
  const held = await claimOrWait(leastSeconds, (seconds) => claim(core, asked, { leaseId, leastSeconds: seconds }));
  if (held.isClaimed) return await refresh(core, keys, { asked, held, leaseId });
  if (held.accessToken === null) throw refused("no_token");
  if (!endsWithin(held, 0)) return await toAnswer(keys, asked, held);
  // Another caller refreshes it, and that takes long.
  if (held.refreshToken !== null) throw new AuthError("unavailable.provider", { retryAfterSeconds: 5 });
  throw refused("token_expired");
}

/** The user's tokens, and the lease if they end within `leastSeconds` and no other caller has it. Without that, it only reads. */
async function claim(
  core: KeepingCore,
  { actor, userId, provider, credentialId }: AccessTokenRequest,
  { leaseId, leastSeconds }: { leaseId: string; leastSeconds?: number },
): Promise<store.HeldTokensRow> {
  // The provider may have been taken from the list, or have lost its way to refresh.
  const { refresh, issuers } = providerOf(core, provider);
  const mayRefresh = refresh !== undefined;
  const row = await execute(core, {
    body: store.claimTokens({
      ...{ actor, auditId: newAuditId(), userId: uuidFor("usr", userId), provider, issuers, leaseId },
      credentialId: credentialId && uuidFor("cred", credentialId),
      leastSeconds: leastSeconds ?? 0,
      mayRefresh: mayRefresh && leastSeconds !== undefined,
    }),
    onLostReply: "repeat",
    mustCommit: true,
  });
  refuse(row.refusal);
  if (row.credentialId === null) throw new AuthError("not_found");
  return mayRefresh ? row : { ...row, refreshToken: null };
}

/** A caller that has the lease. */
interface Refresh {
  readonly asked: AccessTokenRequest;
  readonly held: store.HeldTokensRow;
  readonly leaseId: string;
}

/** New tokens from the provider; or the old access token, if it gives none now and that still lives. */
async function refresh(core: KeepingCore, keys: SealingKeys, of: Refresh): Promise<ProviderAccessToken> {
  const { asked, held, leaseId } = of;
  const { refreshToken, issuer, subject } = held;
  const lease = {
    ...{ actor: asked.actor, auditId: newAuditId(), leaseId, provider: asked.provider },
    ...{ credentialId: held.credentialId!, refreshToken: refreshToken! },
  };
  let tokens: ProviderTokens;
  try {
    const opened = await openToken(keys, "refresh_token", { issuer, subject, provider: asked.provider }, refreshToken!);
    tokens = await providerOf(core, asked.provider).refresh!(opened, { issuer, subject });
    if (!areUsable(tokens) || !isWithinScope(tokens.scope, held.scope)) throw refused("invalid_identity");
  } catch (error) {
    return await afterRefusal(core, keys, { ...of, lease, error });
  }
  const sealed = await seal(keys, { issuer, subject, provider: asked.provider }, tokens);
  const [locks, body] = [[store.lockHolder(lease)], store.storeRefreshed(lease, sealed)];
  const decode = (_row: unknown, rows: readonly { expiresAt: Date | null }[]) => rows[0];
  const stored = await execute(core, { locks, body, onLostReply: "repeat", mustCommit: true, decode });
  // The identity or its user has ended meanwhile.
  if (!stored) throw new AuthError("not_found");
  const scope = tokens.scope ?? held.scope;
  return answerOf(tokens.access_token, { ...held, scope, expiresAt: stored.expiresAt });
}

/** RFC 6749 §5.2, and what GitHub says instead. */
const refusedForGood: ReadonlySet<unknown> = new Set(["invalid_grant", "bad_refresh_token"]);

/** What is left if the provider gave no tokens: what the row has now, if that lives. */
async function afterRefusal(
  core: KeepingCore,
  keys: SealingKeys,
  { asked, held, leaseId, lease, error }: Refresh & { lease: store.Lease; error: unknown },
): Promise<ProviderAccessToken> {
  const isOver = refusedForGood.has((error as { error?: unknown }).error);
  // The caller before may have spent the refresh token, and may still store what came for it.
  if (isOver && !held.isTakenOver) {
    const body = store.dropTokens(lease);
    const decode = (_row: unknown, rows: readonly unknown[]) => rows.length > 0;
    const isDropped = await execute(core, { body, onLostReply: store.recallDrop(lease), mustCommit: true, decode });
    if (isDropped) throw refused("token_expired");
  } else {
    await execute(core, { body: store.releaseLease(lease), onLostReply: "repeat", mustCommit: true });
  }
  const fault = isOver ? new AuthError("unavailable.provider", { retryAfterSeconds: 5 }) : providerFault(core, error);
  // The provider has taken its time, so the time is asked again.
  const now = await claim(core, asked, { leaseId });
  if (now.accessToken === null || endsWithin(now, 0)) throw fault;
  core.onError(fault);
  return await toAnswer(keys, asked, now);
}

async function toAnswer(
  keys: SealingKeys,
  { provider }: AccessTokenRequest,
  held: store.HeldTokensRow,
): Promise<ProviderAccessToken> {
  return answerOf(await openToken(keys, "access_token", { ...held, provider }, held.accessToken!), held);
}

function answerOf(
  accessToken: string,
  { credentialId, expiresAt, scope }: Pick<store.HeldTokensRow, "credentialId" | "expiresAt" | "scope">,
): ProviderAccessToken {
  const scopes = (scope ?? "").split(" ").filter(Boolean);
  return { accessToken, credentialId: wireId("cred", credentialId!), expiresAt, scopes };
}

type Named = Pick<NewIdentity, "issuer" | "subject" | "provider">;

/** The longest life that is stored, in seconds. */
const longestSeconds = 1e9;

async function seal(keys: SealingKeys, named: Named, tokens: ProviderTokens): Promise<store.SealedTokens> {
  const { access_token, refresh_token, expires_at, scope } = tokens;
  const hexOf = async (column: TokenColumn, token: string) =>
    toHex(await keys.seal(await tokenPlace(column, named), utf8(token)));
  return {
    accessToken: await hexOf("access_token", access_token),
    refreshToken: refresh_token === undefined ? null : await hexOf("refresh_token", refresh_token),
    seconds: expires_at === undefined ? null : Math.min(Math.max(expires_at - epochSeconds(), 0), longestSeconds),
    scope: scope ?? null,
  };
}
