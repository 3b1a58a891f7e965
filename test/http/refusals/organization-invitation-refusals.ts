import { generateId, newUuid, uuidFor } from "../../../src/domain/id.ts";
import { sql } from "../../../src/store/sql.ts";
import { freshIdentifier, freshName, otherPassword, type Person, system } from "../../support/auth.ts";
import { send } from "../../support/http.ts";
import { applicationOf, type HttpWorld } from "../../support/http-world.ts";
import { verifyAddress } from "../../support/invitations.ts";
import { linkBodies } from "../../support/links.ts";
import { type Member, organizationsIn } from "../../support/organizations.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function organizationInvitationRefusals(
  world: HttpWorld,
  { post, get, as, busily, often, keyRefusals }: RefusalTools,
): Record<string, Provocations> {
  const { form, join } = organizationsIn(world);
  const signUp = "/auth/organization-invitations/sign-up";
  const bodyOf = (more: object = {}) =>
    linkBodies(world).acceptInvitationAsNewUser!().then((body) => ({ ...body, ...more }));
  const path = ({ organizationId }: Member) => `/v1/orgs/${organizationId}/invitations`;
  const inviting = async (more: object, by?: Member) => {
    const owner = by ?? (await form());
    return await post(path(owner), { identifier: freshName(), role: "member", ...more }, as(owner));
  };
  const givingAway = (preTuple: object) =>
    inviting({ pre_tuples: [{ relation: "reader", object_type: "doc", object_id: newUuid(), ...preTuple }] });
  const suspend = ({ organizationId }: Member) => world.auth.organizations.suspend({ actor: system, organizationId });

  /** An invitation of a user whose address is verified. */
  const invited = async () => {
    const [owner, ada] = [await form(), await world.person()];
    await verifyAddress(world, ada);
    const { identifier } = ada;
    const { actor, organizationId } = owner;
    const asked = { actor, organizationId, identifier, role: "member" as const };
    const { invitation, token } = await world.auth.organizationInvitations.create(asked);
    return { owner, ada, invitation, token };
  };
  type Invited = Awaited<ReturnType<typeof invited>>;
  const expire = ({ invitation }: Invited) =>
    world.rows(sql`
      update inv set created_at = created_at - interval '8 days', expires_at = sallyport_now()
      where id = ${uuidFor("inv", invitation.id)}::uuid`);

  /** The refusals of an acceptance, which `accept` sends. */
  const accepting = (
    accept: (made: Pick<Invited, "invitation" | "token">, by: Person) => ReturnType<typeof post>,
  ): Provocations => {
    const after = (happened: (made: Invited) => Promise<unknown>) => async () => {
      const made = await invited();
      await happened(made);
      return await accept(made, made.ada);
    };
    return {
      "unauthorized.invalid_link": async () => {
        const made = await invited();
        return await accept({ ...made, token: "A".repeat(43) }, made.ada);
      },
      "conflict.invitation_not_pending": after(({ token }) => world.auth.organizationInvitations.decline({ token })),
      "conflict.invitation_expired": after(expire),
      "precondition.org_not_active": after(({ owner }) => suspend(owner)),
      "precondition.identifier_mismatch": async () => await accept(await invited(), await world.person()),
      "precondition.identifier_unverified": after(({ ada }) =>
        world.rows(sql`update cred set identifier_verified_at = null where identifier = ${ada.identifier}`),
      ),
      "conflict.duplicate_membership": after(({ owner, ada }) => join(owner.organizationId, "guest", ada)),
    };
  };

  return {
    listInvitations: {
      "invalid_format.cursor": async () => {
        const owner = await form();
        return await get(`${path(owner)}?cursor=1`, as(owner));
      },
    },
    createInvitation: {
      forbidden: () => givingAway({}),
      "forbidden.role_hierarchy": async () =>
        await inviting({ role: "owner" }, await join((await form()).organizationId, "admin")),
      "invalid_format.identifier": () => inviting({ identifier: "a b" }),
      "invalid_format.relation": () => givingAway({ relation: "X" }),
      "invalid_format.object_type": () => givingAway({ object_type: "org" }),
      "invalid_format.object_id": () => givingAway({ object_id: generateId("usr") }),
      "precondition.limit_reached": () =>
        inviting({
          pre_tuples: Array.from({ length: 51 }, () => ({
            relation: "reader",
            object_type: "doc",
            object_id: newUuid(),
          })),
        }),
      "precondition.org_not_active": async () => {
        const owner = await form();
        await suspend(owner);
        return await inviting({}, owner);
      },
      ...keyRefusals(async () => {
        const [identifier, owner] = [freshName(), await form()];
        return (more) => post(path(owner), { identifier, role: "member" }, { ...as(owner), ...more });
      }),
      "precondition.past_expiration": () => inviting({ expires_at: "2020-01-01T00:00:00Z" }),
      too_many_requests: async () => {
        const [identifier, owner] = [freshIdentifier(), await form()];
        return await often(path(owner), () => ({ identifier, role: "member" }), as(owner));
      },
    },
    revokeInvitation: {
      "forbidden.role_hierarchy": async () => {
        const owner = await form();
        const admin = await join(owner.organizationId, "admin");
        const { actor, organizationId } = owner;
        const asked = { actor, organizationId, identifier: freshName(), role: "owner" as const };
        const { invitation } = await world.auth.organizationInvitations.create(asked);
        return await post(`/v1/invitations/${invitation.id}/revoke`, undefined, as(admin));
      },
      "conflict.invitation_not_pending": async () => {
        const { owner, invitation, token } = await invited();
        await world.auth.organizationInvitations.decline({ token });
        return await post(`/v1/invitations/${invitation.id}/revoke`, undefined, as(owner));
      },
    },
    acceptInvitation: accepting(({ invitation, token }, by) =>
      post(`/v1/invitations/${invitation.id}/accept`, { token }, as(by)),
    ),
    acceptOwnInvitation: accepting(({ token }, by) => post("/auth/organization-invitations/accept", { token }, as(by))),
    declineInvitation: {
      not_found: () => post("/v1/invitations/inv_x/decline", { token: "A".repeat(43) }),
      "unauthorized.invalid_link": async () => {
        const { invitation } = await invited();
        return await post(`/v1/invitations/${invitation.id}/decline`, { token: "A".repeat(43) });
      },
      "conflict.invitation_not_pending": async () => {
        const { invitation, token } = await invited();
        await world.auth.organizationInvitations.decline({ token });
        return await post(`/v1/invitations/${invitation.id}/decline`, { token });
      },
    },
    lookAtInvitation: {
      "unauthorized.invalid_link": () => post("/auth/organization-invitations/look", { token: "A".repeat(43) }),
    },
    declineOwnInvitation: {
      "unauthorized.invalid_link": () => post("/auth/organization-invitations/decline", { token: "A".repeat(43) }),
      "conflict.invitation_not_pending": async () => {
        const { token } = await invited();
        await world.auth.organizationInvitations.decline({ token });
        return await post("/auth/organization-invitations/decline", { token });
      },
    },
    acceptInvitationAsNewUser: {
      "forbidden.sign_up_closed": async () => {
        const closed = applicationOf(world.isolate({ signUp: "closed" }));
        return await send(closed, { method: "POST", path: signUp, json: await bodyOf() });
      },
      "unauthorized.invalid_link": () => post(signUp, { token: "A".repeat(43), password: otherPassword }),
      "invalid_format.name": async () => await post(signUp, await bodyOf({ display_name: "x".repeat(201) })),
      "invalid_format.password": async () => await post(signUp, await bodyOf({ password: "tuldnbfp" })),
      "conflict.duplicate_credential": async () => {
        const { token } = await invited();
        return await post(signUp, { token, password: otherPassword });
      },
      too_many_requests: async () => {
        const body = await bodyOf({ password: "tuldnbfp" });
        return await often(signUp, () => body);
      },
      "unavailable.busy": async () => await busily({ method: "POST", path: signUp, json: await bodyOf() }),
    },
  };
}
