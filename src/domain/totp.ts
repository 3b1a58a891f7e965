/**
 * Time-based one-time passwords: RFC 6238, built on HOTP (RFC 4226).
 *
 * Pure: the caller supplies the time and stores the last accepted step, which is what makes a code single-use (RFC 6238 §5.2).
 *
 * @module
 */
import { toBase32 } from "../crypto/base32.ts";
import { type Bytes, constantTimeEqual, randomBytes, utf8 } from "../crypto/bytes.ts";
import { type HmacHash, hmac } from "../crypto/hmac.ts";

/** The hash of a code, by its name in the specification. */
export type TotpAlgorithm = "sha1" | "sha256" | "sha512";

/** How an authenticator app makes its codes (RFC 6238). */
export interface TotpParameters {
  readonly algorithm: TotpAlgorithm;
  /** 6 to 10. */
  readonly digits: number;
  /** 15 to 120. */
  readonly periodSeconds: number;
}

/** What every authenticator app supports. */
export const defaultTotp: TotpParameters = { algorithm: "sha1", digits: 6, periodSeconds: 30 };

/** RFC 4226 §4, R6: 160 bits are recommended. */
const secretBytes = 20;
/** How many steps a code may be early or late: RFC 6238 §5.2. */
const toleranceSteps = 1;

const hashes: Readonly<Record<TotpAlgorithm, HmacHash>> = { sha1: "SHA-1", sha256: "SHA-256", sha512: "SHA-512" };

export function generateTotpSecret(): Bytes {
  return randomBytes(secretBytes);
}

/** The number of whole periods since the Unix epoch: RFC 6238's `T`. */
export function totpStep(atSeconds: number, { periodSeconds }: TotpParameters): number {
  return Math.floor(atSeconds / periodSeconds);
}

/** The code of a step: RFC 4226 §5.3. The counter has 64 bits, of which a JavaScript number holds 53. */
export async function totpCode(secret: Bytes, step: number, { algorithm, digits }: TotpParameters): Promise<string> {
  const counter = new Uint8Array(8);
  new DataView(counter.buffer).setBigUint64(0, BigInt(step));
  const mac = await hmac(hashes[algorithm], secret, counter);
  const offset = mac.at(-1)! & 15;
  const truncated = new DataView(mac.buffer).getUint32(offset) & 0x7fffffff;
  return String(truncated % 10 ** digits).padStart(digits, "0");
}

/**
 * The step that a code belongs to, among the current step and its neighbors, or `undefined`. Every candidate is computed and
 * compared, so that the time reveals nothing.
 */
export async function matchTotpStep(
  secret: Bytes,
  code: string,
  atSeconds: number,
  parameters: TotpParameters,
): Promise<number | undefined> {
  const now = totpStep(atSeconds, parameters);
  let matched: number | undefined;
  for (let step = Math.max(now - toleranceSteps, 0); step <= now + toleranceSteps; step++) {
    if (constantTimeEqual(utf8(await totpCode(secret, step, parameters)), utf8(code))) matched = step;
  }
  return matched;
}

/** A code as people type it, with the spaces that apps show: digits only, or `undefined`. */
export function normalizeTotpCode(input: string): string | undefined {
  const digits = input.length <= 32 ? input.replace(/[\s-]/g, "") : "";
  return /^[0-9]{6,10}$/.test(digits) ? digits : undefined;
}

/** The content of a QR code: the `otpauth` format that authenticator apps agree on (Google Authenticator's Key URI Format). */
export function otpauthUri(options: {
  issuer: string;
  label: string;
  secret: Bytes;
  parameters: TotpParameters;
}): string {
  const { issuer, label, secret, parameters } = options;
  const query = [
    `secret=${toBase32(secret)}`,
    `issuer=${encodeURIComponent(issuer)}`,
    `algorithm=${parameters.algorithm.toUpperCase()}`,
    `digits=${parameters.digits}`,
    `period=${parameters.periodSeconds}`,
  ];
  return `otpauth://totp/${encodeURIComponent(issuer)}:${encodeURIComponent(label)}?${query.join("&")}`;
}
