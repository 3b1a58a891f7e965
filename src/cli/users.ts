import { text } from "node:stream/consumers";
import { AuthError } from "../domain/error.ts";
import { cleanText } from "../domain/request-context.ts";
import type { User } from "../domain/user.ts";
import { accountsOn, actor, type CommandAuth, findUser, identifierOptions, identifierUsage } from "./accounts.ts";
import { type Command, UsageError } from "./command.ts";
import { withDatabase } from "./database.ts";

/** `sallyport users`: creates the first user of a server that refuses sign-up, and finds and lists users. */
export const usersCommand: Command = {
  summary:
    "Create a user with the password from standard input, find a user's id, or list users by part of an identifier.",
  usage: `<create|find|list> [identifier] ${identifierUsage}`,
  options: identifierOptions,
  async run(values, [verb, identifier, ...rest]) {
    if (rest.length > 0) throw new UsageError("There is an unexpected argument.");
    if (verb !== "list" && ((verb !== "create" && verb !== "find") || identifier === undefined)) {
      throw new UsageError("Give create or find with the user's identifier, or list.");
    }
    await withDatabase(values, async (database) => {
      const auth = accountsOn(database, values);
      if (verb === "list") return await listUsers(auth, identifier);
      console.log(await (verb === "create" ? createUser : findUser)(auth, identifier!));
    });
  },
};

async function createUser(auth: CommandAuth, identifier: string): Promise<string> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, "");
  const user = await auth.users.create.plan({ actor });
  const { userId } = user.known;
  const added = { actor, userId, identifier, password };
  try {
    await auth.batch([user, await auth.credentials.createPassword.plan(added)]);
  } catch (error) {
    const reason = error instanceof AuthError ? error.details?.reason : undefined;
    throw reason === undefined ? error : new Error(`${(error as Error).message} (${reason})`);
  }
  return userId;
}

/** Prints one line for each user: the id, the status, and the identifiers of active passwords. */
async function listUsers(auth: CommandAuth, query: string | undefined): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await auth.users.list({ actor, query, cursor, limit: 200 });
    for (const user of page.data) console.log(await lineOf(auth, user));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

async function lineOf(auth: CommandAuth, { id, status }: User): Promise<string> {
  const { data } = await auth.credentials.list({ actor, userId: id });
  const active = data.filter((credential) => credential.status === "active" && credential.type === "password");
  // Another SDK may have stored characters that a terminal obeys.
  return [id, status, ...active.map(({ identifier }) => cleanText(identifier))].join("  ");
}
