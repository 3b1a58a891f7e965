import type { Origin } from "../index.ts";

/** A browser need look at no more labels than these (WebAuthn L3 §5.11.1); an origin has one, and may share it with others. */
const mostLabels = 5;

/** What `/.well-known/webauthn` says, or `undefined` if passkeys are used on one origin only (S36). */
export function relatedOrigins(origins: readonly Origin[]): { origins: string[] } | undefined {
  const listed = origins.filter(({ uses }) => uses.includes("webauthn")).map(({ origin }) => origin);
  return listed.length > 1 ? { origins: listed.slice(0, mostLabels) } : undefined;
}
