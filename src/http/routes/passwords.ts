import type { Context } from "hono";
import * as v from "valibot";
import * as acts from "../../domain/acts/sign-in.ts";
import { AuthError, errorBody } from "../../domain/error.ts";
import type { Transport } from "../../domain/session.ts";
import type { WithRealm } from "../../engine/realm.ts";
import type { PasswordAuth, SecondFactorNeeded } from "../../operations/sign-in.ts";
import { knownDeviceCookie, readCookie } from "../cookies.ts";
import { transportEntry } from "../request-values.ts";
import { type Route, rowsFor } from "../route.ts";
import { replacedToken, signedIn } from "../session-cookie.ts";
import { setTicketCookie, ticketHeader } from "../ticket.ts";

const rows = rowsFor<PasswordAuth>();

const text = v.string;

/** Signing in with a password. */
export const passwordRoutes: readonly Route<PasswordAuth>[] = [
  rows.open({
    act: acts.signIn,
    method: "post",
    path: "/auth/sign-in",
    access: "anyone",
    body: () => v.strictObject({ identifier: text(), password: text(), transport: transportEntry() }),
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
      return result.mfaRequired ? secondFactorNeeded(c, auth, transport, result) : signedIn(c, auth, transport, result);
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

/** Answers that a second factor is required, and which kinds the user has. The first factor has already been proved (S20). */
function secondFactorNeeded(c: Context, auth: WithRealm, transport: Transport, needed: SecondFactorNeeded): Response {
  const { ticket, factors, enroll } = needed;
  const { code, message } = errorBody(
    new AuthError(enroll ? "unauthorized.enrollment_required" : "unauthorized.mfa_required"),
  );
  c.header("WWW-Authenticate", "Bearer");
  if (transport === "token") return c.json({ code, message, details: { factors, ticket } }, 401);
  setTicketCookie(c, auth, ticket);
  return c.json({ code, message, details: { factors } }, 401);
}
