import { sha256Hex } from "../crypto/digest.ts";
import { accessRules } from "../domain/access-rules.ts";
import type { Actor } from "../domain/actor.ts";
import { generateOpaqueToken, isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import type { FactorType } from "../domain/factor.ts";
import { type FactorId, isValidId, uuidFor, wireId } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import { newAuditId } from "../engine/audit-id.ts";
import type { Core } from "../engine/core.ts";
import { execute, work } from "../engine/execute.ts";
import { issueKnownDevice } from "../engine/known-device.ts";
import { lockOfCounter, lockOfToken } from "../engine/locks.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import { type IssuedSession, issued, newSession } from "../engine/sessions.ts";
import { type FactorHolder, userOfHolder } from "../store/factor-holder.ts";
import * as store from "../store/factor-sign-in.ts";
import type { CheckedFactor } from "../store/factor-spending.ts";
import { checkCurrentPassword } from "./current-password.ts";
import type { FactorProof, FactorUse, ProvedFactor } from "./factor-check.ts";

/** A login ticket as a client presents it, and the way that it came. */
export interface PresentedTicket {
  readonly ticket: string;
  readonly transport?: Transport;
  readonly context?: RequestContext;
}

/** What a session may be proved again with. */
export type StepUpProof = FactorProof | { readonly type: "password"; readonly password: string };

/** What a proved factor of a ticket's user is worth (Flametrench `verifyMfa`): a ticket with the factor in it. */
export interface VerifiedFactor {
  readonly factorId: FactorId;
  readonly type: FactorType;
  readonly verifiedAt: Date;
  /** Of a security key or a passkey: its counter now. */
  readonly newSignCount?: number;
  /** In the place of the presented one, which is spent. */
  readonly ticket: string;
}

/** Checks a proof of some kind: the first half of every use of it. */
export type CheckProof<Proof> = (attempt: FactorUse & { proof: Proof }) => Promise<ProvedFactor>;

/** Proving a second factor: to finish a sign-in, and to do what only its owner may. */
export interface SecondFactorOperations<Proof = FactorProof, StepUp = StepUpProof> {
  /**
   * Finishes a sign-in: a session for a ticket and a second factor.
   *
   * @throws {AuthError} `unauthorized.invalid_ticket` (unknown, spent, past five minutes or five attempts),
   *   `unauthorized.invalid_factor`, `unauthorized.replayed_totp`, `too_many_requests`, `unavailable.busy`.
   */
  signInWithFactor: Operation<
    PresentedTicket & { proof: Proof; presentedToken?: string | undefined },
    IssuedSession & { knownDevice: string }
  >;
  /** Flametrench `verifyMfa`: the same check, but a better ticket instead of a session. Throws the same. */
  verifyMfa: Operation<PresentedTicket & { userId: string; proof: Proof }, VerifiedFactor>;
  /**
   * Proves again who acts, for what needs a fresh proof: a fresh session takes the place of the acting one (S14). A user with a
   * second factor needs to prove that one.
   */
  stepUp: Operation<{ actor: Actor; transport: Transport; proof: StepUp }, IssuedSession>;
}

/** The operations for proofs of one kind, which `check` checks. */
export function secondFactorOperations<Proof extends { readonly type: string }>(
  core: Core,
  check: CheckProof<Proof>,
): SecondFactorOperations<Proof, Proof> {
  return {
    async signInWithFactor({ proof, presentedToken, ...presented }) {
      const { holder, context, transport } = await holderOfTicket(presented);
      const action = "identity.mfa.verify";
      const { checked, bucket } = await check({ holder, context, action, proof });
      const presentedTokenHash =
        presentedToken && isOpaqueToken(presentedToken) ? await sha256Hex(presentedToken) : undefined;
      const session = await spendOnSession(core, {
        holder,
        context,
        action,
        checked,
        bucket,
        transport,
        presentedTokenHash,
      });
      return { ...session, knownDevice: await issueKnownDevice(core, session.session.credentialId) };
    },

    async verifyMfa({ userId, proof, ...presented }) {
      const { holder, context, ticketHash } = await holderOfTicket(presented, userId);
      const action = "identity.mfa.verify";
      const proved = await check({ holder, context, action, proof });
      const ticket = generateOpaqueToken();
      const auditId = newAuditId();
      const row = await execute(
        core,
        work({
          locks: [{ on: "usr", key: userOfHolder(holder) }, ...lockOfCounter(proved.bucket)],
          mustCommit: true,
          body: store.spendFactorOnTicket({
            holder,
            context,
            action,
            auditId,
            checked: proved.checked,
            refund: proved.bucket,
            ticketHash,
            newTicketHash: await sha256Hex(ticket),
          }),
          onLostReply: store.recallUpgradedTicket(auditId),
          answer: (found) => found,
        }),
      );
      const { checked } = proved;
      requireSpent(row, checked);
      return {
        factorId: wireId("mfa", row.factorId),
        type: checked.type as FactorType,
        ...(checked.type === "webauthn" && { newSignCount: checked.newSignCount }),
        verifiedAt: row.verifiedAt,
        ticket,
      };
    },

    async stepUp({ actor, transport, proof }) {
      if (!actor.sessionId) throw new TypeError("Only the user of a session steps up.");
      const { context } = actor;
      const action = "identity.session.step_up";
      const holder: FactorHolder = { actor, sessionId: uuidFor("ses", actor.sessionId) };
      const { checked, bucket } = await check({ holder, context, action, proof });
      return await spendOnSession(core, { holder, context, action, checked, bucket, transport });
    },
  };
}

/** Proves again who acts by their password, which is enough for whoever has no second factor. */
export async function stepUpWithPassword(
  core: Core,
  { actor, transport, password }: { actor: Actor; transport: Transport; password: string },
): Promise<IssuedSession> {
  if (!actor.sessionId) throw new TypeError("Only the user of a session steps up.");
  const { context } = actor;
  const action = "identity.session.step_up";
  const holder: FactorHolder = { actor, sessionId: uuidFor("ses", actor.sessionId) };
  const proved = await checkCurrentPassword(core, { actor, password, rule: accessRules.stepUp, action });
  const checked = { type: "password", factorId: proved.credentialId, hash: proved.passwordHash } as const;
  return await spendOnSession(core, { holder, context, action, checked, bucket: proved.bucket, transport });
}

/** Spends a proof on a session: the second half. */
export async function spendOnSession(
  core: Core,
  spend: FactorUse & {
    checked: CheckedFactor;
    bucket: string;
    transport: Transport;
    presentedTokenHash?: string | undefined;
  },
): Promise<IssuedSession> {
  const { holder, context, transport, presentedTokenHash, bucket: refund, ...act } = spend;
  const made = await newSession(core, { transport, context });
  const auditId = newAuditId();
  const row = await execute(
    core,
    work({
      locks: [{ on: "usr", key: userOfHolder(holder) }, ...lockOfToken(presentedTokenHash), ...lockOfCounter(refund)],
      mustCommit: true,
      body: store.spendFactorOnSession({
        ...act,
        holder,
        context,
        auditId,
        refund,
        session: made.session,
        presentedTokenHash,
      }),
      onLostReply: store.recallSpentFactor(made.session.sessionId, auditId),
      answer: (found) => found,
    }),
  );
  requireSpent(row, spend.checked);
  return issued(row, made.token);
}

/** A ticket of a form that nobody was given opens nothing, and need not be asked for. */
async function holderOfTicket({ ticket, transport = "token", context = {} }: PresentedTicket, userId?: string) {
  const isOfNobody = userId !== undefined && !isValidId(userId, "usr");
  if (!isOpaqueToken(ticket) || isOfNobody) throw new AuthError("unauthorized.invalid_ticket");
  const ticketHash = await sha256Hex(ticket);
  const holder: FactorHolder & { ticketHash: string } = {
    ticketHash,
    transport,
    purpose: "sign_in",
    ...(userId !== undefined && { userId: uuidFor("usr", userId) }),
  };
  return { holder, context: cleanContext(context), transport, ticketHash };
}

/** @throws {AuthError} If the holder lost its right since the check, or somebody was first with the very code. */
function requireSpent({ refusal, consumed }: store.SpentFactorRow, { type }: CheckedFactor): void {
  refuse(refusal);
  if (consumed) return;
  throw new AuthError(type === "totp" ? "unauthorized.replayed_totp" : "unauthorized.invalid_factor");
}
