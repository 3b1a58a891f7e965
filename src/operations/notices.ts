import { constantTimeEqual, fromBase64Url, toBase64Url, toHex } from "../crypto/bytes.ts";
import { disownNotice } from "../domain/acts/notice.ts";
import { AuthError } from "../domain/error.ts";
import { newAuditId, newUuid } from "../domain/id.ts";
import { cleanContext, type RequestContext } from "../domain/request-context.ts";
import { execute } from "../engine/execute.ts";
import { locksOf, lockUsersOf } from "../engine/locks.ts";
import type { MailCore } from "../engine/mail-settings.ts";
import { newLink } from "../engine/mailed-secrets.ts";
import type { Operation } from "../engine/plan.ts";
import { disown, recallDisowned, userOfNotice } from "../store/notices.ts";

/** What a user can do about a notice. */
export interface NoticeOperations {
  /**
   * “This was not me”: takes the account away from the person whom the notice is about. Its passwords no longer open it; the passkey or
   * factor that was added is removed, and so are other addresses that were added since; sessions, tickets, links and personal
   * access tokens end. A link for a new password goes to the address that got the notice, unless an administrator has taken the
   * address away. Passkeys and factors of before stay, and so does a factor that has taken the place of another one.
   *
   * @param token The secret of the notice's link. It works once, for seven days.
   * @throws {AuthError} `unauthorized.invalid_link`.
   */
  disown: Operation<{ token: string; context?: RequestContext | undefined }, { identifier: string }>;
}

const linkLifetimeSeconds = 3_600;
const idBytes = 16;

export function noticeOperations(core: MailCore): NoticeOperations {
  return {
    async disown({ token, context = {} }) {
      const noticeId = await noticeOf(core, token);
      if (noticeId === undefined) throw new AuthError("unauthorized.invalid_link");
      const auditId = newAuditId();
      const link = await newLink(core, "reset_password", linkLifetimeSeconds);
      const { identifier } = await execute(core, {
        locks: locksOf(disownNotice, lockUsersOf(userOfNotice(noticeId))),
        body: disown({ noticeId, ...link, newCredentialId: newUuid(), context: cleanContext(context), auditId }),
        mustCommit: true,
        onLostReply: recallDisowned(noticeId, auditId),
      });
      if (identifier === null) throw new AuthError("unauthorized.invalid_link");
      return { identifier };
    },
  };
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
async function noticeOf(core: MailCore, token: string): Promise<string | undefined> {
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
