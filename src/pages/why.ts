import { readCookie, sessionCookie } from "../http/cookies.ts";
import type { AuthError } from "../index.ts";
import { pathWith } from "./next-path.ts";
import type { Visit } from "./route.ts";

/** Why a page leads to the sign-in page, as that page says it. */
const sentences = {
  "no-session": "Sign in to continue. If you were signed in here, your session has ended.",
  ended: "Your session has ended: it has expired, or it was ended from another device. Sign in again.",
  "second-factor": "Your account now requires a second factor. Sign in again.",
  passkey: "Your passkey is removed. You had signed in with it, so sign in again another way.",
  ticket: "This sign-in was finished already, or it took too long. Start again.",
} as const;

export type Why = keyof typeof sentences;

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
export function sentenceOfWhy({ c, auth }: Visit): string | undefined {
  const why = Object.keys(sentences).find((one): one is Why => one === c.req.query("why"));
  if (!why || (aboutSession.includes(why) && !readCookie(c, auth, sessionCookie))) return undefined;
  return sentences[why];
}
