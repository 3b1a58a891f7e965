import { accessRules } from "../../domain/access-rules.ts";
import type { AccountAuth } from "../../operations/accounts.ts";
import type { PasskeyAuth } from "../../operations/passkeys.ts";
import { readCookie, sessionCookie } from "../cookies.ts";
import {
  type PasskeyOptionsBody,
  type PasskeySignInBody,
  passkeyOptionsBody,
  passkeySignInBody,
  type RegisterPasskeyBody,
  type RenamePasskeyBody,
  registerPasskeyBody,
  renamePasskeyBody,
} from "../passkey-schemas.ts";
import { assertionOptionsBody, passkeyBody, registrationOptionsBody } from "../passkey-wire.ts";
import { guardedRoute, openRoute, type Route } from "../route.ts";
import { signedIn } from "../session-cookie.ts";
import { presentedTicket } from "../ticket.ts";
import { credentialBody } from "../wire.ts";

/** What these rows need of Sallyport. */
export type PasskeyRouteAuth = AccountAuth & PasskeyAuth;

/** Passkeys: signing in with them, and keeping one's own. */
export const passkeyRoutes: readonly Route<PasskeyRouteAuth>[] = [
  openRoute<PasskeyOptionsBody, undefined, PasskeyRouteAuth>({
    id: "passkeySignInOptions",
    method: "post",
    path: "/auth/sign-in/passkey/options",
    summary: "What a browser needs to sign somebody in with a passkey, whoever they are",
    access: "anyone",
    body: passkeyOptionsBody,
    status: 200,
    refusals: [],
    run: async ({ c, auth, body }) => c.json(assertionOptionsBody(await auth.signIn.passkeyOptions(body)), 200),
  }),
  openRoute<PasskeySignInBody, undefined, PasskeyRouteAuth>({
    id: "signInWithPasskey",
    method: "post",
    path: "/auth/sign-in/passkey",
    summary: "Signs in with a passkey, which is two factors",
    access: "anyone",
    body: passkeySignInBody,
    status: 200,
    refusals: ["unauthorized.invalid_credential", "too_many_requests"],
    run: async ({ c, auth, body, context }) => {
      const { transport = "cookie", response } = body;
      const presentedToken = transport === "cookie" ? readCookie(c, sessionCookie) : undefined;
      const issued = await auth.signIn.passkey({ response, transport, context, presentedToken });
      return c.json(signedIn(c, transport, issued), 200);
    },
  }),
  openRoute<undefined, undefined, PasskeyRouteAuth>({
    id: "factorOptions",
    method: "post",
    path: "/auth/sign-in/factor/options",
    summary: "What a browser needs to prove a passkey or a security key as the second factor of the login ticket",
    access: "ticket",
    status: 200,
    refusals: ["unauthorized.invalid_ticket"],
    run: async ({ c, auth, context }) =>
      c.json(assertionOptionsBody(await auth.passkeys.proofOptions({ ...presentedTicket(c), context })), 200),
  }),
  guardedRoute<undefined, undefined, PasskeyRouteAuth>({
    id: "stepUpOptions",
    method: "post",
    path: "/auth/step-up/options",
    summary: "What a browser needs to step up with a passkey or a security key",
    access: accessRules.stepUp,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor }) => c.json(assertionOptionsBody(await auth.passkeys.proofOptions({ actor })), 200),
  }),
  guardedRoute<undefined, undefined, PasskeyRouteAuth>({
    id: "listOwnPasskeys",
    method: "get",
    path: "/auth/passkeys",
    summary: "The caller's passkeys that are not revoked",
    access: accessRules.listPasskeys,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor, user }) =>
      c.json({ passkeys: (await auth.passkeys.list({ actor, userId: user.id })).map(passkeyBody) }, 200),
  }),
  guardedRoute<undefined, undefined, PasskeyRouteAuth>({
    id: "passkeyRegistrationOptions",
    method: "post",
    path: "/auth/passkeys/options",
    summary: "What a browser needs to make a passkey for the caller",
    access: accessRules.registerPasskey,
    status: 200,
    refusals: [],
    run: async ({ c, auth, actor }) =>
      c.json(registrationOptionsBody(await auth.passkeys.registrationOptions({ actor })), 200),
  }),
  guardedRoute<RegisterPasskeyBody, undefined, PasskeyRouteAuth>({
    id: "registerPasskey",
    method: "post",
    path: "/auth/passkeys",
    summary: "Keeps the passkey that a browser has made",
    access: accessRules.registerPasskey,
    body: registerPasskeyBody,
    status: 201,
    refusals: ["invalid_format.webauthn", "invalid_format.name", "conflict.duplicate_credential"],
    run: async ({ c, auth, actor, body: { response, name = null } }) =>
      c.json(passkeyBody(await auth.passkeys.register({ actor, response, name })), 201),
  }),
  guardedRoute<RenamePasskeyBody, undefined, PasskeyRouteAuth>({
    id: "renamePasskey",
    method: "put",
    path: "/auth/passkeys/:cred_id",
    summary: "Gives a passkey of the caller's another name",
    access: accessRules.renamePasskey,
    body: renamePasskeyBody,
    status: 200,
    refusals: ["not_found", "forbidden", "invalid_format.name", "conflict.already_terminal"],
    run: async ({ c, auth, actor, body: { name }, parameter }) =>
      c.json(passkeyBody(await auth.passkeys.rename({ actor, passkeyId: parameter("cred_id"), name })), 200),
  }),
  guardedRoute<undefined, undefined, PasskeyRouteAuth>({
    id: "revokePasskey",
    method: "post",
    path: "/auth/passkeys/:cred_id/revoke",
    summary: "Ends a passkey for good, with the sessions that it gave",
    access: accessRules.revokeOwnPasskey,
    status: 200,
    refusals: ["not_found", "forbidden", "conflict.already_terminal", "conflict.last_way_in", "conflict.last_factor"],
    run: async ({ c, auth, actor, parameter }) => {
      const credentialId = parameter("cred_id");
      return c.json(credentialBody(await auth.credentials.revoke({ actor, credentialId, onlyOwnPasskey: true })), 200);
    },
  }),
];
