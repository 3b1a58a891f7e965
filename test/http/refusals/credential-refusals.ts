import { uuidFor } from "../../../src/domain/id.ts";
import { sql } from "../../../src/store/sql.ts";
import { freshIdentifier, goodPassword, otherPassword, system } from "../../support/auth.ts";
import type { HttpWorld } from "../../support/http-world.ts";
import type { Provocations, RefusalTools } from "./tools.ts";

export function credentialRefusals(
  world: HttpWorld,
  { post, as, adding, addingOwn, rotating, addRefusals, endRefusals, proofOf, busily, often }: RefusalTools,
): Record<string, Provocations> {
  return {
    changePassword: {
      "unauthorized.invalid_credential": async () =>
        await post(
          "/auth/password",
          { current_password: otherPassword, new_password: otherPassword },
          as(await world.person()),
        ),
      "invalid_format.password": async () =>
        await post(
          "/auth/password",
          { current_password: goodPassword, new_password: "aaaaaaaaaaaaaaaaaaaa" },
          as(await world.person()),
        ),
      too_many_requests: async () => {
        const ada = await world.person();
        return await often(
          "/auth/password",
          () => ({ current_password: "wrong", new_password: otherPassword }),
          as(ada),
        );
      },
      "unavailable.busy": async () => {
        const { token } = await world.person();
        const json = { current_password: goodPassword, new_password: otherPassword };
        return await busily({ method: "POST", path: "/auth/password", json, token });
      },
    },
    verifyCredential: {
      "unauthorized.invalid_credential": () =>
        post("/v1/credentials/verify", { type: "oidc", identifier: "x", proof: { id_token: "x" } }),
      "forbidden.enrollment_not_granted": async () => {
        const { identifier, userId } = await world.person();
        await world.requireFactor(userId, new Date(0));
        return await post("/v1/credentials/verify", proofOf(identifier));
      },
      too_many_requests: () => {
        const identifier = freshIdentifier();
        return often("/v1/credentials/verify", () => proofOf(identifier));
      },
      "unavailable.busy": () =>
        busily({ method: "POST", path: "/v1/credentials/verify", json: proofOf(freshIdentifier()) }),
    },
    createCredential: {
      not_found: async () =>
        await post("/v1/credentials", adding((await world.person()).userId), as(await world.person())),
      ...addRefusals("/v1/credentials", ({ userId }, more) => adding(userId, more)),
    },
    createOwnPassword: addRefusals("/auth/credentials", (_ada, more) => addingOwn(more)),
    rotateCredential: {
      "invalid_format.password": async () => {
        const ada = await world.person();
        return await post(
          `/v1/credentials/${ada.credentialId}/rotate`,
          { password: "short", current_password: goodPassword },
          as(ada),
        );
      },
      "conflict.credential_not_active": async () => {
        const ada = await world.person();
        const extra = await post("/v1/credentials", adding(ada.userId), as(ada));
        await world.auth.credentials.revoke({ actor: system, credentialId: extra.json.id });
        return await post(`/v1/credentials/${extra.json.id}/rotate`, rotating, as(ada));
      },
      "conflict.credential_type_mismatch": async () => {
        const ada = await world.person();
        const [made] = await world.rows(sql<{ id: string }>`
          insert into cred (id, usr_id, type, identifier, oidc_issuer, oidc_subject)
          values (gen_random_uuid(), ${uuidFor("usr", ada.userId)}::uuid, 'oidc', 'x', 'https://example.org', ${ada.userId})
          returning replace(overlay(id::text placing '4' from 15), '-', '') as id`);
        return await post(`/v1/credentials/cred_${made!.id}/rotate`, rotating, as(ada));
      },
      "unavailable.busy": async () => {
        const { credentialId, token } = await world.person();
        return await busily({
          method: "POST",
          path: `/v1/credentials/${credentialId}/rotate`,
          json: rotating,
          token,
        });
      },
      "unauthorized.invalid_credential": async () => {
        const ada = await world.person({ password: otherPassword });
        return await post(`/v1/credentials/${ada.credentialId}/rotate`, rotating, as(ada));
      },
      too_many_requests: async () => {
        const ada = await world.person({ password: otherPassword });
        return await often(`/v1/credentials/${ada.credentialId}/rotate`, () => rotating, as(ada));
      },
    },
    suspendCredential: {
      ...endRefusals((id) => `/v1/credentials/${id}/suspend`),
      "conflict.already_terminal": async () => {
        const { credentialId } = await world.person();
        await world.auth.credentials.revoke({ actor: system, credentialId });
        return await post(`/v1/credentials/${credentialId}/suspend`, undefined, as(await world.administrator()));
      },
    },
    suspendOwnCredential: endRefusals((id) => `/auth/credentials/${id}/suspend`),
    reinstateCredential: {
      "precondition.invalid_transition": async () => {
        const { credentialId } = await world.person();
        return await post(`/v1/credentials/${credentialId}/reinstate`, undefined, as(await world.administrator()));
      },
      "precondition.user_not_active": async () => {
        const { userId, credentialId } = await world.person();
        await world.auth.users.revoke({ actor: system, userId });
        await world.rows(sql`update cred set status = 'suspended' where id = ${uuidFor("cred", credentialId)}::uuid`);
        return await post(`/v1/credentials/${credentialId}/reinstate`, undefined, as(await world.administrator()));
      },
      "conflict.duplicate_credential": async () => {
        const { credentialId, identifier } = await world.person();
        await world.auth.credentials.suspend({ actor: system, credentialId });
        const other = await world.person();
        // No user can sign up with it in the meantime, but another SDK's rows may conflict.
        await world.rows(
          sql`update cred set identifier = ${identifier} where id = ${uuidFor("cred", other.credentialId)}::uuid`,
        );
        return await post(`/v1/credentials/${credentialId}/reinstate`, undefined, as(await world.administrator()));
      },
    },
    revokeCredential: {
      ...endRefusals((id) => `/v1/credentials/${id}/revoke`),
      "conflict.already_terminal": async () => {
        const { credentialId } = await world.person();
        await world.auth.credentials.revoke({ actor: system, credentialId });
        return await post(`/v1/credentials/${credentialId}/revoke`, undefined, as(await world.administrator()));
      },
    },
    revokeOwnCredential: endRefusals((id) => `/auth/credentials/${id}/revoke`),
  };
}
