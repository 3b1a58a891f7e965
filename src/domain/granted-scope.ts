/**
 * True unless a refreshed token has a scope that the one before did not have (RFC 6749 §6), if both are known: texts with spaces between
 * the scopes.
 */
export function isWithinScope(scope: string | undefined, granted: string | null | undefined): boolean {
  const known = granted?.split(" ");
  return !scope || !known || scope.split(" ").every((one) => known.includes(one));
}
