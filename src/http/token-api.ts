/**
 * The routes of personal access tokens as types, for Hono's client: `hc<TokenApp>(baseUrl)`.
 *
 * @module
 */
import type { Hono } from "hono";
import type { Answers } from "./api.ts";
import type { CreateTokenBody, TokensQuery } from "./token-schemas.ts";
import type { IssuedTokenBody, PersonalAccessTokenBody } from "./token-wire.ts";
import type { PageBody } from "./wire.ts";

type WithUser = { param: { usr_id: string } };
type WithToken = { param: { pat_id: string } };

export type TokenApi = {
  "/auth/tokens": {
    $get: Answers<{ query: TokensQuery }, PageBody<PersonalAccessTokenBody>, 200>;
    $post: Answers<{ json: CreateTokenBody }, IssuedTokenBody, 201>;
  };
  "/auth/tokens/:pat_id/revoke": { $post: Answers<WithToken, PersonalAccessTokenBody, 200> };

  "/v1/users/:usr_id/pats": {
    $get: Answers<WithUser & { query: TokensQuery }, PageBody<PersonalAccessTokenBody>, 200>;
    $post: Answers<WithUser & { json: CreateTokenBody }, IssuedTokenBody, 201>;
  };
  "/v1/pats/:pat_id": { $get: Answers<WithToken, PersonalAccessTokenBody, 200> };
  "/v1/pats/:pat_id/revoke": { $post: Answers<WithToken, PersonalAccessTokenBody, 200> };
};

/** For `hc<TokenApp>(baseUrl)` of `hono/client`. */
export type TokenApp = Hono<object, TokenApi>;
