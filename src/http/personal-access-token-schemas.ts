/**
 * What requests about personal access tokens may hold.
 *
 * @module
 */
import * as v from "valibot";
import type { PersonalAccessTokenStatus } from "../domain/personal-access-token.ts";
import type { PageQuery } from "./schemas.ts";

export interface CreatePersonalAccessTokenBody {
  name: string;
  scope: string[];
  expires_at?: string | null | undefined;
}

/** What names, scopes and ends may be, the operation says, each with its own code. */
export const createPersonalAccessTokenBody: v.GenericSchema<unknown, CreatePersonalAccessTokenBody> = v.strictObject({
  name: v.string(),
  scope: v.array(v.string()),
  expires_at: v.optional(v.nullable(v.pipe(v.string(), v.isoTimestamp()))),
});

export interface PersonalAccessTokensQuery extends PageQuery {
  status?: PersonalAccessTokenStatus | undefined;
}

export const personalAccessTokensQuery: v.GenericSchema<unknown, PersonalAccessTokensQuery> = v.object({
  cursor: v.optional(v.string()),
  limit: v.optional(v.pipe(v.string(), v.regex(/^-?\d{1,9}$/))),
  status: v.optional(v.picklist(["active", "expired", "revoked"])),
});
