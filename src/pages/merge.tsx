import { readCookie, sessionCookie } from "../http/cookies.ts";
import { findKept, type KeptSession, setAside, takeBack } from "../http/session-kept.ts";
import { AuthError, type SignedInUser } from "../index.ts";
import { backTo } from "./account-acts.tsx";
import { respondWithForm } from "./layout.tsx";
import { pathWith } from "./next-path.ts";
import { Hidden } from "./parts.tsx";
import { attempt, type Words } from "./refusal.ts";
import { type PageRoute, type PagesAuth, type UserVisit, userForm, userPage } from "./route.ts";

const path = "/account/merge";

/** Merging another account into the user's own, which waits while the browser signs in to the other one. */
export const mergeRoutes: readonly PageRoute[] = [
  userPage(path, async (visit) => {
    const kept = await keptIn(visit);
    return await (kept ? confirmPage(visit, kept) : beginPage(visit));
  }),

  userForm(
    `${path}/begin`,
    path,
    async (visit) => {
      const { c, site, auth, actor, context } = visit;
      const { refusal } = await attempt(mergingOf(visit).begin({ actor }));
      if (refusal) return await beginPage(visit, refusal);
      await setAside(c, auth, readCookie(c, auth, sessionCookie)!, context);
      return c.redirect(pathWith(site.path("/sign-in"), { next: site.path(path) }), 303);
    },
    // The session of the proof is in a cookie that the browser does not have yet.
    {
      fields: [],
      does: ({ site }) => site.say("merge.title"),
      goOn: ({ c, site }) => c.redirect(site.path(path), 303),
    },
  ),

  userForm(
    path,
    path,
    async (visit, form) => {
      const { c, auth, actor } = visit;
      const kept = await keptIn(visit);
      // Another tab may have signed in to another account since the form was shown.
      if (kept && form.text("users") !== usersOf(visit, kept)) return await confirmPage(visit, kept);
      if (!kept) return await beginPage(visit, new AuthError("unauthorized.session_expired"));
      const { refusal } = await attempt(mergingOf(visit).merge({ actor, into: kept.actor }), [
        "unauthorized.session_expired",
      ]);
      if (refusal) return await confirmPage(visit, kept, refusal);
      takeBack(c, auth, kept);
      return backTo(visit, "profile", "merge");
    },
    { fields: ["users"], does: ({ site }) => site.say("merge.title") },
  ),

  userForm(`${path}/cancel`, path, async (visit) => {
    const { c, auth, context } = visit;
    const kept = await keptIn(visit);
    const token = readCookie(c, auth, sessionCookie)!;
    if (kept) await auth.sessions.signOut({ token, transport: "cookie", context });
    takeBack(c, auth, kept);
    return backTo(visit, "profile");
  }),
];

/** @throws {AuthError} `not_found` without the feature. */
function mergingOf({ auth }: UserVisit): NonNullable<PagesAuth["merging"]> {
  if (!auth.merging) throw new AuthError("not_found");
  return auth.merging;
}

async function keptIn(visit: UserVisit): Promise<KeptSession | undefined> {
  mergingOf(visit);
  return await findKept(visit.c, visit.auth, visit.context);
}

const words: Words = {
  "unauthorized.session_expired": "merge.over",
  "precondition.factor_needed_first": "merge.factor",
  "precondition.invalid_transition": "merge.later",
};

function beginPage(visit: UserVisit, refusal?: AuthError): Response | Promise<Response> {
  const { site, user } = visit;
  return respondWithForm(visit, "profile", {
    title: site.text("merge.title"),
    intro: <p>{site.say("merge.begin.text", { user: <bdi>{nameOf(user)}</bdi> })}</p>,
    action: `${path}/begin`,
    button: site.text("merge.begin"),
    refusal,
    words,
  });
}

function confirmPage(visit: UserVisit, kept: KeptSession, refusal?: AuthError): Response | Promise<Response> {
  const { site, user } = visit;
  const names = { other: <bdi>{nameOf(user)}</bdi>, user: <bdi>{nameOf(kept.user)}</bdi> };
  return respondWithForm(visit, "profile", {
    title: site.text("merge.title"),
    intro: <p>{site.say("merge.text", names)}</p>,
    action: path,
    fields: <Hidden name="users" value={usersOf(visit, kept)} />,
    button: site.text("merge.confirm"),
    isDanger: true,
    cancel: `${path}/cancel`,
    refusal,
    words,
  });
}

/** The accounts that a form is about. */
function usersOf({ user }: UserVisit, kept: KeptSession): string {
  return `${user.id} ${kept.user.id}`;
}

/** What the user calls the account. */
function nameOf({ identifier, displayName, id }: SignedInUser): string {
  return identifier ?? displayName ?? id;
}
