import { probeDatabase } from "../engine/probe.ts";
import { realm, type WithRealm } from "../engine/realm.ts";
import { assertSchema } from "../store/schema-state.ts";

/**
 * Resolves if the database answers, its clock is the real one and its schema serves this release. Takes one request.
 *
 * @throws {Error} If the database does not answer, its clock was replaced, a migration of this release is not applied, or a
 * later one says that it does not serve this release.
 */
export async function health(auth: WithRealm): Promise<void> {
  await assertSchema(auth[realm].core.database);
}

/**
 * Checks all options, and refuses a database that is unsafe to serve from: one whose clock can be set, one whose schema is
 * behind this release or ahead of what serves it, or one behind a query cache.
 *
 * @throws {Error} If an option or the database is unsafe, or the database does not answer.
 */
export async function probe(auth: WithRealm): Promise<void> {
  auth[realm].check();
  await probeDatabase(auth[realm].core.database);
}
