/** The details of a request for its audit event, cleaned so that no client can make an event unwritable. */
export interface RequestContext {
  /** The client's address, as found by the option `clientAddress`. */
  readonly address?: string | undefined;
  readonly userAgent?: string | undefined;
  /** Generated here for each request. */
  readonly requestId?: string | undefined;
  /** The client's own id for the request. */
  readonly clientRequestId?: string | undefined;
}

const maximumCharacters = 256;

/** Not a regular expression literal: V8 compiles those when it reads a script, half a millisecond of every cold start. */
const unprintable = "[\\p{C}\\u2028\\u2029]";

/**
 * Removes controls, bidirectional and other formatting characters, lone surrogates and private use; keeps at most 256
 * characters.
 */
export function cleanText(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  // Cut before an expression runs, to bound its work, and by code point afterwards, so that no pair is split.
  const cut = text.slice(0, 4 * maximumCharacters);
  if (/^[\x20-\x7e]*$/.test(cut)) return cut.slice(0, maximumCharacters) || undefined;
  const cleaned = [...cut.replace(new RegExp(unprintable, "gu"), "")];
  return cleaned.slice(0, maximumCharacters).join("") || undefined;
}

/** The context with every text cleaned. */
export function cleanContext(context: RequestContext): RequestContext {
  return {
    address: cleanText(context.address),
    userAgent: cleanText(context.userAgent),
    requestId: cleanText(context.requestId),
    clientRequestId: cleanText(context.clientRequestId),
  };
}
