/**
 * The routes as types, for Hono's client: `hc<AuthApp<typeof auth>>(baseUrl)`. Written by hand, because declarations may not be inferred;
 * the tests hold it to the table of routes.
 *
 * @module
 */
import type { Hono, Schema } from "hono";
import type { BlankSchema } from "hono/types";
import type { ErrorBody } from "../domain/error.ts";
import type { WithRealm } from "../engine/realm.ts";
import type * as schemas from "./schemas.ts";
import type { AccountSessionBody, CredentialBody, PageBody, SessionBody, SignedInBody, UserBody } from "./wire.ts";

type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 500 | 503;

/** One method of a route: what it takes, what it answers with, and that it may refuse. */
export type Answers<Input, Body, Status extends number, Format extends "json" | "body" = "json"> =
  | { input: Input; output: Body; outputFormat: Format; status: Status }
  | { input: Input; output: ErrorBody; outputFormat: "json"; status: RefusalStatus };

export type WithUser = { param: { usr_id: string } };
export type WithCredential = { param: { cred_id: string } };
type WithSession = { param: { ses_id: string } };
export type TicketHeader = { header: { "Login-Ticket": string } };

/** What every application has. */
export type CoreApi = {
  "/auth/refresh": { $post: Answers<object, SignedInBody, 200> };
  "/auth/sign-out": { $post: Answers<object, null, 204, "body"> };
  "/auth/session": { $get: Answers<object, { user: UserBody; session: AccountSessionBody }, 200> };
};

/** The routes of `passwords`. */
export type PasswordApi = {
  "/auth/sign-in": { $post: Answers<{ json: schemas.PasswordCredentialsBody }, SignedInBody, 200> };
  "/v1/credentials/verify": {
    $post: Answers<{ json: schemas.VerifyCredentialBody }, { usr_id: string; cred_id: string }, 200>;
  };
};

/** The routes of `signUp`. */
export type SignUpApi = {
  "/auth/sign-up": {
    $post: Answers<{ json: schemas.PasswordCredentialsBody & schemas.UserFieldsBody }, SignedInBody, 201>;
  };
};

/** The route of `healthRoutes`. */
export type HealthApi = {
  "/health": { $get: Answers<object, { status: "ok" }, 200> };
};

/** The route of `openapiRoutes`. */
export type OpenapiApi = {
  "/openapi.json": { $get: Answers<object, { openapi: string } & { [member: string]: unknown }, 200> };
};

/** The routes of `accounts`. */
export type AccountApi = {
  "/auth/sessions": { $get: Answers<{ query: schemas.PageQuery }, PageBody<AccountSessionBody>, 200> };
  "/auth/sessions/revoke-others": { $post: Answers<object, { revoked: number }, 200> };
  "/auth/password": { $post: Answers<{ json: schemas.ChangePasswordBody }, SignedInBody, 200> };
  "/v1/users": {
    $get: Answers<{ query: schemas.UsersQuery }, PageBody<UserBody>, 200>;
    $post: Answers<{ json: schemas.UserFieldsBody; header?: { "Idempotency-Key"?: string } }, UserBody, 201>;
  };
  "/v1/users/:usr_id": {
    $get: Answers<WithUser, UserBody, 200>;
    $put: Answers<WithUser & { json: schemas.UserFieldsBody }, UserBody, 200>;
  };
  "/v1/users/:usr_id/suspend": { $post: Answers<WithUser, UserBody, 200> };
  "/v1/users/:usr_id/reinstate": { $post: Answers<WithUser, UserBody, 200> };
  "/v1/users/:usr_id/revoke": { $post: Answers<WithUser & { json: schemas.EndCredentialBody }, UserBody, 200> };
  "/v1/users/:usr_id/sessions": {
    $get: Answers<WithUser & { query: schemas.PageQuery }, PageBody<SessionBody>, 200>;
  };
  "/v1/credentials": { $post: Answers<{ json: schemas.CreateCredentialBody }, CredentialBody, 201> };
  "/v1/credentials/:cred_id": { $get: Answers<WithCredential, CredentialBody, 200> };
  "/v1/credentials/:cred_id/rotate": {
    $post: Answers<WithCredential & { json: schemas.RotateCredentialBody }, CredentialBody, 200>;
  };
  "/v1/credentials/:cred_id/suspend": {
    $post: Answers<WithCredential & { json: schemas.EndCredentialBody }, CredentialBody, 200>;
  };
  "/v1/credentials/:cred_id/reinstate": { $post: Answers<WithCredential, CredentialBody, 200> };
  "/v1/credentials/:cred_id/revoke": {
    $post: Answers<WithCredential & { json: schemas.EndCredentialBody }, CredentialBody, 200>;
  };
  "/v1/sessions": {
    $post: Answers<TicketHeader & { json: schemas.CreateSessionBody }, { session: SessionBody; token: string }, 201>;
  };
  "/v1/sessions/:ses_id": { $get: Answers<WithSession, SessionBody, 200> };
  "/v1/sessions/:ses_id/refresh": { $post: Answers<WithSession, { session: SessionBody; token: string }, 201> };
  "/v1/sessions/:ses_id/revoke": { $post: Answers<WithSession, SessionBody, 200> };
};

/** The API of an `auth`, for `hc<AuthApp<typeof auth>>(baseUrl)` of `hono/client`. */
export type AuthApp<Source> = Hono<
  object,
  CoreApi & (Source extends (...env: never[]) => infer Auth ? ApiIn<Auth> : ApiIn<Source>)
>;

/** The types of the routes of an `auth`. */
export type ApiIn<Auth> = Auth extends WithRealm<infer Api> ? (Api extends Schema ? Api : BlankSchema) : BlankSchema;
