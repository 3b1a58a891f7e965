import type { Feature } from "../../engine/feature.ts";
import { type AccountAuth, accountParts } from "../../operations/accounts.ts";
import type { AccountApi } from "../api.ts";
import { accountRoutes } from "../routes/account.ts";
import { credentialRoutes } from "../routes/credentials.ts";
import { sessionRoutes } from "../routes/sessions.ts";
import { userRoutes } from "../routes/users.ts";

/** Managing accounts: users, credentials and sessions, one's own and, for administrators, everybody's. */
export function accounts(): Feature<AccountAuth, AccountApi> {
  const routes = [...accountRoutes, ...userRoutes, ...credentialRoutes, ...sessionRoutes];
  return { name: "accounts", make: accountParts, routes };
}
