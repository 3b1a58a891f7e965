import * as v from "valibot";
import { type GuardedAct, ownerOnly } from "../../domain/act.ts";
import * as acts from "../../domain/acts/credential.ts";
import { AuthError } from "../../domain/error.ts";
import type { UserId } from "../../domain/id.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import { idEntry } from "../request-values.ts";
import { type Route, type RouteTable, rowsFor, type UserCall } from "../route.ts";
import { signedIn } from "../session-cookie.ts";
import { type CredentialBody, credentialBody } from "../wire.ts";

const rows = rowsFor<AccountAuth>();

const text = v.string;
const count = () => v.pipe(v.number(), v.integer(), v.minValue(0));

/** The proof for a change of the caller's own password: the current password (R008). */
const proof = () => v.strictObject({ current_password: v.optional(text()) });

/** A new password that is added to an account or replaces its password. */
const newPassword = () =>
  v.strictObject({ identifier: text(), password: text(), current_password: v.optional(text()) });

async function addPassword(
  { auth, actor }: Pick<UserCall<unknown, unknown, AccountAuth>, "auth" | "actor">,
  userId: UserId,
  { identifier, password, current_password: currentPassword }: v.InferOutput<ReturnType<typeof newPassword>>,
): Promise<CredentialBody> {
  const added = { actor, userId, identifier, password };
  const credential =
    currentPassword === undefined
      ? await auth.credentials.createPassword(added)
      : await auth.credentials.createOwnPassword({ ...added, currentPassword });
  return credentialBody(credential);
}

/** The two paths of an act that takes a credential out of use. */
function ending(act: GuardedAct, verb: "suspend" | "revoke"): readonly Route<AccountAuth>[] {
  return rows.twins({
    act,
    auth: { id: `${verb}OwnCredential`, path: `/auth/credentials/:cred_id/${verb}` },
    v1: `/v1/credentials/:cred_id/${verb}`,
    method: "post",
    body: proof,
    run: async ({ auth, actor, parameter, onlyOwn, body: { current_password: currentPassword } }) => {
      const asked = { actor, credentialId: parameter("cred_id") };
      const own = verb === "suspend" ? auth.credentials.suspendOwnPassword : auth.credentials.revokeOwnPassword;
      const credential =
        currentPassword === undefined
          ? await auth.credentials[verb]({ ...asked, onlyOwn })
          : await own({ ...asked, currentPassword });
      return credentialBody(credential);
    },
  });
}

/** Credentials: the caller's own, and the specification's routes. */
export const credentialRoutes: RouteTable<AccountAuth> = () => [
  rows.guarded({
    act: acts.changePassword,
    method: "post",
    path: "/auth/password",
    body: () => v.strictObject({ current_password: text(), new_password: text() }),
    run: async ({ c, auth, actor, body, presented }) => {
      const { transport } = presented!;
      const { current_password: currentPassword, new_password: newPassword } = body;
      const issued = await auth.changePassword({ actor, currentPassword, newPassword, transport });
      return signedIn(c, auth, transport, issued);
    },
  }),
  rows.guarded({
    act: ownerOnly(acts.listCredentials),
    id: "listOwnCredentials",
    method: "get",
    path: "/auth/credentials",
    run: async ({ auth, actor, user }) => {
      const { data } = await auth.credentials.list({ actor, userId: user.id });
      return { credentials: data.map(credentialBody) };
    },
  }),
  rows.guarded({
    act: acts.createCredential,
    id: "createOwnPassword",
    method: "post",
    path: "/auth/credentials",
    body: newPassword,
    status: 201,
    run: async (call) => await addPassword(call, call.user.id, call.body),
  }),
  rows.guarded({
    act: acts.createCredential,
    method: "post",
    path: "/v1/credentials",
    // The other kinds are made by a ceremony, or by an import (S04).
    body: () =>
      v.variant("type", [
        v.strictObject({ usr_id: idEntry("usr"), type: v.literal("password"), ...newPassword().entries }),
        v.strictObject({
          usr_id: idEntry("usr"),
          type: v.literal("passkey"),
          identifier: text(),
          public_key: text(),
          sign_count: count(),
          rp_id: text(),
        }),
        v.strictObject({
          usr_id: idEntry("usr"),
          type: v.literal("oidc"),
          identifier: text(),
          oidc_issuer: text(),
          oidc_subject: text(),
        }),
      ]),
    status: 201,
    refusals: ["not_found"],
    run: async (call) => {
      const { body } = call;
      if (body.type !== "password") throw new AuthError("forbidden");
      return await addPassword(call, body.usr_id, body);
    },
  }),
  ...rows.twins({
    act: acts.getCredential,
    auth: { id: "getOwnCredential", path: "/auth/credentials/:cred_id" },
    v1: "/v1/credentials/:cred_id",
    method: "get",
    run: async ({ auth, actor, parameter, onlyOwn }) =>
      credentialBody(await auth.credentials.get({ actor, credentialId: parameter("cred_id"), onlyOwn })),
  }),
  rows.guarded({
    act: acts.rotateCredential,
    method: "post",
    path: "/v1/credentials/:cred_id/rotate",
    body: () =>
      v.union([
        v.strictObject({ password: text(), current_password: text() }),
        v.strictObject({ public_key: text(), sign_count: count(), rp_id: text() }),
        v.strictObject({ oidc_issuer: text(), oidc_subject: text() }),
      ]),
    run: async ({ auth, actor, body, parameter }) => {
      if (!("password" in body)) throw new AuthError("forbidden");
      const credentialId = parameter("cred_id");
      const { password, current_password: currentPassword } = body;
      const rotated = await auth.credentials.rotateOwnPassword({ actor, credentialId, currentPassword, password });
      return credentialBody(rotated);
    },
  }),
  ...ending(acts.suspendCredential, "suspend"),
  rows.guarded({
    act: acts.reinstateCredential,
    method: "post",
    path: "/v1/credentials/:cred_id/reinstate",
    run: async ({ auth, actor, parameter }) =>
      credentialBody(await auth.credentials.reinstate({ actor, credentialId: parameter("cred_id") })),
  }),
  ...ending(acts.revokeCredential, "revoke"),
];
