import type { Feature } from "../../engine/feature.ts";
import { type AccountAuth, accountParts } from "../../operations/accounts.ts";
import type { AccountsApi } from "../generated/api.ts";
import type { RouteTable } from "../route.ts";
import { credentialRoutes } from "../routes/credentials.ts";
import { sessionRoutes } from "../routes/sessions.ts";
import { userRoutes } from "../routes/users.ts";

/** The feature for managing accounts: users, credentials and sessions. Callers manage their own, administrators all of them. */
export function accounts(): Feature<AccountAuth, AccountsApi> {
  return { name: "accounts", make: accountParts, routes: accountRoutes };
}

const accountRoutes: RouteTable<AccountAuth> = () => [...userRoutes(), ...credentialRoutes(), ...sessionRoutes()];
