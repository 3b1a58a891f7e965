import type { ErrorCode } from "../../../src/domain/error.ts";
import { generateId, uuidFor } from "../../../src/domain/id.ts";
import { sql } from "../../../src/store/sql.ts";
import { system } from "../../support/auth.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import { type Member, organizationsIn } from "../../support/organizations.ts";
import { policiesIn, policyBody } from "../../support/security-policies.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function organizationRefusals(
  world: HttpWorld,
  { post, get, put, as, keyRefusals }: RefusalTools,
): Record<string, Provocations> {
  const { form, join, addBeside } = organizationsIn(world);
  const { demand } = policiesIn(world);
  const at = ({ organizationId }: Member, rest = "") => `/v1/orgs/${organizationId}${rest}`;
  const on = ({ organizationId, membershipId }: Member, act: string) =>
    `/v1/orgs/${organizationId}/members/${membershipId}/${act}`;
  const freshSlug = () => `s${generateId("org").slice(-20)}`;
  const suspended = async () => {
    const owner = await form();
    const member = await join(owner.organizationId, "member");
    await world.auth.organizations.suspend({ ...owner, actor: system });
    return { owner, member };
  };
  const withMember = async () => {
    const owner = await form();
    return { owner, member: await join(owner.organizationId, "member") };
  };
  const left = async () => {
    const { owner, member } = await withMember();
    await world.auth.memberships.leave(member);
    return { owner, member };
  };
  const handing = ({ membershipId: from_mem_id }: Member, { membershipId: to_mem_id }: Member) => ({
    from_mem_id,
    to_mem_id,
  });

  /** The refusals of naming an organization, by a request of its owner. */
  const naming = (send: (body: object) => ReturnType<typeof post>): Provocations => ({
    "invalid_format.name": () => send({ name: "x".repeat(4097) }),
    "precondition.org_slug_format": () => send({ slug: "-" }),
    "conflict.org_slug": async () => {
      const slug = freshSlug();
      await form(undefined, { slug });
      return await send({ slug });
    },
  });

  /** The refusals of an act by an owner on a member of their organization. */
  const acting = (act: string, body?: object): Provocations => ({
    "precondition.org_not_active": async () => {
      const { owner, member } = await suspended();
      return await post(on(member, act), body, as(owner));
    },
  });
  const ended = (act: string, code: ErrorCode, body?: object): Provocations => ({
    [code]: async () => {
      const { owner, member } = await left();
      return await post(on(member, act), body, as(owner));
    },
  });
  const alone = (act: string, body?: object): Provocations => ({
    "conflict.sole_owner": async () => {
      const owner = await form();
      return await post(on(owner, act), body, as(owner));
    },
  });
  const above = (act: string, body?: object): Provocations => ({
    "forbidden.role_hierarchy": async () => {
      const owner = await form();
      return await post(on(owner, act), body, as(await join(owner.organizationId, "admin")));
    },
  });
  const byAdministrator = (act: string): Provocations => ({
    "conflict.already_terminal": async () => {
      const owner = await form();
      await world.auth.organizations.revoke(owner);
      return await post(at(owner, `/${act}`), undefined, as(await world.administrator()));
    },
  });

  return {
    createOrg: {
      ...naming(async (body) => await post("/v1/orgs", body, as(await world.person()))),
      ...keyRefusals(async () => {
        const person = await world.person();
        return (more) => post("/v1/orgs", { name: "Acme" }, { ...as(person), ...more });
      }),
      "precondition.limit_reached": async () => {
        const person = await world.person();
        for (let made = 0; made < 50; made++) await form(person);
        return await post("/v1/orgs", {}, as(person));
      },
      too_many_requests: async () => {
        const person = await world.person();
        await form(person);
        await world.rows(
          sql`update attempt set count = maximum where bucket = ${`organizations:${uuidFor("usr", person.userId)}`}`,
        );
        return await post("/v1/orgs", {}, as(person));
      },
    },
    listOrgs: {
      "invalid_format.cursor": async () => await get("/v1/orgs?cursor=1", as(await world.administrator())),
    },
    updateOrg: naming(async (body) => {
      const owner = await form();
      return await put(at(owner), body, as(owner));
    }),
    suspendOrg: byAdministrator("suspend"),
    revokeOrg: byAdministrator("revoke"),
    reinstateOrg: {
      "precondition.invalid_transition": async () =>
        await post(at(await form(), "/reinstate"), undefined, as(await world.administrator())),
    },
    listMembers: {
      "invalid_format.cursor": async () => {
        const owner = await form();
        return await get(at(owner, "/members?cursor=1"), as(owner));
      },
    },
    listOwnMemberships: {
      "invalid_format.cursor": async () => await get("/auth/memberships?cursor=1", as(await world.person())),
    },
    listMembershipsOfUser: {
      "invalid_format.cursor": async () => {
        const person = await world.person();
        return await get(`/v1/users/${person.userId}/memberships?cursor=1`, as(person));
      },
    },
    addMember: {
      "precondition.org_not_active": async () => {
        const { owner } = await suspended();
        const { userId: usr_id } = await world.person();
        return await post(at(owner, "/members"), { usr_id, role: "guest" }, as(owner));
      },
      "precondition.user_not_active": async () => {
        const owner = await form();
        const { userId } = await world.person();
        await world.auth.users.suspend({ actor: system, userId });
        return await post(at(owner, "/members"), { usr_id: userId, role: "guest" }, as(owner));
      },
      "conflict.duplicate_membership": async () => {
        const { owner, member } = await withMember();
        return await post(at(owner, "/members"), { usr_id: member.userId, role: "guest" }, as(owner));
      },
      "forbidden.role_hierarchy": async () => {
        const { organizationId } = await form();
        const admin = await join(organizationId, "admin");
        const { userId: usr_id } = await world.person();
        return await post(at(admin, "/members"), { usr_id, role: "owner" }, as(admin));
      },
    },
    changeRole: {
      ...acting("change-role", { new_role: "guest" }),
      ...ended("change-role", "precondition.mem_not_active", { new_role: "guest" }),
      ...alone("change-role", { new_role: "guest" }),
      ...above("change-role", { new_role: "guest" }),
    },
    suspendMembership: {
      ...acting("suspend"),
      ...ended("suspend", "conflict.already_terminal"),
      ...alone("suspend"),
      ...above("suspend"),
      "precondition.mem_not_active": async () => {
        const { owner, member } = await withMember();
        await world.auth.memberships.suspend({ ...member, actor: system });
        return await post(on(member, "suspend"), undefined, as(owner));
      },
    },
    reinstateMembership: {
      ...acting("reinstate"),
      ...ended("reinstate", "precondition.invalid_transition"),
      ...above("reinstate"),
      "precondition.user_not_active": async () => {
        const { owner, member } = await withMember();
        await world.auth.memberships.suspend({ ...member, actor: system });
        await world.auth.users.suspend({ actor: system, userId: member.userId });
        return await post(on(member, "reinstate"), undefined, as(owner));
      },
      "conflict.duplicate_membership": async () => {
        const { owner, member } = await withMember();
        await world.auth.memberships.suspend({ ...member, actor: system });
        await addBeside(member);
        return await post(on(member, "reinstate"), undefined, as(owner));
      },
    },
    selfLeave: {
      ...alone("self-leave", {}),
      "precondition.mem_not_active": async () => {
        const { member } = await left();
        return await post(on(member, "self-leave"), {}, as(member));
      },
      "precondition.self_transfer": async () => {
        const owner = await form();
        return await post(on(owner, "self-leave"), { transferTo: owner.userId }, as(owner));
      },
      "unauthorized.reauthentication_required": async () => {
        const { owner, member } = await withMember();
        await world.age(owner.session, 601);
        return await post(on(owner, "self-leave"), { transferTo: member.userId }, as(owner));
      },
      "unauthorized.enrollment_required": async () => {
        const { owner, member } = await withMember();
        await demand(owner.organizationId, { require: "mfa" });
        return await post(on(owner, "self-leave"), { transferTo: member.userId }, as(owner));
      },
      "forbidden.provider_not_allowed": async () => {
        const { owner, member } = await withMember();
        await demand(owner.organizationId, { allowedProviders: [] });
        await world.rows(sql`update ses set amr = array['fed'] where id = ${uuidFor("ses", owner.session.id)}::uuid`);
        return await post(on(owner, "self-leave"), { transferTo: member.userId }, as(owner));
      },
    },
    setOrgSecurityPolicy: {
      "precondition.mem_not_active": async () => {
        const owner = await form();
        const body = { ...policyBody, allowed_providers: [], break_glass: [generateId("usr")] };
        return await put(at(owner, "/security-policy"), body, as(owner));
      },
    },
    adminRemove: {
      ...acting("admin-remove"),
      ...ended("admin-remove", "conflict.already_terminal"),
      ...above("admin-remove"),
    },
    transferOwnership: {
      "precondition.org_not_active": async () => {
        const { owner, member } = await suspended();
        return await post(at(owner, "/transfer-ownership"), handing(owner, member), as(owner));
      },
      "precondition.self_transfer": async () => {
        const owner = await form();
        return await post(at(owner, "/transfer-ownership"), handing(owner, owner), as(owner));
      },
      "precondition.from_not_owner": async () => {
        const { owner, member } = await withMember();
        return await post(at(owner, "/transfer-ownership"), handing(member, owner), as(owner));
      },
      "precondition.from_not_active": async () => {
        const { owner, member } = await left();
        return await post(at(owner, "/transfer-ownership"), handing(member, owner), as(owner));
      },
      "precondition.to_not_active": async () => {
        const { owner, member } = await left();
        return await post(at(owner, "/transfer-ownership"), handing(owner, member), as(owner));
      },
    },
  };
}
