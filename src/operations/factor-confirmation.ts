import * as acts from "../domain/acts/factor.ts";
import { type Factor, factorOf } from "../domain/factor.ts";
import type { Transport } from "../domain/session.ts";
import type { Core } from "../engine/core.ts";
import { execute } from "../engine/execute.ts";
import { issueKnownDevice } from "../engine/known-device.ts";
import { lockOfCounter, lockOfToken, locksOf, lockUsersOf } from "../engine/locks.ts";
import type { TimeLeft } from "../engine/patience.ts";
import { refuseHolder } from "../engine/refuse-holder.ts";
import { type IssuedSession, issued, newSession } from "../engine/sessions.ts";
import * as store from "../store/factor-confirmation.ts";
import { type FactorAttempt, userOfHolder } from "../store/factor-holder.ts";
import { type EnrollmentAuthority, presentedWith } from "./enrollment-authority.ts";

/** The fresh session after a confirmation, and the confirmed factor. */
export type ConfirmedFactor = IssuedSession & { factor: Factor; knownDevice?: string };

/**
 * Finishes an enrollment whose proof has been checked: the factor becomes active, and a fresh session replaces all others.
 *
 * @param confirmation.refund The counter of the proof, or an empty text if no attempt was reserved.
 */
export async function finishEnrollment(
  core: Core,
  authority: EnrollmentAuthority,
  confirmation: FactorAttempt & {
    factorId: string;
    activation: store.Activation;
    refund: string;
    transport: Transport;
    time?: TimeLeft;
  },
): Promise<ConfirmedFactor> {
  const { holder, act, context, transport, refund } = confirmation;
  const made = await newSession(core, { transport, context });
  const presentedTokenHash = await presentedWith(authority);
  const row = await execute(core, {
    time: confirmation.time,
    locks: locksOf(
      acts.confirmFactor,
      lockUsersOf(userOfHolder(holder)),
      ...lockOfToken(presentedTokenHash),
      ...lockOfCounter(refund),
    ),
    mustCommit: true,
    body: store.confirmFactor({ ...confirmation, session: made.session, presentedTokenHash }),
    onLostReply: store.recallConfirmation(confirmation, made.session.sessionId),
  });
  await refuseHolder(core, holder, act, row.refusal);
  const confirmed = { ...issued(row, made.token), factor: factorOf(row) };
  // The device of a session is already known, so only a ticket's client gets a new known-device value.
  if (!("ticket" in authority)) return confirmed;
  return { ...confirmed, knownDevice: await issueKnownDevice(core, confirmed.session.credentialId, true) };
}
