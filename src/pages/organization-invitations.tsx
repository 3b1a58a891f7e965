import { roles } from "../domain/membership.ts";
import { places } from "../domain/page-paths.ts";
import { deliverSoon } from "../http/mail-delivery.ts";
import type { OrganizationInvitation } from "../http/organizations.ts";
import { AuthError, type Id } from "../index.ts";
import { FormLink, PageLinks, Panel, Row } from "./account-acts.tsx";
import { FormKey, formKeyOf, sentTwice } from "./form-key.tsx";
import { DaysField, daysIn, LinkToCopy } from "./invitation-parts.tsx";
import { respondInAccount, respondWithForm } from "./layout.tsx";
import {
  mayManage,
  type Own,
  organizationsOf,
  ownIn,
  pageOfOrganization,
  pathIn,
  RoleField,
  rolesFrom,
} from "./own-organization.tsx";
import { Field, Hidden, Time } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import type { Rendered } from "./rendered.ts";
import { type PageRoute, type UserVisit, userForm } from "./route.ts";
import type { Site } from "./site.ts";

/** The page of an organization's open invitations. */
export const invitationsPath = "/account/organizations/invitations";
const invitePath = "/account/organizations/invite";
const revokePath = "/account/organizations/invitations/revoke";

/** The most invitations that one page shows. */
const limit = 50;

interface Typed {
  readonly identifier: string;
  readonly role: string;
  readonly days: string;
}

/** What the form of a new invitation begins with. */
const fresh = { identifier: "", role: "member" } as const;

/** Inviting people to an organization, for its owners and admins. */
export const organizationInvitationRoutes: readonly PageRoute[] = [
  pageOfOrganization(invitationsPath, (visit, own) => listPage(visit, own)),

  pageOfOrganization(invitePath, async (visit, own) => {
    // Sending an open invitation once more is the same form, filled in.
    const { inv_id: id } = visit.c.req.query();
    const { identifier, role } = id === undefined ? fresh : await invitationOf(visit, own, id);
    return await invitePage(visit, own, { identifier, role, days: "7" });
  }),

  userForm(invitePath, places.organizations, async (visit, form) => {
    const { c, site, auth, actor, asOf } = visit;
    const own = await ownIn(visit, form.id<"org">("org_id"));
    const typed = { identifier: form.text("identifier"), role: form.text("role"), days: form.text("days") };
    const role = roles.find((one) => one === typed.role);
    if (!role) throw new AuthError("invalid_format.body");
    const create = async () =>
      await organizationsOf(visit).organizationInvitations.create({
        actor,
        organizationId: own.organizationId,
        identifier: typed.identifier,
        role,
        renew: true,
        expiresAt: new Date(asOf.getTime() + daysIn(typed.days) * 86_400_000),
        acceptLanguage: site.language.tag,
        idempotencyKey: await formKeyOf(visit, invitePath, form),
      });
    const { value, refusal } = await attempt(create());
    if (refusal) return await invitePage(visit, own, typed, refusal);
    deliverSoon(c, auth);
    const children = (
      <LinkToCopy
        site={site}
        url={value.url}
        name={<bdi>{value.invitation.identifier}</bdi>}
        mailed={value.isMailed}
        back={pathIn(site.path(invitationsPath), own)}
      />
    );
    return await respondInAccount(visit, "organizations", { title: site.text("invitations.made"), children });
  }),

  pageOfOrganization(revokePath, (visit, own) => revokePage(visit, own, visit.c.req.query("inv_id"))),

  userForm(revokePath, places.organizations, async (visit, form) => {
    const { c, site, actor } = visit;
    const own = await ownIn(visit, form.id<"org">("org_id"));
    const invitationId = form.id<"inv">("inv_id");
    const { organizationId } = own;
    const { refusal } = await attempt(
      organizationsOf(visit).organizationInvitations.revoke({ actor, organizationId, invitationId }),
    );
    if (refusal) return await revokePage(visit, own, invitationId, refusal);
    return c.redirect(pathIn(site.path(invitationsPath), own, { done: "invitations" }), 303);
  }),
];

/** @throws {AuthError} `forbidden` unless the user is an owner or admin. */
async function listPage(visit: UserVisit, own: Own): Promise<Response> {
  const { c, site, actor } = visit;
  const { cursor } = c.req.query();
  const { organizationId } = own;
  const { data, nextCursor } = await organizationsOf(visit).organizationInvitations.list({
    actor,
    organizationId,
    status: "pending",
    cursor,
    limit,
  });
  const children = (
    <>
      {own.organization.status === "active" && (
        <p>
          <a class="button" href={pathIn(site.path(invitePath), own)}>
            {site.say("invitations.new")}
          </a>
        </p>
      )}
      <Panel id="invitations" title={site.text("invitations.title")} isSaid>
        {data.length === 0 && <Row state={site.say("invitations.none")} />}
        {data.map((invitation) => (
          <InvitationLine site={site} own={own} invitation={invitation} />
        ))}
      </Panel>
      <PageLinks
        site={site}
        isFirst={cursor === undefined}
        next={nextCursor}
        pathOf={(at) => pathIn(site.path(invitationsPath), own, at)}
      />
      <p>
        <a href={pathIn(site.path("/account/organizations/members"), own)}>{site.say("members.organization")}</a>
      </p>
    </>
  );
  return await respondInAccount(visit, "organizations", { title: site.text("invitations.title"), children });
}

function InvitationLine({
  site,
  own,
  invitation,
}: {
  site: Site;
  own: Own;
  invitation: OrganizationInvitation;
}): Rendered {
  const { id, identifier, role, expiresAt } = invitation;
  const called = <bdi>{identifier}</bdi>;
  const state = site.say("invitations.until", { time: <Time site={site} at={expiresAt} /> });
  const pathTo = (path: string) => pathIn(site.path(path), own, { inv_id: id });
  return (
    <Row title={called} badge={{ text: site.text(`role.${role}`) }} state={state}>
      {rolesFrom(own).includes(role) && (
        <>
          <FormLink href={pathTo(invitePath)} about={called}>
            {site.say("invitations.again")}
          </FormLink>
          <FormLink href={pathTo(revokePath)} about={called} isDanger>
            {site.say("invitations.revoke")}
          </FormLink>
        </>
      )}
    </Row>
  );
}

/** @throws {AuthError} `forbidden` unless the user is an owner or admin. */
async function invitePage(visit: UserVisit, own: Own, typed: Typed, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  if (!mayManage(own)) throw refusal ?? new AuthError("forbidden");
  const words = sentTwice("invitations.twice");
  const identifier = refusal?.code === "invalid_format.identifier" ? sentenceFor(site, refusal) : undefined;
  return await respondWithForm(visit, "organizations", {
    title: site.text("invitations.new.title"),
    intro: <p>{site.say("join.invite.text")}</p>,
    action: invitePath,
    fields: (
      <>
        <Hidden name="org_id" value={own.organizationId} />
        <FormKey visit={visit} act={invitePath} />
        <Field
          site={site}
          form="invite"
          name="identifier"
          label={site.say("invitations.identifier")}
          value={typed.identifier}
          autocomplete="off"
          maxlength={254}
          error={identifier}
        />
        <RoleField site={site} own={own} chosen={typed.role} label={site.say("join.role")} />
        <DaysField site={site} chosen={typed.days} />
      </>
    ),
    button: site.text("invitations.create"),
    refusal,
    words,
    isShown: identifier !== undefined,
    back: pathIn(invitationsPath, own),
  });
}

/**
 * The page that asks before an invitation is revoked.
 *
 * @throws {AuthError} `not_found`.
 */
async function revokePage(
  visit: UserVisit,
  own: Own,
  invitationId: string | undefined,
  refusal?: AuthError,
): Promise<Response> {
  const { site } = visit;
  const { organizationId } = own;
  const invitation = await invitationOf(visit, own, invitationId);
  return await respondWithForm(visit, "organizations", {
    title: site.text("invitations.revoke.title"),
    intro: <p>{site.say("invitations.revoke.text", { name: <bdi>{invitation.identifier}</bdi> })}</p>,
    action: revokePath,
    fields: (
      <>
        <Hidden name="org_id" value={organizationId} />
        <Hidden name="inv_id" value={invitation.id} />
      </>
    ),
    button: site.text("invitations.revoke.button"),
    isDanger: true,
    refusal,
    back: pathIn(invitationsPath, own),
  });
}

/** @throws {AuthError} `not_found`, also for an invitation to another organization; `forbidden`. */
async function invitationOf(
  visit: UserVisit,
  { organizationId }: Own,
  invitationId = "",
): Promise<OrganizationInvitation> {
  const { organizationInvitations } = organizationsOf(visit);
  return await organizationInvitations.get({
    actor: visit.actor,
    organizationId,
    invitationId: invitationId as Id<"inv">,
  });
}
