/**
 * An isolate's memory of the tokens that it has proved: only that a text is the secret of a hash. It holds values, no promise.
 * The token's row decides at each use whether the token is valid.
 *
 * @module
 */

/** For how long a proof saves another Argon2id, in seconds (S24). */
export const proofSeconds = 300;
const mostProofs = 1_000;

/** Proof that a token's secret made a hash, and the time of that check by the database's clock. */
export interface TokenProof {
  readonly secretHash: string;
  readonly provedAt: Date;
}

/** The most recently used proofs, by the SHA-256 of the token. Only valid tokens get in, so no stranger adds one. */
export class ProvedTokens {
  readonly #proofs: Map<string, TokenProof> = new Map();

  get size(): number {
    return this.#proofs.size;
  }

  /** The proof of a token, which becomes the most recently used. */
  find(digest: string): TokenProof | undefined {
    const proof = this.#proofs.get(digest);
    if (proof) this.keep(digest, proof);
    return proof;
  }

  keep(digest: string, proof: TokenProof): void {
    this.#proofs.delete(digest);
    this.#proofs.set(digest, proof);
    if (this.#proofs.size > mostProofs) this.#proofs.delete(this.#proofs.keys().next().value!);
  }

  forget(digest: string): void {
    this.#proofs.delete(digest);
  }
}

/**
 * A few places in front of the hash queue, so that tokens, which anyone can make up, leave the rest of the queue to sign-in
 * (S24). An abandoned request may never leave its place, so each place is freed after a while.
 */
export class TokenCheckPlaces {
  readonly #most: number;
  #taken: { readonly since: number }[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** A place, or `undefined` if all are taken. Pass it to {@link leave}. */
  take(): object | undefined {
    const now = performance.now();
    this.#taken = this.#taken.filter(({ since }) => now - since < longestCheckMilliseconds);
    if (this.#taken.length >= this.#most) return undefined;
    const place = { since: now };
    this.#taken.push(place);
    return place;
  }

  leave(place: object): void {
    this.#taken = this.#taken.filter((taken) => taken !== place);
  }
}

/** Longer than any hash can wait and run. */
const longestCheckMilliseconds = 5_000;
