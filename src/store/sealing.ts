import { systemActor } from "../domain/actor.ts";
import { resealSecrets } from "../domain/acts/factor.ts";
import { insertAuditEvent } from "./audit.ts";
import { type Statement, sql } from "./sql.ts";

/** A secret that is not sealed, or not with the newest key. */
export interface SecretRow {
  readonly id: string;
  readonly userId: string;
  /** Hex. */
  readonly secret: string;
}

/** Secrets of authenticator apps, in every state, whose first bytes differ from these (in hex), in order of ids. */
export function selectSecretsBut(head: string, after: string | undefined, limit: number): Statement<SecretRow> {
  return sql`
    select id, usr_id as "userId", encode(totp_secret, 'hex') as secret from mfa
    where type = 'totp' and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
      and substring(totp_secret from 1 for ${head.length / 2}::int) is distinct from decode(${head}, 'hex')
    order by id limit ${limit}::int`;
}

/** Replaces secrets, if the secrets that the new ones were made from are still stored. */
export function replaceSecrets(change: {
  auditId: string;
  secrets: readonly { id: string; before: string; after: string }[];
}): Statement<{ replaced: number }> {
  const { secrets } = change;
  return sql`
    with replaced as (
      update mfa set totp_secret = decode(new.after, 'hex')
      from unnest(${secrets.map(({ id }) => id)}::uuid[], ${secrets.map(({ before }) => before)}::text[],
        ${secrets.map(({ after }) => after)}::text[]) as new(id, before, after)
      where mfa.id = new.id and mfa.totp_secret = decode(new.before, 'hex')
      returning mfa.id),
    audit as (${insertAuditEvent(
      {
        id: change.auditId,
        act: resealSecrets,
        outcome: "success",
        actor: systemActor("reseal"),
        context: {},
        targetId: sql`'mfa'`,
        metadata: sql`jsonb_build_object('replaced', (select count(*)::int from replaced))`,
      },
      sql`(select 1 where exists (select from replaced)) one`,
    )})
    select count(*)::int as replaced from replaced`;
}

/** How many secrets of authenticator apps each version of the sealing keys has sealed, in every state. */
export function countSealedByVersion(mark: string): Statement<{ version: string; n: number }> {
  const length = mark.length / 2;
  return sql`
    select encode(substring(totp_secret from ${length + 1}::int for 4), 'hex') as version, count(*)::int as n from mfa
    where type = 'totp' and substring(totp_secret from 1 for ${length}::int) = decode(${mark}, 'hex')
    group by 1 order by 1`;
}

/** How many secrets of authenticator apps in use are stored in plain form: without the mark of a sealed one. */
export function countUnsealed(mark: string): Statement<{ n: number }> {
  return sql`
    select count(*)::int as n from mfa
    where type = 'totp' and status <> 'revoked'
      and substring(totp_secret from 1 for ${mark.length / 2}::int) is distinct from decode(${mark}, 'hex')`;
}
