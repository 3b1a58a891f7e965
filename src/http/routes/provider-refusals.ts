import { AuthError } from "../../domain/error.ts";
import { isReturnPlace } from "../../domain/return-place.ts";
import { realm, type WithRealm } from "../../engine/realm.ts";
import type { FederationAuth } from "../../operations/federation-operations.ts";
import type { RefusedCall } from "../route.ts";

/** Where browsers are led that were refused something at a provider: to a page that says it. */

/** The `refusedTo` of a route that begins or ends a sign-in. */
export function refusedAtSignIn(refused: RefusedCall<FederationAuth>): string | undefined {
  return placeFor(refused, false);
}

/** The `refusedTo` of a route that begins something for the user of a session. */
export function refusedInSession(refused: RefusedCall<FederationAuth>): string | undefined {
  return placeFor(refused, true);
}

/** A browser leaves its page for the answer: by a link, or by a form, which `Sec-Fetch-Mode` tells from a script and from a program. */
function placeFor({ c, auth, error, name }: RefusedCall<FederationAuth>, isInSession: boolean): string | undefined {
  const isVisit = c.req.method !== "POST" || c.req.header("sec-fetch-mode") === "navigate";
  return isVisit
    ? placeOfRefusal(auth, error, { isInSession, next: c.req.query("next"), provider: name("provider") })
    : undefined;
}

/**
 * The page that says a refusal. In a session it is the application's own, if it asked for that, or else the account's.
 *
 * @throws {unknown} Any other error.
 */
export function placeOfRefusal(
  auth: FederationAuth & WithRealm,
  error: unknown,
  { isInSession, next, provider }: { isInSession: boolean; next: string | undefined; provider: string },
): string {
  if (!(error instanceof AuthError)) throw error;
  const { linked, signIn, signedIn } = auth.federation.places();
  // The listed text itself, so that nothing that a client sent is followed (R062).
  const listed = auth[realm].core.returnTo.find((place) => place === next);
  const page = isInSession ? (listed ?? linked) : signIn;
  // The page of the sign-in knows which of its own paths it leads to.
  const kept = listed ?? (next?.startsWith("/") && next !== signedIn && isReturnPlace(next) ? next : undefined);
  const reason = error.details?.reason;
  return withQuery(page, {
    ...(!isInSession && kept !== undefined && { next: kept }),
    refusal: error.code,
    // A link can have any other name.
    ...(auth.federation.providers().some(({ name }) => name === provider) && { provider }),
    ...(typeof reason === "string" && { reason }),
  });
}

export function withQuery(place: string, parameters: Readonly<Record<string, string>>): string {
  return `${place}${place.includes("?") ? "&" : "?"}${new URLSearchParams(parameters)}`;
}
