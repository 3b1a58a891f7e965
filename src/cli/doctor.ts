import { probeDatabase } from "../engine/probe.ts";
import { countUnsealedSecrets } from "../operations/reseal.ts";
import { selectIsAdopted } from "../store/stored-accounts.ts";
import { type Command, UsageError } from "./command.ts";
import { databaseOptions, databaseUsage, withDatabase } from "./database.ts";
import { examineAccounts } from "./doctor-accounts.ts";

/** `sallyport doctor`: reports what would go wrong with this database, before it does. */
export const doctorCommand: Command = {
  summary: "Check a database: its clock, caches in front of it, and stored accounts that Sallyport cannot open.",
  usage: `${databaseUsage} [--allow-non-ascii] [--rp-id DOMAIN] [--shared-database]`,
  options: {
    ...databaseOptions,
    "allow-non-ascii": { type: "boolean", default: false },
    "rp-id": { type: "string" },
    "shared-database": { type: "boolean", default: false },
  },
  async run(values) {
    const rpId = values["rp-id"];
    if (rpId !== undefined && typeof rpId !== "string") throw new UsageError("Give --rp-id once.");
    await withDatabase(values, async (database) => {
      const { newer } = await probeDatabase(database);
      console.log("The clock is the database's own, and no cache answers for it.");
      if (newer.length > 0) console.log(`The schema is newer than this release, and serves it: ${newer.join(", ")}.`);
      const unsealed = await countUnsealedSecrets({ database, onError: (error) => console.error(String(error)) });
      console.log(`${unsealed} authenticator app secrets are not encrypted.`);
      const [{ adopted }] = (await database.run(selectIsAdopted())) as [{ adopted: boolean }];
      let faults = 0;
      for await (const { id, finding, fault } of examineAccounts(database, {
        allowNonAscii: values["allow-non-ascii"] === true,
        rpId,
        shared: adopted || values["shared-database"] === true,
      })) {
        console.log(`${id} ${finding}`);
        if (fault) faults += 1;
      }
      if (faults > 0) throw new Error(`${faults} stored rows cannot be used: see the ids above.`);
      console.log("Every active password, factor, passkey and token can be used.");
    });
  },
};
