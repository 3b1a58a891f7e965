import type { Handle } from "./cte.ts";
import type { Lock } from "./locks.ts";
import { type Statement, sql } from "./sql.ts";

/** How long a key stands for the object that it made, in seconds (S35). */
const keySeconds = 86_400;

/** A caller's key for one operation: its digest, and the object that the first call makes. */
export interface IdempotencyClaim {
  readonly digest: string;
  readonly target: string;
}

/**
 * Claims the key, or leaves it with its current claim. Runs before the operation's statement in the batch: a concurrent call
 * waits here, and its next statement sees the object that the other made.
 */
export function claimKey({ digest, target }: IdempotencyClaim): Lock {
  const statement = sql`
    insert into idempotency as k (digest, target, expires_at)
    values (${digest}, ${target}::uuid, sallyport_now() + make_interval(secs => ${keySeconds}::int))
    on conflict (digest) do update set target = excluded.target, expires_at = excluded.expires_at
    where k.expires_at <= sallyport_now()`;
  return { on: "key", name: digest, statement };
}

/**
 * The claim of an operation whose answer holds a secret, which no repeat may show again. A concurrent call waits in it. Without
 * a key, both fragments do nothing.
 *
 * @param verdict A CTE whose `refusal` is null if the operation goes on. A refused call leaves its key free.
 */
export function onlyOnce(claim: IdempotencyClaim | undefined, verdict: Handle<"verdict" | "holder">): OnlyOnce {
  if (!claim) return { define: sql``, isFirst: sql`true` };
  return {
    define: sql`
    claimed as (
      insert into idempotency as k (digest, target, expires_at)
      select ${claim.digest}, ${claim.target}::uuid, sallyport_now() + make_interval(secs => ${keySeconds}::int)
      from ${verdict} where ${verdict}.refusal is null
      on conflict (digest) do update set target = excluded.target, expires_at = excluded.expires_at
      where k.expires_at <= sallyport_now()
      returning k.target),`,
    isFirst: sql`case when ${verdict}.refusal is null and not exists (select from claimed)
      then sallyport_refuse('conflict.idempotency_key_used') else true end`,
  };
}

interface OnlyOnce {
  /** The CTE of the claim, with a comma. */
  readonly define: Statement;
  /** SQL that is true, or raises `conflict.idempotency_key_used`, so that a repeat undoes the whole transaction. */
  readonly isFirst: Statement;
}

/** SQL for whether a call has used the key. */
export function isUsed(claim: IdempotencyClaim | undefined): Statement {
  return sql`exists (select from idempotency k where k.digest = ${claim?.digest ?? null}::text and k.expires_at > sallyport_now())`;
}

/** SQL for the object that the key stands for, or null without a key. */
export function claimedTarget(claim: IdempotencyClaim | undefined): Statement {
  return sql`(select k.target from idempotency k where k.digest = ${claim?.digest ?? null}::text)`;
}
