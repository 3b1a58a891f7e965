/**
 * The different values of one cookie in a `Cookie` header, in their order (RFC 6265bis §5.8.3). More than one means that another site,
 * or another path, may have set one of them.
 */
export function cookieValues(header: string, name: string): ReadonlySet<string> {
  const values = new Set<string>();
  for (const pair of header.split(";")) {
    const separator = pair.indexOf("=");
    if (separator > 0 && trim(pair.slice(0, separator)) === name) values.add(trim(pair.slice(separator + 1)));
  }
  return values;
}

/**
 * Trims what RFC 6265bis §5.6 calls white space, and no more. A browser guards `__Host-` only at the very beginning of a name,
 * so a neighboring site could set a name that begins with another kind of space.
 */
function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}
