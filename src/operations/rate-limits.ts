import { newUuid } from "../domain/id.ts";
import type { Rate } from "../domain/rate.ts";
import type { Core } from "../engine/core.ts";
import { addressCounters } from "../engine/counters.ts";
import { execute } from "../engine/execute.ts";
import { type CountedRequest, countRequest } from "../store/rate-limits.ts";

/** Names the client or the user that sent a request: a text of the application's, or else the client's address. */
export interface Requester {
  readonly key: string | undefined;
  readonly address: string | undefined;
  /** True for a request of method OPTIONS, with which a browser asks whether a page of another origin may send the real one. */
  readonly isPreflight: boolean;
}

/** A limit of the application's, on its own counters. */
export interface RequestLimit {
  /** Separates its counters from those of other limits. */
  readonly name: string;
  readonly rate: Rate;
  readonly blockSeconds: number;
}

/**
 * The name of a requester in counters, by a keyed digest. Nothing that a client sent is stored.
 *
 * A preflight has a counter of its own: otherwise a page of another origin would have half as many requests. It does count, because
 * a route may answer OPTIONS as any other method.
 */
export async function requesterName(core: Core, { key, address, isPreflight }: Requester): Promise<string> {
  const digest = key === undefined ? await addressDigest(core, address) : await core.keys.digest("rate", key);
  return isPreflight ? `${digest}:preflight` : digest;
}

async function addressDigest(core: Core, address: string | undefined): Promise<string> {
  const [{ name }] = await addressCounters(core, address);
  return name.slice(name.indexOf(":") + 1);
}

/** Counts a request on the counter of its requester, in one request to the database. */
export async function countRequestOf(core: Core, limit: RequestLimit, requester: Requester): Promise<CountedRequest> {
  const { name, rate, blockSeconds } = limit;
  return await execute(core, {
    body: countRequest({
      id: newUuid(),
      name: `rate:${await requesterName(core, requester)}:${name}`,
      limit: rate,
      blockSeconds,
    }),
    mustCommit: true,
    onLostReply: "repeat",
  });
}
