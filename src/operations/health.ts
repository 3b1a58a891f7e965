import { probeDatabase } from "../engine/probe.ts";
import { realm, type WithRealm } from "../engine/realm.ts";
import { assertProductionClock } from "../store/migrate.ts";

/**
 * Resolves if the database answers, and with its own clock; one request.
 *
 * @throws {Error} If not.
 */
export async function health(auth: WithRealm): Promise<void> {
  await assertProductionClock(auth[realm].core.database);
}

/** Refuses options and a database that must not be served: a clock that can be set, a cache of queries in between. */
export async function probe(auth: WithRealm): Promise<void> {
  auth[realm].check();
  await probeDatabase(auth[realm].core.database);
}
