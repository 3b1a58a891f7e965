#!/usr/bin/env node
/**
 * The command line: `sallyport <command> [options]`.
 *
 * Exit codes: 0 done, 1 the command failed or was refused, 2 the command line is wrong. A failure is one line on standard
 * error, and never quotes the database URL.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { administratorCommand } from "./administrator.ts";
import { auditCommand } from "./audit.ts";
import { type Command, UsageError } from "./command.ts";
import { doctorCommand } from "./doctor.ts";
import { invitationsCommand, inviteCommand } from "./invitations.ts";
import { limitsCommand } from "./limits.ts";
import { migrateCommand } from "./migrate.ts";
import { recoverAccountCommand } from "./recover-account.ts";
import { resealCommand } from "./reseal.ts";
import { secretCommand } from "./secret.ts";
import { usersCommand } from "./users.ts";

const commands: Readonly<Record<string, Command>> = {
  secret: secretCommand,
  migrate: migrateCommand,
  users: usersCommand,
  administrator: administratorCommand,
  invite: inviteCommand,
  invitations: invitationsCommand,
  "recover-account": recoverAccountCommand,
  audit: auditCommand,
  limits: limitsCommand,
  doctor: doctorCommand,
  reseal: resealCommand,
};

function help(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const list = Object.entries(commands).map(([name, { summary, usage }]) =>
    [`  ${name.padEnd(width)}  ${summary}`, ...(usage ? [`  ${" ".repeat(width)}  ${usage}`] : [])].join("\n"),
  );
  return ["sallyport <command> [options]", "", ...list].join("\n");
}

async function main([name, ...args]: readonly string[]): Promise<void> {
  if (name === undefined || name === "--help" || name === "-h") {
    console.log(help());
    return;
  }
  if (name === "--version") {
    console.log(JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version);
    return;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new UsageError("Unknown command. Run sallyport --help.");
  const { values, positionals } = parse(command, args);
  if (values.help) console.log(`${`sallyport ${name} ${command.usage}`.trim()}\n\n${command.summary}`);
  else await command.run(values, positionals);
}

function parse(command: Command, args: readonly string[]): ReturnType<typeof parseArgs> {
  try {
    const options = { ...command.options, help: { type: "boolean", short: "h" } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: command.usage.includes("<") });
  } catch (error) {
    // The message for a stray argument quotes it, and it may be the URL.
    if ((error as { code?: unknown }).code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") {
      throw new UsageError("There is an unexpected argument.");
    }
    throw new UsageError((error as Error).message.split(". ")[0]);
  }
}

/** Our own errors contain no values. Any other error may quote the URL, so the URL is removed. */
function oneLine(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\s+/g, " ").replace(/postgres(ql)?:\/\/\S*/g, "postgres://…");
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`sallyport: ${oneLine(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
