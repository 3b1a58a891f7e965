import { sha256Hex } from "../crypto/digest.ts";
import type { Audited } from "../domain/act.ts";
import { type SessionActor, sessionOf } from "../domain/actor.ts";
import { verifyFactor } from "../domain/acts/factor.ts";
import { stepUp } from "../domain/acts/session.ts";
import { generateOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import type { FactorType } from "../domain/factor.ts";
import { type CredentialId, type FactorId, newAuditId, type UserId, uuidFor } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import type { Transport } from "../domain/session.ts";
import type { Core } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import { issueKnownDevice } from "../engine/known-device.ts";
import { lockOfCounter, lockOfToken, locksOf, lockUsersOf } from "../engine/locks.ts";
import type { TimeLeft } from "../engine/patience.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import { type IssuedSession, issued, newSession } from "../engine/sessions.ts";
import { holderOfTicket } from "../engine/tickets.ts";
import { digestOfToken } from "../engine/token-digest.ts";
import { userOfHolder } from "../store/factor-holder.ts";
import * as store from "../store/factor-sign-in.ts";
import type { CheckedProof } from "../store/factor-spending.ts";
import { checkCurrentPassword } from "./current-password.ts";
import type { FactorProof, FactorUse, ProvedFactor } from "./factor-check.ts";

/** A login ticket as the client presents it, and how it travelled. */
export interface PresentedTicket {
  readonly ticket: string;
  readonly transport?: Transport;
  readonly context?: RequestContext;
}

/** The proofs that step a session up. */
export type StepUpProof = FactorProof | { readonly type: "password"; readonly password: string };

/** The result of a proved factor of a ticket's user (Flametrench `verifyMfa`): a ticket that includes the factor. */
export interface VerifiedFactor {
  /** The proved factor. A passkey is a credential, and has the id of one. */
  readonly factorId: FactorId | CredentialId;
  readonly type: FactorType;
  readonly verifiedAt: Date;
  /** The new signature counter of a security key or passkey. */
  readonly newSignCount?: number;
  /** Replaces the presented ticket, which is spent. */
  readonly ticket: string;
}

/** Checks a proof of some kind: the first half of every use. */
export type CheckProof<Proof> = (attempt: FactorUse & { proof: Proof }) => Promise<ProvedFactor>;

/** Proving a second factor: to finish a sign-in, and before acts that only the owner may do. */
export interface SecondFactorOperations<Proof = FactorProof, StepUp = StepUpProof> {
  /**
   * Finishes a sign-in: exchanges a ticket and a second factor for a session. A ticket lasts five minutes and five attempts.
   *
   * @throws {AuthError} `unauthorized.invalid_ticket`, `unauthorized.invalid_factor`, `unauthorized.user_not_verified`,
   *   `unauthorized.replayed_totp`, `too_many_requests`, `unavailable.busy`.
   */
  signInWithFactor: Operation<
    PresentedTicket & { proof: Proof; presentedToken?: string | undefined; knownDevice?: string | undefined },
    IssuedSession & { knownDevice: string }
  >;
  /**
   * Flametrench `verifyMfa`: the check of `signInWithFactor`, but the result is an upgraded ticket instead of a session.
   *
   * @throws {AuthError} `unauthorized.invalid_ticket`, `unauthorized.invalid_factor`, `unauthorized.user_not_verified`,
   *   `unauthorized.replayed_totp`, `too_many_requests`, `unavailable.busy`.
   */
  verifyMfa: Operation<PresentedTicket & { userId: UserId; proof: Proof }, VerifiedFactor>;
  /**
   * Steps up, for acts that need a fresh proof: the acting user proves a factor again, and a fresh session replaces the acting
   * one. A user with a second factor must prove that factor.
   *
   * @throws {AuthError} `unauthorized.invalid_factor`, `unauthorized.user_not_verified`, `unauthorized.replayed_totp`,
   *   `too_many_requests`, `unavailable.busy`, `unauthorized.invalid_credential`, `unauthorized.reauthentication_required`.
   */
  stepUp: Operation<{ actor: SessionActor; transport: Transport; proof: StepUp }, IssuedSession>;
}

/** The operations for one kind of proof, which `check` checks. */
export function secondFactorOperations<Proof extends { readonly type: string }>(
  core: Core,
  check: CheckProof<Proof>,
): SecondFactorOperations<Proof, Proof> {
  return {
    async signInWithFactor({ proof, presentedToken, knownDevice, ...presented }) {
      const holder = await holderOfTicket(core, presented, "sign_in");
      const { transport } = holder;
      const context = cleanContext(presented.context ?? {});
      const { checked, counter, time } = await check({ holder, context, act: verifyFactor, proof, knownDevice });
      const presentedTokenHash = await digestOfToken(presentedToken);
      const session = await spendOnSession(core, {
        holder,
        context,
        act: verifyFactor,
        checked,
        counter,
        time,
        transport,
        presentedTokenHash,
      });
      return { ...session, knownDevice: await issueKnownDevice(core, session.session.credentialId, true) };
    },

    async verifyMfa({ userId, proof, ...presented }) {
      const holder = await holderOfTicket(core, presented, "sign_in", userId);
      const use = { holder, context: cleanContext(presented.context ?? {}), act: verifyFactor };
      const proved = await check({ ...use, proof });
      const ticket = generateOpaqueToken();
      const auditId = newAuditId();
      const row = await execute(core, {
        time: proved.time,
        locks: locksOf(verifyFactor, lockUsersOf(userOfHolder(holder)), ...lockOfCounter(proved.counter)),
        mustCommit: true,
        body: store.spendFactorOnTicket({
          ...use,
          auditId,
          checked: proved.checked,
          refund: proved.counter,
          ticketHash: holder.ticketHash,
          newTicketHash: await sha256Hex(ticket),
        }),
        onLostReply: store.recallUpgradedTicket(auditId),
      });
      const { checked } = proved;
      requireSpent(row, checked);
      return {
        factorId: row.factorId,
        type: checked.type as FactorType,
        ...(checked.type === "webauthn" && { newSignCount: checked.newSignCount }),
        verifiedAt: row.verifiedAt,
        ticket,
      };
    },

    async stepUp({ actor, transport, proof }) {
      const use = stepUpBy(actor);
      const { checked, counter, time } = await check({ ...use, proof });
      return await spendOnSession(core, { ...use, checked, counter, time, transport });
    },
  };
}

/** Steps up with the password, for users without a second factor. */
export async function stepUpWithPassword(
  core: Core,
  { actor, transport, password }: { actor: SessionActor; transport: Transport; password: string },
): Promise<IssuedSession> {
  const use = stepUpBy(actor);
  const proved = await checkCurrentPassword(core, { actor, password, guard: stepUp, act: stepUp });
  const checked = { type: "password", factorId: proved.credentialId, hash: proved.passwordHash } as const;
  return await spendOnSession(core, { ...use, checked, counter: proved.counter, time: proved.time, transport });
}

export function stepUpBy(actor: SessionActor, act: Audited = stepUp): FactorUse {
  const sessionId = uuidFor("ses", sessionOf(actor).sessionId);
  return { holder: { actor, sessionId }, context: actor.context, act };
}

/** Spends a proof to make a session: the second half of every use. */
export async function spendOnSession(
  core: Core,
  spend: FactorUse & {
    checked: CheckedProof;
    /** The counter of the attempt, if it was counted. */
    counter?: string;
    time?: TimeLeft;
    transport: Transport;
    /** For a passkey that signs in by itself. The others go on as they began. */
    remember?: boolean | undefined;
    presentedTokenHash?: string | undefined;
  },
): Promise<IssuedSession> {
  const { holder, context, transport, remember, presentedTokenHash, counter: refund, time, ...proved } = spend;
  const made = await newSession(core, { transport, context, remember });
  const auditId = newAuditId();
  const row = await execute(core, {
    time,
    locks: [lockUsersOf(userOfHolder(holder)), ...lockOfToken(presentedTokenHash), ...lockOfCounter(refund)],
    mustCommit: true,
    body: store.spendFactorOnSession({
      ...proved,
      holder,
      context,
      auditId,
      refund,
      session: made.session,
      presentedTokenHash,
    }),
    onLostReply: store.recallSpentFactor(made.session.sessionId, auditId),
  });
  requireSpent(row, spend.checked);
  return issued(row, made.token);
}

/** @throws {AuthError} If the holder has lost the right since the check, or another request used the same code first. */
function requireSpent({ refusal, consumed }: store.SpentFactorRow, { type }: CheckedProof): void {
  refuse(refusal);
  if (consumed) return;
  if (type === "oidc") throw new AuthError("unauthorized.provider", { details: { reason: "not_accepted" } });
  throw new AuthError(type === "totp" ? "unauthorized.replayed_totp" : "unauthorized.invalid_factor");
}
