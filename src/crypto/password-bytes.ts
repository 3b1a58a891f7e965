import { type Bytes, utf8 } from "./bytes.ts";

/** The longest password as it arrives, so that no more than this is ever normalised. */
const maxBytesAsTyped = 4096;

/** The longest password that is hashed. */
const maxBytesPrepared = 1024;

/**
 * The bytes that stand for a password: UTF-8 after NFKC (NIST SP 800-63B-4 §3.1.1.2), the same when it is set and checked.
 *
 * `undefined` for what is refused, never cut or repaired (S15, R002): the empty password, more than 4,096 bytes as typed or
 * 1,024 after normalisation, and a lone surrogate, which UTF-8 could only replace, so that two passwords would be one.
 */
export function preparePassword(password: string): Bytes | undefined {
  if (password.length === 0 || password.length > maxBytesAsTyped || !password.isWellFormed()) return undefined;
  if (utf8(password).length > maxBytesAsTyped) return undefined;
  const bytes = utf8(password.normalize("NFKC"));
  return bytes.length <= maxBytesPrepared ? bytes : undefined;
}
