/** What SimpleWebAuthn does with a response, where Sallyport does the opposite. */
export interface Difference {
  /** A response of `ceremony-cases.ts`. */
  readonly response: string;
  readonly registration?: "accepts" | "refuses";
  readonly assertion?: "accepts" | "refuses";
}

const both = (alone: "accepts" | "refuses") => ({ registration: alone, assertion: alone });

/**
 * Every difference between the two verifiers. What SimpleWebAuthn accepts and Sallyport refuses stays refused with
 * `passkeys({ verifier: simpleWebAuthn() })`, by rules that hold with any verifier.
 */
export const differences: readonly Difference[] = [
  { response: "client data that is not UTF-8", ...both("accepts") },
  { response: "client data of 16 KiB and more", ...both("accepts") },
  { response: "an origin that occurs twice, the wrong one first", ...both("accepts") },
  { response: "an unknown member that occurs twice", ...both("accepts") },
  { response: "a frame that is not allowed, without its page's origin", ...both("accepts") },
  { response: "a frame that is not allowed, with its page's origin", registration: "accepts" },
  { response: "another page's frame", registration: "accepts" },
  { response: "a page's origin outside a frame", registration: "accepts" },
  { response: "a page's origin that is empty", ...both("accepts") },
  { response: "crossOrigin as text", ...both("accepts") },
  { response: "token binding with an unknown status", ...both("refuses") },
  { response: "token binding that is not supported", assertion: "refuses" },
  { response: "an extension nested 200 deep", registration: "accepts" },
  { response: "an extension with a tag", registration: "accepts" },
  { response: "an extension with a floating-point number", registration: "accepts" },
  { response: "extensions that are not a map", assertion: "accepts" },
  { response: "a key cut short", registration: "accepts" },
  { response: "a credential id of 1,024 bytes", registration: "accepts" },
  { response: "another credential id than the authenticator's", registration: "accepts" },
  { response: "a key of RS256 with 1024 bits", ...both("accepts") },
  { response: "a key of ES256 that says EdDSA", registration: "accepts" },
  { response: "a key without its type", registration: "accepts" },
  { response: "a key without a coordinate", registration: "accepts" },
  { response: "a key of another type", registration: "accepts" },
  { response: "a key of another curve", registration: "accepts" },
  { response: "a key with an identifier of its own", ...both("accepts") },
  { response: "a point off the curve", registration: "accepts" },
  { response: "a coordinate of 33 bytes", ...both("accepts") },
  { response: "a key with an integer longer than it must be", ...both("refuses") },
  { response: "a stored key with a byte after it", assertion: "accepts" },
  { response: "a signature with a byte after it, ES256", assertion: "accepts" },
  { response: "an ES256 signature whose length is written in two bytes", assertion: "accepts" },
  { response: "an ES256 signature of indefinite length", assertion: "accepts" },
  { response: "an ES256 signature with a third number", assertion: "accepts" },
];
