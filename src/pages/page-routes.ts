import { accountRoutes } from "./account-routes.ts";
import { addressLinkRoutes } from "./address.tsx";
import { enrollmentRoutes } from "./enrollment.tsx";
import { invitationRoutes } from "./invitation.tsx";
import { linkSignInRoutes } from "./link-sign-in.tsx";
import { codeRoutes } from "./mailed-link.tsx";
import { notMeRoutes } from "./not-me.tsx";
import { organizationRoutes } from "./organization.tsx";
import { recoverRoutes } from "./recover.tsx";
import { resetRoutes } from "./reset.tsx";
import type { PageRoute } from "./route.ts";
import { secondFactorRoutes } from "./second-factor.tsx";
import { signInRoutes } from "./sign-in.tsx";
import { signUpRoutes } from "./sign-up.tsx";
import { stepUpRoutes } from "./step-up.tsx";
import { verifyRoutes } from "./verify.tsx";

/** Every page and act, by its path below the base path of a site. */
export const pageRoutes: readonly PageRoute[] = [
  ...signInRoutes,
  ...signUpRoutes,
  ...invitationRoutes,
  ...verifyRoutes,
  ...resetRoutes,
  ...linkSignInRoutes,
  ...organizationRoutes,
  ...codeRoutes,
  ...notMeRoutes,
  ...addressLinkRoutes,
  ...recoverRoutes,
  ...secondFactorRoutes,
  ...enrollmentRoutes,
  ...accountRoutes,
  ...stepUpRoutes,
];
