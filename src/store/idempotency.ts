import type { Lock } from "./locks.ts";
import { type Statement, sql } from "./sql.ts";

/** For how long a key stands for what it made, in seconds (S35). */
const keySeconds = 86_400;

/** A caller's key for one operation: its digest, and the object that the first call makes. */
export interface IdempotencyClaim {
  readonly digest: string;
  readonly target: string;
}

/**
 * Takes the key, or leaves it with whoever has it. Comes before the operation's statement in the batch: a call at the same
 * time waits here, and the statement after it sees what the other has made.
 */
export function claimKey({ digest, target }: IdempotencyClaim): Lock {
  const statement = sql`
    insert into idempotency as k (digest, target, expires_at)
    values (${digest}, ${target}::uuid, sallyport_now() + make_interval(secs => ${keySeconds}::int))
    on conflict (digest) do update set target = excluded.target, expires_at = excluded.expires_at
    where k.expires_at <= sallyport_now()`;
  return { on: "key", name: digest, statement };
}

/** SQL for what the key stands for, or null without a key. */
export function claimedTarget(claim: IdempotencyClaim | undefined): Statement {
  return sql`(select k.target from idempotency k where k.digest = ${claim?.digest ?? null}::text)`;
}
