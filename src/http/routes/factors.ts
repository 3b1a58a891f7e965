import * as acts from "../../domain/acts/factor.ts";
import { confirm, enroll, type FactorRouteAuth } from "../factor-enrollment.ts";
import { confirmFactorBody, enrollFactorBody, mfaPolicyFieldsBody } from "../factor-schemas.ts";
import { factorBody, mfaPolicyBody } from "../factor-wire.ts";
import { toDate } from "../request-values.ts";
import { type Route, rowsFor } from "../route.ts";
import { signedIn } from "../session-cookie.ts";
import { sessionHeader } from "../ticket.ts";
import { secondFactorRoutes } from "./second-factor.ts";

const rows = rowsFor<FactorRouteAuth>();

/** A user's factors and the policy that requires one: the caller's own, and the specification's routes. */
const factorRoutes: readonly Route<FactorRouteAuth>[] = [
  ...rows.twins({
    act: acts.listFactors,
    auth: {
      id: "listOwnFactors",
      path: "/auth/factors",
      summary: "List the caller's factors, active and awaiting confirmation",
    },
    v1: {
      id: "listMfaFactors",
      path: "/v1/users/:usr_id/mfa-factors",
      summary: "List a user's factors, active and awaiting confirmation",
    },
    method: "get",
    status: 200,
    run: async ({ c, auth, actor, userId }) => {
      const { data } = await auth.factors.list({ actor, userId });
      return c.json({ factors: data.map(factorBody) }, 200);
    },
  }),
  ...rows.twins({
    act: acts.enrollFactor,
    auth: {
      id: "enrollOwnFactor",
      path: "/auth/factors",
      summary: "Start enrolling a factor, or create new recovery codes; secrets are shown once",
    },
    v1: {
      id: "enrollMfaFactor",
      path: "/v1/users/:usr_id/mfa-factors",
      summary: "Start enrolling one of the caller's own factors; secrets are shown once",
    },
    method: "post",
    body: enrollFactorBody,
    status: 201,
    // For new recovery codes, each of which is hashed: no user gets them before they are signed in.
    refusals: ["too_many_requests", "unavailable.busy"],
    run: async (call) => call.c.json(await enroll(call, { actor: call.actor, userId: call.userId }), 201),
  }),
  ...rows.twins({
    act: acts.confirmFactor,
    auth: {
      id: "confirmOwnFactor",
      path: "/auth/factors/:mfa_id/confirm",
      summary: "Confirm a factor; all sessions of the caller end and a new one starts",
    },
    v1: {
      id: "confirmMfaEnrollment",
      path: "/v1/mfa-factors/:mfa_id/confirm",
      summary: "Confirm a factor; all sessions end, and the new one's token is in the `Session-Token` header",
    },
    method: "post",
    body: confirmFactorBody,
    status: 200,
    refusals: ["not_found"],
    run: async ({ c, auth, actor, body, parameter, presented, onlyOwn }) => {
      const { transport } = presented!;
      const confirmed = await confirm(auth, body, parameter("mfa_id"), { actor }, transport);
      if (onlyOwn) return c.json(signedIn(c, transport, confirmed), 200);
      c.header(sessionHeader, confirmed.token);
      return c.json(factorBody(confirmed.factor), 200);
    },
  }),
  ...rows.twins({
    act: acts.revokeFactor,
    auth: {
      id: "revokeOwnFactor",
      path: "/auth/factors/:mfa_id/revoke",
      summary: "Remove one of the caller's factors; every other session ends",
    },
    v1: {
      id: "revokeMfaFactor",
      path: "/v1/mfa-factors/:mfa_id/revoke",
      summary: "Remove a factor; if an administrator does so, all of the user's sessions and tokens end",
    },
    method: "post",
    status: 200,
    run: async ({ c, auth, actor, parameter, onlyOwn }) =>
      c.json(factorBody(await auth.factors.revoke({ actor, factorId: parameter("mfa_id"), onlyOwn })), 200),
  }),
  ...rows.twins({
    act: acts.getMfaPolicy,
    auth: {
      id: "getOwnMfaPolicy",
      path: "/auth/mfa-policy",
      summary: "Get the caller's second-factor policy",
    },
    v1: {
      id: "getMfaPolicy",
      path: "/v1/users/:usr_id/mfa-policy",
      summary: "Get a user's second-factor policy",
    },
    method: "get",
    status: 200,
    run: async ({ c, auth, actor, userId }) =>
      c.json(mfaPolicyBody(await auth.mfaPolicies.get({ actor, userId })), 200),
  }),
  ...rows.twins({
    act: acts.setMfaPolicy,
    auth: {
      id: "setOwnMfaPolicy",
      path: "/auth/mfa-policy",
      summary: "Raise the caller's own policy; it cannot be lowered",
    },
    v1: {
      id: "setMfaPolicy",
      path: "/v1/users/:usr_id/mfa-policy",
      summary: "Set the policy; users can raise their own but not lower it",
    },
    method: "put",
    body: mfaPolicyFieldsBody,
    status: 200,
    run: async ({ c, auth, actor, userId, body }) => {
      const graceUntil = typeof body.grace_until === "string" ? toDate(body.grace_until, "grace_until") : null;
      const { required } = body;
      return c.json(mfaPolicyBody(await auth.mfaPolicies.set({ actor, userId, required, graceUntil })), 200);
    },
  }),
  rows.guarded({
    act: acts.grantEnrollment,
    id: "grantMfaEnrollment",
    method: "post",
    path: "/v1/users/:usr_id/mfa-policy/grant-enrollment",
    summary: "Allow a user to enroll a first factor once, after their grace period has ended",
    status: 204,
    run: async ({ c, auth, actor, parameter }) => {
      await auth.mfaPolicies.grantEnrollment({ actor, userId: parameter("usr_id") });
      return c.body(null, 204);
    },
  }),
];

export const mfaRoutes: readonly Route<FactorRouteAuth>[] = [...secondFactorRoutes, ...factorRoutes];
