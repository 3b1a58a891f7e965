import { sha256Hex } from "../crypto/digest.ts";
import { classifyBearer } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, type PersonalAccessTokenId, type UserId, uuidFor, wireId } from "../domain/id.ts";
import { patPrefix, splitPatToken } from "../domain/personal-access-token.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { User } from "../domain/user.ts";
import type { Core } from "../engine/core.ts";
import { addressCounters, requireAdmitted } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import { requireIdle, returningOnBusy, verifyPasswordHash } from "../engine/passwords.ts";
import { ProvedTokens, proofSeconds, TokenCheckPlaces } from "../engine/proved-tokens.ts";
import { refuse } from "../engine/refuse.ts";
import { userOf } from "../engine/sessions.ts";
import type { AttemptLimit, Counted, Counter } from "../store/counters.ts";
import * as store from "../store/personal-access-token-checks.ts";
import type { Statement } from "../store/sql.ts";

/** A token as a client presents it. */
export interface PresentedPersonalAccessToken {
  readonly token: string;
  readonly context?: RequestContext;
}

/** The user of a token, and its scopes. It gives no right to act for the user; only a session does. */
export interface VerifiedPersonalAccessToken {
  readonly tokenId: PersonalAccessTokenId;
  readonly userId: UserId;
  readonly scope: readonly string[];
  /** The form that lists show, such as `pat_019ddc5f`. */
  readonly prefix: string;
  readonly user: User;
}

/**
 * Failed and unfinished checks from one address and from one network (S23). A valid token is refunded. So the limit stops a
 * client that makes up tokens, and also many clients behind one address if one of them sends wrong tokens.
 */
const addressLimit: AttemptLimit = { attempts: 60, windowSeconds: 300 };
const networkLimit: AttemptLimit = { attempts: 300, windowSeconds: 300 };

/** For how long a check waits for a place: 40 times 25 ms. */
const placeRounds = 40;
const placeMilliseconds = 25;

/** One check that reaches the database. */
interface Check {
  readonly digest: string;
  /** The id as a UUID; `undefined` if no row can have it. */
  readonly tokenId: string | undefined;
  readonly secret: string;
  readonly context: RequestContext;
}

/** `verifyPatToken` of Flametrench (`docs/identity.md`, ADR 0016 and 0023), with what one isolate remembers between calls. */
export class PersonalAccessTokenVerifier {
  readonly #core: Core;
  readonly #proved: ProvedTokens = new ProvedTokens();
  readonly #places: TokenCheckPlaces;

  constructor(core: Core, maxChecks: number) {
    this.#core = core;
    this.#places = new TokenCheckPlaces(maxChecks);
  }

  async verify({ token, context = {} }: PresentedPersonalAccessToken): Promise<VerifiedPersonalAccessToken> {
    if (classifyBearer(token) !== "pat") throw new AuthError("auth.token_format_unrecognized");
    const parts = splitPatToken(token);
    if (!parts) throw new AuthError("pat.invalid");
    const check: Check = {
      digest: await sha256Hex(token),
      tokenId: parts.id && uuidFor("pat", parts.id),
      secret: parts.secret,
      context: cleanContext(context),
    };
    return verified((await this.#useProof(check)) ?? (await this.#prove(check)));
  }

  /** Finds the token by a remembered proof, in one request; `undefined` if there is none, or it is no longer valid. */
  async #useProof(check: Check): Promise<store.FoundTokenRow | undefined> {
    const { digest, tokenId } = check;
    const proof = this.#proved.find(digest);
    if (!proof || tokenId === undefined) return undefined;
    const row = await execute(this.#core, {
      body: store.useProvedToken({ ...proof, tokenId, proofSeconds }),
      onLostReply: "repeat",
      mustCommit: true,
    });
    if (row?.proved && row.refusal === null) return row;
    // From now on it is counted like any other token.
    this.#proved.forget(digest);
    if (row && !row.proved) return undefined;
    return await this.#fail(check, row?.refusal ?? "pat.invalid");
  }

  /** Reserve, hash, spend: two requests and one Argon2id, whatever is presented. */
  async #prove(check: Check): Promise<store.FoundTokenRow> {
    const core = this.#core;
    requireIdle(core);
    const { tokenId, context } = check;
    const counters = await countersOf(core, context.address);
    const row = await execute(core, {
      body: store.reserveTokenCheck({ tokenId, counters, auditId: newAuditId(), context }),
      mustCommit: true,
      onLostReply: "repeat",
      decode: (reserved) => reserved,
    });
    requireAdmitted(row);

    const matches = await returningOnBusy(core, counters, () => this.#matches(check, row));
    // The token's state decides before the secret does (ADR 0016), but only after the same work.
    if (row.refusal !== null || !matches || !isFound(row)) {
      return await this.#fail(check, row.refusal ?? "pat.invalid");
    }
    const { secretHash } = row;
    const spend = (refunded: readonly Counted[]) =>
      store.spendTokenCheck({ tokenId: tokenId!, secretHash, counters: refunded });
    // The token may have been revoked while it was hashed, so only this answer admits it. Asked again, it refunds nothing: the
    // first try may have done so.
    const { refusal } = await execute(core, { body: spend(counters), onLostReply: spend([]), mustCommit: true });
    refuse(refusal);
    return row;
  }

  /** True if the secret made the hash. If there is no hash, the decoy is verified instead. */
  async #matches({ digest, secret }: Check, row: store.ReservedTokenCheckRow): Promise<boolean> {
    const { secretHash, refusal, now } = row;
    for (let round = 0; ; round++) {
      // If many first requests arrive at once with one token, the first proves it for all.
      if (secretHash !== null && this.#proved.find(digest)?.secretHash === secretHash) return true;
      const place = this.#places.take();
      if (place) {
        try {
          const matches = (await verifyPasswordHash(this.#core, secretHash, secret)) !== undefined;
          if (matches && secretHash !== null && now !== null && refusal === null) {
            this.#proved.keep(digest, { secretHash, provedAt: now });
          }
          return matches;
        } finally {
          this.#places.leave(place);
        }
      }
      if (round === placeRounds) throw new AuthError("unavailable.busy", { retryAfterSeconds: 1 });
      await new Promise((resolve) => setTimeout(resolve, placeMilliseconds));
    }
  }

  /** Records a failure, whether or not the token exists, and refuses. */
  async #fail({ tokenId, context }: Check, reason: string): Promise<never> {
    await this.#runBeside(store.recordFailedTokenCheck({ tokenId, reason, auditId: newAuditId(), context }));
    refuse(reason);
    throw new AuthError("pat.invalid");
  }

  /** Runs a statement that must not change the answer. It returns nothing, so no answer can depend on it. */
  async #runBeside(statement: Statement): Promise<void> {
    try {
      await this.#core.database.run(statement);
    } catch (error) {
      this.#core.onError(error);
    }
  }
}

/** Counters separate from those of sign-in. */
async function countersOf(core: Core, address: string | undefined): Promise<readonly Counter[]> {
  const [narrow, wide] = await addressCounters(core, address);
  return [
    { ...narrow, name: `pat-${narrow.name}`, limit: addressLimit },
    { ...wide, name: `pat-${wide.name}`, limit: networkLimit },
  ];
}

function isFound(row: store.ReservedTokenCheckRow): row is store.ReservedTokenCheckRow & store.FoundTokenRow {
  return row.id !== null;
}

function verified(row: store.FoundTokenRow): VerifiedPersonalAccessToken {
  const tokenId = wireId("pat", row.id);
  return {
    tokenId,
    userId: wireId("usr", row.userId),
    scope: row.scope,
    prefix: patPrefix(tokenId),
    user: userOf(row),
  };
}
