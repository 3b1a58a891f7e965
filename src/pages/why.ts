import { readCookie, sessionCookie } from "../http/cookies.ts";
import type { AuthError } from "../index.ts";
import { pathWith } from "./next-path.ts";
import type { Visit } from "./route.ts";

/** Why a page leads to the sign-in page, as that page says it. */
const reasons = ["no-session", "ended", "second-factor", "passkey", "ticket"] as const;

export type Why = (typeof reasons)[number];

/** Reasons that concern a session. A browser without a session's cookie was not signed in, so a link cannot make it say so. */
const aboutSession: readonly Why[] = ["ended", "second-factor", "passkey"];

/** The sign-in page, which says why the user must sign in. */
export function signInBecause({ site }: Pick<Visit, "site">, why: Why, next?: string): string {
  return pathWith(site.path("/sign-in"), { ...(next !== undefined && { next }), why });
}

/** Why a page for users refused a request. */
export function whyOf({ c, auth }: Pick<Visit, "c" | "auth">, { code }: AuthError): Why {
  if (!readCookie(c, auth, sessionCookie)) return "no-session";
  return code === "unauthorized.mfa_required" ? "second-factor" : "ended";
}

/** The sentence that the sign-in page shows, if the request names a reason that can be true. */
export function sentenceOfWhy({ c, auth, site }: Visit): string | undefined {
  const why = reasons.find((one) => one === c.req.query("why"));
  if (!why || (aboutSession.includes(why) && !readCookie(c, auth, sessionCookie))) return undefined;
  return site.text(`why.${why}`);
}
