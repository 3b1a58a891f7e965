/**
 * How personal access tokens travel: the specification's schema, and no member more.
 *
 * @module
 */
import type { PersonalAccessToken, PersonalAccessTokenStatus } from "../domain/personal-access-token.ts";

export interface PersonalAccessTokenBody {
  id: string;
  usr_id: string;
  name: string;
  scope: string[];
  status: PersonalAccessTokenStatus;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
  created_at: string;
  updated_at: string;
}

/** A new token, with the secret that is shown this once. */
export interface IssuedPersonalAccessTokenBody {
  pat: PersonalAccessTokenBody;
  token: string;
}

export function personalAccessTokenBody(pat: PersonalAccessToken): PersonalAccessTokenBody {
  return {
    id: pat.id,
    usr_id: pat.userId,
    name: pat.name,
    scope: [...pat.scope],
    status: pat.status,
    expires_at: pat.expiresAt?.toISOString() ?? null,
    last_used_at: pat.lastUsedAt?.toISOString() ?? null,
    revoked_at: pat.revokedAt?.toISOString() ?? null,
    created_at: pat.createdAt.toISOString(),
    updated_at: pat.updatedAt.toISOString(),
  };
}
