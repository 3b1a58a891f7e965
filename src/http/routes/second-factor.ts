import * as acts from "../../domain/acts/factor.ts";
import { stepUp } from "../../domain/acts/session.ts";
import { clearCookie, readCookie, sessionCookie, ticketCookie } from "../cookies.ts";
import { assertionOf, confirm, enroll, type FactorRouteAuth, webauthnOf } from "../factor-enrollment.ts";
import { confirmFactorBody, enrollFactorBody, factorProofBody, stepUpBody } from "../factor-schemas.ts";
import { verifiedFactorBody } from "../factor-wire.ts";
import { type Route, rowsFor } from "../route.ts";
import { signedIn } from "../session-cookie.ts";
import { presentedTicket, ticketHeader } from "../ticket.ts";

const rows = rowsFor<FactorRouteAuth>();

/** The second half of a sign-in, and stepping up. */
export const secondFactorRoutes: readonly Route<FactorRouteAuth>[] = [
  rows.open({
    act: acts.verifyFactor,
    id: "signInWithFactor",
    method: "post",
    path: "/auth/sign-in/factor",
    summary: "Finish a sign-in: exchange the login ticket and a second factor for a session",
    access: "ticket",
    body: factorProofBody,
    status: 200,
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
  rows.open({
    act: acts.verifyFactor,
    id: "verifyMfa",
    method: "post",
    path: "/v1/users/:usr_id/mfa/verify",
    summary: "Verify a second factor; the upgraded ticket is in the `Login-Ticket` header",
    access: "ticket",
    body: factorProofBody,
    status: 200,
    run: async ({ c, auth, body, context, parameter }) => {
      const ticket = c.req.header(ticketHeader) ?? "";
      const presented = { ticket, transport: "token", userId: parameter("usr_id"), context } as const;
      const verified = await (body.type === "webauthn"
        ? webauthnOf(auth).verifyMfa({ ...presented, proof: assertionOf(body) })
        : auth.verifyMfa({ ...presented, proof: body }));
      c.header(ticketHeader, verified.ticket);
      return c.json(verifiedFactorBody(verified), 200);
    },
  }),
  rows.open({
    act: acts.enrollFactor,
    id: "enrollFactorAtSignIn",
    method: "post",
    path: "/auth/sign-in/enroll",
    summary: "Start enrolling a required second factor, using the login ticket",
    access: "ticket",
    body: enrollFactorBody,
    status: 201,
    refusals: ["unauthorized.invalid_ticket"],
    run: async (call) => call.c.json(await enroll(call, { ...presentedTicket(call.c), context: call.context }), 201),
  }),
  rows.open({
    act: acts.confirmFactor,
    id: "confirmFactorAtSignIn",
    method: "post",
    path: "/auth/sign-in/enroll/:mfa_id/confirm",
    summary: "Confirm the new factor and finish the sign-in",
    access: "ticket",
    body: confirmFactorBody,
    status: 200,
    refusals: ["not_found", "unauthorized.invalid_ticket"],
    run: async ({ c, auth, body, context, parameter }) => {
      const { ticket, transport } = presentedTicket(c);
      const presentedToken = transport === "cookie" ? readCookie(c, sessionCookie) : undefined;
      const issued = await confirm(auth, body, parameter("mfa_id"), { ticket, context, presentedToken }, transport);
      if (transport === "cookie") clearCookie(c, ticketCookie);
      return c.json(signedIn(c, transport, issued), 200);
    },
  }),
  rows.guarded({
    act: stepUp,
    id: "stepUp",
    method: "post",
    path: "/auth/step-up",
    summary: "Step up: prove a factor again and get a fresh session",
    body: stepUpBody,
    status: 200,
    refusals: ["unauthorized.reauthentication_required"],
    run: async ({ c, auth, actor, body, presented }) => {
      const { transport } = presented!;
      const issued = await (body.type === "webauthn"
        ? webauthnOf(auth).stepUp({ actor, transport, proof: assertionOf(body) })
        : auth.stepUp({ actor, transport, proof: body }));
      return c.json(signedIn(c, transport, issued), 200);
    },
  }),
];
