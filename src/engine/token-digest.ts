import { sha256Hex } from "../crypto/digest.ts";
import { isOpaqueToken } from "../domain/bearer.ts";

/** The digest by which a session token is looked up that a client presents besides; none for what can be no token. */
export async function digestOfToken(token: string | undefined): Promise<string | undefined> {
  return token && isOpaqueToken(token) ? await sha256Hex(token) : undefined;
}
