import { withLink } from "../../operations/writes/write.ts";
import { freshIdentifier, goodPassword, otherPassword, system } from "../../support/auth.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import { mailedChange } from "../../support/links.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function addressRefusals(
  world: HttpWorld,
  { post, as, busily, often }: RefusalTools,
): Record<string, Provocations> {
  const request = "/auth/verification";
  const confirm = "/auth/verification/confirm";
  const change = "/auth/identifier";
  const confirmChange = "/auth/identifier/confirm";
  const withPassword = "/auth/verification/confirm-with-password";
  /** A user with a live link. */
  const linked = async () => {
    const ada = await world.person();
    return { ada, token: await withLink(world, ada) };
  };
  return {
    requestIdentifierVerification: {
      not_found: async () => {
        const { identifier } = await world.person();
        return await post(request, { identifier }, as(await world.person()));
      },
      "invalid_format.identifier": async () => await post(request, { identifier: "" }, as(await world.person())),
      "precondition.invalid_transition": async () => {
        const { ada, token } = await linked();
        await post(confirm, { token }, as(ada));
        return await post(request, {}, as(ada));
      },
      too_many_requests: async () => await often(request, () => ({}), as(await world.person())),
    },
    verifyOwnIdentifier: {
      // The address is not the one that the session was started with.
      "unauthorized.invalid_credential": async () => {
        const ada = await world.person();
        const { userId } = ada;
        const identifier = freshIdentifier();
        await world.auth.credentials.createPassword({ actor: system, userId, identifier, password: otherPassword });
        await post(request, { identifier }, as(ada));
        return await post(confirm, { token: world.mailbox.secretTo(identifier) }, as(ada));
      },
      "unauthorized.invalid_link": async () => await post(confirm, { token: "A".repeat(43) }, as(await world.person())),
    },
    requestIdentifierChange: {
      not_found: async () => {
        const { identifier: replaces } = await world.person();
        return await post(change, { identifier: freshIdentifier(), replaces }, as(await world.person()));
      },
      "invalid_format.identifier": async () => await post(change, { identifier: "ada" }, as(await world.person())),
      "precondition.invalid_transition": async () => {
        const ada = await world.person();
        return await post(change, { identifier: ada.identifier }, as(ada));
      },
      too_many_requests: async () => {
        const identifier = freshIdentifier();
        return await often(change, () => ({ identifier }), as(await world.person()));
      },
    },
    changeIdentifier: {
      "unauthorized.invalid_link": async () =>
        await post(confirmChange, { token: "A".repeat(43) }, as(await world.person())),
      // No address of the account is proved, and the session was started with another password.
      "unauthorized.invalid_credential": async () => {
        const ada = await world.person();
        const [identifier, replaces] = [freshIdentifier(), freshIdentifier()];
        const added = { actor: system, userId: ada.userId, identifier: replaces, password: otherPassword };
        await world.auth.credentials.createPassword(added);
        await post(change, { identifier, replaces }, as(ada));
        return await post(confirmChange, { token: world.mailbox.secretTo(identifier) }, as(ada));
      },
      "conflict.duplicate_credential": async () => {
        const ada = await world.person();
        const { token, identifier } = await mailedChange(world, ada);
        await world.person({ identifier });
        return await post(confirmChange, { token }, as(ada));
      },
    },
    verifyIdentifier: {
      "unauthorized.invalid_link": () => post(withPassword, { token: "A".repeat(43), password: goodPassword }),
      "unauthorized.invalid_credential": async () =>
        await post(withPassword, { token: (await linked()).token, password: otherPassword }),
      "unauthorized.reauthentication_required": async () => {
        const ada = await world.administrator();
        return await post(withPassword, { token: await withLink(world, ada), password: ada.password });
      },
      "invalid_format.password": async () =>
        await post(withPassword, { token: (await linked()).token, new_password: "twelve chars" }),
      too_many_requests: async () => {
        const { token } = await linked();
        return await often(withPassword, () => ({ token, password: otherPassword }));
      },
      "unavailable.busy": async () => {
        const { token } = await linked();
        return await busily({ method: "POST", path: withPassword, json: { token, new_password: otherPassword } });
      },
    },
  };
}
