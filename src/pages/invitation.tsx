import type { InvitationAuth, OpenInvitation } from "../http/invitations.ts";
import { AuthError } from "../index.ts";
import { respond } from "./layout.tsx";
import { LinkMark } from "./link-mark.tsx";
import { deadLink, forgetLink, linkForm, linkPage, lookAtLink } from "./mailed-link.tsx";
import { Alert } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { PageRoute, Visit } from "./route.ts";
import { isOfNewAccount, NameAndPassword, newAccount } from "./sign-up.tsx";
import { finishSignUp } from "./terms-box.tsx";

const path = "/invitation";

/** The page that both links of an invitation lead to. Opening it spends nothing. */
export const invitationRoutes: readonly PageRoute[] = [
  linkPage(path, (visit) => invitedPage(visit), invitationsOf),

  linkForm(path, path, async (visit, form, token) => {
    const invitations = invitationsOf(visit);
    const { value, refusal } = await attempt(
      newAccount(visit, form, (fields) => invitations.accept({ ...fields, token })),
    );
    if (refusal) return await invitedPage(visit, { displayName: form.text("display_name"), refusal });
    forgetLink(visit);
    return await finishSignUp(visit, value, form);
  }),
];

/** @throws {AuthError} `not_found` if the application takes no invitations. */
export function invitationsOf({ auth, signUp }: Visit): InvitationAuth["invitations"] {
  if (!auth.invitations || signUp === "closed") throw new AuthError("not_found");
  return auth.invitations;
}

async function invitedPage(
  visit: Visit,
  { displayName, refusal }: { displayName?: string; refusal?: AuthError } = {},
): Promise<Response> {
  const { site } = visit;
  const isTaken = refusal?.code === "conflict.duplicate_credential";
  const open = isTaken ? undefined : await invitationOf(visit);
  if (!open) {
    const link = <a href={site.path("/sign-in")}>{site.say("invitation.dead.link")}</a>;
    return await deadLink(visit, site.say("invitation.dead", { link }), refusal);
  }
  const children = (
    <>
      <p>{site.say("invitation.text", { name: <bdi>{open.identifier}</bdi> })}</p>
      <form method="post" action={site.path(path)}>
        <Alert>{isOfNewAccount(refusal) || !refusal ? undefined : sentenceFor(site, refusal)}</Alert>
        <LinkMark visit={visit} />
        {/* For password managers, which store the password under this name. */}
        <input type="text" autocomplete="username" value={open.identifier} readonly hidden />
        <NameAndPassword visit={visit} displayName={displayName ?? open.displayName ?? ""} refusal={refusal} />
        <button type="submit">{site.say("sign-up.finish.button")}</button>
      </form>
    </>
  );
  return await respond(visit, { title: site.text("invitation.title"), children, refusal });
}

/** The invitation whose link this browser has opened, if it counts. */
async function invitationOf(visit: Visit): Promise<OpenInvitation | undefined> {
  return await lookAtLink(visit, invitationsOf(visit).look);
}
