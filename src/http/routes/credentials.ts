import { accessRules } from "../../domain/access-rules.ts";
import { AuthError } from "../../domain/error.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import { guardedRoute, type Route } from "../route.ts";
import type { CreateCredentialBody, EndCredentialBody, RotateCredentialBody } from "../schemas.ts";
import { createCredentialBody, endCredentialBody, rotateCredentialBody } from "../schemas.ts";
import { credentialBody } from "../wire.ts";

/** Of a credential that is to end, one's own password among them. */
const endRefusals = [
  "forbidden",
  "conflict.already_terminal",
  "conflict.last_way_in",
  "conflict.last_factor",
  "conflict.credential_not_active",
  "conflict.credential_type_mismatch",
  "unauthorized.invalid_credential",
  "too_many_requests",
  "unavailable.busy",
] as const;

/** The specification's routes for credentials. */
export const credentialRoutes: readonly Route<AccountAuth>[] = [
  guardedRoute<CreateCredentialBody, undefined, AccountAuth>({
    id: "createCredential",
    method: "post",
    path: "/v1/credentials",
    summary: "Adds a password to the caller's own account; beside another one it needs `current_password`",
    access: accessRules.createCredential,
    body: createCredentialBody,
    status: 201,
    refusals: [
      "not_found",
      "invalid_format.identifier",
      "invalid_format.password",
      "conflict.duplicate_credential",
      "unauthorized.invalid_credential",
      "too_many_requests",
      "unavailable.busy",
    ],
    run: async ({ c, auth, actor, body }) => {
      if (body.type !== "password") throw new AuthError("forbidden");
      const { usr_id: userId, identifier, password, current_password: currentPassword } = body;
      const added = { actor, userId, identifier, password };
      const credential =
        currentPassword === undefined
          ? await auth.credentials.createPassword(added)
          : await auth.credentials.createOwnPassword({ ...added, currentPassword });
      return c.json(credentialBody(credential), 201);
    },
  }),
  guardedRoute<undefined, undefined, AccountAuth>({
    id: "getCredential",
    method: "get",
    path: "/v1/credentials/:cred_id",
    summary: "A credential, without its secret",
    access: accessRules.getCredential,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(credentialBody(await auth.credentials.get({ actor, credentialId: parameter("cred_id") })), 200),
  }),
  guardedRoute<RotateCredentialBody, undefined, AccountAuth>({
    id: "rotateCredential",
    method: "post",
    path: "/v1/credentials/:cred_id/rotate",
    summary: "Puts a new password in the place of the caller's own, and ends all their sessions",
    access: accessRules.rotateCredential,
    body: rotateCredentialBody,
    status: 200,
    refusals: [
      "invalid_format.password",
      "conflict.credential_not_active",
      "conflict.credential_type_mismatch",
      "unauthorized.invalid_credential",
      "too_many_requests",
      "unavailable.busy",
    ],
    run: async ({ c, auth, actor, body, parameter }) => {
      if (!("password" in body)) throw new AuthError("forbidden");
      const credentialId = parameter("cred_id");
      const { password, current_password: currentPassword } = body;
      const rotated = await auth.credentials.rotateOwnPassword({ actor, credentialId, currentPassword, password });
      return c.json(credentialBody(rotated), 200);
    },
  }),
  guardedRoute<EndCredentialBody, undefined, AccountAuth>({
    id: "suspendCredential",
    method: "post",
    path: "/v1/credentials/:cred_id/suspend",
    summary:
      "Ends the sessions that a credential gave, and lets nobody in with it; one's own password needs `current_password`",
    access: accessRules.suspendCredential,
    body: endCredentialBody,
    status: 200,
    refusals: endRefusals,
    run: async ({ c, auth, actor, body: { current_password: currentPassword }, parameter }) => {
      const act = { actor, credentialId: parameter("cred_id") };
      const credential =
        currentPassword === undefined
          ? await auth.credentials.suspend(act)
          : await auth.credentials.suspendOwnPassword({ ...act, currentPassword });
      return c.json(credentialBody(credential), 200);
    },
  }),
  guardedRoute<undefined, undefined, AccountAuth>({
    id: "reinstateCredential",
    method: "post",
    path: "/v1/credentials/:cred_id/reinstate",
    summary: "Makes a suspended credential usable again",
    access: accessRules.reinstateCredential,
    status: 200,
    refusals: ["precondition.invalid_transition", "precondition.user_not_active", "conflict.duplicate_credential"],
    run: async ({ c, auth, actor, parameter }) =>
      c.json(credentialBody(await auth.credentials.reinstate({ actor, credentialId: parameter("cred_id") })), 200),
  }),
  guardedRoute<EndCredentialBody, undefined, AccountAuth>({
    id: "revokeCredential",
    method: "post",
    path: "/v1/credentials/:cred_id/revoke",
    summary: "Ends a credential for good, with the sessions that it gave; one's own password needs `current_password`",
    access: accessRules.revokeCredential,
    body: endCredentialBody,
    status: 200,
    refusals: endRefusals,
    run: async ({ c, auth, actor, body: { current_password: currentPassword }, parameter }) => {
      const act = { actor, credentialId: parameter("cred_id") };
      const credential =
        currentPassword === undefined
          ? await auth.credentials.revoke(act)
          : await auth.credentials.revokeOwnPassword({ ...act, currentPassword });
      return c.json(credentialBody(credential), 200);
    },
  }),
];
