import type { ParseArgsConfig } from "node:util";

/** The option values that the command line gives. */
export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** One row of the command table. */
export interface Command {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** The arguments after the command's name, for its help. */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** Prints its result on standard output. */
  run(values: OptionValues, positionals: readonly string[]): Promise<void>;
}

/** The command line itself is wrong: exit code 2. The message is shown as it is, so it must not quote a value. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
