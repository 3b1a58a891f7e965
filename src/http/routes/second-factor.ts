import * as acts from "../../domain/acts/factor.ts";
import { stepUp } from "../../domain/acts/session.ts";
import { clearCookie, knownDeviceCookie, readCookie, ticketCookie } from "../cookies.ts";
import {
  assertionOf,
  confirm,
  enroll,
  type FactorRouteAuth,
  webauthnOf,
  withTypedLabel,
} from "../factor-enrollment.ts";
import {
  enrollFactorBody,
  factorProofBody,
  ownConfirmFactorBody,
  ownFactorProofBody,
  stepUpBody,
} from "../factor-schemas.ts";
import { ownKeyEnrollmentBody, verifiedFactorBody } from "../factor-wire.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { replacedToken, signedIn } from "../session-cookie.ts";
import { presentedTicket, ticketHeader } from "../ticket.ts";

const rows = rowsFor<FactorRouteAuth>();

/** The second half of a sign-in, and stepping up. */
export const secondFactorRoutes: RouteTable<FactorRouteAuth> = () => [
  rows.open({
    act: acts.verifyFactor,
    id: "signInWithFactor",
    method: "post",
    path: "/auth/sign-in/factor",
    access: "ticket",
    body: ownFactorProofBody,
    run: async ({ c, auth, body, context }) => {
      const { ticket, transport } = presentedTicket(c, auth);
      const presentedToken = replacedToken(c, auth, transport);
      const knownDevice = readCookie(c, auth, knownDeviceCookie);
      const presented = { ticket, transport, context, presentedToken, knownDevice };
      const issued = await (body.type === "webauthn"
        ? webauthnOf(auth).signInWithFactor({ ...presented, proof: assertionOf(body) })
        : auth.signIn.factor({ ...presented, proof: body }));
      if (transport === "cookie") clearCookie(c, auth, ticketCookie);
      return signedIn(c, auth, transport, issued);
    },
  }),
  rows.open({
    act: acts.verifyFactor,
    method: "post",
    path: "/v1/users/:usr_id/mfa/verify",
    access: "ticket",
    body: factorProofBody,
    run: async ({ c, auth, body, context, parameter }) => {
      const ticket = c.req.header(ticketHeader) ?? "";
      const presented = { ticket, transport: "token", userId: parameter("usr_id"), context } as const;
      const verified = await (body.type === "webauthn"
        ? webauthnOf(auth).verifyMfa({ ...presented, proof: assertionOf(body) })
        : auth.verifyMfa({ ...presented, proof: body }));
      c.header(ticketHeader, verified.ticket);
      return verifiedFactorBody(verified);
    },
  }),
  rows.open({
    act: acts.enrollFactor,
    id: "enrollFactorAtSignIn",
    method: "post",
    path: "/auth/sign-in/enroll",
    access: "ticket",
    body: enrollFactorBody,
    status: 201,
    refusals: ["unauthorized.invalid_ticket"],
    run: async (call) => {
      const authority = { ...presentedTicket(call.c, call.auth), context: call.context };
      return await enroll({ ...call, body: withTypedLabel(call.body) }, authority, ownKeyEnrollmentBody);
    },
  }),
  rows.open({
    act: acts.confirmFactor,
    id: "confirmFactorAtSignIn",
    method: "post",
    path: "/auth/sign-in/enroll/:mfa_id/confirm",
    access: "ticket",
    body: ownConfirmFactorBody,
    refusals: ["not_found", "unauthorized.invalid_ticket"],
    run: async ({ c, auth, body, context, parameter }) => {
      const { ticket, transport } = presentedTicket(c, auth);
      const presentedToken = replacedToken(c, auth, transport);
      const issued = await confirm(auth, body, parameter("mfa_id"), { ticket, context, presentedToken }, transport);
      if (transport === "cookie") clearCookie(c, auth, ticketCookie);
      return signedIn(c, auth, transport, issued);
    },
  }),
  rows.guarded({
    act: stepUp,
    method: "post",
    path: "/auth/step-up",
    body: stepUpBody,
    refusals: ["unauthorized.reauthentication_required"],
    run: async ({ c, auth, actor, body, presented }) => {
      const { transport } = presented!;
      const issued = await (body.type === "webauthn"
        ? webauthnOf(auth).stepUp({ actor, transport, proof: assertionOf(body) })
        : auth.stepUp({ actor, transport, proof: body }));
      return signedIn(c, auth, transport, issued);
    },
  }),
];
