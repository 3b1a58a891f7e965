import { accessRules } from "../../domain/access-rules.ts";
import {
  assertionOf,
  confirm,
  confirmRefusals,
  enroll,
  enrollRefusals,
  type FactorRouteAuth,
  ticketRefusals,
  webauthnOf,
} from "../factor-enrollment.ts";
import {
  type ConfirmFactorBody,
  confirmFactorBody,
  type EnrollFactorBody,
  enrollFactorBody,
  type FactorProofBody,
  factorProofBody,
  type MfaPolicyFieldsBody,
  mfaPolicyFieldsBody,
} from "../factor-schemas.ts";
import { factorBody, mfaPolicyBody, verifiedFactorBody } from "../factor-wire.ts";
import { toDate } from "../request-values.ts";
import { guardedRoute, openRoute, type Route } from "../route.ts";
import { sessionHeader, ticketHeader } from "../ticket.ts";
import { accountFactorRoutes } from "./account-factors.ts";

/** The specification's routes for second factors and the policy. */
const specifiedFactorRoutes: readonly Route<FactorRouteAuth>[] = [
  guardedRoute<undefined, undefined, FactorRouteAuth>({
    id: "listMfaFactors",
    method: "get",
    path: "/v1/users/:usr_id/mfa-factors",
    summary: "A user's factors that are active or wait for their confirmation",
    access: accessRules.listFactors,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, parameter }) =>
      c.json({ factors: (await auth.factors.list({ actor, userId: parameter("usr_id") })).map(factorBody) }, 200),
  }),
  guardedRoute<EnrollFactorBody, undefined, FactorRouteAuth>({
    id: "enrollMfaFactor",
    method: "post",
    path: "/v1/users/:usr_id/mfa-factors",
    summary: "Begins to set a factor of the caller's own up; what is secret is told this once",
    access: accessRules.enrollFactor,
    body: enrollFactorBody,
    status: 201,
    refusals: [...enrollRefusals, "too_many_requests", "unavailable.busy"],
    run: async (call) => call.c.json(await enroll(call, { actor: call.actor, userId: call.parameter("usr_id") }), 201),
  }),
  guardedRoute<ConfirmFactorBody, undefined, FactorRouteAuth>({
    id: "confirmMfaEnrollment",
    method: "post",
    path: "/v1/mfa-factors/:mfa_id/confirm",
    summary:
      "Ends setting a factor up: the caller's sessions end, a fresh one's token is in the `Session-Token` header",
    access: accessRules.confirmFactor,
    body: confirmFactorBody,
    status: 200,
    refusals: confirmRefusals,
    run: async ({ c, auth, actor, body, parameter }) => {
      const factorId = parameter("mfa_id");
      const { token, factor } = await confirm(auth, body, factorId, { actor }, "token");
      c.header(sessionHeader, token);
      return c.json(factorBody(factor), 200);
    },
  }),
  guardedRoute<undefined, undefined, FactorRouteAuth>({
    id: "revokeMfaFactor",
    method: "post",
    path: "/v1/mfa-factors/:mfa_id/revoke",
    summary: "Ends a factor; from an administrator, everything that the user is signed in with",
    access: accessRules.revokeFactor,
    status: 200,
    refusals: ["conflict.already_terminal", "conflict.last_factor"],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(factorBody(await auth.factors.revoke({ actor, factorId: parameter("mfa_id") })), 200),
  }),
  openRoute<FactorProofBody, undefined, FactorRouteAuth>({
    id: "verifyMfa",
    method: "post",
    path: "/v1/users/:usr_id/mfa/verify",
    summary: "Checks a second factor; its worth is the better ticket in the `Login-Ticket` header",
    access: "ticket",
    body: factorProofBody,
    status: 200,
    refusals: ticketRefusals,
    run: async ({ c, auth, body, context, parameter }) => {
      const ticket = c.req.header(ticketHeader) ?? "";
      const userId = parameter("usr_id");
      const presented = { ticket, transport: "token", userId, context } as const;
      const verified = await (body.type === "webauthn"
        ? webauthnOf(auth).verifyMfa({ ...presented, proof: assertionOf(body) })
        : auth.verifyMfa({ ...presented, proof: body }));
      c.header(ticketHeader, verified.ticket);
      return c.json(verifiedFactorBody(verified), 200);
    },
  }),
  guardedRoute<undefined, undefined, FactorRouteAuth>({
    id: "getMfaPolicy",
    method: "get",
    path: "/v1/users/:usr_id/mfa-policy",
    summary: "Whether a user must have a second factor",
    access: accessRules.getMfaPolicy,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(mfaPolicyBody(await auth.mfaPolicies.get({ actor, userId: parameter("usr_id") })), 200),
  }),
  guardedRoute<MfaPolicyFieldsBody, undefined, FactorRouteAuth>({
    id: "setMfaPolicy",
    method: "put",
    path: "/v1/users/:usr_id/mfa-policy",
    summary: "Sets the policy; a user may raise their own and never lower it",
    access: accessRules.setMfaPolicy,
    body: mfaPolicyFieldsBody,
    status: 200,
    refusals: ["forbidden", "conflict.already_terminal", "precondition.factor_needed_first"],
    run: async ({ c, auth, actor, body, parameter }) => {
      const graceUntil = typeof body.grace_until === "string" ? toDate(body.grace_until, "grace_until") : null;
      const userId = parameter("usr_id");
      return c.json(mfaPolicyBody(await auth.mfaPolicies.set({ actor, userId, ...body, graceUntil })), 200);
    },
  }),
  guardedRoute<undefined, undefined, FactorRouteAuth>({
    id: "grantMfaEnrollment",
    method: "post",
    path: "/v1/users/:usr_id/mfa-policy/grant-enrollment",
    summary: "Lets a user set a first factor up after the grace of their policy has ended, once",
    access: accessRules.grantEnrollment,
    status: 204,
    refusals: ["precondition.user_not_active", "precondition.invalid_transition"],
    run: async ({ c, auth, actor, parameter }) => {
      await auth.mfaPolicies.grantEnrollment({ actor, userId: parameter("usr_id") });
      return c.body(null, 204);
    },
  }),
];

export const mfaRoutes: readonly Route<FactorRouteAuth>[] = [...accountFactorRoutes, ...specifiedFactorRoutes];
