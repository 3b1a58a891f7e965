import { acceptTypedName } from "../domain/text.ts";
import type { AuthError } from "../index.ts";
import { type BadgeProps, backTo, FormLink, Panel, Row } from "./account-acts.tsx";
import { respondInAccount, respondWithForm } from "./layout.tsx";
import { Field } from "./parts.tsx";
import { OtherNames } from "./proof-rows.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type UserVisit, userForm, userPage } from "./route.ts";
import { loadSafety, SafetyPanel } from "./safety.tsx";
import { sendLink } from "./verify.tsx";

/** Who the user is: name, address, and how safe the account is. */
export const profileRoutes: readonly PageRoute[] = [
  userPage("/account", (visit) => profilePage(visit)),

  userPage("/account/name", (visit) => namePage(visit, visit.user.displayName ?? "")),

  userForm("/account/name", "/account/name", async (visit, form) => {
    const { auth, actor, user } = visit;
    const typed = form.text("display_name");
    const update = async () =>
      await auth.users.update({ actor, userId: user.id, displayName: acceptTypedName(typed) || null });
    const { refusal } = await attempt(update());
    return refusal ? await namePage(visit, typed, refusal) : backTo(visit, "profile", "name");
  }),

  userForm("/account/verification", "/account", async (visit) => {
    const { refusal } = await attempt(sendLink(visit));
    return refusal ? await profilePage(visit, refusal) : backTo(visit, "profile", "address");
  }),
];

async function profilePage(visit: UserVisit, refusal?: AuthError): Promise<Response> {
  const { site, user, auth } = visit;
  const { actor } = visit;
  // In parallel: an administrator waits no longer for a page that others have without it.
  const [safety, mayInvite] = await Promise.all([loadSafety(visit), auth.invitations?.mayInvite({ actor }) ?? false]);
  const others = safety.identifiers.filter((identifier) => identifier !== user.identifier);
  const isAddress = user.identifier?.includes("@") ?? false;
  const children = (
    <>
      {refusal && (
        <p class="error" role="alert">
          {sentenceFor(site, refusal)}
        </p>
      )}
      <SafetyPanel site={site} safety={safety} />
      <Panel id="you" title={site.text("profile.you")}>
        <Row
          title={site.say("profile.name")}
          state={user.displayName === null ? site.say("profile.name.none") : <bdi>{user.displayName}</bdi>}
        >
          <FormLink href={site.path("/account/name")} about={site.say("profile.name")}>
            {site.say("profile.name.change")}
          </FormLink>
        </Row>
        {user.identifier !== null && (
          <Row
            title={site.say(isAddress ? "profile.address" : "profile.user-name")}
            badge={auth.mail && isAddress ? addressBadge(visit) : undefined}
            state={<bdi>{user.identifier}</bdi>}
          >
            {auth.mail && isAddress && !user.identifierVerified && <LinkForm visit={visit} />}
            {auth.mail && (
              <FormLink href={site.path("/account/address")} about={site.say("profile.address")}>
                {site.say("profile.name.change")}
              </FormLink>
            )}
          </Row>
        )}
        {others.length > 0 && <OtherNames visit={visit} names={others} />}
      </Panel>
      {mayInvite && (
        <Panel id="invitations" title={site.text("invitations.title")} isSaid>
          <Row title={site.say("invitations.title")} state={site.say("invitations.text")}>
            <FormLink href={site.path("/account/invitations")} about="">
              {site.say("invitations.manage")}
            </FormLink>
          </Row>
        </Panel>
      )}
      {auth.merging && (
        <Panel id="merge" title={site.text("merge.title")} isSaid>
          <Row title={site.say("merge.title")} state={site.say("merge.hint")}>
            <FormLink href={site.path("/account/merge")} about="">
              {site.say("merge.button")}
            </FormLink>
          </Row>
        </Panel>
      )}
      <Panel id="end" title={site.text("profile.close")} isSaid>
        <Row title={site.say("profile.close")} state={site.say("profile.close.text")}>
          <FormLink href={site.path("/account/close")} about="" isDanger>
            {site.say("profile.close.button")}
          </FormLink>
        </Row>
      </Panel>
    </>
  );
  return await respondInAccount(visit, "profile", { title: site.text("profile.title"), children, refusal });
}

function addressBadge({ site, user }: UserVisit): BadgeProps {
  return user.identifierVerified
    ? { text: site.text("profile.address.confirmed"), tone: "good" }
    : { text: site.text("profile.address.not-confirmed"), tone: "warn" };
}

/** Asks for the link that proves the address. */
function LinkForm({ visit: { site } }: { visit: UserVisit }): Rendered {
  return (
    <form method="post" action={site.path("/account/verification")}>
      <button type="submit" class="quiet">
        {site.say("profile.address.confirm")}
      </button>
    </form>
  );
}

function namePage(visit: UserVisit, typed: string, refusal?: AuthError): Response | Promise<Response> {
  const { site } = visit;
  const words = { "invalid_format.name": "error.display-name" } as const;
  return respondWithForm(visit, "profile", {
    title: site.text("profile.name.title"),
    action: "/account/name",
    fields: (
      <Field
        site={site}
        form="name"
        name="display_name"
        label={site.say("field.display-name")}
        value={typed}
        autocomplete="name"
        maxlength={400}
        required={false}
        error={refusal && sentenceFor(site, refusal, words)}
      />
    ),
    button: site.text("word.save"),
    refusal,
    isShown: true,
  });
}
