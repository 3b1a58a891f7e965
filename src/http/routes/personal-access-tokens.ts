import * as v from "valibot";
import * as acts from "../../domain/acts/personal-access-token.ts";
import type { PersonalAccessTokenAuth } from "../../operations/personal-access-tokens.ts";
import { personalAccessTokenBody } from "../personal-access-token-wire.ts";
import { pageEntries, toDate, toNumber } from "../request-values.ts";
import { type Route, rowsFor } from "../route.ts";
import { pageBody } from "../wire.ts";

const rows = rowsFor<PersonalAccessTokenAuth>();

/** The operation checks names, scopes and expiries, each with its own code. */
const newToken = v.strictObject({
  name: v.string(),
  scope: v.array(v.string()),
  expires_at: v.optional(v.nullable(v.pipe(v.string(), v.isoTimestamp()))),
});

/** Personal access tokens. No route proves one (ADR 0016). */
export const personalAccessTokenRoutes: readonly Route<PersonalAccessTokenAuth>[] = [
  ...rows.twins({
    act: acts.listPats,
    auth: {
      id: "listOwnPersonalAccessTokens",
      path: "/auth/personal-access-tokens",
      summary: "List the caller's personal access tokens",
    },
    v1: { id: "listPatsForUser", path: "/v1/users/:usr_id/pats", summary: "List a user's personal access tokens" },
    method: "get",
    query: v.object({ ...pageEntries(), status: v.optional(v.picklist(["active", "expired", "revoked"])) }),
    status: 200,
    run: async ({ c, auth, actor, userId, query: { limit, ...query } }) => {
      const page = await auth.personalAccessTokens.list({ ...query, actor, userId, limit: toNumber(limit) });
      return c.json(pageBody(page, personalAccessTokenBody), 200);
    },
  }),
  ...rows.twins({
    act: acts.createPat,
    auth: {
      id: "createOwnPersonalAccessToken",
      path: "/auth/personal-access-tokens",
      summary: "Create a personal access token; its secret is shown once",
    },
    v1: {
      id: "createPat",
      path: "/v1/users/:usr_id/pats",
      summary: "Create a personal access token; its secret is shown once",
    },
    method: "post",
    body: newToken,
    status: 201,
    run: async ({ c, auth, actor, userId, body: { name, scope, expires_at: end } }) => {
      const expiresAt = typeof end === "string" ? toDate(end, "expires_at") : null;
      const { pat, token } = await auth.personalAccessTokens.create({ actor, userId, name, scope, expiresAt });
      return c.json({ pat: personalAccessTokenBody(pat), token }, 201);
    },
  }),
  ...rows.twins({
    act: acts.getPat,
    auth: {
      id: "getOwnPersonalAccessToken",
      path: "/auth/personal-access-tokens/:pat_id",
      summary: "Get one of the caller's personal access tokens, without its secret",
    },
    v1: { id: "getPat", path: "/v1/pats/:pat_id", summary: "Get a personal access token, without its secret" },
    method: "get",
    status: 200,
    run: async ({ c, auth, actor, parameter, onlyOwn }) => {
      const pat = await auth.personalAccessTokens.get({ actor, tokenId: parameter("pat_id"), onlyOwn });
      return c.json(personalAccessTokenBody(pat), 200);
    },
  }),
  ...rows.twins({
    act: acts.revokePat,
    auth: {
      id: "revokeOwnPersonalAccessToken",
      path: "/auth/personal-access-tokens/:pat_id/revoke",
      summary: "Revoke one of the caller's personal access tokens",
    },
    v1: {
      id: "revokePat",
      path: "/v1/pats/:pat_id/revoke",
      summary: "Revoke a personal access token; no effect if it is already revoked",
    },
    method: "post",
    status: 200,
    run: async ({ c, auth, actor, parameter, onlyOwn }) => {
      const pat = await auth.personalAccessTokens.revoke({ actor, tokenId: parameter("pat_id"), onlyOwn });
      return c.json(personalAccessTokenBody(pat), 200);
    },
  }),
];
