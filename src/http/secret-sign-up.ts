import * as v from "valibot";
import type { Transport } from "../domain/session.ts";
import { acceptTypedName } from "../domain/text.ts";
import type { AccountWithSecret } from "../operations/secret-sign-up.ts";
import type { SignedUp } from "../operations/sign-up.ts";
import { displayNameEntry, rememberEntry, transportEntry } from "./request-values.ts";
import type { Call } from "./route.ts";
import type { Schema } from "./schema.ts";
import { replacedToken, signedIn } from "./session-cookie.ts";
import type { SignedInBody } from "./wire.ts";

interface SecretSignUp {
  token: string;
  password: string;
  display_name?: string | null | undefined;
  transport?: Transport | undefined;
  remember?: boolean | undefined;
}

/** The body of a request that makes an account with a mailed link or an invitation. */
export const secretSignUpBody: Schema<SecretSignUp> = () =>
  v.strictObject({
    token: v.string(),
    password: v.string(),
    display_name: displayNameEntry(),
    transport: transportEntry(),
    remember: rememberEntry(),
  });

/** Makes the account, and answers as a sign-up does. */
export async function signUpWithSecret(
  { c, auth, body, context }: Call<SecretSignUp, undefined, object>,
  make: (account: AccountWithSecret) => Promise<SignedUp>,
): Promise<SignedInBody> {
  const { display_name: name, transport = "cookie", ...account } = body;
  const displayName = typeof name === "string" ? acceptTypedName(name) : name;
  const presentedToken = replacedToken(c, auth, transport);
  return signedIn(c, auth, transport, await make({ ...account, displayName, transport, presentedToken, context }));
}
