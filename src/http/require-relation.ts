import type { Context, MiddlewareHandler } from "hono";
import { AuthError } from "../domain/error.ts";
import type { TupleId } from "../domain/id.ts";
import { requireOption } from "../domain/option-error.ts";
import { isEntityType, isRelation, requireEntityId } from "../domain/tuple.ts";
import type { CheckResult } from "../operations/tuple-checks.ts";
import type { AuthorizationAuth } from "../operations/tuples.ts";
import type { AuthSource } from "./auth-source.ts";
import { guard, type SessionVerifier, type UserVariables, verifyUser, verifyUserAnd } from "./authenticate.ts";

/** The parts of `auth` that {@link requireRelation} needs. The feature `authorization` adds them. */
export type RelationVerifier = SessionVerifier & AuthorizationAuth;

/** The variables of a handler after {@link requireRelation}. */
export interface RelationVariables extends UserVariables {
  /** The tuple that allowed. With rules, it may be another relation or another object. */
  matchedTupleId: TupleId;
}

/**
 * Requires a session whose user holds a relation on the object that the request names, by a tuple or by a rule. One request to the
 * database, for the session and the check; if `requireUser` or `authenticate` ran before, one more.
 *
 * Otherwise answers as `requireUser` does, and 403 `forbidden` to a user who does not hold the relation, whether the object exists or
 * not. A request without an object's id, or with a malformed one, is 404 `not_found`; a check that a limit ends is 503
 * `evaluation_limit_exceeded`. Personal access tokens are refused.
 *
 * @param relation Such as `viewer`.
 * @param objectType Such as `doc`.
 * @param objectId The object's id in the request, a UUID or in wire form: the name of a path parameter, such as `id` in
 *   `/documents/:id`, or a function that reads it.
 * @throws {TypeError} If the relation or the type is malformed.
 * @example
 * ```ts
 * app.get("/documents/:id", requireRelation(auth, "viewer", "doc", "id"), (c) => c.json({ reader: c.var.user.id }));
 * ```
 */
export function requireRelation(
  source: AuthSource<RelationVerifier>,
  relation: string,
  objectType: string,
  objectId: string | ((c: Context) => string | undefined),
): MiddlewareHandler<{ Variables: RelationVariables }> {
  requireOption(isRelation(relation), relation, "2 to 32 of a-z and _", "relation");
  requireOption(isEntityType(objectType), objectType, "2 to 6 of a-z", "objectType");
  return guard(source, async (c, auth, realm) => {
    const named = typeof objectId === "string" ? c.req.param(objectId) : objectId(c);
    const id = uuidOf(objectType, named);
    // A request without a session is told so first.
    if (id === undefined) {
      await verifyUser(c, auth, realm, {});
      throw new AuthError("not_found");
    }
    const asked = { relation, objectType, objectId: id };
    const { check } = await verifyUserAnd<{ check: CheckResult }>(c, auth, realm, {
      verify: (presented) => auth.tuples.checkSession({ ...presented, ...asked }),
      ask: async ({ userId }) => ({
        check: await auth.tuples.check({ subjectType: "usr", subjectId: userId, ...asked }),
      }),
    });
    if (!check.allowed) throw new AuthError("forbidden");
    c.set("matchedTupleId", check.matchedTupleId);
  });
}

/** Undefined for an id that names nothing. */
function uuidOf(type: string, id: string | undefined): string | undefined {
  try {
    return id === undefined ? undefined : requireEntityId(type, id, "object");
  } catch (error) {
    if (error instanceof AuthError) return undefined;
    throw error;
  }
}
