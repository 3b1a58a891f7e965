import { AuthError, isErrorCode } from "../domain/error.ts";

/**
 * Throws the refusal in a row, if there is one. The codes come from our own statements.
 *
 * @param details What the client may see besides the code. Default: nothing.
 */
export function refuse(code: string | null, details?: AuthError["details"]): void {
  if (code === null) return;
  if (!isErrorCode(code)) throw new TypeError("Unknown refusal.");
  throw new AuthError(code, { details });
}
