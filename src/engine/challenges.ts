/**
 * Challenges of WebAuthn ceremonies: sealed with a MAC instead of stored, so that a page view leaves no row (S46).
 *
 * A challenge is a random nonce, its expiry by the database's clock, and a MAC over both, the ceremony, and the session, ticket
 * or user handle that it is bound to. The statement that spends a challenge stores its digest, once.
 *
 * @module
 */
import { type Bytes, constantTimeEqual, randomBytes, toBase64Url, toHex } from "../crypto/bytes.ts";
import { sha256 } from "../crypto/digest.ts";
import type { SpentChallenge } from "../store/spent-challenges.ts";
import type { Core } from "./core.ts";

const nonceBytes = 32;
const endBytes = 6;
const macBytes = 32;
/** How long the client has for a ceremony, in seconds: WebAuthn L3 §15.1 recommends five minutes if a user is verified. */
export const ceremonySeconds = 300;

/** The ceremony of a challenge, and what the challenge is bound to. A client cannot choose any of it freely. */
export type CeremonyBinding = readonly [
  ceremony: "register_passkey" | "register_factor" | "sign_in" | "prove",
  ...boundTo: string[],
];

/**
 * A fresh challenge.
 *
 * @param now The database's time.
 */
export async function issueChallenge(core: Core, binding: CeremonyBinding, now: Date): Promise<Bytes> {
  const challenge = new Uint8Array(nonceBytes + endBytes + macBytes);
  challenge.set(randomBytes(nonceBytes));
  const end = Math.floor(now.getTime() / 1000) + ceremonySeconds;
  const view = new DataView(challenge.buffer);
  view.setUint16(nonceBytes, Math.floor(end / 2 ** 32));
  view.setUint32(nonceBytes + 2, end % 2 ** 32);
  challenge.set((await macOf(core, challenge, binding, core.keys.currentVersion))!, nonceBytes + endBytes);
  return challenge;
}

/**
 * The data to spend a challenge with, if it was issued here for this ceremony and binding. The statement that spends it decides
 * whether it has expired.
 */
export async function verifyChallenge(
  core: Core,
  challenge: Bytes,
  binding: CeremonyBinding,
): Promise<SpentChallenge | undefined> {
  if (challenge.length !== nonceBytes + endBytes + macBytes) return undefined;
  const view = new DataView(challenge.buffer, challenge.byteOffset);
  const end = view.getUint16(nonceBytes) * 2 ** 32 + view.getUint32(nonceBytes + 2);
  const mac = challenge.subarray(nonceBytes + endBytes);
  for (const version of core.keys.versions) {
    const expected = await macOf(core, challenge, binding, version);
    if (expected && constantTimeEqual(expected, mac)) {
      const digest = toHex(await sha256(challenge));
      return { digest, expiresAt: new Date(end * 1000) };
    }
  }
  return undefined;
}

async function macOf(
  core: Core,
  challenge: Bytes,
  binding: CeremonyBinding,
  version: number,
): Promise<Bytes | undefined> {
  const head = challenge.slice(0, nonceBytes + endBytes);
  return await core.keys.mac("challenge", [toBase64Url(head), ...binding], version);
}

/** The challenge that client data repeats. It is verified before it is used. */
export function challengeOf(clientDataJson: Bytes): string | undefined {
  try {
    const data: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(clientDataJson),
    );
    const challenge =
      typeof data === "object" && data !== null ? (data as { challenge?: unknown }).challenge : undefined;
    return typeof challenge === "string" && challenge.length <= 128 ? challenge : undefined;
  } catch {
    return undefined;
  }
}
