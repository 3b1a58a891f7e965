/**
 * The seconds since the Unix epoch by this machine's clock (RFC 7519 §2, NumericDate), for times that another party's clock is
 * compared with. The database's clock decides about rows of our own.
 */
export function epochSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
