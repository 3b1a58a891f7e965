/**
 * Security policies of organizations: what an organization asks of the sessions in which its members act for it.
 *
 * @module
 */
import { AuthError } from "./error.ts";
import type { ValueOf } from "./record.ts";

/** What an organization asks of the sessions of its members. */
export const securityPolicy = {
  organizationId: "org id",
  /**
   * `mfa`: two factors. `phishing-resistant`: a passkey or a security key, which works on no other site than its own (NIST SP
   * 800-63B-4 §3.2.5).
   */
  require: ["none", "mfa", "phishing-resistant"],
  /** For how many days members without such a proof may go without it, 0 to 14. */
  graceDays: "integer",
  /** The greatest age of the last proof, in seconds, at least 600; null for the session's own end. */
  maxAgeSeconds: "integer?",
  /** The longest time without use since the last proof, in seconds, at least 600; null for the session's own limit. */
  maxIdleSeconds: "integer?",
  /** The names of the providers through which members may sign in; null for all. Other ways to sign in stay, without {@link SecurityPolicy.breakGlass}. */
  allowedProviders: "texts?",
  /**
   * The users who may sign in without an allowed provider, for the day on which it fails. All other members then need the provider:
   * passwords and passkeys no longer do. Null if they do for all.
   */
  breakGlass: "usr ids?",
  /** The end of the grace for those who were members when it began to require this. Null if it requires nothing. */
  graceUntil: "time?",
  /** When it was last set, or when the organization was made if it never was. */
  updatedAt: "time",
} as const;

/** What an organization asks of the sessions of its members. */
export interface SecurityPolicy extends ValueOf<typeof securityPolicy> {}

/** What an owner sets. */
export interface SecuritySettings
  extends Pick<SecurityPolicy, "require" | "graceDays" | "maxAgeSeconds" | "maxIdleSeconds" | "allowedProviders"> {
  /** 1 to 10 users, one of them an active owner. Only with `allowedProviders`. Default null. */
  readonly breakGlass?: SecurityPolicy["breakGlass"];
}

/** The kinds of proof, from the weakest. */
export const requirements: readonly SecurityPolicy["require"][] = securityPolicy.require;

/** The longest grace, in days. */
export const longestGraceDays = 14;
/** The shortest limit of a session, in seconds: as long as a proof is fresh, so that an owner who sets one keeps it. */
export const shortestLimitSeconds = 600;
/** The longest limit, in seconds. Sessions end sooner by themselves. */
export const longestLimitSeconds: number = 30 * 86_400;
/** How many providers a policy may name. */
export const mostProviders = 50;
/** How many users may sign in without the providers. */
export const mostBreakGlass = 10;
/** The form of a provider's name. */
export const providerName: RegExp = /^[a-z0-9-]{1,32}$/;

/**
 * The settings, if each is within its bounds.
 *
 * @throws {AuthError} `invalid_format.body`, with the member in `details`. Identifiers are not looked at.
 */
export function acceptSettings(given: SecuritySettings): Required<SecuritySettings> {
  const { require: proof, graceDays, maxAgeSeconds, maxIdleSeconds, allowedProviders, breakGlass = null } = given;
  const isWhole = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most;
  const isLimit = (seconds: number | null) =>
    seconds === null || isWhole(seconds, shortestLimitSeconds, longestLimitSeconds);
  const members: readonly (readonly [string, boolean])[] = [
    ["require", requirements.includes(proof)],
    ["grace_days", isWhole(graceDays, 0, longestGraceDays)],
    ["max_age_seconds", isLimit(maxAgeSeconds)],
    ["max_idle_seconds", isLimit(maxIdleSeconds)],
    [
      "allowed_providers",
      allowedProviders === null ||
        (Array.isArray(allowedProviders) &&
          allowedProviders.length <= mostProviders &&
          new Set(allowedProviders).size === allowedProviders.length &&
          allowedProviders.every((name) => typeof name === "string" && providerName.test(name))),
    ],
    [
      "break_glass",
      breakGlass === null ||
        (Array.isArray(breakGlass) &&
          allowedProviders !== null &&
          breakGlass.length >= 1 &&
          breakGlass.length <= mostBreakGlass &&
          new Set(breakGlass).size === breakGlass.length),
    ],
  ];
  const wrong = members.find(([, isRight]) => !isRight);
  if (wrong) throw new AuthError("invalid_format.body", { details: { member: wrong[0] } });
  return { require: proof, graceDays, maxAgeSeconds, maxIdleSeconds, allowedProviders, breakGlass };
}
