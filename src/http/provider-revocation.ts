import type { Context } from "hono";
import type { WithRealm } from "../engine/realm.ts";
import type { FederationAuth } from "../operations/federation-operations.ts";
import { realmOf } from "./auth-source.ts";
import { waitUntil } from "./mail-delivery.ts";

/** Revokes tokens at their providers after the answer, which waits for no provider. What is not revoked now is on the schedule. */
export function revokeSoon(c: Context, auth: FederationAuth & WithRealm): void {
  const work = auth.federation.revokeOwed({ limit: 5 }).catch(realmOf(auth).report);
  waitUntil(c)?.(work);
}
