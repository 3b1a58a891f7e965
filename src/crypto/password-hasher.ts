/** What operations need from a password hash: four functions, so that a runtime or a test supplies its own. */
export interface PasswordHasher {
  /** Hashes a password into a PHC string with the pinned cost. Rejects with `HashQueueFullError` when too many wait. */
  hash(password: string): Promise<string>;
  /** Whether it is a PHC string that {@link verify} works on; where not, the caller verifies a decoy instead. */
  canVerify(phc: string): boolean;
  /** Whether the password made this PHC string. False, after no work, for a string that is not ours to verify. */
  verify(phc: string, password: string): Promise<boolean>;
  /** Whether a hash that just verified should be replaced: its cost is not the pinned one. */
  needsRehash(phc: string): boolean;
}
