import type { Origin } from "../index.ts";

/** A browser must read only this many labels (WebAuthn L3 §5.11.1). Each origin has one label, and several may share it. */
const mostLabels = 5;

/** The content of `/.well-known/webauthn`, or `undefined` if passkeys are used on one origin only (S36). */
export function relatedOrigins(origins: readonly Origin[]): { origins: string[] } | undefined {
  // The list is for sites. An application is named in its platform's own file.
  const sites = origins.filter(({ origin, uses }) => uses.includes("webauthn") && /^https?:/.test(origin));
  const listed = sites.map(({ origin }) => origin);
  return listed.length > 1 ? { origins: listed.slice(0, mostLabels) } : undefined;
}
