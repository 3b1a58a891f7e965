import * as acts from "../../domain/acts/factor.ts";
import { confirm, enroll, type FactorRouteAuth, withTypedLabel } from "../factor-enrollment.ts";
import { confirmFactorBody, enrollFactorBody, mfaPolicyFieldsBody, ownConfirmFactorBody } from "../factor-schemas.ts";
import { factorBody, keyEnrollmentBody, mfaPolicyBody, ownKeyEnrollmentBody } from "../factor-wire.ts";
import type { ConfirmFactorBody, OwnConfirmFactorBody } from "../generated/api.ts";
import { toDate } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import type { Schema } from "../schema.ts";
import { signedIn } from "../session-cookie.ts";
import { sessionHeader } from "../ticket.ts";
import { secondFactorRoutes } from "./second-factor.ts";

const rows = rowsFor<FactorRouteAuth>();

/** A user's factors and the policy that requires one: the caller's own, and the specification's routes. */
const factorRoutes: RouteTable<FactorRouteAuth> = () => [
  ...rows.twins({
    act: acts.listFactors,
    auth: { id: "listOwnFactors", path: "/auth/factors" },
    v1: "/v1/users/:usr_id/mfa-factors",
    method: "get",
    run: async ({ auth, actor, userId }) => {
      const { data } = await auth.factors.list({ actor, userId });
      return { factors: data.map(factorBody) };
    },
  }),
  ...rows.twins({
    act: acts.enrollFactor,
    auth: { id: "enrollOwnFactor", path: "/auth/factors" },
    v1: "/v1/users/:usr_id/mfa-factors",
    method: "post",
    body: enrollFactorBody,
    status: 201,
    // For new recovery codes, each of which is hashed. Only a signed-in user gets new codes.
    refusals: ["too_many_requests", "unavailable.busy"],
    run: async (call) => {
      const { actor, userId, onlyOwn } = call;
      if (!onlyOwn) return await enroll(call, { actor, userId }, keyEnrollmentBody);
      return await enroll({ ...call, body: withTypedLabel(call.body) }, { actor, userId }, ownKeyEnrollmentBody);
    },
  }),
  ...rows.twins({
    act: acts.confirmFactor,
    auth: { id: "confirmOwnFactor", path: "/auth/factors/:mfa_id/confirm", body: ownConfirmFactorBody },
    v1: "/v1/mfa-factors/:mfa_id/confirm",
    method: "post",
    body: confirmFactorBody as Schema<ConfirmFactorBody | OwnConfirmFactorBody>,
    refusals: ["not_found"],
    run: async ({ c, auth, actor, body, parameter, presented, onlyOwn }) => {
      const { transport } = presented!;
      const confirmed = await confirm(auth, body, parameter("mfa_id"), { actor }, transport);
      if (onlyOwn) return signedIn(c, auth, transport, confirmed);
      c.header(sessionHeader, confirmed.token);
      return factorBody(confirmed.factor);
    },
  }),
  ...rows.twins({
    act: acts.revokeFactor,
    auth: { id: "revokeOwnFactor", path: "/auth/factors/:mfa_id/revoke" },
    v1: "/v1/mfa-factors/:mfa_id/revoke",
    method: "post",
    run: async ({ auth, actor, parameter, onlyOwn }) =>
      factorBody(await auth.factors.revoke({ actor, factorId: parameter("mfa_id"), onlyOwn })),
  }),
  ...rows.twins({
    act: acts.getMfaPolicy,
    auth: { id: "getOwnMfaPolicy", path: "/auth/mfa-policy" },
    v1: "/v1/users/:usr_id/mfa-policy",
    method: "get",
    run: async ({ auth, actor, userId }) => mfaPolicyBody(await auth.mfaPolicies.get({ actor, userId })),
  }),
  ...rows.twins({
    act: acts.setMfaPolicy,
    auth: { id: "setOwnMfaPolicy", path: "/auth/mfa-policy" },
    v1: "/v1/users/:usr_id/mfa-policy",
    method: "put",
    body: mfaPolicyFieldsBody,
    run: async ({ auth, actor, userId, body }) => {
      const graceUntil = typeof body.grace_until === "string" ? toDate(body.grace_until, "grace_until") : null;
      const { required } = body;
      return mfaPolicyBody(await auth.mfaPolicies.set({ actor, userId, required, graceUntil }));
    },
  }),
  rows.guarded({
    act: acts.grantEnrollment,
    method: "post",
    path: "/v1/users/:usr_id/mfa-policy/grant-enrollment",
    status: 204,
    run: async ({ auth, actor, parameter }) => {
      await auth.mfaPolicies.grantEnrollment({ actor, userId: parameter("usr_id") });
    },
  }),
];

export const mfaRoutes: RouteTable<FactorRouteAuth> = () => [...secondFactorRoutes(), ...factorRoutes()];
