/**
 * The routes as types, for Hono's client: `hc<AuthApp<typeof auth>>(baseUrl)`. The build writes the types of each feature from
 * the table of routes.
 *
 * @module
 */
import type { Hono, Schema } from "hono";
import type { BlankSchema } from "hono/types";
import type { WithRealm } from "../engine/realm.ts";
import type { Answers } from "./answers.ts";
import type { CoreApi } from "./generated/api.ts";

/** The route of `healthRoutes`. */
export type HealthApi = { "/health": { $get: Answers<object, { status: "ok"; writes: Record<string, number> }, 200> } };

/** The route of `openapiRoutes`. */
export type OpenapiApi = {
  "/openapi.json": { $get: Answers<object, { openapi: string } & { [member: string]: unknown }, 200> };
};

/** The API of an `auth`, for `hc<AuthApp<typeof auth>>(baseUrl)` of `hono/client`. */
export type AuthApp<Source> = Hono<
  object,
  CoreApi & (Source extends (...env: never[]) => infer Auth ? ApiIn<Auth> : ApiIn<Source>)
>;

/** The types of the routes of an `auth`. */
export type ApiIn<Auth> = Auth extends WithRealm<infer Api> ? (Api extends Schema ? Api : BlankSchema) : BlankSchema;
