import { places } from "../domain/page-paths.ts";
import type { Member } from "../http/organizations.ts";
import { AuthError, type Id } from "../index.ts";
import { backTo, FormLink, Panel, Row } from "./account-acts.tsx";
import { respondInAccount, respondWithForm } from "./layout.tsx";
import { type MemberAct, memberActs } from "./member-acts.ts";
import {
  MemberLine,
  MemberName,
  memberPath,
  membersPath,
  type Own,
  organizationsOf,
  ownIn,
  pageOfOrganization,
  pathIn,
  RoleField,
} from "./own-organization.tsx";
import { Alert, Hidden } from "./parts.tsx";
import { attempt, sentenceFor } from "./refusal.ts";
import { type PageRoute, type UserVisit, userForm } from "./route.ts";

/** One member of an organization, and what the user may do about them. */
export const oneMemberRoutes: readonly PageRoute[] = [
  pageOfOrganization(memberPath, (visit, own) => memberPage(visit, own, asked(visit))),
  ...memberActs.flatMap(routesOf),
];

/** The page that asks, and the act. */
function routesOf(act: MemberAct): readonly PageRoute[] {
  const { name } = act;
  const path = `${memberPath}/${name}`;
  return [
    pageOfOrganization(path, (visit, own) => askPage(visit, act, { own, path })),
    userForm(
      path,
      places.organizations,
      async (visit, form) => {
        const { c, site } = visit;
        const own = await ownIn(visit, form.id<"org">("org_id"));
        const membershipId = form.id<"mem">("mem_id");
        const { refusal } = await attempt((async () => await act.run(visit, { own, membershipId }, form))());
        if (refusal) return await memberPage(visit, own, membershipId, refusal);
        return name === "leave"
          ? backTo(visit, "organizations", "member-leave")
          : c.redirect(pathIn(site.path(membersPath), own, { done: `member-${name}` }), 303);
      },
      act.isProved && {
        fields: ["org_id", "mem_id"],
        does: ({ site }) => site.say(name === "leave" ? "proof.then.leave" : "proof.then.transfer"),
      },
    ),
  ];
}

const asked = ({ c }: UserVisit) => (c.req.query("mem_id") ?? "") as Id<"mem">;

/**
 * A member of the user's organization.
 *
 * @throws {AuthError} `not_found`, also for a membership that has ended; `forbidden` for a guest.
 */
async function memberIn(visit: UserVisit, { organizationId }: Own, membershipId: Id<"mem">): Promise<Member> {
  const { actor } = visit;
  const member = await organizationsOf(visit).memberships.get({ actor, organizationId, membershipId });
  if (member.status === "revoked") throw new AuthError("not_found");
  return member;
}

async function memberPage(visit: UserVisit, own: Own, membershipId: Id<"mem">, refusal?: AuthError): Promise<Response> {
  const { site } = visit;
  const { value: member, refusal: absence } = await attempt(memberIn(visit, own, membershipId));
  // An act may have been refused because the membership has ended.
  if (!member) throw refusal ?? absence;
  const name = <MemberName site={site} of={member} />;
  const acts = memberActs.filter((act) => act.isOffered(own, member));
  const children = (
    <>
      <Alert>{refusal && sentenceFor(site, refusal)}</Alert>
      <Panel id="member" title={site.text("member.title")} isSaid>
        <MemberLine site={site} member={member} own={own} />
        {acts.map((act) => (
          <Row state={site.say(`member.${act.name}.text`, { name })}>
            <FormLink
              href={pathIn(site.path(`${memberPath}/${act.name}`), own, { mem_id: member.id })}
              about=""
              isDanger={act.isDanger ?? false}
            >
              {site.say(`member.${act.name}`)}
            </FormLink>
          </Row>
        ))}
      </Panel>
      <p>
        <a href={pathIn(site.path(membersPath), own)}>{site.say("members.title")}</a>
      </p>
    </>
  );
  return await respondInAccount(visit, "organizations", { title: site.text("member.title"), children, refusal });
}

/** The page that asks before an act. An act that the user may not do leads to the page of the member. */
async function askPage(visit: UserVisit, act: MemberAct, { own, path }: { own: Own; path: string }): Promise<Response> {
  const { c, site } = visit;
  const member = await memberIn(visit, own, asked(visit));
  const back = pathIn(memberPath, own, { mem_id: member.id });
  if (!act.isOffered(own, member)) return c.redirect(site.path(back), 303);
  return await respondWithForm(visit, "organizations", {
    title: site.text(`member.${act.name}.title`),
    intro: <p>{site.say(`member.${act.name}.text`, { name: <MemberName site={site} of={member} /> })}</p>,
    action: path,
    fields: (
      <>
        <Hidden name="org_id" value={own.organizationId} />
        <Hidden name="mem_id" value={member.id} />
        {act.name === "role" && (
          <RoleField site={site} own={own} chosen={member.role} label={site.say("member.role.new")} />
        )}
      </>
    ),
    button: site.text(`member.${act.name}`),
    isDanger: act.isDanger ?? false,
    back,
  });
}
