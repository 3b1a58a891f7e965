import { AuthError, isErrorCode } from "../domain/error.ts";

/** Throws the refusal that a row holds, if it holds one. The codes come from our own statements. */
export function refuse(code: string | null): void {
  if (code === null) return;
  if (!isErrorCode(code)) throw new TypeError("Unknown refusal.");
  throw new AuthError(code);
}
