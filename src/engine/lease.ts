import type { LeasedTokens } from "../store/leases.ts";

/** An access token that lives longer serves callers while another one refreshes it, in seconds. */
const graceSeconds = 10;
/** The waits of a caller for the one that refreshes, in milliseconds. */
const waits = [200, 500, 1_000];

/**
 * Reads tokens, and claims their lease if they end within `leastSeconds`. If another caller has the lease and the access token ends
 * very soon, it waits for the other's tokens, and reads at most three times more.
 *
 * @param claim Reads the row, and claims it if the access token ends within these seconds.
 */
export async function claimOrWait<Row extends LeasedTokens | undefined>(
  leastSeconds: number,
  claim: (leastSeconds: number) => Promise<Row>,
): Promise<Row> {
  const grace = Math.min(graceSeconds, leastSeconds);
  let row = await claim(leastSeconds);
  for (const wait of waits) {
    if (!row || row.isClaimed || !row.isRefreshable || !endsWithin(row, grace)) break;
    await new Promise((resolve) => setTimeout(resolve, wait));
    row = await claim(grace);
  }
  return row;
}

/** True if the access token ends within this time. */
export function endsWithin({ expiresAt, now }: Pick<LeasedTokens, "expiresAt" | "now">, seconds: number): boolean {
  return expiresAt !== null && expiresAt.getTime() <= now.getTime() + seconds * 1_000;
}
