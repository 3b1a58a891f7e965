/**
 * The TXT records of a name: one text for each record, whose strings are joined. None if the name has none, or does not exist.
 *
 * It rejects if it cannot know: an outage is never an answer without records.
 */
export type TxtResolver = (name: string) => Promise<readonly string[]>;

/**
 * What is wrong, for {@link ResolverError}. `RCODE_2` is a failure of the domain's own servers (SERVFAIL); the other numbers are
 * in RFC 1035 §4.1.1. `HTTP_…` is the resolver's status.
 */
export type ResolverErrorCode =
  | "TIMEOUT"
  | "UNREACHABLE"
  | "TOO_LARGE"
  | "MEDIA_TYPE"
  | "MALFORMED"
  | `HTTP_${number}`
  | `RCODE_${number}`;

/** The records of a name could not be read. The same request may succeed later. The message does not contain the name. */
export class ResolverError extends Error {
  override readonly name = "ResolverError";
  readonly code: ResolverErrorCode;

  constructor(code: ResolverErrorCode, options?: ErrorOptions) {
    super(`The DNS records could not be read: ${code}.`, options);
    this.code = code;
  }
}
