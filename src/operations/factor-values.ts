import type { Factor } from "../domain/factor.ts";
import { wireId } from "../domain/id.ts";
import type { FactorRow } from "../store/factors.ts";

export function toFactor(row: FactorRow): Factor {
  return {
    id: wireId("mfa", row.id),
    type: row.type,
    status: row.status,
    identifier: row.identifier,
    replaces: row.replaces === null ? null : wireId("mfa", row.replaces),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    remaining: row.remaining,
    rpId: row.rpId,
    signCount: row.signCount === null ? null : Number(row.signCount),
    aaguid: row.aaguid,
    transports: row.transports,
  };
}
