import type { Audited } from "../domain/act.ts";
import type { Actor } from "../domain/actor.ts";
import { confirmFactor } from "../domain/acts/factor.ts";
import { stepUp } from "../domain/acts/session.ts";
import { ticketAttempts } from "../domain/factor.ts";
import type { RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { acting, refusalUnless } from "./access.ts";
import type { AuditEvent } from "./audit.ts";
import { type Cte, type Handle, handle } from "./cte.ts";
import { activeFactorTypes, mayEnroll } from "./held-factors.ts";
import { isUnlisted } from "./issuers.ts";
import { type Statement, sql } from "./sql.ts";
import { userOfTicket } from "./tickets.ts";

/** The holder of a login ticket. */
export interface TicketHolder {
  readonly ticketHash: string;
  readonly transport: Transport;
  readonly purpose: "sign_in" | "enroll";
  /** The user whose ticket it must be, if the client names one; another user's ticket does not count. */
  readonly userId?: string;
  /** The issuers whose identities are ways to sign in. Undefined if no feature has a list of them. */
  readonly issuers: readonly string[] | undefined;
}

/** The owner of a factor: in a sign-in that needs its second factor, or in a session that must be proved again. */
export type FactorHolder =
  | TicketHolder
  | {
      readonly actor: Actor;
      readonly sessionId: string;
      /** SQL for the factor's user, if that may be another user: then the act is refused. Default: the actor. */
      readonly owner?: Statement;
    }
  /** For a passkey that signs in by itself. */
  | { readonly passkeyId: string };

/** The holder of a link, beside which a code is proved. */
export interface LinkHolder {
  /** SQL for the row of the CTE `holder`. */
  readonly rows: Statement;
}

/** The data of an attempt that both of its statements need. */
export interface FactorAttempt<Holder = FactorHolder> {
  readonly holder: Holder;
  readonly auditId: string;
  readonly context: RequestContext;
  readonly act: Audited;
}

/**
 * The CTE `holder`: one row, with `refusal`, or the user (`usr_id`), the credential (`cred_id`), what was proved (`amr`), whether
 * the browser remembers it, and for a session its family.
 *
 * @param options.isStepUp For a session: true if a live session suffices. Default: it must be fresh, as for a change of factors.
 * @param options.attempts For a ticket to enroll a factor: how many attempts it may already have. Default: leaves room for one
 * more.
 * @param options.makesSession True if the holder gets a session. Then the credential is locked: another SDK that ends it locks no
 * user.
 */
export function holderOf(
  { holder }: Pick<FactorAttempt<FactorHolder | LinkHolder>, "holder">,
  { isStepUp = false, attempts = ticketAttempts - 1, makesSession = false }: HolderOptions = {},
): Cte<"holder"> {
  const define = definitionOf(holder, { isStepUp, attempts, makesSession });
  return { define, name: handle(sql`holder`) };
}

interface HolderOptions {
  readonly isStepUp?: boolean;
  readonly attempts?: number | undefined;
  readonly makesSession?: boolean;
}

function definitionOf(
  holder: FactorHolder | LinkHolder,
  { isStepUp, attempts, makesSession }: { isStepUp: boolean; attempts: number; makesSession: boolean },
): Statement {
  const lock = makesSession ? sql`for share of c` : sql``;
  if ("ticketHash" in holder) {
    return sql`holder as materialized (
      select t.usr_id, t.cred_id, t.factors as amr, t.remember, null::uuid as session_id, t.family_id,
        null::timestamptz as family_expires_at,
        case when t.usr_id is null then 'unauthorized.invalid_ticket' end as refusal
      from (select 1) one left join (
        select t.* from login_ticket t join cred c on c.id = t.cred_id join usr u on u.id = t.usr_id
        where t.token_hash = decode(${holder.ticketHash}, 'hex') and t.expires_at > sallyport_now()
          and t.transport = ${holder.transport} and t.purpose = ${holder.purpose}
          and t.usr_id = coalesce(${holder.userId ?? null}::uuid, t.usr_id)
          and c.status = 'active' and u.status = 'active' and not ${isUnlisted(sql`c`, holder.issuers)} ${holder.purpose === "enroll" ? stillEnrolls(attempts) : sql``}
        ${lock}) t on true)`;
  }
  if ("passkeyId" in holder) {
    return sql`holder as materialized (
      select c.usr_id, c.id as cred_id, '{}'::text[] as amr, null::boolean as remember, null::uuid as session_id, null::uuid as family_id,
        null::timestamptz as family_expires_at,
        case when c.id is null then 'unauthorized.invalid_credential' end as refusal
      from (select 1) one left join (
        select c.* from cred c join usr u on u.id = c.usr_id
        where c.id = ${holder.passkeyId}::uuid and c.status = 'active' and u.status = 'active' ${lock}) c on true)`;
  }
  if ("rows" in holder) return sql`holder as materialized (${holder.rows})`;
  const actor = acting(holder.actor);
  const owner = holder.owner ?? sql`s.usr_id`;
  return sql`${actor.define},
    holder as materialized (
      select s.usr_id, s.cred_id, s.amr, s.remember, s.id as session_id, coalesce(s.family_id, s.id) as family_id, s.family_expires_at,
        case when s.id is null then 'unauthorized.invalid_token'
          else ${refusalUnless(isStepUp ? stepUp : confirmFactor, actor.name, { owner })} end as refusal
      from (select 1) one left join acting on true left join (
        select s.* from ses s join cred c on c.id = s.cred_id
        where s.id = ${holder.sessionId}::uuid and c.status = 'active' ${lock}) s on true)`;
}

/**
 * The reason for the ticket must still hold: a user who has a factor by now, or may not enroll any more, signs in again (S02,
 * S20, S32).
 */
function stillEnrolls(attempts: number): Statement {
  return sql`and t.attempts <= ${attempts}::int and ${mayEnroll(sql`t.usr_id`)} and ${activeFactorTypes(sql`t.usr_id`)} = '{}'`;
}

/** The lock for spending: the holder's user. */
export function userOfHolder(holder: FactorHolder): Statement<{ id: string }> {
  if ("passkeyId" in holder) return sql`select usr_id as id from cred where id = ${holder.passkeyId}::uuid`;
  return "ticketHash" in holder
    ? userOfTicket(holder.ticketHash)
    : sql`select usr_id as id from ses where id = ${holder.sessionId}::uuid`;
}

/** The event of an attempt. Its target is the user, who is the actor once the factor is proved. */
export function factorEvent(
  attempt: FactorAttempt<FactorHolder | LinkHolder>,
  name: Handle<"holder">,
): Omit<AuditEvent, "outcome"> {
  const { holder, auditId, context, act } = attempt;
  return {
    id: auditId,
    act,
    actor: "actor" in holder ? holder.actor : undefined,
    context,
    targetKind: "usr",
    targetId: sql`${name}.usr_id`,
  };
}
