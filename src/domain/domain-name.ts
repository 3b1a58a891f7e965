import { normalizeIdentifier } from "./identifier.ts";

/** Labels of up to 63 characters (RFC 1035 §2.3.4). */
const form = /^(?=.{1,253}$)[a-z\d]([-a-z\d]{0,61}[a-z\d])?(\.[a-z\d]([-a-z\d]{0,61}[a-z\d])?)*$/;

/** True for a domain as addresses are stored with it: ASCII in lower case, `xn--` for other letters, without a dot at its end. */
export function isDomainName(domain: unknown): domain is string {
  if (typeof domain !== "string" || !form.test(domain)) return false;
  const address = `a@${domain}`;
  return normalizeIdentifier(address) === address;
}
