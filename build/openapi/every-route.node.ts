import type { AnyRoute } from "../../src/http/route.ts";
import { coreRoutes } from "../../src/http/routes/core.ts";
import { credentialRoutes } from "../../src/http/routes/credentials.ts";
import { mfaRoutes } from "../../src/http/routes/factors.ts";
import { passkeyRoutes } from "../../src/http/routes/passkeys.ts";
import { passwordRoutes } from "../../src/http/routes/passwords.ts";
import { personalAccessTokenRoutes } from "../../src/http/routes/personal-access-tokens.ts";
import { sessionRoutes } from "../../src/http/routes/sessions.ts";
import { signUpRoutes } from "../../src/http/routes/sign-up.ts";
import { userRoutes } from "../../src/http/routes/users.ts";

/** Every row, by feature; `core` holds the rows of every application. */
export const routesByFeature: Readonly<Record<string, readonly AnyRoute[]>> = {
  core: coreRoutes,
  passwords: passwordRoutes,
  signUp: signUpRoutes,
  accounts: [...userRoutes, ...credentialRoutes, ...sessionRoutes],
  mfa: mfaRoutes,
  passkeys: passkeyRoutes,
  personalAccessTokens: personalAccessTokenRoutes,
};

/** Every row of every feature, for the document and the tests. */
export const everyRoute: readonly AnyRoute[] = Object.values(routesByFeature).flat();
