import * as v from "valibot";
import * as acts from "../../domain/acts/verification.ts";
import type { CredentialId } from "../../domain/id.ts";
import type { VerificationProof } from "../../operations/identifiers.ts";
import type { MailAuth } from "../../operations/mail.ts";
import type { VerifiedIdentifier } from "../../operations/mailed-link.ts";
import { knownDeviceCookie, readCookie } from "../cookies.ts";
import { deliverSoon } from "../mail-delivery.ts";
import { type RouteTable, rowsFor } from "../route.ts";

const rows = rowsFor<MailAuth>();

/** Proving that an identifier is the user's address. */
export const verificationRoutes: RouteTable<MailAuth> = () => [
  rows.guarded({
    act: acts.requestVerification,
    method: "post",
    path: "/auth/verification",
    body: () => v.strictObject({ identifier: v.optional(v.string()) }),
    status: 204,
    run: async ({ c, auth, actor, body }) => {
      const acceptLanguage = c.req.header("accept-language");
      await auth.identifiers.requestVerification({ actor, ...body, acceptLanguage });
      deliverSoon(c, auth);
    },
  }),
  rows.guarded({
    act: acts.verifyOwnIdentifier,
    method: "post",
    path: "/auth/verification/confirm",
    body: () => v.strictObject({ token: v.string() }),
    run: async ({ auth, actor, body: { token } }) =>
      verifiedBody(await auth.identifiers.verify({ token, proof: { type: "session", actor } })),
  }),
  rows.open({
    act: acts.verifyIdentifier,
    method: "post",
    path: "/auth/verification/confirm-with-password",
    access: "anyone",
    body: () =>
      v.union([
        v.strictObject({ token: v.string(), password: v.string() }),
        v.strictObject({ token: v.string(), new_password: v.string() }),
      ]),
    run: async ({ c, auth, body, context }) => {
      const proof: VerificationProof =
        "password" in body
          ? { type: "password", password: body.password, knownDevice: readCookie(c, auth, knownDeviceCookie) }
          : { type: "new_password", password: body.new_password };
      return verifiedBody(await auth.identifiers.verify({ token: body.token, proof, context }));
    },
  }),
];

export function verifiedBody({ credentialId, identifier }: VerifiedIdentifier): {
  credential_id: CredentialId;
  identifier: string;
} {
  return { credential_id: credentialId, identifier };
}
