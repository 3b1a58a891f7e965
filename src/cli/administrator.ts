import { isValidId, type UserId } from "../domain/id.ts";
import { administratorOperations } from "../operations/administrators.ts";
import { accountsOn, actor, findUser, identifierOptions, identifierUsage } from "./accounts.ts";
import { type Command, UsageError } from "./command.ts";
import { withDatabase } from "./database.ts";

/**
 * `sallyport administrator`: grants and removes administrator rights. With access to the database, it can also make the first
 * administrator (S06).
 */
export const administratorCommand: Command = {
  summary: "Grant or remove administrator rights.",
  usage: `<grant|remove> <usr_…|identifier> ${identifierUsage}`,
  options: identifierOptions,
  async run(values, [verb, user, ...rest]) {
    if ((verb !== "grant" && verb !== "remove") || user === undefined || rest.length > 0) {
      throw new UsageError("Give grant or remove, and the user's id or identifier.");
    }
    await withDatabase(values, async (database) => {
      const administrators = administratorOperations({ database, onError: (error) => console.error(String(error)) });
      const isId = isValidId(user, "usr");
      const userId = isId ? (user as UserId) : await findUser(accountsOn(database, values), user);
      const input = { actor, userId };
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
