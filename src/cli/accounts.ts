import { accounts, createAuth, passwords } from "../core.ts";
import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import { type SystemActor, systemActor } from "../domain/actor.ts";
import type { UserId } from "../domain/id.ts";
import type { AccountAuth } from "../operations/accounts.ts";
import type { CoreOperations } from "../operations/auth.ts";
import { argon2id } from "../runtime/argon2id.ts";
import type { Database } from "../store/sql.ts";
import type { OptionValues } from "./command.ts";
import { databaseOptions, databaseUsage } from "./database.ts";

/** The options of commands that take an identifier. */
export const identifierOptions: typeof databaseOptions & {
  "allow-non-ascii": { type: "boolean"; default: false };
} = { ...databaseOptions, "allow-non-ascii": { type: "boolean", default: false } };

export const identifierUsage: string = `${databaseUsage} [--allow-non-ascii]`;

/** The command line acts as the application. */
export const actor: SystemActor = systemActor("command-line");

export type CommandAuth = AccountAuth & Pick<CoreOperations, "batch">;

/** The operations on accounts, for a command. */
export function accountsOn(database: Database, values: OptionValues): CommandAuth {
  return createAuth({
    database,
    // A command signs nothing, so the key is never used.
    secrets: toBase64Url(randomBytes(32)),
    origins: ["http://localhost"],
    clientAddress: () => undefined,
    features: [passwords({ hasher: argon2id() }), accounts()],
    // No page waits for a command.
    timeouts: { requestMilliseconds: 60_000, firstMilliseconds: 60_000 },
    allowNonAsciiIdentifiers: values["allow-non-ascii"] === true,
    onError: (error) => console.error(String(error)),
  });
}

/** The id of the user with an active password of this identifier. */
export async function findUser(auth: AccountAuth, identifier: string): Promise<UserId> {
  const credential = await auth.credentials.findByIdentifier({ actor, type: "password", identifier });
  if (!credential) throw new Error("No active password has this identifier.");
  return credential.userId;
}
