/**
 * What an isolate remembers of tokens that it has proved: that this text is the secret of that hash, and nothing else. Values,
 * no promise; whether a token counts now, its row says at each use.
 *
 * @module
 */

/** For how long a proof stands for another Argon2id, in seconds (S24). */
export const proofSeconds = 300;
const mostProofs = 1_000;

/** That a token's secret made a hash, and when that was, by the database's clock. */
export interface TokenProof {
  readonly secretHash: string;
  readonly provedAt: Date;
}

/** The proofs used last, by the SHA-256 of the token. Only of tokens that were right: no stranger puts anything in. */
export class ProvedTokens {
  readonly #proofs: Map<string, TokenProof> = new Map();

  get size(): number {
    return this.#proofs.size;
  }

  /** The proof of a token, which thereby counts as used last. */
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
 * A few places before the queue of hashes, so that tokens, which anybody can make up, leave the rest of it to sign-in (S24).
 * A request that its client gave up may never leave its place, so that each is lost after a while.
 */
export class TokenCheckPlaces {
  readonly #most: number;
  #taken: { readonly since: number }[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** A place, or `undefined` if all are taken. {@link leave} it. */
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

/** Longer than any hash waits and takes. */
const longestCheckMilliseconds = 5_000;
