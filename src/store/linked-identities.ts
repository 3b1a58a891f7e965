/**
 * Identities at providers: credentials of the type `oidc`, with what is known of each beside its issuer and subject.
 *
 * @module
 */
import * as acts from "../domain/acts/provider.ts";
import { linkedIdentity } from "../domain/identity-provider.ts";
import type { RowOf } from "../domain/record.ts";
import { type Asked, type AskedOfUser, committed } from "./audit.ts";
import { columnsOf } from "./columns.ts";
import { type Guarded, guardedInsert, guardedList, ofUser } from "./guarded.ts";
import { accountAt, isWithheld } from "./identifiers.ts";
import type { Lock } from "./locks.ts";
import { type SpentChallenge, spendChallenge } from "./spent-challenges.ts";
import { type Statement, sql } from "./sql.ts";

export type LinkedIdentityRow = RowOf<typeof linkedIdentity>;

/** An identity that was proved, and the credential that it becomes. */
export interface NewIdentity {
  readonly credentialId: string;
  readonly issuer: string;
  readonly subject: string;
  /** The credential's identifier: unique, and shown to no one. */
  readonly identifier: string;
  readonly provider: string;
  /** The normal form of a verified address. */
  readonly email: string | null;
  readonly label: string | null;
  /** True if the address is the provider's relay. The event says so. */
  readonly isPrivateEmail?: boolean | undefined;
}

/** SQL for what the event of an identity's use says of its address: nothing, or that it is a relay's. */
export function addressKind({ isPrivateEmail }: NewIdentity): Statement {
  return sql`'private_email', ${isPrivateEmail ? true : null}::boolean`;
}

const columns = () =>
  columnsOf("cred", linkedIdentity, {
    provider: sql`l.provider`,
    issuer: sql`cred.oidc_issuer`,
    label: sql`l.label`,
    lastUsedAt: sql`l.last_used_at`,
  });
const withDetails = () => sql`left join linked_identity l on l.cred_id = cred.id`;

type Named = Pick<NewIdentity, "issuer" | "subject">;

/** The credentials of an identity that are not revoked: the active one, or else a suspended one. */
export function identityHeld({ issuer, subject }: Named): Statement {
  return sql`
      select cred.id as cred_id, cred.usr_id, cred.status = 'active' and usr.status = 'active' as is_active
      from cred join usr on usr.id = cred.usr_id
      where cred.type = 'oidc' and cred.oidc_issuer = ${issuer} and cred.oidc_subject = ${subject} and cred.status <> 'revoked'
      order by cred.status limit 1`;
}

/**
 * The locks for an identity: it itself, so that of two first uses one waits for the other, and its user. A unique index alone
 * would make the second one an error.
 */
export function lockIdentity({ issuer, subject }: Named): Lock[] {
  const name = JSON.stringify([issuer, subject]);
  return [
    {
      on: "identifier",
      name: `identity ${name}`,
      statement: sql`select pg_advisory_xact_lock(hashtextextended('sallyport identity ' || ${name}::text, 0))`,
    },
    { on: "user", key: sql`select held.usr_id as id from (${identityHeld({ issuer, subject })}) held` },
  ];
}

/** Notes the use of an identity, for the one row of `from`, which has its `cred_id`. */
export function rememberIdentity({ provider, email, label }: NewIdentity, from: Statement): Statement {
  return sql`
      insert into linked_identity as l (cred_id, provider, email, label, last_used_at)
      select cred_id, ${provider}, case when not ${isWithheld(sql`${email}::text`, sql`used.usr_id`)} and not exists (
          select from cred named where named.type = 'password' and named.identifier = ${email}::text and named.status = 'active'
            and named.usr_id <> used.usr_id) then ${email}::text end, ${label}::text, sallyport_now()
      from (select * from ${from}) used
      on conflict (cred_id) do update set provider = excluded.provider, email = excluded.email, label = excluded.label,
        last_used_at = excluded.last_used_at`;
}

/** SQL for how many identities a user has. */
export function identitiesOf(userId: Statement): Statement {
  return sql`(select count(*) from cred mine where mine.usr_id = ${userId} and mine.type = 'oidc' and mine.status <> 'revoked')`;
}

/**
 * Links an identity to the actor's account. The batch has locked the identity and the user. The refusal is a value, so that the
 * attempt stays spent.
 */
export function insertIdentity(
  asked: Asked & {
    userId: string;
    identity: NewIdentity;
    most: number;
    /** If given, the account must have one of these identifiers, verified. */
    heldAs?: readonly string[] | undefined;
    /** The attempt that this ends, if it is not over already: it is spent even if the identity is refused. */
    attempt?: SpentChallenge | undefined;
    /** What the identity has waited in, which counts once. A refusal leaves it, so that the user can do what is missing. */
    waited?: SpentChallenge | undefined;
    /** As in `IdentitySignIn`. */
    keepTokens?: ((from: Statement) => Statement) | undefined;
  },
): Statement<Guarded<LinkedIdentityRow>> {
  const { identity, heldAs, attempt, waited, keepTokens } = asked;
  return guardedInsert({
    ...asked,
    keepsRefusal: true,
    ...(attempt && {
      before: sql`unspent as (${spendChallenge(
        attempt,
        sql`(select 1) one where ${attempt.expiresAt}::timestamptz > sallyport_now()`,
      )}),
    `,
    }),
    act: acts.linkIdentity,
    // Not `cred`: the parts that follow read the table.
    table: sql`linked`,
    refusal: ({ owner }) => sql`case
        when ${attempt ? sql`not exists (select from unspent)` : sql`false`} then 'unauthorized.provider'
        when exists (select from (${identityHeld(identity)}) held) then 'conflict.identity_in_use'
        when ${heldAs !== undefined}::boolean and not exists (
          select from (${accountAt(heldAs ?? [])}) held where held.usr_id = ${owner}.id and held.is_verified)
          then 'unauthorized.provider'
        when exists (
          select from spent_challenge where digest = decode(${waited?.digest ?? null}::text, 'hex')) then 'unauthorized.provider'
        when ${identitiesOf(sql`${owner}.id`)} >= ${asked.most}::int then 'precondition.limit_reached' end`,
    into: sql`
      insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
      select ${identity.credentialId}::uuid, usr_id, 'oidc', ${identity.identifier}, ${identity.issuer}, ${identity.subject}
      from verdict where refusal is null
      returning *`,
    also: sql`,
    remembered as (${rememberIdentity(identity, sql`(select id as cred_id, usr_id from linked) own`)} returning l.*)${
      waited
        ? sql`,
    spent as (${spendChallenge(waited, sql`linked`)})`
        : sql``
    }${
      keepTokens
        ? sql`,
    tokens as (${keepTokens(sql`(select id as cred_id from linked)`)})`
        : sql``
    }`,
    metadata: sql`jsonb_strip_nulls(jsonb_build_object('provider', ${identity.provider}::text, ${addressKind(identity)}))`,
    otherwise: "conflict.identity_in_use",
    columns: columnsOf("linked", linkedIdentity, {
      provider: sql`${identity.provider}::text`,
      issuer: sql`linked.oidc_issuer`,
      label: sql`${identity.label}::text`,
      lastUsedAt: sql`sallyport_now()`,
    }),
  });
}

/** The identity as it is now, if the operation that made the event committed. */
export function recallIdentity(credentialId: string, auditId: string): Statement<Guarded<LinkedIdentityRow>> {
  return sql`select null::text as refusal, ${columns()} from cred ${withDetails()} where cred.id = ${credentialId}::uuid and ${committed(auditId)}`;
}

/** A user's identities that are not revoked, oldest first. If there are none, one row holds the refusal. */
export function selectIdentitiesOfUser(asked: AskedOfUser): Statement<Guarded<LinkedIdentityRow>> {
  return guardedList({
    ...ofUser(acts.listIdentities, asked),
    of: sql`cred`,
    where: sql`cred.type = 'oidc' and cred.status <> 'revoked'`,
    columns: columns(),
    join: withDetails(),
  });
}
