/**
 * The origins of a deployment: exact, each with its uses, none by pattern (S36).
 *
 * @module
 */

export type OriginUse = "cors" | "csrf" | "redirect" | "webauthn";

export interface Origin {
  readonly origin: string;
  readonly uses: readonly OriginUse[];
}

const allUses: readonly OriginUse[] = ["cors", "csrf", "redirect", "webauthn"];

/**
 * Checks the list. The first is the base URL and has every use; the others have those that they name.
 *
 * @throws {TypeError} For a wildcard, `null`, a trailing dot, a path, and http other than on loopback.
 */
export function parseOrigins(list: readonly (string | Origin)[]): readonly Origin[] {
  if (list.length === 0) throw new TypeError("At least one origin is needed; the first is the base URL.");
  return list.map((entry, index) => {
    const { origin, uses } = typeof entry === "string" ? { origin: entry, uses: [] } : entry;
    return { origin: requireOrigin(origin), uses: index === 0 ? allUses : uses };
  });
}

/** Whether an origin is this machine itself. */
export function isLoopback(origin: string): boolean {
  const { hostname } = new URL(origin);
  return hostname === "localhost" || hostname === "127.0.0.1" || hostname === "[::1]";
}

function requireOrigin(origin: string): string {
  const valid =
    URL.canParse(origin) &&
    new URL(origin).origin === origin &&
    !origin.includes("*") &&
    !new URL(origin).hostname.endsWith(".") &&
    (origin.startsWith("https://") || (origin.startsWith("http://") && isLoopback(origin)));
  if (!valid) throw new TypeError("An origin is https://host[:port] with nothing after it, or http on loopback.");
  return origin;
}
