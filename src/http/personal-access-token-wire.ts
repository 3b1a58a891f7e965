/**
 * How personal access tokens travel: the specification's schema, and no member more.
 *
 * @module
 */
import { type PersonalAccessToken, personalAccessToken } from "../domain/personal-access-token.ts";
import { toBody, type WireOf } from "../domain/record.ts";

export type PersonalAccessTokenBody = WireOf<typeof personalAccessToken>;

/** A new token, with the secret that is shown this once. */
export interface IssuedPersonalAccessTokenBody {
  pat: PersonalAccessTokenBody;
  token: string;
}

export function personalAccessTokenBody(pat: PersonalAccessToken): PersonalAccessTokenBody {
  return toBody(personalAccessToken, pat);
}
