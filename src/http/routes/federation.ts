import type { Context } from "hono";
import * as v from "valibot";
import type { GuardedAct } from "../../domain/act.ts";
import * as acts from "../../domain/acts/provider.ts";
import { AuthError } from "../../domain/error.ts";
import { realm, type WithRealm } from "../../engine/realm.ts";
import type { CoreOperations } from "../../operations/auth.ts";
import type { FederationAuth, StartedSignIn } from "../../operations/federation-operations.ts";
import { clearCookie, identityCookie, providerCookie, readCookie, sessionCookie, setCookie } from "../cookies.ts";
import { readFormOrJsonBody } from "../form-body.ts";
import { linkedIdentityBody } from "../linked-identity-wire.ts";
import { revokeSoon } from "../provider-revocation.ts";
import { type Call, type RouteTable, rowsFor, type UserCall } from "../route.ts";
import type { Schema } from "../schema.ts";
import { startSession } from "../session-cookie.ts";
import { setTicketCookie } from "../ticket.ts";
import { credentialBody } from "../wire.ts";
import { answerOf, providerMessageRoutes } from "./provider-messages.ts";
import { placeOfRefusal, refusedAtSignIn, refusedInSession, withQuery } from "./provider-refusals.ts";

type Needed = FederationAuth & CoreOperations;
const rows = rowsFor<Needed>();

/** How long an identity waits for its account's owner, in seconds. */
const identitySeconds = 600;

/** Signing in with providers, and the caller's own identities. Browsers come here by forms and links, so answers lead on. */
export const federationRoutes: RouteTable<Needed> = () => [
  rows.open({
    act: acts.startProviderSignIn,
    method: "post",
    path: "/auth/oidc/:provider/start",
    access: "anyone",
    query: startQuery,
    status: 303,
    refusedTo: refusedAtSignIn,
    run: start,
  }),
  rows.open({
    act: { ...acts.startProviderSignIn, name: "followProviderSignIn" },
    method: "get",
    path: "/auth/oidc/:provider/start",
    access: "anyone",
    query: startQuery,
    refusals: ["forbidden.cross_origin"],
    status: 303,
    refusedTo: refusedAtSignIn,
    run: async (call) => {
      requireOwnLink(call.c);
      return await start(call);
    },
  }),
  rows.open({
    act: { ...acts.startProviderSignIn, name: "prepareProviderCredential" },
    method: "post",
    path: "/auth/oidc/:provider/nonce",
    access: "anyone",
    run: async ({ c, auth, name }) => {
      const provider = name("provider");
      const listed = auth.federation.providers().find((one) => one.name === provider);
      if (listed?.pageClientId === undefined) throw new AuthError("not_found");
      const { attempt, nonce, maxAgeSeconds } = await auth.federation.start({ provider });
      setCookie(c, auth, `${providerCookie}${provider}`, attempt, maxAgeSeconds);
      return { client_id: listed.pageClientId, nonce };
    },
  }),
  rows.open({
    act: acts.discoverProvider,
    method: "post",
    path: "/auth/oidc/discover",
    access: "anyone",
    readForm: readFormOrJsonBody,
    body: discoveryBody,
    query: startQuery,
    status: 303,
    refusedTo: refusedAtSignIn,
    run: async (call) => {
      const { provider } = await call.auth.federation.discover({ ...call.body, context: call.context });
      if (provider === undefined) throw new AuthError("not_found");
      return await start({ ...call, name: () => provider });
    },
  }),
  ...startsInSession("link", acts.startProviderLink, "followProviderLink"),
  ...startsInSession("step_up", acts.startProviderStepUp, "followProviderStepUp"),
  ...providerMessageRoutes(),
  rows.open({
    // The others are those of the operations.
    act: { ...acts.signInWithProvider, refusals: ["not_found"] },
    method: "get",
    path: "/auth/oidc/:provider/callback",
    access: "anyone",
    status: 303,
    refusedTo: refusedAtSignIn,
    run: async ({ c, auth, name, context }) => {
      const provider = name("provider");
      // Its cookie would have any name that a link has.
      if (!auth.federation.providers().some((one) => one.name === provider)) throw new AuthError("not_found");
      const attempt = readCookie(c, auth, `${providerCookie}${provider}`);
      const { purpose, next, remember, mayProveAgain } = await auth.federation.look({ provider, attempt });
      const token = readCookie(c, auth, sessionCookie);
      const isInSession = purpose === "link" || purpose === "step_up";
      const asked = { provider, attempt, answer: answerOf(c, auth, provider), context };
      try {
        if (isInSession) {
          const { actor } = await auth.sessions.verify({ token: token ?? "", transport: "cookie", context });
          if (purpose === "link") await auth.federation.finishLink({ ...asked, actor });
          else startSession(c, auth, await auth.federation.finishStepUp({ ...asked, actor }));
          return ended(c, auth, provider, next);
        }
        const result = await auth.federation.finish({ ...asked, presentedToken: token });
        return ended(c, auth, provider, placeAfter(c, auth, next, result));
      } catch (error) {
        const isStale = error instanceof AuthError && error.code === "unauthorized.reauthentication_required";
        let refusal = error;
        if (isStale && !isInSession && mayProveAgain) {
          try {
            const again = await auth.federation.start({ provider, next, remember, again: true });
            return sendAway(c, auth, provider, again);
          } catch (failure) {
            refusal = failure;
          }
        }
        const place = placeOfRefusal(auth, refusal, { isInSession, next, provider });
        if (refusal instanceof AuthError && refusal.status === 503) auth[realm].report(refusal);
        // An answer that belongs to no sign-in of this browser, as another site can send one, does not end the one that has begun.
        const isOthers = error instanceof AuthError && error.details?.reason === "state_mismatch";
        return isOthers ? c.redirect(place, 303) : ended(c, auth, provider, place);
      }
    },
  }),
  rows.guarded({
    act: acts.linkProvedIdentity,
    method: "post",
    path: "/auth/identities",
    status: 201,
    run: async ({ c, auth, actor, asOf }) => {
      const identity = readCookie(c, auth, identityCookie);
      const linked = await auth.federation.link({ actor, identity, now: asOf });
      clearCookie(c, auth, identityCookie);
      return linkedIdentityBody(linked);
    },
  }),
  rows.guarded({
    act: { ...acts.listIdentities, who: { owner: true } },
    method: "get",
    path: "/auth/identities",
    run: async ({ auth, actor, user }) => {
      const { data } = await auth.federation.list({ actor, userId: user.id });
      return { identities: data.map(linkedIdentityBody) };
    },
  }),
  rows.guarded({
    act: acts.unlinkIdentity,
    method: "post",
    path: "/auth/identities/:cred_id/unlink",
    run: async ({ c, auth, actor, parameter }) => {
      const credential = await auth.federation.unlink({ actor, credentialId: parameter("cred_id") });
      revokeSoon(c, auth);
      return credentialBody(credential);
    },
  }),
];

function startQuery(): ReturnType<Schema<StartQuery>> {
  return v.object({ next: v.optional(v.string()), remember: v.optional(v.picklist(["true", "false"])) });
}

function discoveryBody(): ReturnType<Schema<{ readonly identifier: string }>> {
  return v.strictObject({ identifier: v.string() });
}

/**
 * A link of a foreign page must not begin a sign-in (login CSRF). Pages use links and not forms, because a policy of `form-action`
 * also holds for where a form's answer leads (CSP3 §6.4.1).
 */
function requireOwnLink(c: Context): void {
  if (c.req.header("sec-fetch-site") !== "same-origin") throw new AuthError("forbidden.cross_origin");
}

/** The routes that begin something for the user of a session: by a form, and by a link. */
function startsInSession(purpose: "link" | "step_up", act: GuardedAct, followed: string) {
  const path = `/auth/oidc/:provider/${purpose.replace("_", "-")}`;
  const run = async ({ c, auth, actor, name, query }: UserCall<undefined, StartQuery, Needed>): Promise<Response> => {
    const started = await auth.federation.start({ provider: name("provider"), purpose, actor, next: query.next });
    return sendAway(c, auth, name("provider"), started);
  };
  const row = { path, query: startQuery, status: 303, refusedTo: refusedInSession } as const;
  return [
    rows.guarded({ ...row, act, method: "post", run }),
    rows.guarded({
      ...row,
      act: { ...act, name: followed },
      method: "get",
      refusals: ["forbidden.cross_origin"],
      run: async (call) => {
        requireOwnLink(call.c);
        return await run(call);
      },
    }),
  ];
}

interface StartQuery {
  readonly next?: string | undefined;
  readonly remember?: "true" | "false" | undefined;
}

async function start({ c, auth, name, query }: Call<unknown, StartQuery, Needed>): Promise<Response> {
  const { next, remember } = query;
  const started = await auth.federation.start({ provider: name("provider"), next, remember: remember !== "false" });
  return sendAway(c, auth, name("provider"), started);
}

function sendAway(c: Context, auth: FederationAuth & WithRealm, provider: string, started: StartedSignIn): Response {
  setCookie(c, auth, `${providerCookie}${provider}`, started.attempt, started.maxAgeSeconds);
  return c.redirect(started.url, 303);
}

/** Leads on after a sign-in at a provider. Its cookie has served. */
function ended(c: Context, auth: WithRealm, provider: string, place: string): Response {
  clearCookie(c, auth, `${providerCookie}${provider}`);
  return c.redirect(place, 303);
}

/** The place after a sign-in: `next`, the second factor, or the page that asks the owner of the address to sign in. */
function placeAfter(
  c: Context,
  auth: FederationAuth & WithRealm,
  next: string,
  result: Awaited<ReturnType<FederationAuth["federation"]["finish"]>>,
): string {
  const { enroll, secondFactor, linkingRequired, signedIn } = auth.federation.places();
  if ("linkingRequired" in result) {
    setCookie(c, auth, identityCookie, result.identity, identitySeconds);
    return next === signedIn ? linkingRequired : withQuery(linkingRequired, { next });
  }
  if (!result.mfaRequired) {
    startSession(c, auth, result);
    return next;
  }
  setTicketCookie(c, auth, result.ticket);
  // After the first factor, the kinds of the second are no secret (S20), and they cannot be read from the ticket.
  return result.enroll
    ? withQuery(enroll, { next })
    : withQuery(secondFactor, { with: result.factors.join(" "), next });
}
