import { activityRoutes } from "./activity.tsx";
import { addressRoutes } from "./address.tsx";
import { authenticatorRoutes } from "./authenticator.tsx";
import { closeRoutes } from "./close.tsx";
import { deviceRoutes } from "./devices.tsx";
import { inviteRoutes } from "./invitations.tsx";
import { mergeRoutes } from "./merge.tsx";
import { passkeyRoutes } from "./passkeys.tsx";
import { passwordRoutes } from "./password.tsx";
import { passwordRemovalRoutes } from "./password-removal.tsx";
import { profileRoutes } from "./profile.tsx";
import { providerRoutes } from "./providers.tsx";
import { reviewRoutes } from "./review.tsx";
import type { PageRoute } from "./route.ts";
import { securityRoutes } from "./security.tsx";
import { securityKeyRoutes } from "./security-keys.tsx";
import { termsRoutes } from "./terms.tsx";
import { tokenRoutes } from "./tokens.tsx";

/** The pages of the account and their acts. */
export const accountRoutes: readonly PageRoute[] = [
  ...profileRoutes,
  ...addressRoutes,
  ...closeRoutes,
  ...mergeRoutes,
  ...securityRoutes,
  ...reviewRoutes,
  ...passwordRoutes,
  ...passwordRemovalRoutes,
  ...passkeyRoutes,
  ...authenticatorRoutes,
  ...securityKeyRoutes,
  ...providerRoutes,
  ...deviceRoutes,
  ...tokenRoutes,
  ...termsRoutes,
  ...activityRoutes,
  ...inviteRoutes,
];
