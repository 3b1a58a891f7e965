/**
 * The origins of a deployment: exact, without patterns, each with its uses.
 *
 * @module
 */

/** A use that an origin is allowed for: credentialed CORS, same-origin proof, redirects, passkeys. */
export type OriginUse = "cors" | "csrf" | "redirect" | "webauthn";

/** An exact origin, such as `https://app.example.com`, and its uses. */
export interface Origin {
  readonly origin: string;
  readonly uses: readonly OriginUse[];
}

const allUses: readonly OriginUse[] = ["cors", "csrf", "redirect", "webauthn"];

/**
 * Checks the list. The first origin is the base URL and has every use; the others have the uses that they name.
 *
 * @throws {TypeError} For a wildcard, `null`, a trailing dot, a path, or http on an origin that is not loopback.
 */
export function parseOrigins(list: readonly (string | Origin)[]): readonly Origin[] {
  if (list.length === 0) throw new TypeError("At least one origin is needed; the first is the base URL.");
  return list.map((entry, index) => {
    const { origin, uses } = typeof entry === "string" ? { origin: entry, uses: [] } : entry;
    return { origin: requireOrigin(origin), uses: index === 0 ? allUses : uses };
  });
}

/** True if an origin is this machine itself, where plain http is no risk. */
export function isLoopback(origin: string): boolean {
  return /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
}

function requireOrigin(origin: string): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const isHost = url?.origin === origin && !origin.includes("*") && !url.hostname.endsWith(".");
  if (!isHost || (url.protocol !== "https:" && !isLoopback(origin))) {
    throw new TypeError("An origin is https://host[:port] with nothing after it, or http on loopback.");
  }
  return origin;
}
