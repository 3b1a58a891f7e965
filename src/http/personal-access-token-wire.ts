/**
 * Personal access tokens as JSON: the specification's schema, without additional members.
 *
 * @module
 */
import { type PersonalAccessToken, personalAccessToken } from "../domain/personal-access-token.ts";
import { toBody, type WireOf } from "../domain/record.ts";

/** A personal access token in a response, without its secret. */
export type PersonalAccessTokenBody = WireOf<typeof personalAccessToken>;

/** A new token with its secret, which is shown only this once. */
export interface IssuedPersonalAccessTokenBody {
  pat: PersonalAccessTokenBody;
  token: string;
}

export function personalAccessTokenBody(pat: PersonalAccessToken): PersonalAccessTokenBody {
  return toBody(personalAccessToken, pat);
}
