import type { Context } from "hono";
import * as v from "valibot";
import * as acts from "../../domain/acts/mailed-link.ts";
import { disownNotice } from "../../domain/acts/notice.ts";
import type { WithRealm } from "../../engine/realm.ts";
import { type LinkRequest, linkLifetimeSeconds, type RequestedLink } from "../../operations/link-requests.ts";
import type { MailAuth } from "../../operations/mail.ts";
import { knownDeviceCookie, mailRequestCookie, readCookie, setCookie } from "../cookies.ts";
import { deliverSoon } from "../mail-delivery.ts";
import { rememberEntry, transportEntry } from "../request-values.ts";
import { type Call, type RouteTable, rowsFor } from "../route.ts";
import type { Schema } from "../schema.ts";
import { secretSignUpBody, signUpWithSecret } from "../secret-sign-up.ts";
import { replacedToken } from "../session-cookie.ts";
import { signInAnswer } from "../sign-in-answer.ts";
import { verifiedBody } from "./verifications.ts";

const rows = rowsFor<MailAuth>();

/** Asking for mailed links without a session, and using them. */
export const mailedLinkRoutes: RouteTable<MailAuth> = () => [
  rows.open({
    act: acts.requestPasswordReset,
    method: "post",
    path: "/auth/password-reset",
    access: "anyone",
    body: linkRequestBody,
    run: (call) => requested(call, call.auth.passwordReset.request),
  }),
  rows.open({
    act: acts.resetPassword,
    method: "post",
    path: "/auth/password-reset/confirm",
    access: "anyone",
    body: () => v.strictObject({ token: v.string(), password: v.string() }),
    run: async ({ auth, body, context }) => verifiedBody(await auth.passwordReset.confirm({ ...body, context })),
  }),
  rows.open({
    act: acts.requestSignInLink,
    method: "post",
    path: "/auth/sign-in/link/request",
    access: "anyone",
    refusals: ["not_found"],
    body: linkRequestBody,
    run: (call) => requested(call, call.auth.mailedSignIn.request),
  }),
  rows.open({
    act: acts.signInWithLink,
    method: "post",
    path: "/auth/sign-in/link",
    access: "anyone",
    refusals: ["not_found", "unauthorized.mfa_required", "unauthorized.enrollment_required"],
    body: () => v.strictObject({ token: v.string(), transport: transportEntry(), remember: rememberEntry() }),
    run: async ({ c, auth, body: { transport = "cookie", ...link }, context }) => {
      const presentedToken = replacedToken(c, auth, transport);
      const result = await auth.mailedSignIn.confirm({ ...link, transport, presentedToken, context });
      return signInAnswer(c, auth, transport, result);
    },
  }),
  rows.open({
    act: acts.requestSignUp,
    method: "post",
    path: "/auth/sign-up/request",
    access: "anyone",
    body: linkRequestBody,
    run: (call) => requested(call, call.auth.mailedSignUp.request),
  }),
  rows.open({
    act: acts.confirmSignUp,
    method: "post",
    path: "/auth/sign-up/confirm",
    access: "anyone",
    body: secretSignUpBody,
    status: 201,
    run: (call) => signUpWithSecret(call, call.auth.mailedSignUp.confirm),
  }),
  rows.open({
    act: disownNotice,
    method: "post",
    path: "/auth/notices/disown",
    access: "optional",
    body: () => v.strictObject({ token: v.string(), proof: v.optional(codeBody()) }),
    run: async ({ c, auth, body: { token, proof }, presented: session, context }) => {
      const acceptLanguage = c.req.header("accept-language");
      const disowned = await auth.notices.disown({ token, session, proof, acceptLanguage, context });
      deliverSoon(c, auth);
      return disowned;
    },
  }),
  rows.open({
    act: acts.exchangeCode,
    method: "post",
    path: "/auth/mailed-code",
    access: "anyone",
    body: () => v.strictObject({ code: v.string(), request_token: v.optional(v.string()) }),
    run: async ({ c, auth, body: { code, request_token: given }, context }) => {
      const requestToken = given ?? readCookie(c, auth, mailRequestCookie) ?? "";
      const knownDevice = readCookie(c, auth, knownDeviceCookie);
      return await auth.mailedCodes.exchange({ requestToken, code, knownDevice, context });
    },
  }),
];

interface LinkRequestBody {
  readonly identifier: string;
  readonly next?: string | undefined;
  readonly transport?: "cookie" | "token" | undefined;
}

function linkRequestBody(): ReturnType<Schema<LinkRequestBody>> {
  return v.strictObject({ identifier: v.string(), next: v.optional(v.string()), transport: transportEntry() });
}

/** Asks for a link. */
async function requested(
  { c, auth, body, context }: Call<LinkRequestBody, undefined, MailAuth>,
  request: (asked: LinkRequest) => Promise<RequestedLink>,
): Promise<{ request_token: string | null }> {
  const { identifier, next, transport = "cookie" } = body;
  const knownDevice = readCookie(c, auth, knownDeviceCookie);
  const acceptLanguage = c.req.header("accept-language");
  const { requestToken } = await request({ identifier, next, knownDevice, acceptLanguage, context });
  deliverSoon(c, auth);
  return requestedBody(c, auth, transport, requestToken);
}

/** The answer to one who asked for a link: the right to use its code goes to the browser's cookie, or to a program's answer. */
export function requestedBody(
  c: Context,
  auth: WithRealm,
  transport: "cookie" | "token",
  requestToken: string,
): { request_token: string | null } {
  if (transport === "token") return { request_token: requestToken };
  keepRequest(c, auth, requestToken);
  return { request_token: null };
}

/** A code of a second factor, beside a link. */
function codeBody() {
  return v.strictObject({ type: v.picklist(["totp", "recovery"]), code: v.string() });
}

/**
 * Keeps the right to use a message's code in the browser that asked for the message (R019). The code is good for ten minutes, but
 * the browser is known as long as the link works.
 */
export function keepRequest(c: Context, auth: WithRealm, requestToken: string): void {
  setCookie(c, auth, mailRequestCookie, requestToken, linkLifetimeSeconds);
}
