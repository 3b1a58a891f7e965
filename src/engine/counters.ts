import { OptionError } from "../crypto/option-error.ts";
import { addressKeys } from "../domain/client-address.ts";
import { AuthError } from "../domain/error.ts";
import type { Admission, Counted, Counter } from "../store/counters.ts";
import type { Core } from "./core.ts";
import type { KnownDevice } from "./known-device.ts";
import { ConfigurationError } from "./options.ts";

let reported: ConfigurationError | undefined;

/**
 * One value, because each `auth` reports an error once. It names no address. It is made at its first use: an error that is made
 * at import finds its place in the code by parsing the whole bundle again, for half of a cold start.
 */
function unreadableAddress(): ConfigurationError {
  reported ??= new ConfigurationError(
    "clientAddress",
    new OptionError("it gave a text that is no address; it must give one address, or undefined."),
  );
  return reported;
}

/** The counters of one attempt, named by keyed digests. */
export interface AttemptCounters {
  readonly counters: readonly Counter[];
  /** Names the identifier in events. */
  readonly identifierDigest: string;
}

/**
 * The counters of an attempt at an account from an address.
 *
 * @param attempt.device Identifies the device: the nonce of a known-device cookie, or the acting session.
 * @param attempt.identifier The normal form, or the text as typed if it has none. Known and unknown identifiers are counted
 * alike.
 */
export async function attemptCounters(
  core: Core,
  attempt: { identifier: string; address: string | undefined; device?: string | undefined; purpose?: "sign-up" },
): Promise<AttemptCounters> {
  const { account } = core.limits;
  const [identifierDigest, addresses] = await Promise.all([
    core.keys.digest("login", attempt.identifier),
    addressCounters(core, attempt.address),
  ]);
  const accountName = `${attempt.purpose ?? "account"}:${identifierDigest}`;
  const device = attempt.device && `device:${await core.keys.digest("device", attempt.device)}`;
  return {
    counters: [
      // Creating accounts locks no user out, so its counter only decays.
      { name: accountName, limit: account, kind: attempt.purpose === "sign-up" ? "address" : "account" },
      ...(device ? [{ name: device, limit: account, kind: "device" } as const] : []),
      ...addresses,
    ],
    identifierDigest,
  };
}

/**
 * The counters that an attempt has raised: the addresses', and the account's or device's that the statement has chosen.
 *
 * @param chosen Its name, or null if there was none.
 */
export function countedOf(counters: readonly Counter[], chosen: string | null): readonly Counted[] {
  return [...counters.filter(({ kind }) => kind === "address"), ...(chosen === null ? [] : [{ name: chosen }])];
}

/** @throws {AuthError} `too_many_requests` for an attempt that was not counted. */
export function requireAdmitted({ allowed, retryAfterSeconds, limit }: Admission): void {
  if (allowed) return;
  throw new AuthError("too_many_requests", { retryAfterSeconds: retryAfterSeconds ?? 1, limit: limit ?? undefined });
}

/**
 * The counters of an attempt at a second factor; the statement names the user's.
 *
 * @param device The known device of a sign-in. It counts for itself only if a second factor was proved on it.
 */
export async function factorCounters(
  core: Core,
  address: string | undefined,
  units = 1,
  device?: KnownDevice,
): Promise<readonly Counter[]> {
  const { account } = core.limits;
  const own = device?.withFactor && `factor-device:${await core.keys.digest("device", device.nonce)}`;
  return [
    { name: "factor", limit: account, kind: "account" },
    ...(own ? [{ name: own, limit: account, kind: "device" } as const] : []),
    ...(await addressCounters(core, address, units)),
  ];
}

/**
 * The counters of the address and its network. One client can hardly change its address, and one subscriber can hardly change
 * the network.
 */
export async function addressCounters(
  core: Core,
  address: string | undefined,
  units = 1,
): Promise<readonly [Counter, Counter]> {
  const known = address === undefined ? undefined : addressKeys(address);
  if (address !== undefined && !known) core.onError(unreadableAddress());
  // All requests without a readable address share one counter, so that a hidden address does not evade the limit.
  const { narrow, wide } = known ?? { narrow: "none", wide: "none" };
  const [narrowDigest, wideDigest] = await Promise.all([
    core.keys.digest("address", narrow),
    core.keys.digest("network", wide),
  ]);
  return [
    { name: `address:${narrowDigest}`, limit: core.limits.address, kind: "address", units },
    { name: `network:${wideDigest}`, limit: core.limits.network, kind: "address", units },
  ];
}
