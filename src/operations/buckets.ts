import { addressKeys } from "../domain/client-address.ts";
import type { Bucket } from "../store/attempts.ts";
import { type Core, keyedDigest } from "./core.ts";
import type { KnownDevice } from "./known-device.ts";

/** The counters of one attempt, named by keyed digests. */
export interface AttemptBuckets {
  readonly buckets: readonly Bucket[];
  /** What a success gives back to: the one of these that was counted, never an address's (S22). */
  readonly account: string;
  readonly device: string | undefined;
  /** Names the identifier in events. */
  readonly identifierDigest: string;
}

/**
 * The counters of an attempt at an account from an address.
 *
 * @param identifier The normal form, or what was typed where it has none: known and unknown ones are counted alike.
 */
export async function attemptBuckets(
  core: Core,
  attempt: { identifier: string; address: string | undefined; device?: KnownDevice | undefined; purpose?: "sign-up" },
): Promise<AttemptBuckets> {
  const { account, address, network } = core.limits;
  const { narrow, wide } = addressKeys(attempt.address);
  const [identifierDigest, narrowDigest, wideDigest] = await Promise.all([
    keyedDigest(core, "login", attempt.identifier),
    keyedDigest(core, "address", narrow),
    keyedDigest(core, "network", wide),
  ]);
  const accountName = `${attempt.purpose ?? "account"}:${identifierDigest}`;
  const device = attempt.device && `device:${await keyedDigest(core, "device", attempt.device.nonce)}`;
  return {
    buckets: [
      // Making accounts locks nobody out, so its counter only decays.
      { name: accountName, limit: account, kind: attempt.purpose === "sign-up" ? "address" : "account" },
      ...(device ? [{ name: device, limit: account, kind: "device" } as const] : []),
      { name: `address:${narrowDigest}`, limit: address, kind: "address" },
      { name: `network:${wideDigest}`, limit: network, kind: "address" },
    ],
    account: accountName,
    device,
    identifierDigest,
  };
}
