import { freshIdentifier, otherPassword, system } from "../../support/auth.ts";
import { send } from "../../support/http.ts";
import { applicationOf, type HttpWorld } from "../../support/http-world.ts";
import { linkBodies } from "../../support/links.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function invitationRefusals(
  world: HttpWorld,
  { post, get, as, busily, often, keyRefusals }: RefusalTools,
): Record<string, Provocations> {
  const path = "/v1/deployment-invitations";
  const accept = "/auth/invitations/accept";
  const bodyOf = (more: object = {}) =>
    linkBodies(world).acceptDeploymentInvitation!().then((body) => ({ ...body, ...more }));
  const inviting = async (json: object) => await post(path, json, as(await world.administrator()));
  return {
    createDeploymentInvitation: {
      "forbidden.sign_up_closed": async () => {
        const { token } = await world.administrator();
        const closed = applicationOf(world.isolate({ signUp: "closed" }));
        return await send(closed, { method: "POST", path, json: { identifier: freshIdentifier() }, token });
      },
      "invalid_format.identifier": () => inviting({ identifier: "ä" }),
      ...keyRefusals(async () => {
        const [identifier, inviter] = [freshIdentifier(), await world.administrator()];
        return (more) => post(path, { identifier }, { ...as(inviter), ...more });
      }),
      "invalid_format.name": () => inviting({ identifier: freshIdentifier(), display_name: "x".repeat(201) }),
      "conflict.duplicate_credential": async () => await inviting({ identifier: (await world.person()).identifier }),
      too_many_requests: async () => {
        const [identifier, inviter] = [freshIdentifier(), await world.administrator()];
        return await often(path, () => ({ identifier }), as(inviter));
      },
    },
    listDeploymentInvitations: {
      "invalid_format.cursor": async () => await get(`${path}?cursor=x`, as(await world.administrator())),
    },
    acceptDeploymentInvitation: {
      "forbidden.sign_up_closed": async () => {
        const closed = applicationOf(world.isolate({ signUp: "closed" }));
        return await send(closed, { method: "POST", path: accept, json: await bodyOf() });
      },
      "unauthorized.invalid_link": () => post(accept, { token: "A".repeat(43), password: otherPassword }),
      "invalid_format.name": async () => await post(accept, await bodyOf({ display_name: "x".repeat(201) })),
      "invalid_format.password": async () => await post(accept, await bodyOf({ password: "tuldnbfp" })),
      "conflict.duplicate_credential": async () => {
        const identifier = freshIdentifier();
        const { token } = await world.auth.invitations.create({ actor: system, identifier });
        await world.person({ identifier });
        return await post(accept, { token, password: otherPassword });
      },
      too_many_requests: async () => {
        const body = await bodyOf({ password: "tuldnbfp" });
        return await often(accept, () => body);
      },
      "unavailable.busy": async () => await busily({ method: "POST", path: accept, json: await bodyOf() }),
    },
  };
}
