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
}

/** A limit of the application's, on its own counters. */
export interface RequestLimit {
  /** Separates its counters from those of other limits. */
  readonly name: string;
  readonly rate: Rate;
  readonly blockSeconds: number;
}

/** The keyed digest that names a requester in counters. Nothing that a client sent is stored. */
export async function requesterDigest(core: Core, { key, address }: Requester): Promise<string> {
  if (key !== undefined) return await core.keys.digest("rate", key);
  const [{ name }] = await addressCounters(core, address);
  return name.slice(name.indexOf(":") + 1);
}

/** Counts a request on the counter of its requester, in one request to the database. */
export async function countRequestOf(core: Core, limit: RequestLimit, requester: Requester): Promise<CountedRequest> {
  const { name, rate, blockSeconds } = limit;
  return await execute(core, {
    body: countRequest({
      id: newUuid(),
      name: `rate:${await requesterDigest(core, requester)}:${name}`,
      limit: rate,
      blockSeconds,
    }),
    mustCommit: true,
    onLostReply: "repeat",
  });
}
