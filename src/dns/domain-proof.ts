import { constantTimeEqual, utf8 } from "../crypto/bytes.ts";
import { isDomainName } from "../domain/domain-name.ts";
import { requireOption } from "../domain/option-error.ts";
import type { TxtResolver } from "./txt-resolver.ts";

/** What a customer must show to prove that they control a domain. */
export interface DomainProof {
  /** ASCII in lower case with `xn--` for other letters, such as `example.com`. Not a single label. */
  readonly domain: string;
  /** Random, and made for this customer and this domain alone: 22 to 128 characters of base64url. */
  readonly value: string;
}

/** A name has 253 characters (RFC 1035 §2.3.4), and the record's has eleven more than the domain. */
const longestDomain = 242;

/** True for a domain that {@link provesDomain} accepts. */
export function isProvableDomain(domain: unknown): domain is string {
  return isDomainName(domain) && domain.includes(".") && domain.length <= longestDomain;
}

/** The TXT record that proves a domain: its name, and its text. */
export function proofRecord({ domain, value }: DomainProof): { readonly name: string; readonly text: string } {
  return { name: `_sallyport.${domain}`, text: `sallyport-domain-verification=${value}` };
}

/**
 * True if a TXT record of `_sallyport.<domain>` is `sallyport-domain-verification=<value>`, and nothing more.
 *
 * An alias counts: if `_sallyport.<domain>` leads to another name, also by a wildcard, the owner of that name can prove the domain.
 *
 * It says so of the domain and the value that it was given. Save the result only if both are still what the customer has, in the
 * statement that saves it: a customer could change the domain while the resolver is asked.
 *
 * @throws {TypeError} If the domain or the value does not have its form. The resolver's own errors are thrown too: an outage is
 *   no answer.
 */
export async function provesDomain(resolver: TxtResolver, { domain, value }: DomainProof): Promise<boolean> {
  requireOption(isProvableDomain(domain), domain, "a domain such as example.com", "domain");
  // 22 characters have 132 bits.
  const isValue = typeof value === "string" && /^[\w-]{22,128}$/.test(value);
  requireOption(isValue, undefined, "22 to 128 characters of base64url", "value");
  const { name, text } = proofRecord({ domain, value });
  const wanted = utf8(text);
  const records = await resolver(name);
  return records.filter((record) => constantTimeEqual(utf8(record), wanted)).length > 0;
}
