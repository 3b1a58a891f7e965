import type { Context } from "hono";
import { matchedRoutes } from "hono/route";
import { AuthError } from "../domain/error.ts";
import { errorResponse } from "./problem.ts";

/** 405 with the methods of a known path, if no later handler of the application may answer (RFC 9110 §15.5.6). */
export function notAllowed(c: Context, methods: readonly string[]): Response | undefined {
  if (!isLast(c)) return undefined;
  c.header("Allow", methods.join(", "));
  return errorResponse(c, new AuthError("method_not_allowed"));
}

/** True if no later handler of the application matches the request. */
export function isLast(c: Context): boolean {
  return matchedRoutes(c).length - 1 === c.req.routeIndex;
}
