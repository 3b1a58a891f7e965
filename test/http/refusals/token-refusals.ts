import { generateId } from "../../../src/domain/id.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function tokenRefusals(
  world: HttpWorld,
  { post, get, as, tokenOf, tokenRefusals }: RefusalTools,
): Record<string, Provocations> {
  return {
    listOwnTokens: {
      "invalid_format.cursor": async () => await get("/auth/tokens?cursor=1", as(await world.person())),
    },
    createOwnToken: tokenRefusals(() => "/auth/tokens"),
    revokeOwnToken: {
      not_found: async () => await post(`/auth/tokens/${generateId("pat")}/revoke`, {}, as(await world.person())),
      forbidden: async () => {
        const { id } = await tokenOf(await world.person());
        return await post(`/auth/tokens/${id}/revoke`, {}, as(await world.administrator()));
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
