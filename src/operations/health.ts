import { probeDatabase } from "../engine/probe.ts";
import { realm, type WithRealm } from "../engine/realm.ts";
import { assertProductionClock } from "../store/migrate.ts";

/**
 * Resolves if the database answers and its clock is the real one. Takes one request.
 *
 * @throws {Error} If the database does not answer, or its clock was replaced.
 */
export async function health(auth: WithRealm): Promise<void> {
  await assertProductionClock(auth[realm].core.database);
}

/**
 * Checks all options, and refuses a database that is unsafe to serve from: one whose clock can be set, or one behind a query
 * cache.
 *
 * @throws {Error} If an option or the database is unsafe, or the database does not answer.
 */
export async function probe(auth: WithRealm): Promise<void> {
  auth[realm].check();
  await probeDatabase(auth[realm].core.database);
}
