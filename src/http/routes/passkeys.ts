import * as v from "valibot";
import { ownerOnly } from "../../domain/act.ts";
import { verifyFactor } from "../../domain/acts/factor.ts";
import * as acts from "../../domain/acts/passkey.ts";
import { stepUp } from "../../domain/acts/session.ts";
import { signInWithPasskey } from "../../domain/acts/sign-in.ts";
import type { PasskeyAuth } from "../../operations/passkeys.ts";
import { readCookie, sessionCookie } from "../cookies.ts";
import { assertionOptionsBody, passkeyBody, registrationOptionsBody } from "../passkey-wire.ts";
import { transportEntry } from "../request-values.ts";
import { type Route, rowsFor } from "../route.ts";
import { signedIn } from "../session-cookie.ts";
import { presentedTicket } from "../ticket.ts";
import { credentialBody } from "../wire.ts";

const rows = rowsFor<PasskeyAuth>();

/** `RegistrationResponseJSON` or `AuthenticationResponseJSON` (WebAuthn L3 §5.1.8). The operation checks its shape. */
const browserResponse = v.looseObject({});

/** Passkeys: signing in with them, and managing the caller's own. */
export const passkeyRoutes: readonly Route<PasskeyAuth>[] = [
  rows.open({
    act: { ...signInWithPasskey, refusals: [] },
    id: "passkeySignInOptions",
    method: "post",
    path: "/auth/sign-in/passkey/options",
    summary: "Get options for `navigator.credentials.get` to sign in with a passkey",
    access: "anyone",
    body: v.strictObject({ identifier: v.optional(v.string()) }),
    status: 200,
    run: async ({ c, auth, body }) => c.json(assertionOptionsBody(await auth.signIn.passkeyOptions(body)), 200),
  }),
  rows.open({
    act: signInWithPasskey,
    id: "signInWithPasskey",
    method: "post",
    path: "/auth/sign-in/passkey",
    summary: "Sign in with a passkey, which counts as two factors",
    access: "anyone",
    body: v.strictObject({ response: browserResponse, transport: transportEntry() }),
    status: 200,
    run: async ({ c, auth, body, context }) => {
      const { transport = "cookie", response } = body;
      const presentedToken = transport === "cookie" ? readCookie(c, sessionCookie) : undefined;
      const issued = await auth.signIn.passkey({ response, transport, context, presentedToken });
      return c.json(signedIn(c, transport, issued), 200);
    },
  }),
  rows.open({
    act: { ...verifyFactor, refusals: [] },
    id: "factorOptions",
    method: "post",
    path: "/auth/sign-in/factor/options",
    summary: "Get options for `navigator.credentials.get` to use a passkey or security key as the second factor",
    access: "ticket",
    status: 200,
    refusals: ["unauthorized.invalid_ticket"],
    run: async ({ c, auth, context }) =>
      c.json(assertionOptionsBody(await auth.passkeys.proofOptions({ ...presentedTicket(c), context })), 200),
  }),
  rows.guarded({
    act: { ...stepUp, refusals: [] },
    id: "stepUpOptions",
    method: "post",
    path: "/auth/step-up/options",
    summary: "Get options for `navigator.credentials.get` to step up with a passkey or security key",
    status: 200,
    run: async ({ c, auth, actor }) => c.json(assertionOptionsBody(await auth.passkeys.proofOptions({ actor })), 200),
  }),
  rows.guarded({
    act: ownerOnly(acts.listPasskeys),
    id: "listOwnPasskeys",
    method: "get",
    path: "/auth/passkeys",
    summary: "List the caller's passkeys that are not revoked",
    status: 200,
    run: async ({ c, auth, actor, user }) => {
      const { data } = await auth.passkeys.list({ actor, userId: user.id });
      return c.json({ passkeys: data.map(passkeyBody) }, 200);
    },
  }),
  rows.guarded({
    act: { ...acts.registerPasskey, refusals: [] },
    id: "passkeyRegistrationOptions",
    method: "post",
    path: "/auth/passkeys/options",
    summary: "Get options for `navigator.credentials.create` to add a passkey",
    status: 200,
    run: async ({ c, auth, actor }) =>
      c.json(registrationOptionsBody(await auth.passkeys.registrationOptions({ actor })), 200),
  }),
  rows.guarded({
    act: acts.registerPasskey,
    id: "registerPasskey",
    method: "post",
    path: "/auth/passkeys",
    summary: "Register a passkey",
    body: v.strictObject({ response: browserResponse, name: v.optional(v.string()) }),
    status: 201,
    run: async ({ c, auth, actor, body: { response, name = null } }) =>
      c.json(passkeyBody(await auth.passkeys.register({ actor, response, name })), 201),
  }),
  rows.guarded({
    act: acts.renamePasskey,
    id: "renamePasskey",
    method: "put",
    path: "/auth/passkeys/:cred_id",
    summary: "Rename one of the caller's passkeys",
    body: v.strictObject({ name: v.string() }),
    status: 200,
    run: async ({ c, auth, actor, parameter, body: { name } }) =>
      c.json(passkeyBody(await auth.passkeys.rename({ actor, passkeyId: parameter("cred_id"), name })), 200),
  }),
  rows.guarded({
    act: acts.revokeOwnPasskey,
    id: "revokePasskey",
    method: "post",
    path: "/auth/passkeys/:cred_id/revoke",
    summary: "Revoke one of the caller's passkeys and end the sessions started with it",
    status: 200,
    run: async ({ c, auth, actor, parameter }) =>
      c.json(credentialBody(await auth.passkeys.revoke({ actor, passkeyId: parameter("cred_id") })), 200),
  }),
];
