import * as v from "valibot";
import { ownerOnly } from "../../domain/act.ts";
import { verifyFactor } from "../../domain/acts/factor.ts";
import * as acts from "../../domain/acts/passkey.ts";
import { stepUp } from "../../domain/acts/session.ts";
import { signInWithPasskey } from "../../domain/acts/sign-in.ts";
import { acceptTypedName } from "../../domain/text.ts";
import type { PasskeyAuth } from "../../operations/passkeys.ts";
import { assertionOptionsBody, passkeyBody, registrationOptionsBody } from "../passkey-wire.ts";
import { rememberEntry, transportEntry } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { replacedToken, signedIn, startSession } from "../session-cookie.ts";
import { presentedTicket, sessionHeader } from "../ticket.ts";
import { authenticationResponseBody, registrationResponseBody } from "../webauthn-schemas.ts";
import { credentialBody } from "../wire.ts";

const rows = rowsFor<PasskeyAuth>();

/** Passkeys: signing in with them, and managing the caller's own. */
export const passkeyRoutes: RouteTable<PasskeyAuth> = () => [
  rows.open({
    act: { ...signInWithPasskey, refusals: [] },
    id: "passkeySignInOptions",
    method: "post",
    path: "/auth/sign-in/passkey/options",
    access: "anyone",
    body: () => v.strictObject({ identifier: v.optional(v.string()) }),
    run: async ({ auth, body }) => assertionOptionsBody(await auth.signIn.passkeyOptions(body)),
  }),
  rows.open({
    act: signInWithPasskey,
    method: "post",
    path: "/auth/sign-in/passkey",
    access: "anyone",
    body: () =>
      v.strictObject({
        response: authenticationResponseBody(),
        transport: transportEntry(),
        remember: rememberEntry(),
      }),
    run: async ({ c, auth, body, context }) => {
      const { transport = "cookie", ...proof } = body;
      const presentedToken = replacedToken(c, auth, transport);
      const issued = await auth.signIn.passkey({ ...proof, transport, context, presentedToken });
      return signedIn(c, auth, transport, issued);
    },
  }),
  rows.open({
    act: { ...verifyFactor, refusals: [] },
    id: "factorOptions",
    method: "post",
    path: "/auth/sign-in/factor/options",
    access: "ticket",
    refusals: ["unauthorized.invalid_ticket"],
    run: async ({ c, auth, context }) =>
      assertionOptionsBody(await auth.passkeys.proofOptions({ ...presentedTicket(c, auth), context })),
  }),
  rows.guarded({
    act: { ...stepUp, refusals: [] },
    id: "stepUpOptions",
    method: "post",
    path: "/auth/step-up/options",
    run: async ({ auth, actor }) => assertionOptionsBody(await auth.passkeys.proofOptions({ actor })),
  }),
  rows.guarded({
    act: ownerOnly(acts.listPasskeys),
    method: "get",
    path: "/auth/passkeys",
    run: async ({ auth, actor, user }) => {
      const { data } = await auth.passkeys.list({ actor, userId: user.id });
      return { passkeys: data.map(passkeyBody) };
    },
  }),
  rows.guarded({
    act: { ...acts.registerPasskey, refusals: ["precondition.limit_reached"] },
    id: "passkeyRegistrationOptions",
    method: "post",
    path: "/auth/passkeys/options",
    run: async ({ auth, actor }) => registrationOptionsBody(await auth.passkeys.registrationOptions({ actor })),
  }),
  rows.guarded({
    act: acts.registerPasskey,
    method: "post",
    path: "/auth/passkeys",
    body: () => v.strictObject({ response: registrationResponseBody(), name: v.optional(v.string()) }),
    status: 201,
    run: async ({ c, auth, actor, presented, body: { response, name = null } }) => {
      const { transport } = presented!;
      const typedName = name === null ? null : acceptTypedName(name);
      const registered = await auth.passkeys.register({ actor, response, name: typedName, transport });
      if (transport === "cookie") startSession(c, auth, registered);
      else c.header(sessionHeader, registered.token);
      return passkeyBody(registered.passkey);
    },
  }),
  rows.guarded({
    act: acts.renamePasskey,
    method: "put",
    path: "/auth/passkeys/:cred_id",
    body: () => v.strictObject({ name: v.string() }),
    run: async ({ auth, actor, parameter, body: { name } }) =>
      passkeyBody(await auth.passkeys.rename({ actor, passkeyId: parameter("cred_id"), name: acceptTypedName(name) })),
  }),
  rows.guarded({
    act: acts.revokeOwnPasskey,
    method: "post",
    path: "/auth/passkeys/:cred_id/revoke",
    run: async ({ auth, actor, parameter }) =>
      credentialBody(await auth.passkeys.revoke({ actor, passkeyId: parameter("cred_id") })),
  }),
];
