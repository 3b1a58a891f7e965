import * as v from "valibot";
import * as acts from "../../domain/acts/recovery.ts";
import type { MailAuth } from "../../operations/mail.ts";
import { deliverSoon } from "../mail-delivery.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { verifiedBody } from "./verifications.ts";

const rows = rowsFor<MailAuth>();

/** The links of an account that is given to a new address. Starting it is an operation alone: an application decides who may ask. */
export const recoveryRoutes: RouteTable<MailAuth> = () => [
  rows.open({
    act: acts.cancelRecovery,
    method: "post",
    path: "/auth/recovery/cancel",
    access: "anyone",
    body: () => v.strictObject({ token: v.string() }),
    status: 204,
    run: async ({ auth, body: { token }, context }) => await auth.recovery.cancel({ token, context }),
  }),
  rows.open({
    act: acts.finishRecovery,
    method: "post",
    path: "/auth/recovery/finish",
    access: "anyone",
    body: () => v.strictObject({ token: v.string(), password: v.string() }),
    run: async ({ c, auth, body, context }) => {
      const finished = await auth.recovery.finish({ ...body, context });
      deliverSoon(c, auth);
      return verifiedBody(finished);
    },
  }),
];
