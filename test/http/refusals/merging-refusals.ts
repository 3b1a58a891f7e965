import { type Person, system } from "../../support/auth.ts";
import { addApp } from "../../support/factors.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import { withNewAddress, withVerifiedAddress } from "../../support/links.ts";
import { organizationsIn } from "../../support/organizations.ts";
import { givenIdentity } from "../../support/practice-provider.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function mergingRefusals(world: HttpWorld, { post, as }: RefusalTools): Record<string, Provocations> {
  const person = () => world.person({ transport: "cookie" });
  const merge = async (ending: Person, kept?: Person) =>
    await post("/auth/merge", undefined, {
      headers: {
        "sec-fetch-site": "same-origin",
        cookie: `__Host-session=${ending.token}; __Host-kept-session=${kept?.token ?? "A".repeat(43)}`,
      },
    });
  return {
    // A program has no second cookie.
    beginMerge: { forbidden: async () => await post("/auth/merge/begin", undefined, as(await world.person())) },
    mergeUsers: {
      forbidden: async () => await post("/auth/merge", undefined, as(await world.person())),
      "unauthorized.session_expired": async () => await merge(await person()),
      "conflict.same_user": async () => {
        const { identifier, password } = await person();
        const signIn = async () => await world.signIn({ identifier, password } as Person, { transport: "cookie" });
        return await merge(await signIn(), await signIn());
      },
      "conflict.sole_owner": async () => {
        const [ending, kept] = [await person(), await person()];
        const { form, join } = organizationsIn(world);
        const { organizationId } = await form(ending);
        await world.auth.memberships.suspend({ ...(await join(organizationId, "guest", kept)), actor: system });
        return await merge(ending, kept);
      },
      "precondition.factor_needed_first": async () => {
        const { person: withApp } = await addApp(world, await person());
        return await merge(withApp, await person());
      },
      "precondition.invalid_transition": async () =>
        await merge(await withNewAddress(world, await withVerifiedAddress(world, await person())), await person()),
      "precondition.limit_reached": async () => {
        const ending = await person();
        for (let count = 0; count < 100; count++) await givenIdentity(world, ending.userId);
        return await merge(ending, await person());
      },
    },
  };
}
