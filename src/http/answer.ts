import type { Context } from "hono";
import { strictObject } from "valibot";
import { AuthError } from "../domain/error.ts";
import type { Id, IdType } from "../domain/id.ts";
import { type AnyAuth, realmOf } from "./auth-source.ts";
import { type PresentedSession, presentedSession } from "./bearer.ts";
import { inTime } from "./in-time.ts";
import { deliverOwed } from "./mail-delivery.ts";
import { errorResponse } from "./problem.ts";
import { readJsonBody, readQuery } from "./request-body.ts";
import { requestContext } from "./request-context.ts";
import { type Answer, type AnyRoute, usesCookies } from "./route.ts";
import { requireSameOrigin } from "./same-origin.ts";
import { schemaOf } from "./schema.ts";

/** The response to a request for one row, whether it succeeds or fails. */
export async function respond(
  row: AnyRoute,
  parameters: Readonly<Record<string, string>>,
  c: Context,
  auth: AnyAuth,
): Promise<Response> {
  const realm = realmOf(auth);
  try {
    realm.check();
    // Each operation has a time limit, but a request may run several.
    const response = await inTime(answer(row, parameters, c, auth), realm.core.patience.milliseconds);
    deliverOwed(c, auth);
    return response;
  } catch (error) {
    if (!(error instanceof AuthError) || error.status >= 500) realm.report(error);
    const name = (parameter: string) => parameters[parameter]!;
    const place = error instanceof AuthError && row.refusedTo?.({ c, auth, error, name });
    if (place) return c.redirect(place, 303);
    return errorResponse(c, usesCookies(row) ? error : withoutDetails(error));
  }
}

/** Checks a request against its row, in this order: where it came from, who sent it, what is in it. */
async function answer(
  row: AnyRoute,
  parameters: Readonly<Record<string, string>>,
  c: Context,
  auth: AnyAuth,
): Promise<Response> {
  c.header("Cache-Control", "no-store");
  c.header("X-Content-Type-Options", "nosniff");
  const context = requestContext(c, realmOf(auth));
  c.header("X-Request-Id", context.requestId);
  if (usesCookies(row) && !row.isForeign) requireSameOrigin(c, auth);

  const presented = presentedTo(row, c, auth);
  const call = {
    c,
    auth,
    context,
    presented,
    parameter: <Type extends IdType>(name: `${Type}_id`) => parameters[name] as Id<Type>,
    name: (parameter: string) => parameters[parameter]!,
  };
  const readBody = row.readForm ?? readJsonBody;
  const read = async () => ({
    body: row.method === "get" ? undefined : await readBody(c.req, schemaOf(row.body ?? nothing)),
    query: row.query && readQuery(c.req, schemaOf(row.query)),
  });
  if (typeof row.access === "string") {
    if (row.access === "token" && !presented) throw new AuthError("unauthorized.invalid_token");
    return answered(row, c, await row.run({ ...call, ...(await read()) }));
  }
  if (!presented) throw new AuthError("unauthorized.invalid_token");
  const verified = await auth.sessions.verify({ ...presented, context });
  return answered(row, c, await row.run({ ...call, ...verified, ...(await read()) }));
}

function answered({ status }: AnyRoute, c: Context, answer: Answer): Response {
  if (answer instanceof Response) return answer;
  return status === 204 ? c.body(null, status) : c.json(answer, status === 303 ? 200 : status);
}

/** The body that a row without a schema accepts. */
const nothing = () => strictObject({});

/** Flametrench's `Error` has a code and a message, and nothing else. */
function withoutDetails(error: unknown): unknown {
  if (!(error instanceof AuthError) || !error.details) return error;
  const { retryAfterSeconds, limit } = error;
  return new AuthError(error.code, { cause: error, retryAfterSeconds, limit });
}

/** The presented session token, on a route that uses a token. `/v1` ignores every cookie (S08). */
function presentedTo(row: AnyRoute, c: Context, auth: AnyAuth): PresentedSession | undefined {
  if (row.access === "anyone" || row.access === "ticket") return undefined;
  const presented = presentedSession(c, auth);
  return presented?.transport === "cookie" && !usesCookies(row) ? undefined : presented;
}
