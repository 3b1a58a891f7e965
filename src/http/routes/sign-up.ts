import * as v from "valibot";
import { signUp } from "../../domain/acts/sign-in.ts";
import { acceptTypedName } from "../../domain/text.ts";
import type { SignUpAuth } from "../../operations/sign-up.ts";
import { displayNameEntry, rememberEntry, transportEntry } from "../request-values.ts";
import { type RouteTable, rowsFor } from "../route.ts";
import { replacedToken, signedIn } from "../session-cookie.ts";

const rows = rowsFor<SignUpAuth>();

/** Signing up. */
export const signUpRoutes: RouteTable<SignUpAuth> = () => [
  rows.open({
    act: signUp,
    method: "post",
    path: "/auth/sign-up",
    access: "anyone",
    body: () =>
      v.strictObject({
        identifier: v.string(),
        password: v.string(),
        display_name: displayNameEntry(),
        transport: transportEntry(),
        remember: rememberEntry(),
      }),
    status: 201,
    run: async ({ c, auth, body, context }) => {
      const { display_name: name = null, transport = "cookie", ...proof } = body;
      const displayName = name === null ? null : acceptTypedName(name);
      const presentedToken = replacedToken(c, auth, transport);
      const issued = await auth.signUp({ ...proof, displayName, transport, presentedToken, context });
      return signedIn(c, auth, transport, issued);
    },
  }),
];
