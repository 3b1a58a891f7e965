import { generateId } from "../../../src/domain/id.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function tokenRefusals(
  world: HttpWorld,
  { post, get, as, tokenOf, tokenRefusals }: RefusalTools,
): Record<string, Provocations> {
  return {
    listOwnPersonalAccessTokens: {
      "invalid_format.cursor": async () => await get("/auth/personal-access-tokens?cursor=1", as(await world.person())),
    },
    createOwnPersonalAccessToken: tokenRefusals(() => "/auth/personal-access-tokens"),
    revokeOwnPersonalAccessToken: {
      not_found: async () =>
        await post(`/auth/personal-access-tokens/${generateId("pat")}/revoke`, {}, as(await world.person())),
      forbidden: async () => {
        const { id } = await tokenOf(await world.person());
        return await post(`/auth/personal-access-tokens/${id}/revoke`, {}, as(await world.administrator()));
      },
    },
    createPat: tokenRefusals(({ userId }) => `/v1/users/${userId}/pats`),
    listPatsForUser: {
      "invalid_format.cursor": async () => {
        const ada = await world.person();
        return await get(`/v1/users/${ada.userId}/pats?cursor=${ada.userId}`, as(ada));
      },
    },
  };
}
