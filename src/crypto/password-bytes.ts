import { type Bytes, utf8 } from "./bytes.ts";

/** The most bytes of a password as typed. Longer input is never normalized. */
const maxBytesAsTyped = 4096;

/** The longest password that is hashed. */
const maxBytesPrepared = 1024;

/** `normal`: after NFKC. `typed`: the very characters, as an SDK hashes them that does not normalize. */
export type PasswordForm = "normal" | "typed";

/** True if the two forms of a password differ. The password must be one that {@link preparePassword} accepts. */
export function hasTwoForms(password: string): boolean {
  return password.normalize("NFKC") !== password;
}

/**
 * The bytes that stand for a password: UTF-8 after NFKC (NIST SP 800-63B-4 §3.1.1.2), the same when it is set and checked.
 *
 * `undefined` for a password that is refused; it is never cut or repaired (S15, R002). Refused are the empty password, more
 * than 4,096 bytes as typed or 1,024 after normalization, and a lone surrogate, because UTF-8 replaces all lone surrogates
 * alike, and two passwords would become one.
 *
 * @param form `typed` for the bytes without NFKC, within the same bounds. Default `normal`.
 */
export function preparePassword(password: string, form: PasswordForm = "normal"): Bytes | undefined {
  if (password.length === 0 || password.length > maxBytesAsTyped || !password.isWellFormed()) return undefined;
  if (utf8(password).length > maxBytesAsTyped) return undefined;
  const bytes = utf8(password.normalize("NFKC"));
  if (bytes.length > maxBytesPrepared) return undefined;
  return form === "normal" ? bytes : utf8(password);
}
