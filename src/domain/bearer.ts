/**
 * Bearer values and their kinds, in one table. A bearer is routed by its prefix and never falls through to another verifier.
 *
 * @module
 */
import { randomBytes, toBase64Url } from "../crypto/bytes.ts";

/** Kinds with a prefix, in the order of the specification (`docs/identity.md`); append only. No prefix means a session. */
export const bearerPrefixes = [
  { kind: "pat", prefix: "pat_" },
  { kind: "share", prefix: "shr_" },
] as const;

export type BearerKind = (typeof bearerPrefixes)[number]["kind"] | "session";

/** The kind of bearer that a text claims to be. */
export function classifyBearer(token: string): BearerKind {
  return bearerPrefixes.find(({ prefix }) => token.startsWith(prefix))?.kind ?? "session";
}

const tokenShape = /^[A-Za-z0-9_-]{43}$/;

/** True if a text could be a session token or a ticket: 32 bytes as base64url. */
export function isOpaqueToken(token: string): boolean {
  return tokenShape.test(token) && classifyBearer(token) === "session";
}

/** 32 random bytes as base64url, drawn again if they begin like another kind (one in eight million). */
export function generateOpaqueToken(draw: () => Uint8Array = () => randomBytes(32)): string {
  for (;;) {
    const token = toBase64Url(draw());
    if (classifyBearer(token) === "session") return token;
  }
}
