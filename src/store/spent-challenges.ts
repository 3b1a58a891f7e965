/**
 * Values that count once, although no row is stored when they are made: answered challenges, and messages of providers.
 *
 * @module
 */
import { type Statement, sql } from "./sql.ts";

/** An answered challenge: its digest in hex, and its expiry. */
export interface SpentChallenge {
  readonly digest: string;
  readonly expiresAt: Date;
}

/**
 * `insert into spent_challenge …` for each row of `from`: one row the first time, none later or after the challenge has
 * expired.
 */
export function spendChallenge({ digest, expiresAt }: SpentChallenge, from: Statement): Statement {
  return sql`
      insert into spent_challenge (digest, expires_at)
      select decode(${digest}, 'hex'), ${expiresAt}::timestamptz from ${from}
      on conflict (digest) do nothing
      returning 1 as one`;
}
