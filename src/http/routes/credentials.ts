import * as v from "valibot";
import { type GuardedAct, ownerOnly } from "../../domain/act.ts";
import * as acts from "../../domain/acts/credential.ts";
import { AuthError } from "../../domain/error.ts";
import type { UserId } from "../../domain/id.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import { idEntry } from "../request-values.ts";
import { type Route, rowsFor, type UserCall } from "../route.ts";
import { signedIn } from "../session-cookie.ts";
import { credentialBody } from "../wire.ts";

const rows = rowsFor<AccountAuth>();

const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The proof for one's own password: the password itself (R008). */
const proof = v.strictObject({ current_password: v.optional(text) });

/** A new password for an account, in addition to its credentials or in place of one. */
const newPassword = { identifier: text, password: text, current_password: v.optional(text) };

interface NewPassword {
  identifier: string;
  password: string;
  current_password?: string | undefined;
}

async function addPassword(
  { c, auth, actor }: Pick<UserCall<unknown, unknown, AccountAuth>, "c" | "auth" | "actor">,
  userId: UserId,
  { identifier, password, current_password: currentPassword }: NewPassword,
): Promise<Response> {
  const added = { actor, userId, identifier, password };
  const credential =
    currentPassword === undefined
      ? await auth.credentials.createPassword(added)
      : await auth.credentials.createOwnPassword({ ...added, currentPassword });
  return c.json(credentialBody(credential), 201);
}

/** The two paths of an act that takes a credential out of use. */
function ending(act: GuardedAct, verb: "suspend" | "revoke", summary: string): readonly Route<AccountAuth>[] {
  const id = `${verb}Credential`;
  return rows.twins({
    act,
    auth: {
      id: verb === "suspend" ? "suspendOwnCredential" : "revokeOwnCredential",
      path: `/auth/credentials/:cred_id/${verb}`,
      summary: `${summary}; a password needs \`current_password\``,
    },
    v1: {
      id,
      path: `/v1/credentials/:cred_id/${verb}`,
      summary: `${summary}; the caller's own password needs \`current_password\``,
    },
    method: "post",
    body: proof,
    status: 200,
    run: async ({ c, auth, actor, parameter, onlyOwn, body: { current_password: currentPassword } }) => {
      const asked = { actor, credentialId: parameter("cred_id") };
      const own = verb === "suspend" ? auth.credentials.suspendOwnPassword : auth.credentials.revokeOwnPassword;
      const credential =
        currentPassword === undefined
          ? await auth.credentials[verb]({ ...asked, onlyOwn })
          : await own({ ...asked, currentPassword });
      return c.json(credentialBody(credential), 200);
    },
  });
}

/** Credentials: the caller's own, and the specification's routes. */
export const credentialRoutes: readonly Route<AccountAuth>[] = [
  rows.guarded({
    act: acts.changePassword,
    id: "changePassword",
    method: "post",
    path: "/auth/password",
    summary: "Change the caller's password, end all their sessions and start a new one",
    body: v.strictObject({ current_password: text, new_password: text }),
    status: 200,
    run: async ({ c, auth, actor, body, presented }) => {
      const { transport } = presented!;
      const { current_password: currentPassword, new_password: newPassword } = body;
      const issued = await auth.changePassword({ actor, currentPassword, newPassword, transport });
      return c.json(signedIn(c, transport, issued), 200);
    },
  }),
  rows.guarded({
    act: ownerOnly(acts.listCredentials),
    id: "listOwnCredentials",
    method: "get",
    path: "/auth/credentials",
    summary: "List the caller's credentials in every state, oldest first",
    status: 200,
    run: async ({ c, auth, actor, user }) => {
      const { data } = await auth.credentials.list({ actor, userId: user.id });
      return c.json({ credentials: data.map(credentialBody) }, 200);
    },
  }),
  rows.guarded({
    act: acts.createCredential,
    id: "createOwnPassword",
    method: "post",
    path: "/auth/credentials",
    summary: "Add a password to the caller's account; if it already has one, `current_password` is required",
    body: v.strictObject(newPassword),
    status: 201,
    run: async (call) => await addPassword(call, call.user.id, call.body),
  }),
  rows.guarded({
    act: acts.createCredential,
    id: "createCredential",
    method: "post",
    path: "/v1/credentials",
    summary: "Add a password to the caller's own account; beside another one it needs `current_password`",
    // The other kinds are made by a ceremony or an import (S04).
    body: v.variant("type", [
      v.strictObject({ usr_id: idEntry("usr"), type: v.literal("password"), ...newPassword }),
      v.strictObject({
        usr_id: idEntry("usr"),
        type: v.literal("passkey"),
        identifier: text,
        public_key: text,
        sign_count: count,
        rp_id: text,
      }),
      v.strictObject({
        usr_id: idEntry("usr"),
        type: v.literal("oidc"),
        identifier: text,
        oidc_issuer: text,
        oidc_subject: text,
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
    auth: {
      id: "getOwnCredential",
      path: "/auth/credentials/:cred_id",
      summary: "Get one of the caller's credentials, without its secret",
    },
    v1: {
      id: "getCredential",
      path: "/v1/credentials/:cred_id",
      summary: "Get a credential, without its secret",
    },
    method: "get",
    status: 200,
    run: async ({ c, auth, actor, parameter, onlyOwn }) =>
      c.json(credentialBody(await auth.credentials.get({ actor, credentialId: parameter("cred_id"), onlyOwn })), 200),
  }),
  rows.guarded({
    act: acts.rotateCredential,
    id: "rotateCredential",
    method: "post",
    path: "/v1/credentials/:cred_id/rotate",
    summary: "Replace the caller's own password and end all their sessions",
    body: v.union([
      v.strictObject({ password: text, current_password: text }),
      v.strictObject({ public_key: text, sign_count: count, rp_id: text }),
      v.strictObject({ oidc_issuer: text, oidc_subject: text }),
    ]),
    status: 200,
    run: async ({ c, auth, actor, body, parameter }) => {
      if (!("password" in body)) throw new AuthError("forbidden");
      const credentialId = parameter("cred_id");
      const { password, current_password: currentPassword } = body;
      const rotated = await auth.credentials.rotateOwnPassword({ actor, credentialId, currentPassword, password });
      return c.json(credentialBody(rotated), 200);
    },
  }),
  ...ending(acts.suspendCredential, "suspend", "Suspend a credential and end the sessions started with it"),
  rows.guarded({
    act: acts.reinstateCredential,
    id: "reinstateCredential",
    method: "post",
    path: "/v1/credentials/:cred_id/reinstate",
    summary: "Reinstate a suspended credential",
    status: 200,
    run: async ({ c, auth, actor, parameter }) =>
      c.json(credentialBody(await auth.credentials.reinstate({ actor, credentialId: parameter("cred_id") })), 200),
  }),
  ...ending(acts.revokeCredential, "revoke", "Revoke a credential and end the sessions started with it"),
];
