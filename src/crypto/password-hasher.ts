import type { PasswordForm } from "./password-bytes.ts";

/** A password hash as a few functions, so that a runtime or a test can supply its own. */
export interface PasswordHasher {
  /**
   * Hashes a password into a PHC string with the pinned cost. Rejects with `HashQueueFullError` when too many wait.
   *
   * @param form Whether the password is normalized first. Default `normal`.
   */
  hash(password: string, form?: PasswordForm): Promise<string>;
  /** True for a PHC string that `verify` can check. If false, the caller verifies a decoy instead. */
  canVerify(phc: string): boolean;
  /** True if the password made this PHC string. False, without any work, for a string that cannot be checked here. */
  verify(phc: string, password: string, form?: PasswordForm): Promise<boolean>;
  /** True if a hash that was just verified should be replaced, because its cost is not the pinned one. */
  needsRehash(phc: string): boolean;
  /** True if `verify` would reject now because too many wait. Then nothing is counted first. Default: never. */
  isBusy?(): boolean;
}
