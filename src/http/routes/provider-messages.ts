import type { Context } from "hono";
import * as v from "valibot";
import * as acts from "../../domain/acts/provider.ts";
import { AuthError } from "../../domain/error.ts";
import type { WithRealm } from "../../engine/realm.ts";
import type { FederationAuth } from "../../operations/federation-operations.ts";
import { packAnswer, unpackAnswer } from "../../operations/provider-answer.ts";
import { answerCookie, clearCookie, readCookie, setCookie } from "../cookies.ts";
import { readFormBody } from "../form-body.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import type { Schema } from "../schema.ts";
import { refusedAtSignIn } from "./provider-refusals.ts";

const rows = rowsFor<FederationAuth>();

/** What providers, and forms on their pages, send. It comes without our cookies, and needs none. */
export const providerMessageRoutes: RouteTable<FederationAuth> = () => [
  rows.open({
    // A form from another site comes without our cookies, so the browser asks again.
    act: {
      ...acts.signInWithProvider,
      name: "receiveProviderAnswer",
      refusals: ["not_found", "forbidden.cross_origin"],
    },
    method: "post",
    path: "/auth/oidc/:provider/callback",
    access: "anyone",
    readForm: readFormBody,
    isForeign: true,
    body: answerBody,
    status: 303,
    refusedTo: refusedAtSignIn,
    run: async ({ c, auth, name, body }) => {
      const provider = auth.federation.providers().find((one) => one.name === name("provider"));
      const isExpected = body.credential === undefined ? provider?.answersByForm : provider?.pageClientId !== undefined;
      if (!provider || !isExpected) throw new AuthError("not_found");
      requireOwnCredential(c, body);
      const { g_csrf_token: _, ...answer } = body;
      const text = packAnswer(answer);
      // More than a cookie holds is no answer of a provider.
      if (text.length > longestAnswer) throw new AuthError("payload_too_large");
      if (text !== "") setCookie(c, auth, `${answerCookie}${provider.name}`, text, answerSeconds);
      return c.redirect(provider.callbackPath, 303);
    },
  }),
  rows.open({
    act: acts.endProviderSessions,
    method: "post",
    path: "/auth/oidc/:provider/logout",
    access: "anyone",
    readForm: readFormBody,
    isForeign: true,
    body: logoutBody,
    run: async ({ auth, name, body, context }) => {
      await auth.federation.heed({ provider: name("provider"), token: body.logout_token, context });
      return {};
    },
  }),
  rows.open({
    act: { ...acts.endProviderSessions, name: "receiveProviderNotice" },
    method: "post",
    path: "/auth/oidc/:provider/notices",
    access: "anyone",
    isForeign: true,
    body: noticeBody,
    run: async ({ auth, name, body, context }) => {
      await auth.federation.heed({ provider: name("provider"), token: body.payload, context });
      return {};
    },
  }),
];

/** How long a browser takes to ask again, in seconds. */
const answerSeconds = 60;
const longestAnswer = 3_800;

type AnswerField = "state" | "iss" | "code" | "error" | "error_description" | "user" | "credential" | "g_csrf_token";
type AnswerFields = { readonly [Field in AnswerField]?: string | undefined };

/**
 * What a provider answers (RFC 6749 §4.1.2, RFC 9207), Apple's `user`, and the ID token of Google's script. Other tokens that may
 * come with it are not kept.
 */
function answerBody(): ReturnType<Schema<AnswerFields>> {
  const text = v.optional(v.string());
  const answer = { state: text, iss: text, code: text, error: text, error_description: text, user: text };
  return v.object({ ...answer, credential: text, g_csrf_token: text });
}

function logoutBody(): ReturnType<Schema<{ readonly logout_token: string }>> {
  return v.object({ logout_token: v.string() });
}

function noticeBody(): ReturnType<Schema<{ readonly payload: string }>> {
  return v.object({ payload: v.string() });
}

/**
 * An ID token of Google's script comes from a form of this site, or from Google's, with the value of a cookie that the script has set
 * here. The token is bound to the browser by its nonce besides.
 */
function requireOwnCredential(c: Context, { credential, g_csrf_token: token = "" }: AnswerFields): void {
  if (credential === undefined || c.req.header("sec-fetch-site") === "same-origin") return;
  const cookies = [...(c.req.header("cookie") ?? "").matchAll(/(?:^|;) *g_csrf_token=([^;]*)/g)];
  if (token === "" || cookies.length !== 1 || cookies[0]![1] !== token) throw new AuthError("forbidden.cross_origin");
}

/** The provider's answer: in the URL, or in the form that the browser brought just before. */
export function answerOf(c: Context, auth: WithRealm, provider: string): URL | URLSearchParams {
  const url = new URL(c.req.url);
  const kept = readCookie(c, auth, `${answerCookie}${provider}`);
  if (url.searchParams.has("state") || kept === undefined) return url;
  clearCookie(c, auth, `${answerCookie}${provider}`);
  return unpackAnswer(kept) ?? url;
}
