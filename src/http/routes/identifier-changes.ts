import * as v from "valibot";
import * as acts from "../../domain/acts/verification.ts";
import type { MailAuth } from "../../operations/mail.ts";
import { deliverSoon } from "../mail-delivery.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { signedIn } from "../session-cookie.ts";
import { requestedBody } from "./mailed-links.ts";

const rows = rowsFor<MailAuth>();

/** Giving the caller's account a new address. */
export const identifierChangeRoutes: RouteTable<MailAuth> = () => [
  rows.guarded({
    act: acts.requestIdentifierChange,
    method: "post",
    path: "/auth/identifier",
    body: () => v.strictObject({ identifier: v.string(), replaces: v.optional(v.string()) }),
    run: async ({ c, auth, actor, body, presented }) => {
      const acceptLanguage = c.req.header("accept-language");
      const { requestToken } = await auth.identifiers.requestChange({ actor, ...body, acceptLanguage });
      deliverSoon(c, auth);
      return requestedBody(c, auth, presented!.transport, requestToken);
    },
  }),
  rows.guarded({
    act: acts.changeIdentifier,
    method: "post",
    path: "/auth/identifier/confirm",
    body: () => v.strictObject({ token: v.string() }),
    run: async ({ c, auth, actor, body: { token }, presented }) => {
      const { transport } = presented!;
      const issued = await auth.identifiers.confirmChange({ actor, token, transport });
      deliverSoon(c, auth);
      return signedIn(c, auth, transport, issued);
    },
  }),
];
