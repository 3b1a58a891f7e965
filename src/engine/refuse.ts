import { AuthError, isErrorCode } from "../domain/error.ts";

/** Throws the refusal in a row, if there is one. The codes come from our own statements. */
export function refuse(code: string | null): void {
  if (code === null) return;
  if (!isErrorCode(code)) throw new TypeError("Unknown refusal.");
  throw new AuthError(code);
}
