import * as v from "valibot";
import * as acts from "../../domain/acts/personal-access-token.ts";
import { acceptTypedName } from "../../domain/text.ts";
import type { PersonalAccessTokenAuth } from "../../operations/personal-access-tokens.ts";
import { personalAccessTokenBody } from "../personal-access-token-wire.ts";
import { keyOf, pageEntries, toDate, toNumber } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { pageBody } from "../wire.ts";

const rows = rowsFor<PersonalAccessTokenAuth>();

/** The operation checks names, scopes and expiries, each with its own code. */
const newToken = () =>
  v.strictObject({
    name: v.string(),
    scope: v.array(v.string()),
    expires_at: v.optional(v.nullable(v.pipe(v.string(), v.isoTimestamp()))),
  });

/** Personal access tokens. No route proves one (ADR 0016). */
export const personalAccessTokenRoutes: RouteTable<PersonalAccessTokenAuth> = () => [
  ...rows.twins({
    act: acts.listPats,
    auth: { id: "listOwnPersonalAccessTokens", path: "/auth/personal-access-tokens" },
    v1: "/v1/users/:usr_id/pats",
    method: "get",
    query: () => v.object({ ...pageEntries(), status: v.optional(v.picklist(["active", "expired", "revoked"])) }),
    run: async ({ auth, actor, userId, query: { limit, ...query } }) => {
      const page = await auth.personalAccessTokens.list({ ...query, actor, userId, limit: toNumber(limit) });
      return pageBody(page, personalAccessTokenBody);
    },
  }),
  ...rows.twins({
    act: acts.createPat,
    auth: { id: "createOwnPersonalAccessToken", path: "/auth/personal-access-tokens" },
    v1: "/v1/users/:usr_id/pats",
    method: "post",
    body: newToken,
    status: 201,
    run: async ({ c, auth, actor, userId, body: { name: given, scope, expires_at: end }, onlyOwn }) => {
      const name = onlyOwn ? acceptTypedName(given) : given;
      const expiresAt = typeof end === "string" ? toDate(end, "expires_at") : null;
      const asked = { actor, userId, name, scope, expiresAt, ...keyOf(c) };
      const { pat, token } = await auth.personalAccessTokens.create(asked);
      return { pat: personalAccessTokenBody(pat), token };
    },
  }),
  ...rows.twins({
    act: acts.getPat,
    auth: { id: "getOwnPersonalAccessToken", path: "/auth/personal-access-tokens/:pat_id" },
    v1: "/v1/pats/:pat_id",
    method: "get",
    run: async ({ auth, actor, parameter, onlyOwn }) => {
      const pat = await auth.personalAccessTokens.get({ actor, tokenId: parameter("pat_id"), onlyOwn });
      return personalAccessTokenBody(pat);
    },
  }),
  ...rows.twins({
    act: acts.revokePat,
    auth: { id: "revokeOwnPersonalAccessToken", path: "/auth/personal-access-tokens/:pat_id/revoke" },
    v1: "/v1/pats/:pat_id/revoke",
    method: "post",
    run: async ({ auth, actor, parameter, onlyOwn }) => {
      const pat = await auth.personalAccessTokens.revoke({ actor, tokenId: parameter("pat_id"), onlyOwn });
      return personalAccessTokenBody(pat);
    },
  }),
];
