import type { Context } from "hono";
import { AuthError } from "../../domain/error.ts";
import { realm, type WithRealm } from "../../engine/realm.ts";
import type { FederationAuth } from "../../operations/federation-operations.ts";
import type { RefusedCall } from "../route.ts";

/** Where browsers are led that were refused something at a provider: to a page that says it. */

type Refused = RefusedCall<FederationAuth>;

/** For a route that begins or ends a sign-in. */
export function refusedAtSignIn(refused: Refused): string | undefined {
  return placeFor(refused, ({ federation }) => federation.places().signIn);
}

/** For a route that begins something for the user of a session. */
export function refusedInSession(refused: Refused): string | undefined {
  return placeFor(refused, (auth) => placeInSession(auth, refused.c.req.query("next")));
}

/** The page that says a refusal in a session: the application's own, if it asked for that, or else the account's. */
export function placeInSession(auth: FederationAuth & WithRealm, next: string | undefined): string {
  // The listed text itself, so that nothing that a client sent is followed (R062).
  return auth[realm].core.returnTo.find((place) => place === next) ?? auth.federation.places().linked;
}

function placeFor({ c, auth, error, name }: Refused, pageOf: (auth: Refused["auth"]) => string): string | undefined {
  return isVisit(c) ? withRefusal(pageOf(auth), auth, error, name("provider")) : undefined;
}

/** True for a browser that leaves its page for the answer. `Sec-Fetch-Mode` tells a form from a script and from a program. */
function isVisit(c: Context): boolean {
  return c.req.method !== "POST" || c.req.header("sec-fetch-mode") === "navigate";
}

/**
 * The page that says a refusal, for a handler that leads there itself. An outage is reported.
 *
 * @throws {unknown} Any other error.
 */
export function placeOfRefusal(
  auth: FederationAuth & WithRealm,
  error: unknown,
  provider: string,
  page: string,
): string {
  if (!(error instanceof AuthError)) throw error;
  if (error.status === 503) auth[realm].report(error);
  return withRefusal(page, auth, error, provider);
}

function withRefusal(page: string, { federation }: FederationAuth, { code, details }: AuthError, name: string): string {
  const reason = details?.reason;
  return withQuery(page, {
    refusal: code,
    // A link can have any other name.
    ...(federation.providers().some((one) => one.name === name) && { provider: name }),
    ...(typeof reason === "string" && { reason }),
  });
}

export function withQuery(place: string, parameters: Readonly<Record<string, string>>): string {
  return `${place}${place.includes("?") ? "&" : "?"}${new URLSearchParams(parameters)}`;
}
