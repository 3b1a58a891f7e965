import { addressKeys } from "../domain/client-address.ts";
import type { Bucket } from "../store/attempts.ts";
import { type Core, keyedDigest } from "./core.ts";

/** The counters of one attempt, named by keyed digests. */
export interface AttemptBuckets {
  readonly buckets: readonly Bucket[];
  /** Names the identifier in events. */
  readonly identifierDigest: string;
}

/**
 * The counters of an attempt at an account from an address.
 *
 * @param attempt.device What is known of the device that asks: a known-device cookie's nonce, or the session that acts.
 * @param attempt.identifier The normal form, or what was typed where it has none: known and unknown ones are counted alike.
 */
export async function attemptBuckets(
  core: Core,
  attempt: { identifier: string; address: string | undefined; device?: string | undefined; purpose?: "sign-up" },
): Promise<AttemptBuckets> {
  const { account, address, network } = core.limits;
  const { narrow, wide } = addressKeys(attempt.address);
  const [identifierDigest, narrowDigest, wideDigest] = await Promise.all([
    keyedDigest(core, "login", attempt.identifier),
    keyedDigest(core, "address", narrow),
    keyedDigest(core, "network", wide),
  ]);
  const accountName = `${attempt.purpose ?? "account"}:${identifierDigest}`;
  const device = attempt.device && `device:${await keyedDigest(core, "device", attempt.device)}`;
  return {
    buckets: [
      // Making accounts locks nobody out, so its counter only decays.
      { name: accountName, limit: account, kind: attempt.purpose === "sign-up" ? "address" : "account" },
      ...(device ? [{ name: device, limit: account, kind: "device" } as const] : []),
      { name: `address:${narrowDigest}`, limit: address, kind: "address" },
      { name: `network:${wideDigest}`, limit: network, kind: "address" },
    ],
    identifierDigest,
  };
}
