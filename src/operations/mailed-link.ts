import { sha256Hex } from "../crypto/digest.ts";
import { resetPassword } from "../domain/acts/mailed-link.ts";
import { verifyIdentifier } from "../domain/acts/verification.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { type CredentialId, newAuditId, newUuid, wireId } from "../domain/id.ts";
import type { RequestContext } from "../domain/request-context.ts";
import { addressCounters, countedOf, requireAdmitted } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import { type KnownDevice, verifyKnownDevice } from "../engine/known-device.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import type { MailCore } from "../engine/mail-settings.ts";
import {
  acceptPassword,
  hashNewPassword,
  requireIdle,
  returningOnBusy,
  verifyPasswordHash,
} from "../engine/passwords.ts";
import { TimeLeft } from "../engine/patience.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import type { Counter } from "../store/counters.ts";
import { type LinkProof, recallSpentLink, spendLink as spend } from "../store/link-spending.ts";
import {
  type LinkPurpose,
  lockOfCodes,
  recordWrongLinkPassword,
  reserveLink,
  selectLink,
  userOfLink,
} from "../store/links.ts";

/** An address that has been proved. */
export interface VerifiedIdentifier {
  readonly credentialId: CredentialId;
  readonly identifier: string;
}

/** A link as a client presents it. */
export interface PresentedLink {
  readonly tokenHash: string;
  readonly purpose: LinkPurpose;
  readonly context: RequestContext;
  readonly time: TimeLeft;
}

/** What a link says to the holder of its secret. */
export interface LookedLink {
  readonly purpose: "verify_identifier" | "reset_password" | "sign_in" | "sign_up" | "change_identifier";
  /** The address that the link was mailed to. */
  readonly identifier: string;
}

/** Mailed links, whatever they are for. */
export interface LinkOperations {
  /**
   * Shows what a mailed link is for to the holder of its secret, so that a page can name the address before its button spends
   * the link. It spends nothing. The link of a suspended account is refused like an unknown link.
   *
   * @throws {AuthError} `unauthorized.invalid_link`.
   */
  look: Operation<{ token: string }, LookedLink>;
}

export function linkOperations(core: MailCore): LinkOperations {
  return {
    async look({ token }) {
      const body = selectLink(await linkHash(token));
      const { purpose, identifier } = await execute(core, { body, onLostReply: "repeat" });
      if (purpose === null || identifier === null) throw new AuthError("unauthorized.invalid_link");
      // The statement finds these purposes alone.
      return { purpose: purpose as LookedLink["purpose"], identifier };
    },
  };
}

/** @throws {AuthError} `unauthorized.invalid_link` for a text that is no secret. */
export async function linkHash(token: string): Promise<string> {
  if (!isOpaqueToken(token)) throw new AuthError("unauthorized.invalid_link");
  return await sha256Hex(token);
}

export async function linkOf(
  { patience }: MailCore,
  presented: { purpose: LinkPurpose; token: string; context: RequestContext },
): Promise<PresentedLink> {
  const { purpose, token, context } = presented;
  return { tokenHash: await linkHash(token), purpose, context, time: new TimeLeft(patience) };
}

/** Spends a link, with what shows that the account is the spender's. */
export async function spendLink(
  core: MailCore,
  { tokenHash, purpose, context, time }: PresentedLink,
  proof: LinkProof,
): Promise<VerifiedIdentifier> {
  const auditId = newAuditId();
  const act = purpose === "reset_password" ? resetPassword : verifyIdentifier;
  const row = await execute(core, {
    time,
    locks: locksOf(act, lockUsersOf(userOfLink(tokenHash)), lockOfCodes(tokenHash)),
    body: spend({
      tokenHash,
      purpose,
      proof,
      context: proof.by === "session" ? proof.actor.context : context,
      auditId,
    }),
    mustCommit: true,
    onLostReply: recallSpentLink(auditId),
  });
  if (row.refusal === "invalid_format.password") throw tooShort();
  refuse(row.refusal);
  return { credentialId: wireId("cred", row.credentialId), identifier: row.identifier };
}

function tooShort(): AuthError {
  return new AuthError("invalid_format.password", { details: { reason: "too_short" } });
}

/**
 * Counts an attempt with a link, then verifies the account's password.
 *
 * @param knownDevice As at sign-in: a device that the account knows has attempts of its own (S22).
 */
export async function provePassword(
  core: MailCore,
  link: PresentedLink,
  password: string,
  knownDevice: string | undefined,
): Promise<LinkProof> {
  const device = await verifyKnownDevice(core, knownDevice);
  const limit = core.limits.account;
  // A password counts with those at sign-in.
  const own: Counter[] = [{ name: "link", limit, kind: "account" }];
  if (device) own.push({ name: `device:${await core.keys.digest("device", device.nonce)}`, limit, kind: "device" });
  const { row, counted, credentialId } = await reserve(core, link, own, device);
  const { passwordHash, counter } = row;
  const matches = await returningOnBusy(core, counted, () => verifyPasswordHash(core, passwordHash, password));
  if (matches && passwordHash !== null && counter !== null) return { by: "password", passwordHash, counter };
  const { purpose, context, time } = link;
  await execute(core, {
    time,
    body: recordWrongLinkPassword({ credentialId, purpose, context, auditId: newAuditId() }),
    onLostReply: "repeat",
  });
  throw new AuthError("unauthorized.invalid_credential");
}

/** Counts an attempt with a link, then hashes the new password. */
export async function hashPassword(core: MailCore, link: PresentedLink, password: string): Promise<LinkProof> {
  // A new password counts for the link, whatever address it comes from.
  const own: Counter = { name: `link:${link.tokenHash}`, limit: core.limits.account, kind: "address" };
  const { row, counted, identifier } = await reserve(core, link, [own]);
  const { needsFactor } = acceptPassword(core, password, identifier);
  // Only the database knows whether a second factor stays beside a short password.
  if (needsFactor && link.purpose === "verify_identifier") throw tooShort();
  if (row.userId !== null) await core.acceptance.history?.(core, password, wireId("usr", row.userId));
  const passwordHash = await hashNewPassword(core, password, counted);
  return { by: "new_password", newCredentialId: newUuid(), passwordHash, needsFactor };
}

async function reserve(
  core: MailCore,
  { time, ...link }: PresentedLink,
  own: readonly Counter[],
  device?: KnownDevice,
) {
  requireIdle(core);
  const counters = [...own, ...(await addressCounters(core, link.context.address))];
  const row = await execute(core, {
    time,
    body: reserveLink({ ...link, counters, deviceCredentialId: device?.credentialId, auditId: newAuditId() }),
    mustCommit: true,
    onLostReply: "repeat",
  });
  const { credentialId, identifier } = row;
  if (credentialId === null || identifier === null) throw new AuthError("unauthorized.invalid_link");
  requireAdmitted(row);
  if (row.needsSession) throw new AuthError("unauthorized.reauthentication_required");
  return { row, credentialId, identifier, counted: countedOf(counters, row.counter) };
}
