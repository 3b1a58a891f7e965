import type { Actor } from "../domain/actor.ts";
import * as acts from "../domain/acts/personal-access-token.ts";
import { generateId, newAuditId, type PersonalAccessTokenId, type UserId, uuidFor } from "../domain/id.ts";
import {
  acceptExpiry,
  acceptScopes,
  generatePatSecret,
  type PersonalAccessToken,
  type PersonalAccessTokenStatus,
  personalAccessToken,
} from "../domain/personal-access-token.ts";
import { toValue } from "../domain/record.ts";
import { acceptName } from "../domain/text.ts";
import { Admissions, hashFor } from "../engine/admission.ts";
import type { Core } from "../engine/core.ts";
import { denialOf } from "../engine/denial.ts";
import { execute } from "../engine/execute.ts";
import type { FeatureParts } from "../engine/feature.ts";
import { guardedWork } from "../engine/guarded-work.ts";
import { claimFor } from "../engine/idempotency.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import { checkWhole } from "../engine/options.ts";
import { type Page, pageOf } from "../engine/page.ts";
import { hashPassword } from "../engine/passwords.ts";
import { type Operation, type PlannableOperation, plannableChange } from "../engine/plan.ts";
import { readOne, readPage } from "../engine/reads.ts";
import { lockUser } from "../store/locks.ts";
import * as store from "../store/personal-access-tokens.ts";
import type { OnlyOwn } from "./only-own.ts";
import {
  PersonalAccessTokenVerifier,
  type PresentedPersonalAccessToken,
  type VerifiedPersonalAccessToken,
} from "./verify-personal-access-token.ts";

/** The caller, and the token to act on. */
export interface OfToken {
  /** The caller: the user of a verified session, or the application. A token cannot be an actor. */
  actor: Actor;
  tokenId: PersonalAccessTokenId;
}

/** A token with its secret, which is shown only this once. */
export interface IssuedPersonalAccessToken {
  readonly pat: PersonalAccessToken;
  readonly token: string;
}

/** Personal access tokens (Flametrench `docs/identity.md`, ADR 0016). */
export interface PersonalAccessTokenOperations {
  /**
   * Creates a token. Allowed for the application, and for the user with a proof from the last ten minutes.
   *
   * @param input.name 1 to 120 UTF-16 code units.
   * @param input.scope At most 50, each of 1 to 128 visible ASCII characters. A token without scopes reaches no route.
   * @param input.expiresAt In the future by the database's clock, and within 365 days. Default null: it never expires.
   * @param input.idempotencyKey 1 to 255 visible ASCII characters. For 24 hours, a repeat of the user's key makes nothing and
   *   throws `conflict.idempotency_key_used`, because a token is shown only once. Default: every call makes a token.
   * @throws {AuthError} `invalid_format.name`, `invalid_format.scope`, `pat.expires_in_past`, `precondition.limit_reached`,
   *   `too_many_requests`, `unavailable.busy`, `invalid_format.idempotency_key`, `conflict.idempotency_key_used`.
   */
  create: Operation<
    {
      actor: Actor;
      userId: UserId;
      name: string;
      scope: readonly string[];
      expiresAt?: Date | null;
      idempotencyKey?: string | undefined;
    },
    IssuedPersonalAccessToken
  >;
  /** Returns a token. Allowed for its user, the application and administrators. */
  get: Operation<OfToken & OnlyOwn, PersonalAccessToken>;
  /**
   * A page of a user's tokens, oldest first, in every state or only in the given state.
   *
   * @throws {AuthError} `invalid_format.cursor`.
   */
  list: Operation<
    {
      actor: Actor;
      userId: UserId;
      cursor?: string | undefined;
      limit?: number | undefined;
      status?: PersonalAccessTokenStatus | undefined;
    },
    Page<PersonalAccessToken>
  >;
  /**
   * Ends a token. A token that is already revoked stays as it is.
   *
   * @param input.onlyOwn If true, even an administrator cannot end another user's token. Default false.
   */
  revoke: PlannableOperation<OfToken & OnlyOwn, PersonalAccessToken>;
  /**
   * Returns the user of a valid token. An unknown token, a wrong secret and an inactive user get the same refusal, after equal
   * work. It takes one request while the isolate remembers the token, and otherwise two requests and one Argon2id hash. Checks
   * from one address may fail 60 times in five minutes.
   *
   * @throws {AuthError} `pat.invalid`, `pat.revoked`, `pat.expired`, `auth.token_format_unrecognized`, `too_many_requests`,
   *   `unavailable.busy`.
   */
  verify: Operation<PresentedPersonalAccessToken, VerifiedPersonalAccessToken>;
}

/** The options of the feature `personalAccessTokens`. */
export interface PersonalAccessTokenOptions {
  /**
   * How many checks of tokens may wait for a hash in this isolate, 1 to 500. Default 4, a quarter of the places of
   * `argon2id()`. With more than half of its `queueLength`, made-up tokens could keep users from signing in.
   */
  maxTokenChecks?: number;
  /** How many tokens that are neither revoked nor expired a user may have, 1 to 10,000. Default 50. */
  maxPerUser?: number;
}

/** The operations that the feature `personalAccessTokens` adds to `auth`. */
export interface PersonalAccessTokenAuth {
  readonly personalAccessTokens: PersonalAccessTokenOperations;
}

/** The operations on personal access tokens. They remember proved tokens, so keep them for the life of an isolate. */
export function personalAccessTokenParts(
  core: Core,
  options: PersonalAccessTokenOptions,
): FeatureParts<PersonalAccessTokenAuth> {
  const { maxTokenChecks = 4, maxPerUser = 50 } = options;
  const verifier = new PersonalAccessTokenVerifier(core, maxTokenChecks);
  return {
    operations: {
      personalAccessTokens: { ...tokenOperations(core, maxPerUser), verify: (presented) => verifier.verify(presented) },
    },
    check: () => {
      checkWhole("maxTokenChecks", maxTokenChecks, 500);
      checkWhole("maxPerUser", maxPerUser, 10_000);
    },
  };
}

function tokenOperations(core: Core, most: number): Omit<PersonalAccessTokenOperations, "verify"> {
  const admissions = new Admissions();
  return {
    async create({ actor, userId, name, scope, expiresAt = null, idempotencyKey }) {
      const tokenId = generateId("pat");
      const secret = generatePatSecret();
      const asked = { actor, auditId: newAuditId(), tokenId: uuidFor("pat", tokenId), userId: uuidFor("usr", userId) };
      const accepted = { name: acceptName(name), scope: acceptScopes(scope), expiresAt: acceptExpiry(expiresAt) };
      const claim = await claimFor(core, actor, acts.createPat, idempotencyKey, [asked.userId], asked.tokenId);
      const secretHash = await hashFor(core, admissions, actor, (counted) => hashPassword(core, secret, counted));
      const pat = await execute(core, {
        // Waits for a reset of the user's factors that is under way, before the session is checked (S16).
        locks: locksOf(acts.createPat, lockUser(asked.userId)),
        body: store.insertPersonalAccessToken({ ...asked, ...accepted, secretHash, most, claim }),
        onLostReply: store.recallPersonalAccessToken(asked.tokenId, asked.auditId),
        // In an application's transaction, a rollback could undo the token after it was handed out.
        mustCommit: true,
        decode: toPersonalAccessToken,
        denial: denialOf(actor, acts.createPat, asked.userId, "usr"),
      });
      return { pat, token: `${tokenId}_${secret}` };
    },

    async get({ actor, tokenId, onlyOwn }) {
      const asked = { actor, onlyOwn, auditId: newAuditId(), tokenId: uuidFor("pat", tokenId) };
      return await readOne(core, store.selectPersonalAccessToken(asked), toPersonalAccessToken);
    },

    async list({ actor, userId, status, ...input }) {
      const page = pageOf("pat", input);
      const asked = { actor, auditId: newAuditId(), userId: uuidFor("usr", userId), status, ...page };
      return await readPage(core, store.selectPersonalAccessTokensOfUser(asked), page.limit, toPersonalAccessToken);
    },

    revoke: plannableChange(core, ({ actor, tokenId, onlyOwn = false }) => {
      const asked = { actor, onlyOwn, auditId: newAuditId(), tokenId: uuidFor("pat", tokenId) };
      return guardedWork(acts.revokePat, asked, asked.tokenId, {
        locks: [lockUsersOf(store.userOfPersonalAccessToken(asked.tokenId))],
        body: store.revokePersonalAccessToken(asked),
        onLostReply: store.recallPersonalAccessToken(asked.tokenId, asked.auditId),
        decode: toPersonalAccessToken,
      });
    }),
  };
}

function toPersonalAccessToken(row: store.PersonalAccessTokenRow): PersonalAccessToken {
  return toValue(personalAccessToken, row);
}
