import type { ErrorBody } from "../domain/error.ts";

type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 500 | 503;

/** One method of a route: its request, its response, and its refusals. */
export type Answers<Input, Body, Status extends number, Format extends "json" | "body" = "json"> =
  | { input: Input; output: Body; outputFormat: Format; status: Status }
  | { input: Input; output: ErrorBody; outputFormat: "json"; status: RefusalStatus };
