import { sha256Hex } from "../crypto/digest.ts";
import { isOpaqueToken } from "../domain/bearer.ts";

/** The digest of a session token that a client also presents, for the look-up; `undefined` if it cannot be a token. */
export async function digestOfToken(token: string | undefined): Promise<string | undefined> {
  return token && isOpaqueToken(token) ? await sha256Hex(token) : undefined;
}
