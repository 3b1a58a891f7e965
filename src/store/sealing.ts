import { systemActor } from "../domain/actor.ts";
import { resealSecrets } from "../domain/acts/factor.ts";
import { insertAuditEvent } from "./audit.ts";
import { type Statement, sql } from "./sql.ts";

/** Where sealed values are. */
export const sealedColumns = ["totp_secret", "access_token", "refresh_token", "revocation", "tokens"] as const;
export type SealedColumn = (typeof sealedColumns)[number];

interface SealedRows {
  readonly name: string;
  readonly table: Statement;
  /** SQL for the row's UUID. */
  readonly id: Statement;
  readonly value: Statement;
  /** SQL for a list of texts that the values are bound to, beside the row. */
  readonly boundTo: Statement;
  readonly join: Statement;
  readonly condition: Statement;
}

/** Secrets of authenticator apps, in every state. */
const ofFactors = (): SealedRows => ({
  name: "mfa",
  table: sql`mfa`,
  id: sql`mfa.id`,
  value: sql`totp_secret`,
  boundTo: sql`array[mfa.usr_id::text]`,
  join: sql``,
  condition: sql`mfa.type = 'totp'`,
});

const ofTokens = (value: Statement): SealedRows => ({
  name: "provider_token",
  table: sql`provider_token`,
  id: sql`provider_token.cred_id`,
  value,
  boundTo: sql`array[provider_token.provider, cred.oidc_issuer, cred.oidc_subject]`,
  join: sql`join cred on cred.id = provider_token.cred_id`,
  condition: sql`${value} is not null`,
});

const ofAgents = (): SealedRows => ({
  name: "agent_token",
  table: sql`agent_token`,
  id: sql`agent_token.id`,
  value: sql`tokens`,
  boundTo: sql`array[]::text[]`,
  join: sql``,
  condition: sql`true`,
});

const rowsOf: Readonly<Record<SealedColumn, () => SealedRows>> = {
  totp_secret: ofFactors,
  access_token: () => ofTokens(sql`access_token`),
  refresh_token: () => ofTokens(sql`refresh_token`),
  revocation: () => ({
    name: "provider_revocation",
    table: sql`provider_revocation`,
    id: sql`provider_revocation.id`,
    value: sql`token`,
    boundTo: sql`array[provider, issuer, subject, kind]`,
    join: sql``,
    condition: sql`true`,
  }),
  tokens: ofAgents,
};

/** A secret that is not sealed, or not with the newest key. */
export interface SecretRow {
  readonly id: string;
  readonly boundTo: readonly string[];
  /** Hex. */
  readonly secret: string;
}

/** Secrets of a column whose first bytes differ from these (in hex), in order of ids. */
export function selectSecretsBut(
  column: SealedColumn,
  head: string,
  after: string | undefined,
  limit: number,
): Statement<SecretRow> {
  const { table, id, value, boundTo, join, condition } = rowsOf[column]();
  return sql`
    select ${id} as id, ${boundTo} as "boundTo", encode(${value}, 'hex') as secret from ${table} ${join}
    where ${condition} and (${after ?? null}::uuid is null or ${id} > ${after ?? null}::uuid)
      and substring(${value} from 1 for ${head.length / 2}::int) is distinct from decode(${head}, 'hex')
    order by ${id} limit ${limit}::int`;
}

/** Replaces secrets, if the secrets that the new ones were made from are still stored. */
export function replaceSecrets(change: {
  column: SealedColumn;
  auditId: string;
  secrets: readonly { id: string; before: string; after: string }[];
}): Statement<{ replaced: number }> {
  const { column, secrets } = change;
  const { name, table, id, value } = rowsOf[column]();
  return sql`
    with replaced as (
      update ${table} set ${value} = decode(new.after, 'hex')
      from unnest(${secrets.map((secret) => secret.id)}::uuid[], ${secrets.map(({ before }) => before)}::text[],
        ${secrets.map(({ after }) => after)}::text[]) as new(id, before, after)
      where ${id} = new.id and ${value} = decode(new.before, 'hex')
      returning new.id),
    audit as (${insertAuditEvent(
      {
        id: change.auditId,
        act: resealSecrets,
        outcome: "success",
        actor: systemActor("reseal"),
        context: {},
        targetId: sql`${name}::text`,
        metadata: sql`jsonb_build_object('replaced', (select count(*)::int from replaced))`,
      },
      sql`(select 1 where exists (select from replaced)) one`,
    )})
    select count(*)::int as replaced from replaced`;
}

/** How many secrets each version of the sealing keys has sealed, in every state. */
export function countSealedByVersion(mark: string): Statement<{ version: string; n: number }> {
  const length = mark.length / 2;
  const values = sealedColumns
    .map((column) => rowsOf[column]())
    .map(({ table, value, condition }) => sql`select ${value} as secret from ${table} where ${condition}`)
    .reduce((all, one) => sql`${all} union all ${one}`);
  return sql`
    select encode(substring(secret from ${length + 1}::int for 4), 'hex') as version, count(*)::int as n from (${values}) sealed
    where substring(secret from 1 for ${length}::int) = decode(${mark}, 'hex')
    group by 1 order by 1`;
}

/** How many secrets of authenticator apps in use are stored in plain form: without the mark of a sealed one. */
export function countUnsealed(mark: string): Statement<{ n: number }> {
  return sql`
    select count(*)::int as n from mfa
    where type = 'totp' and status <> 'revoked'
      and substring(totp_secret from 1 for ${mark.length / 2}::int) is distinct from decode(${mark}, 'hex')`;
}
