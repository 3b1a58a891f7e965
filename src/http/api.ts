/**
 * The routes as types, for Hono's client: `hc<AuthApp<typeof auth>>(baseUrl)`. The build writes those of each feature from the
 * table of routes.
 *
 * @module
 */
import type { Hono, Schema } from "hono";
import type { BlankSchema } from "hono/types";
import type { ErrorBody } from "../domain/error.ts";
import type { WithRealm } from "../engine/realm.ts";
import type { CoreApi } from "./generated/api.ts";

type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 500 | 503;

/** One method of a route: its request, its response, and that it may refuse. */
export type Answers<Input, Body, Status extends number, Format extends "json" | "body" = "json"> =
  | { input: Input; output: Body; outputFormat: Format; status: Status }
  | { input: Input; output: ErrorBody; outputFormat: "json"; status: RefusalStatus };

/** The route of `healthRoutes`. */
export type HealthApi = { "/health": { $get: Answers<object, { status: "ok" }, 200> } };

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
