import { migrations } from "../store/generated/migrations.ts";
import { migrate } from "../store/migrate.ts";
import type { Command } from "./command.ts";
import { databaseOptions, databaseUsage, withConnection } from "./database.ts";

/** `sallyport migrate`: applies the migrations that are not applied yet. */
export const migrateCommand: Command = {
  summary: "Bring a database up to date.",
  usage: `${databaseUsage} [--dry-run]`,
  options: { ...databaseOptions, "dry-run": { type: "boolean", default: false } },
  async run(values) {
    await withConnection(values, async (database, schema) => {
      const dryRun = values["dry-run"] === true;
      const { applied, pending, adopts } = await migrate(database, migrations, { dryRun, schema });
      if (adopts)
        console.log("The tables of the Flametrench reference schema stay, and Sallyport's are added to them.");
      for (const name of applied) console.log(`applied ${name}`);
      for (const name of pending) console.log(`pending ${name}`);
      if (applied.length + pending.length === 0) console.log("The database is up to date.");
    });
  },
};
