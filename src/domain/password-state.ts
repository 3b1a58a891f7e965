/** In place of a hash, for a password that opens nothing until it is replaced. No hasher reads it. */
export const unusableHash = "*";
