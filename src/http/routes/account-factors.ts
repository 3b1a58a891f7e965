import { accessRules } from "../../domain/access-rules.ts";
import { clearCookie, readCookie, sessionCookie, ticketCookie } from "../cookies.ts";
import {
  assertionOf,
  confirm,
  confirmRefusals,
  enroll,
  enrollRefusals,
  type FactorRouteAuth,
  proofRefusals,
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
  type StepUpBody,
  stepUpBody,
} from "../factor-schemas.ts";
import { factorBody } from "../factor-wire.ts";
import { guardedRoute, openRoute, type Route } from "../route.ts";
import { signedIn } from "../session-cookie.ts";
import { presentedTicket } from "../ticket.ts";

/** Finishing a sign-in, and an account's second factors. */
export const accountFactorRoutes: readonly Route<FactorRouteAuth>[] = [
  openRoute<FactorProofBody, undefined, FactorRouteAuth>({
    id: "signInWithFactor",
    method: "post",
    path: "/auth/sign-in/factor",
    summary: "Finishes a sign-in: a session for the login ticket and a second factor",
    access: "ticket",
    body: factorProofBody,
    status: 200,
    refusals: ticketRefusals,
    run: async ({ c, auth, body, context }) => {
      const { ticket, transport } = presentedTicket(c);
      const presentedToken = transport === "cookie" ? readCookie(c, sessionCookie) : undefined;
      const presented = { ticket, transport, context, presentedToken };
      const issued = await (body.type === "webauthn"
        ? webauthnOf(auth).signInWithFactor({ ...presented, proof: assertionOf(body) })
        : auth.signIn.factor({ ...presented, proof: body }));
      if (transport === "cookie") clearCookie(c, ticketCookie);
      return c.json(signedIn(c, transport, issued), 200);
    },
  }),
  openRoute<EnrollFactorBody, undefined, FactorRouteAuth>({
    id: "enrollFactorAtSignIn",
    method: "post",
    path: "/auth/sign-in/enroll",
    summary: "Begins to set a factor up for whoever must have one and has none, with the login ticket",
    access: "ticket",
    body: enrollFactorBody,
    status: 201,
    refusals: ["unauthorized.invalid_ticket", ...enrollRefusals],
    run: async (call) => call.c.json(await enroll(call, { ...presentedTicket(call.c), context: call.context }), 201),
  }),
  openRoute<ConfirmFactorBody, undefined, FactorRouteAuth>({
    id: "confirmFactorAtSignIn",
    method: "post",
    path: "/auth/sign-in/enroll/:mfa_id/confirm",
    summary: "Ends setting that factor up, and signs in with it",
    access: "ticket",
    body: confirmFactorBody,
    status: 200,
    refusals: ["not_found", "unauthorized.invalid_ticket", ...confirmRefusals],
    run: async ({ c, auth, body, context, parameter }) => {
      const { ticket, transport } = presentedTicket(c);
      const factorId = parameter("mfa_id");
      const presentedToken = transport === "cookie" ? readCookie(c, sessionCookie) : undefined;
      const issued = await confirm(auth, body, factorId, { ticket, context, presentedToken }, transport);
      if (transport === "cookie") clearCookie(c, ticketCookie);
      return c.json(signedIn(c, transport, issued), 200);
    },
  }),
  guardedRoute<StepUpBody, undefined, FactorRouteAuth>({
    id: "stepUp",
    method: "post",
    path: "/auth/step-up",
    summary: "Proves again who asks: a fresh session takes the place of this one",
    access: accessRules.stepUp,
    body: stepUpBody,
    status: 200,
    refusals: [...proofRefusals, "unauthorized.invalid_credential", "unauthorized.reauthentication_required"],
    run: async ({ c, auth, actor, body, presented }) => {
      const { transport } = presented!;
      const issued = await (body.type === "webauthn"
        ? webauthnOf(auth).stepUp({ actor, transport, proof: assertionOf(body) })
        : auth.stepUp({ actor, transport, proof: body }));
      return c.json(signedIn(c, transport, issued), 200);
    },
  }),
  guardedRoute<undefined, undefined, FactorRouteAuth>({
    id: "listOwnFactors",
    method: "get",
    path: "/auth/factors",
    summary: "The caller's factors that are active or wait for their confirmation",
    access: accessRules.listFactors,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, user }) =>
      c.json({ factors: (await auth.factors.list({ actor, userId: user.id })).map(factorBody) }, 200),
  }),
  guardedRoute<EnrollFactorBody, undefined, FactorRouteAuth>({
    id: "enrollOwnFactor",
    method: "post",
    path: "/auth/factors",
    summary: "Begins to set a factor up, or makes new recovery codes; what is secret is told this once",
    access: accessRules.enrollFactor,
    body: enrollFactorBody,
    status: 201,
    refusals: [...enrollRefusals, "too_many_requests", "unavailable.busy"],
    run: async (call) => call.c.json(await enroll(call, { actor: call.actor }), 201),
  }),
  guardedRoute<ConfirmFactorBody, undefined, FactorRouteAuth>({
    id: "confirmOwnFactor",
    method: "post",
    path: "/auth/factors/:mfa_id/confirm",
    summary: "Ends setting a factor up: every session of the caller ends, and a fresh one takes their place",
    access: accessRules.confirmFactor,
    body: confirmFactorBody,
    status: 200,
    refusals: ["not_found", ...confirmRefusals],
    run: async ({ c, auth, actor, body, presented, parameter }) => {
      const { transport } = presented!;
      const factorId = parameter("mfa_id");
      return c.json(signedIn(c, transport, await confirm(auth, body, factorId, { actor }, transport)), 200);
    },
  }),
  guardedRoute<undefined, undefined, FactorRouteAuth>({
    id: "revokeOwnFactor",
    method: "post",
    path: "/auth/factors/:mfa_id/revoke",
    summary: "Ends a factor, with every other session of the caller",
    access: accessRules.revokeOwnFactor,
    status: 200,
    refusals: ["not_found", "forbidden", "conflict.already_terminal", "conflict.last_factor"],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(factorBody(await auth.factors.revoke({ actor, factorId: parameter("mfa_id"), onlyOwn: true })), 200),
  }),
];
