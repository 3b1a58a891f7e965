/**
 * The secrets of mailed links and their codes. They are derived when a message is sent, so that the database holds none.
 *
 * @module
 */
import { randomBytes, toBase64Url, toHex } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { isOpaqueToken } from "../domain/bearer.ts";
import { newUuid } from "../domain/id.ts";
import type { MailKind } from "../domain/mail-text.ts";
import type { OwedMessage } from "../store/mail.ts";
import type { Core } from "./core.ts";

/**
 * A message with a link, the digest of the link's secret, and what the secret is derived from when the message is sent. The message
 * names the link by that digest, and is not sent once the link has ended.
 *
 * @param more What else the message is made of. It holds no secret.
 */
export async function newLink(
  core: Core,
  kind: MailKind,
  lifetimeSeconds: number,
  more: OwedMessage["content"] = {},
): Promise<{ message: OwedMessage; tokenHash: string }> {
  const id = newUuid();
  for (;;) {
    const content = { nonce: toBase64Url(randomBytes(32)), key: core.keys.currentVersion, ...more };
    const secret = (await linkSecret(core, id, content))!;
    // Drawn again if it would read as another kind of token.
    if (isOpaqueToken(secret)) {
      const tokenHash = await sha256Hex(secret);
      return { message: { id, kind, content: { ...content, link: tokenHash }, lifetimeSeconds }, tokenHash };
    }
  }
}

/**
 * The secret of a message's link, or `undefined` if the version of its key is no longer listed. The database holds the nonce
 * until the message is sent, and never the key: neither alone opens anything.
 */
export async function linkSecret(
  core: Core,
  id: string,
  { nonce, key }: OwedMessage["content"],
): Promise<string | undefined> {
  const mac = await core.keys.mac("mail", [id, String(nonce)], Number(key));
  return mac && toBase64Url(mac);
}

/** The six digits that stand beside a message's link, or `undefined` as for {@link linkSecret}. */
export async function linkCode(
  core: Core,
  id: string,
  { nonce, key }: OwedMessage["content"],
): Promise<string | undefined> {
  const mac = await core.keys.mac("mail", ["code", id, String(nonce)], Number(key));
  return mac && String(new DataView(mac.buffer).getBigUint64(0) % 1_000_000n).padStart(6, "0");
}

/** The MACs of a code for a browser, under every key that is listed. The database holds one of them. */
export async function codeMacs(core: Core, browserHash: string, code: string): Promise<readonly string[]> {
  const macs = core.keys.versions.map((version) => core.keys.mac("mail", ["code of", browserHash, code], version));
  return (await Promise.all(macs)).map((mac) => toHex(mac!));
}
