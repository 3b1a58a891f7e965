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

/** SQL for the object that the key stands for, or null without a key. */
export function claimedTarget(claim: IdempotencyClaim | undefined): Statement {
  return sql`(select k.target from idempotency k where k.digest = ${claim?.digest ?? null}::text)`;
}
