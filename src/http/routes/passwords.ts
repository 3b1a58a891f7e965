import * as v from "valibot";
import * as acts from "../../domain/acts/sign-in.ts";
import { AuthError } from "../../domain/error.ts";
import type { PasswordAuth } from "../../operations/sign-in.ts";
import { knownDeviceCookie, readCookie } from "../cookies.ts";
import { rememberEntry, transportEntry } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { replacedToken } from "../session-cookie.ts";
import { signInAnswer } from "../sign-in-answer.ts";
import { ticketHeader } from "../ticket.ts";

const rows = rowsFor<PasswordAuth>();

const text = v.string;

/** Signing in with a password. */
export const passwordRoutes: RouteTable<PasswordAuth> = () => [
  rows.open({
    act: acts.signIn,
    method: "post",
    path: "/auth/sign-in",
    access: "anyone",
    body: () =>
      v.strictObject({ identifier: text(), password: text(), transport: transportEntry(), remember: rememberEntry() }),
    refusals: ["unauthorized.mfa_required", "unauthorized.enrollment_required"],
    run: async ({ c, auth, body, context }) => {
      const { transport = "cookie", ...proof } = body;
      const result = await auth.signIn.password({
        ...proof,
        transport,
        context,
        knownDevice: readCookie(c, auth, knownDeviceCookie),
        presentedToken: replacedToken(c, auth, transport),
      });
      return signInAnswer(c, auth, transport, result);
    },
  }),
  rows.open({
    act: acts.signIn,
    id: "verifyCredential",
    method: "post",
    path: "/v1/credentials/verify",
    access: "anyone",
    body: () =>
      v.variant("type", [
        v.strictObject({
          type: v.literal("password"),
          identifier: text(),
          proof: v.strictObject({ password: text() }),
        }),
        v.strictObject({
          type: v.literal("passkey"),
          identifier: text(),
          proof: v.strictObject({ assertion: text(), client_data_json: text() }),
        }),
        v.strictObject({ type: v.literal("oidc"), identifier: text(), proof: v.strictObject({ id_token: text() }) }),
      ]),
    run: async ({ c, auth, body, context }) => {
      // The other kinds have no ceremony here, so they prove nothing (S04).
      if (body.type !== "password") throw new AuthError("unauthorized.invalid_credential");
      const { identifier, proof } = body;
      const verified = await auth.verifyPassword({ identifier, password: proof.password, transport: "token", context });
      c.header(ticketHeader, verified.ticket);
      return { usr_id: verified.userId, cred_id: verified.credentialId };
    },
  }),
];
