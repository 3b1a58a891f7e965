import type { Lock } from "../store/locks.ts";
import { userOfToken } from "../store/refresh.ts";
import { sql } from "../store/sql.ts";

/** Locks the user of a session token that is presented besides, so that its family can end. */
export function lockOfToken(tokenHash: string | undefined): readonly Lock[] {
  return tokenHash === undefined ? [] : [{ on: "usr", key: userOfToken(tokenHash) }];
}

/**
 * Locks a counter, so that an attempt can be refunded. Counters come before tickets, as in the statement that reserves:
 * otherwise two attempts with one ticket could deadlock.
 */
export function lockOfCounter(bucket: string | undefined): readonly Lock[] {
  if (!bucket) return [];
  return [
    { on: `3 key attempt ${bucket}`, statement: sql`select bucket from attempt where bucket = ${bucket} for update` },
  ];
}
