import { text } from "node:stream/consumers";
import { accounts, createAuth, passwords } from "../core.ts";
import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import { systemActor } from "../domain/actor.ts";
import { AuthError } from "../domain/error.ts";
import { argon2id } from "../runtime/argon2id.ts";
import type { Database } from "../store/sql.ts";
import { type Command, UsageError } from "./command.ts";
import { databaseOptions, databaseUsage, withDatabase } from "./database.ts";

/** `sallyport user`: creates the first user of a server that refuses sign-up, and finds a user's id by identifier. */
export const userCommand: Command = {
  summary: "Create a user with the password from standard input, or find a user. Prints the user's id.",
  usage: `<create|find> <identifier> ${databaseUsage} [--allow-non-ascii]`,
  options: { ...databaseOptions, "allow-non-ascii": { type: "boolean", default: false } },
  async run(values, [verb, identifier, ...rest]) {
    if ((verb !== "create" && verb !== "find") || identifier === undefined || rest.length > 0) {
      throw new UsageError("Give create or find, and the user's identifier.");
    }
    await withDatabase(values, async (database) => {
      const auth = authOn(database, values["allow-non-ascii"] === true);
      console.log(await (verb === "create" ? createUser : findUser)(auth, identifier));
    });
  },
};

const actor = systemActor("command-line");

function authOn(database: Database, allowNonAsciiIdentifiers: boolean) {
  return createAuth({
    database,
    // This command signs nothing, so the key is never used.
    secrets: toBase64Url(randomBytes(32)),
    origins: ["http://localhost"],
    clientAddress: () => undefined,
    features: [passwords({ hasher: argon2id() }), accounts()],
    allowNonAsciiIdentifiers,
    onError: (error) => console.error(String(error)),
  });
}

type CommandAuth = ReturnType<typeof authOn>;

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

async function findUser(auth: CommandAuth, identifier: string): Promise<string> {
  const credential = await auth.credentials.findByIdentifier({ actor, type: "password", identifier });
  if (!credential) throw new Error("No active password has this identifier.");
  return credential.userId;
}
