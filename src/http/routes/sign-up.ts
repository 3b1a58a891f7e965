import type { SignUpAuth } from "../../operations/sign-up.ts";
import { readCookie, sessionCookie } from "../cookies.ts";
import { openRoute, type Route } from "../route.ts";
import { type PasswordCredentialsBody, signUpBody, type UserFieldsBody } from "../schemas.ts";
import { signedIn } from "../session-cookie.ts";

/** Making an account for oneself. */
export const signUpRoutes: readonly Route<SignUpAuth>[] = [
  openRoute<PasswordCredentialsBody & UserFieldsBody, undefined, SignUpAuth>({
    id: "signUp",
    method: "post",
    path: "/auth/sign-up",
    summary: "Makes an account and signs in to it",
    access: "anyone",
    body: signUpBody,
    status: 201,
    refusals: [
      "forbidden.sign_up_closed",
      "invalid_format.identifier",
      "invalid_format.password",
      "conflict.duplicate_credential",
      "too_many_requests",
      "unavailable.busy",
    ],
    run: async ({ c, auth, body, context }) => {
      const { display_name: displayName = null, transport = "cookie", ...proof } = body;
      const presentedToken = readCookie(c, sessionCookie);
      const issued = await auth.signUp({ ...proof, displayName, transport, presentedToken, context });
      return c.json(signedIn(c, transport, issued), 201);
    },
  }),
];
