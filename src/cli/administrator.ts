import { systemActor } from "../domain/actor.ts";
import type { UserId } from "../domain/id.ts";
import { administratorOperations } from "../operations/administrators.ts";
import { type Command, UsageError } from "./command.ts";
import { databaseOptions, databaseUsage, withDatabase } from "./database.ts";

/**
 * `sallyport administrator`: grants and removes administrator rights. With access to the database, it can also make the first
 * administrator (S06).
 */
export const administratorCommand: Command = {
  summary: "Grant or remove administrator rights.",
  usage: `<grant|remove> <usr_…> ${databaseUsage}`,
  options: databaseOptions,
  async run(values, [verb, userId, ...rest]) {
    if ((verb !== "grant" && verb !== "remove") || userId === undefined || rest.length > 0) {
      throw new UsageError("Give grant or remove, and the user's id.");
    }
    await withDatabase(values, async (database) => {
      const administrators = administratorOperations({ database, onError: (error) => console.error(String(error)) });
      // The operation answers not_found for a text that is not a user's id.
      const input = { actor: systemActor("command-line"), userId: userId as UserId };
      if (verb === "grant") {
        const { granted } = await administrators.grant(input);
        console.log(granted ? "The user is an administrator now." : "The user was an administrator already.");
      } else {
        const { removed } = await administrators.remove(input);
        console.log(removed ? "The user is no longer an administrator." : "The user was not an administrator.");
      }
    });
  },
};
