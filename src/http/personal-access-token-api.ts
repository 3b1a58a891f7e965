/**
 * The routes of personal access tokens as types, for Hono's client.
 *
 * @module
 */
import type { Answers } from "./api.ts";
import type { CreatePersonalAccessTokenBody, PersonalAccessTokensQuery } from "./personal-access-token-schemas.ts";
import type { IssuedPersonalAccessTokenBody, PersonalAccessTokenBody } from "./personal-access-token-wire.ts";
import type { PageBody } from "./wire.ts";

type WithUser = { param: { usr_id: string } };
type WithToken = { param: { pat_id: string } };

export type PersonalAccessTokenApi = {
  "/auth/personal-access-tokens": {
    $get: Answers<{ query: PersonalAccessTokensQuery }, PageBody<PersonalAccessTokenBody>, 200>;
    $post: Answers<{ json: CreatePersonalAccessTokenBody }, IssuedPersonalAccessTokenBody, 201>;
  };
  "/auth/personal-access-tokens/:pat_id/revoke": { $post: Answers<WithToken, PersonalAccessTokenBody, 200> };

  "/v1/users/:usr_id/pats": {
    $get: Answers<WithUser & { query: PersonalAccessTokensQuery }, PageBody<PersonalAccessTokenBody>, 200>;
    $post: Answers<WithUser & { json: CreatePersonalAccessTokenBody }, IssuedPersonalAccessTokenBody, 201>;
  };
  "/v1/pats/:pat_id": { $get: Answers<WithToken, PersonalAccessTokenBody, 200> };
  "/v1/pats/:pat_id/revoke": { $post: Answers<WithToken, PersonalAccessTokenBody, 200> };
};
