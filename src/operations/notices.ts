import { constantTimeEqual, fromBase64Url, toBase64Url, toHex } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { disownNotice } from "../domain/acts/notice.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, newUuid } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { execute } from "../engine/execute.ts";
import { lockOfCounter, locksOf } from "../engine/locks.ts";
import { type MailCore, mailLanguageFor } from "../engine/mail-settings.ts";
import { newLink } from "../engine/mailed-secrets.ts";
import { requireIdle } from "../engine/passwords.ts";
import type { Operation } from "../engine/plan.ts";
import { refuse } from "../engine/refuse.ts";
import type { PresentedToken } from "../engine/sessions.ts";
import { disown, type NoticeProof, recallDisowned } from "../store/disown.ts";
import type { FactorMaterial } from "../store/factor-proofs.ts";
import { factorOfNotice, holderOfNotice, lockNotice } from "../store/told-notices.ts";
import { type CheckCode, type FactorProof, type ProvedFactor, reserveAndCheck, unitsOf } from "./factor-check.ts";

/** What shows, beside the link of a notice, that the account is the reader's. Only a changed address can ask for it. */
export interface NoticeProofs {
  /** A session of the account in which a second factor or passkey was proved in the last ten minutes. */
  readonly session?: Omit<PresentedToken, "context"> | undefined;
  /** A code of an authenticator app or a recovery code, of a factor that the account had before its address was changed. */
  readonly proof?: FactorProof | undefined;
}

/** What a user can do about a notice. */
export interface NoticeOperations {
  /**
   * “This was not me”: takes the account away from the person whom the notice is about. Its passwords no longer open it; the passkey or
   * factor that was added is removed, and so are other addresses that were added since; sessions, tickets, links and personal
   * access tokens end. A link for a new password goes to the address that got the notice, unless an administrator has taken the
   * address away. Passkeys and factors of before stay, and so does a factor that has taken the place of another one.
   *
   * If the address of the account was changed since, or the notice is about that, the address comes back, and every factor and
   * passkey that was added since then is removed. That is possible for 72 hours after the change. If the account had a factor or
   * passkey before the change, it takes a session or a code as well; the notice about a new factor or passkey does not ask for
   * that one, nor for later ones. If a session of the user has ended the address, it comes back too, unless the account has
   * an older passkey, and what was added since is removed, unless an older factor or passkey has ended lately. Both are refused if another account has proved the address by now,
   * or an administrator has suspended its password: then the notice stays unused.
   *
   * @param token The secret of the notice's link. It works once, for seven days; that of a changed address for 72 hours.
   * @param acceptLanguage As in the header `Accept-Language`: the language of the message with the link for a new password.
   * @throws {AuthError} `unauthorized.invalid_link`, `unauthorized.reauthentication_required`, `unauthorized.invalid_factor`,
   *   `unauthorized.replayed_totp`, `conflict.duplicate_credential`, `too_many_requests`, `unavailable.busy`.
   */
  disown: Operation<
    { token: string; acceptLanguage?: string | undefined; context?: RequestContext | undefined } & NoticeProofs,
    { identifier: string }
  >;
}

const linkLifetimeSeconds = 3_600;
const idBytes = 16;

/** @param codes Checks codes of second factors. Default: there are none. */
export function noticeOperations(core: MailCore, codes: CheckCode | undefined): NoticeOperations {
  return {
    async disown({ token, session, proof, acceptLanguage, context: given = {} }) {
      const noticeId = await noticeOf(core, token);
      if (noticeId === undefined) throw new AuthError("unauthorized.invalid_link");
      const context = cleanContext(given);
      const proved = proof && (await checkCode(core, codes, { noticeId, proof, context }));
      const auditId = newAuditId();
      const link = await newLink(core, "reset_password", linkLifetimeSeconds, {
        language: mailLanguageFor(core, acceptLanguage),
      });
      const { refusal, identifier } = await execute(core, {
        time: proved?.time,
        locks: locksOf(disownNotice, ...lockNotice(noticeId), ...lockOfCounter(proved?.counter)),
        body: disown({
          noticeId,
          proof: proved ? { by: "code", ...proved } : await bySession(session),
          ...link,
          newCredentialId: newUuid(),
          context,
          auditId,
        }),
        mustCommit: true,
        onLostReply: recallDisowned(noticeId, auditId),
      });
      refuse(refusal);
      if (identifier === null) {
        throw new AuthError(proof?.type === "totp" ? "unauthorized.replayed_totp" : "unauthorized.invalid_factor");
      }
      return { identifier };
    },
  };
}

async function bySession(session: NoticeProofs["session"]): Promise<NoticeProof | undefined> {
  if (!session || !isOpaqueToken(session.token)) return undefined;
  return { by: "session", tokenHash: await sha256Hex(session.token), transport: session.transport };
}

/** Counts an attempt at a factor that the account had before its address was changed, and checks it. */
async function checkCode(
  core: MailCore,
  codes: CheckCode | undefined,
  { noticeId, proof, context }: { noticeId: string; proof: FactorProof; context: RequestContext },
): Promise<ProvedFactor> {
  if (!codes) throw new AuthError("unauthorized.invalid_factor");
  if (proof.type === "recovery") requireIdle(core);
  return await reserveAndCheck<FactorMaterial>(core, {
    holder: { rows: holderOfNotice(noticeId) },
    context,
    act: disownNotice,
    type: proof.type,
    units: unitsOf(proof.type),
    isStepUp: true,
    material: factorOfNotice(noticeId, proof.type),
    verdictOn: (material) => codes(material, proof),
  });
}

/**
 * The secret of a notice's link: the notice's id and the half of a MAC of it, 16 bytes each. Nothing is stored for it, because a
 * statement that owes a notice has no key.
 */
export async function noticeSecret(core: MailCore, id: string): Promise<string> {
  const bytes = bytesOf(id);
  return toBase64Url(new Uint8Array([...bytes, ...(await macOf(core, id, core.keys.currentVersion))!]));
}

/** The notice of a secret, or `undefined`. Secrets under older keys count until the key is dropped. */
export async function noticeOf(core: MailCore, token: string): Promise<string | undefined> {
  const bytes = fromBase64Url(token);
  if (bytes?.length !== 2 * idBytes) return undefined;
  const id = toHex(bytes.slice(0, idBytes)).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  for (const version of core.keys.versions) {
    const mac = await macOf(core, id, version);
    if (mac && constantTimeEqual(mac, bytes.slice(idBytes))) return id;
  }
  return undefined;
}

async function macOf(core: MailCore, id: string, version: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return (await core.keys.mac("mail", ["notice", id], version))?.slice(0, idBytes);
}

function bytesOf(id: string): Uint8Array {
  return Uint8Array.from(id.replaceAll("-", "").match(/../g)!, (pair) => Number.parseInt(pair, 16));
}
