import { unusableHash } from "../domain/password-state.ts";
import { type Admission, admissionColumns, type Counter, countAttempts } from "./counters.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * Counts the hashes that a look into a user's former passwords takes, and returns the hashes if they were admitted: of the
 * passwords that the user has, and of the newest `remembered` that they had, but no more than one besides these. Forgets older ones:
 * their rows stay, and no hash.
 */
export function reservePasswordHistory(asked: {
  id: string;
  userId: string;
  remembered: number;
  counters: readonly Counter[];
}): Statement<Admission & { hashes: readonly string[] }> {
  const { id, userId, remembered, counters } = asked;
  const own = sql`cred.usr_id = ${userId}::uuid and cred.type = 'password' and cred.password_hash not in ('', ${unusableHash})`;
  // A new address keeps the password: its old row has the same hash, and is no former password.
  const isKept = sql`exists (
        select from cred later where later.usr_id = cred.usr_id and later.password_hash = cred.password_hash
          and (later.created_at, later.id) > (cred.created_at, cred.id))`;
  return sql`
    with ${countAttempts({ id, counters })},
    former as materialized (
      select cred.id, cred.password_hash, cred.created_at from cred where ${own} and cred.status = 'revoked' and not ${isKept}
      order by cred.created_at desc, cred.id desc limit ${remembered}::int),
    forgotten as (
      update cred set password_hash = '' where ${own} and cred.status = 'revoked'
        and not exists (select from former where former.id = cred.id))
    select ${admissionColumns()}, case when reserved.allowed then (
      select coalesce(array_agg(kept.password_hash), '{}') from (
        select password_hash, created_at, true as is_former from former
        union all select cred.password_hash, cred.created_at, false from cred where ${own} and cred.status <> 'revoked'
        order by is_former, created_at desc limit ${remembered + 1}::int) kept)
      else '{}' end as hashes
    from reserved`;
}
