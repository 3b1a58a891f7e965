import { wireId } from "../domain/id.ts";
import { normalizeIdentifier } from "../domain/identifier.ts";
import { probeDatabase } from "../engine/probe.ts";
import { countUnsealedSecrets } from "../operations/reseal.ts";
import { selectIdentifiers } from "../store/maintenance.ts";
import type { Database } from "../store/sql.ts";
import type { Command } from "./command.ts";
import { databaseOptions, databaseUsage, withDatabase } from "./database.ts";

const pageSize = 1_000;

/** `sallyport doctor`: reports what would go wrong with this database, before it does. */
export const doctorCommand: Command = {
  summary: "Check a database: its clock, caches in front of it, unencrypted secrets, identifiers that cannot be typed.",
  usage: `${databaseUsage} [--allow-non-ascii]`,
  options: { ...databaseOptions, "allow-non-ascii": { type: "boolean", default: false } },
  async run(values) {
    await withDatabase(values, async (database) => {
      await probeDatabase(database);
      console.log("The clock is the database's own, and no cache answers for it.");
      const unsealed = await countUnsealedSecrets({ database, onError: (error) => console.error(String(error)) });
      console.log(`${unsealed} authenticator app secrets are not encrypted.`);
      const unreachable = await findUnreachable(database, values["allow-non-ascii"] === true);
      for (const id of unreachable) console.log(`not in normal form: ${id}`);
      if (unreachable.length > 0) {
        throw new Error(`${unreachable.length} active passwords cannot be used to sign in: see the ids above.`);
      }
      console.log("Every active password's identifier is in its normal form.");
    });
  },
};

/**
 * The credentials that a look-up cannot find because their identifier is not in normal form. Another SDK may have stored it as
 * typed.
 */
async function findUnreachable(database: Database, allowNonAscii: boolean): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  for (;;) {
    const rows = await database.run(selectIdentifiers(after, pageSize));
    for (const { id, identifier } of rows) {
      if (normalizeIdentifier(identifier, { allowNonAscii }) !== identifier) found.push(wireId("cred", id));
    }
    if (rows.length < pageSize) return found;
    after = rows.at(-1)!.id;
  }
}
