import { accessRules } from "../../domain/access-rules.ts";
import type { ErrorCode } from "../../domain/error.ts";
import type { PersonalAccessTokenAuth } from "../../operations/personal-access-tokens.ts";
import {
  type CreatePersonalAccessTokenBody,
  createPersonalAccessTokenBody,
  type PersonalAccessTokensQuery,
  personalAccessTokensQuery,
} from "../personal-access-token-schemas.ts";
import { type IssuedPersonalAccessTokenBody, personalAccessTokenBody } from "../personal-access-token-wire.ts";
import { toDate, toNumber } from "../request-values.ts";
import { guardedRoute, type Route } from "../route.ts";
import { pageBody } from "../wire.ts";

type Needed = PersonalAccessTokenAuth;

const createRefusals: readonly ErrorCode[] = [
  "invalid_format.name",
  "invalid_format.scope",
  "pat.expires_in_past",
  "unavailable.busy",
];

/** The caller's own tokens for applications, and the specification's routes. There is none that proves a token (ADR 0016). */
export const personalAccessTokenRoutes: readonly Route<Needed>[] = [
  guardedRoute<undefined, PersonalAccessTokensQuery, Needed>({
    id: "listOwnPersonalAccessTokens",
    method: "get",
    path: "/auth/personal-access-tokens",
    summary: "A page of one's own personal access tokens",
    access: accessRules.listPats,
    query: personalAccessTokensQuery,
    status: 200,
    refusals: ["invalid_format.cursor"],
    run: async ({ c, auth, actor, user, query: { limit, ...query } }) => {
      const page = await auth.personalAccessTokens.listForUser({
        ...query,
        actor,
        userId: user.id,
        limit: toNumber(limit),
      });
      return c.json(pageBody(page, personalAccessTokenBody), 200);
    },
  }),
  guardedRoute<CreatePersonalAccessTokenBody, undefined, Needed>({
    id: "createOwnPersonalAccessToken",
    method: "post",
    path: "/auth/personal-access-tokens",
    summary: "Makes a personal access token and shows it this once",
    access: accessRules.createPat,
    body: createPersonalAccessTokenBody,
    status: 201,
    refusals: createRefusals,
    run: async ({ c, auth, actor, user, body }) =>
      c.json(issuedBody(await auth.personalAccessTokens.create({ actor, userId: user.id, ...tokenOf(body) })), 201),
  }),
  guardedRoute<undefined, undefined, Needed>({
    id: "revokeOwnPersonalAccessToken",
    method: "post",
    path: "/auth/personal-access-tokens/:pat_id/revoke",
    summary: "Ends one of one's own personal access tokens",
    access: accessRules.revokeOwnPat,
    status: 200,
    // Anybody else's is not there; to an administrator, who knows that it is, forbidden.
    refusals: ["not_found", "forbidden"],
    run: async ({ c, auth, actor, parameter }) => {
      const tokenId = parameter("pat_id");
      return c.json(
        personalAccessTokenBody(await auth.personalAccessTokens.revoke({ actor, tokenId, onlyOwn: true })),
        200,
      );
    },
  }),

  guardedRoute<CreatePersonalAccessTokenBody, undefined, Needed>({
    id: "createPat",
    method: "post",
    path: "/v1/users/:usr_id/pats",
    summary: "Makes a personal access token and shows it this once",
    access: accessRules.createPat,
    body: createPersonalAccessTokenBody,
    status: 201,
    refusals: createRefusals,
    run: async ({ c, auth, actor, body, parameter }) => {
      const userId = parameter("usr_id");
      return c.json(issuedBody(await auth.personalAccessTokens.create({ actor, userId, ...tokenOf(body) })), 201);
    },
  }),
  guardedRoute<undefined, PersonalAccessTokensQuery, Needed>({
    id: "listPatsForUser",
    method: "get",
    path: "/v1/users/:usr_id/pats",
    summary: "A page of a user's personal access tokens, in every state or in one",
    access: accessRules.listPats,
    query: personalAccessTokensQuery,
    status: 200,
    refusals: ["invalid_format.cursor"],
    run: async ({ c, auth, actor, query: { limit, ...query }, parameter }) => {
      const userId = parameter("usr_id");
      const page = await auth.personalAccessTokens.listForUser({ ...query, actor, userId, limit: toNumber(limit) });
      return c.json(pageBody(page, personalAccessTokenBody), 200);
    },
  }),
  guardedRoute<undefined, undefined, Needed>({
    id: "getPat",
    method: "get",
    path: "/v1/pats/:pat_id",
    summary: "A personal access token, without its secret",
    access: accessRules.getPat,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(
        personalAccessTokenBody(await auth.personalAccessTokens.get({ actor, tokenId: parameter("pat_id") })),
        200,
      ),
  }),
  guardedRoute<undefined, undefined, Needed>({
    id: "revokePat",
    method: "post",
    path: "/v1/pats/:pat_id/revoke",
    summary: "Ends a personal access token; one that was revoked stays as it is",
    access: accessRules.revokePat,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(
        personalAccessTokenBody(await auth.personalAccessTokens.revoke({ actor, tokenId: parameter("pat_id") })),
        200,
      ),
  }),
];

function tokenOf(body: CreatePersonalAccessTokenBody): { name: string; scope: string[]; expiresAt: Date | null } {
  const { name, scope, expires_at: end } = body;
  return { name, scope, expiresAt: end === undefined || end === null ? null : toDate(end, "expires_at") };
}

function issuedBody({
  pat,
  token,
}: Awaited<ReturnType<PersonalAccessTokenAuth["personalAccessTokens"]["create"]>>): IssuedPersonalAccessTokenBody {
  return { pat: personalAccessTokenBody(pat), token };
}
