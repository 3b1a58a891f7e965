/**
 * Counters of an application's own routes. A request is counted before it is served, and none is given back.
 *
 * @module
 */
import { type AttemptLimit, rememberedAttempts } from "./counters.ts";
import { type Statement, sql } from "./sql.ts";

/** A counter of requests, as one of them has raised it. */
export interface CountedRequest {
  /** How many requests the window has counted, this one included. */
  readonly count: number;
  /** Whole seconds until the counter begins again. */
  readonly resetSeconds: number;
}

/**
 * Counts a request, once for each `id`.
 *
 * The first request past the limit moves the end of the window to `blockSeconds` from now, unless the window ends later anyway:
 * no block makes a limit weaker than its rate.
 *
 * @param request.id A UUID. The same one for every time that the request is sent.
 */
export function countRequest(request: {
  id: string;
  name: string;
  limit: AttemptLimit;
  blockSeconds: number;
}): Statement<CountedRequest> {
  const { id, name, limit, blockSeconds } = request;
  // The newest version of the row, so that a request that was sent twice and runs twice at once is counted once as well.
  const isKnown = sql`${id}::uuid = any(a.recent)`;
  return sql`
    insert into attempt as a (bucket, count, maximum, resets_at, backs_off, streak, recent)
    values (${name}, 1, ${limit.attempts}::int, sallyport_now() + make_interval(secs => ${limit.windowSeconds}::int), false, 1,
      array[${id}::uuid])
    on conflict (bucket) do update set
      count = case when a.resets_at <= sallyport_now() then 1 when ${isKnown} then a.count
        else least(a.count, 1000000) + 1 end,
      maximum = excluded.maximum,
      resets_at = case when a.resets_at <= sallyport_now() then excluded.resets_at
        when a.count = excluded.maximum and not ${isKnown}
          then greatest(a.resets_at, sallyport_now() + make_interval(secs => ${blockSeconds}::int))
        else a.resets_at end,
      recent = case when ${isKnown} then a.recent
        else (excluded.recent || a.recent)[1:${rememberedAttempts}::int] end
    returning count, ceil(extract(epoch from resets_at - sallyport_now()))::int as "resetSeconds"`;
}
