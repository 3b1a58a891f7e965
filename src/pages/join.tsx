import { places } from "../domain/page-paths.ts";
import type { OpenOrganizationInvitation } from "../http/organizations.ts";
import type { AuthError } from "../index.ts";
import { respond, respondWithForm } from "./layout.tsx";
import { LinkMark } from "./link-mark.tsx";
import { deadLink, forgetLink, linkForm, linkPage, lookAtLink, userLinkForm, withLinkNotice } from "./mailed-link.tsx";
import { membersPath, OrganizationName, organizationsOf, pathIn } from "./own-organization.tsx";
import { Alert } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type UserVisit, userPage, type Visit } from "./route.ts";
import { isOfNewAccount, NameAndPassword, newAccount } from "./sign-up.tsx";
import type { Site } from "./site.ts";
import { finishSignUp } from "./terms-box.tsx";

const path = "/join";
const declinePath = "/join/decline";
const joinPath = "/account/join";

/** The pages that both links of an invitation to an organization lead to. Opening one spends nothing. */
export const joinRoutes: readonly PageRoute[] = [
  linkPage(path, (visit) => invitedPage(visit), organizationsOf),

  linkForm(path, path, async (visit, form, token) => {
    const { organizationInvitations } = organizationsOf(visit);
    const { value, refusal } = await attempt(
      newAccount(visit, form, (fields) => organizationInvitations.acceptAsNewUser({ ...fields, token })),
    );
    if (refusal) return await invitedPage(visit, { displayName: form.text("display_name"), refusal });
    forgetLink(visit);
    return await finishSignUp(visit, value, form, visit.site.path(places.organizations));
  }),

  linkForm(declinePath, path, async (visit, _form, token) => {
    const { site, context } = visit;
    const { refusal } = await attempt(organizationsOf(visit).organizationInvitations.decline({ token, context }));
    // A page that cannot know does not call the link dead.
    if (refusal && refusal.status >= 500) throw refusal;
    if (refusal) return await dead(visit, refusal);
    forgetLink(visit);
    return await respond(visit, {
      title: site.text("join.declined"),
      children: <p>{site.say("join.declined.text")}</p>,
    });
  }),

  userPage(joinPath, (visit) => joinPage(withLinkNotice(visit))),

  userLinkForm(joinPath, joinPath, async (visit, _form, token) => {
    const { c, site, actor } = visit;
    const { value, refusal } = await attempt(organizationsOf(visit).organizationInvitations.accept({ actor, token }));
    if (refusal) return await joinPage(visit, refusal);
    forgetLink(visit);
    return c.redirect(pathIn(site.path(membersPath), value.membership, { done: "joined" }), 303);
  }),
];

/** What an invitation offers, as its pages say it. */
function Offer({ site, open }: { site: Site; open: OpenOrganizationInvitation }): Rendered {
  const { organization, identifier, role } = open;
  const name = <OrganizationName site={site} of={organization} />;
  const slots = { name, role: site.text(`role.${role}`), address: <bdi>{identifier}</bdi> };
  return <p>{site.say("join.text", slots)}</p>;
}

async function invitedPage(
  visit: Visit,
  { displayName = "", refusal }: { displayName?: string; refusal?: AuthError } = {},
): Promise<Response> {
  const { site } = visit;
  const open = await invitationOf(visit);
  if (!open) return await dead(visit, refusal);
  const isTaken = refusal?.code === "conflict.duplicate_credential";
  const children = (
    <>
      <Offer site={site} open={open} />
      {isTaken && <p role="alert">{site.say("join.taken")}</p>}
      <p>
        <a class="button" href={site.path(joinPath)}>
          {site.say("join.with-account")}
        </a>
      </p>
      {open.makesAccount && !isTaken && (
        <section>
          <h2>{site.say("join.new")}</h2>
          <form method="post" action={site.path(path)}>
            <Alert>{isOfNewAccount(refusal) || !refusal ? undefined : sentenceFor(site, refusal)}</Alert>
            <LinkMark visit={visit} />
            {/* For password managers, which store the password under this name. */}
            <input type="text" autocomplete="username" value={open.identifier} readonly hidden />
            <NameAndPassword visit={visit} displayName={displayName} refusal={refusal} />
            <button type="submit">{site.say("join.new.button")}</button>
          </form>
        </section>
      )}
      <form method="post" action={site.path(declinePath)}>
        <LinkMark visit={visit} />
        <button type="submit" class="plain">
          {site.say("join.decline")}
        </button>
      </form>
    </>
  );
  return await respond(visit, { title: site.text("invitation.title"), children, refusal });
}

/** The page that asks a signed-in user. */
async function joinPage(visit: UserVisit, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  organizationsOf(visit);
  const open = await invitationOf(visit);
  if (!open) return await dead(visit, refusal);
  return await respondWithForm(visit, "organizations", {
    title: site.text("invitation.title"),
    intro: <Offer site={site} open={open} />,
    action: joinPath,
    fields: <LinkMark visit={visit} />,
    button: site.text("join.button"),
    refusal,
    back: places.organizations,
  });
}

function dead(visit: Visit, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  const link = <a href={site.path("/sign-in")}>{site.say("invitation.dead.link")}</a>;
  return deadLink(visit, site.say("join.dead", { link }), refusal);
}

/** The invitation whose link this browser has opened, if it counts. */
async function invitationOf(visit: Visit): Promise<OpenOrganizationInvitation | undefined> {
  return await lookAtLink(visit, organizationsOf(visit).organizationInvitations.look);
}
