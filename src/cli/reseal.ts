import { parseSealingKeys, resealSecrets, sealedColumns } from "../operations/reseal.ts";
import { type Command, UsageError } from "./command.ts";
import { databaseOptions, databaseUsage, withDatabase } from "./database.ts";

/** `sallyport reseal`: seals secrets again after a change of sealing keys, and seals secrets that were stored as plain values. */
export const resealCommand: Command = {
  summary: "Encrypt stored secrets with the newest of SALLYPORT_SEALING_KEYS. Can be run again after an interruption.",
  usage: databaseUsage,
  options: databaseOptions,
  async run(values) {
    const keys = sealingKeys(process.env.SALLYPORT_SEALING_KEYS);
    await withDatabase(values, async (database) => {
      const core = { database, onError: (error: unknown) => console.error(String(error)) };
      let [resealed, unreadable] = [0, 0];
      for (const column of sealedColumns) {
        let after: string | null | undefined;
        while (after !== null) {
          const step = await resealSecrets(core, keys, column, { after });
          resealed += step.resealed;
          unreadable += step.unreadable;
          after = step.next;
        }
      }
      console.log(`${resealed} secrets were encrypted with the newest key.`);
      if (unreadable > 0)
        throw new Error(`${unreadable} secrets cannot be opened with any of the keys and were left unchanged.`);
    });
  },
};

function sealingKeys(text: string | undefined): ReturnType<typeof parseSealingKeys> {
  try {
    return parseSealingKeys(text);
  } catch (error) {
    throw new UsageError(`SALLYPORT_SEALING_KEYS cannot be used: ${(error as Error).message}`);
  }
}
