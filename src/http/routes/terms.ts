import * as v from "valibot";
import { ownerOnly } from "../../domain/act.ts";
import { acceptTerms, getTerms } from "../../domain/acts/terms.ts";
import type { TermsAuth } from "../../operations/terms.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { userBody } from "../wire.ts";

const rows = rowsFor<TermsAuth>();

/** The current terms, and the caller's acceptance. */
export const termsRoutes: RouteTable<TermsAuth> = () => [
  rows.open({
    act: getTerms,
    method: "get",
    path: "/auth/terms",
    access: "anyone",
    run: async ({ auth }) => ({ ...auth.terms.current }),
  }),
  rows.guarded({
    act: ownerOnly(acceptTerms),
    id: "acceptOwnTerms",
    method: "post",
    path: "/auth/terms",
    body: () => v.strictObject({ version: v.string() }),
    run: async ({ auth, actor, user, body: { version } }) =>
      userBody(await auth.terms.accept({ actor, userId: user.id, version })),
  }),
];
