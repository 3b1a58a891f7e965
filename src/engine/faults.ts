/**
 * Describes faults on the console: what an operator needs to find the cause, and nothing that a user typed.
 *
 * Messages of a database or the platform may quote values, so only codes are printed.
 *
 * @module
 */
import { AuthError } from "../domain/error.ts";

/** What the platform's codes and SQLSTATEs (PostgreSQL 15, Appendix A) mean to an operator. */
const explanations: readonly (readonly [pattern: RegExp, text: string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, "the database's host was not found (DNS)"],
  [/^ECONNREFUSED$/, "the database's host refused the connection"],
  [/^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/, "the database did not answer in time"],
  [/^(ECONNRESET|EPIPE)$/, "the connection to the database broke"],
  [/^(CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/, "the database's TLS certificate was refused"],
  [/^28(P01|000)$/, "the database refused the user or the password"],
  [/^3D000$/, "there is no such database"],
  [/^42(P01|703|883)$/, "a table, column or function is missing: run `sallyport migrate`"],
  [/^42501$/, "the database user lacks a privilege"],
  [/^53/, "the database is out of connections, memory or disk"],
  [/^57P0[123]$/, "the database is starting or shutting down"],
];

/** One line for the log: names, codes and places in the code, from the error to its innermost cause. */
export function describeFault(error: unknown): string {
  const parts: string[] = [];
  let deepest: unknown = error;
  for (let one: unknown = error, depth = 0; one !== undefined && depth < 5; depth++) {
    deepest = one;
    const { name, code, cause, option, constraint } = fieldsOf(one);
    parts.push([name, code, option, constraint].filter((text) => text !== undefined).join(" "));
    const known = explanations.find(([pattern]) => pattern.test(code ?? ""));
    if (known) parts.push(known[1]);
    one = cause;
  }
  return `${parts.join(" < ")} ${placeOf(deepest)}`.trim();
}

function fieldsOf(error: unknown): { [Name in "name" | "code" | "option" | "constraint"]: string | undefined } & {
  cause: unknown;
} {
  const fields: Record<string, unknown> = Object(error);
  const word = (name: string): string | undefined => {
    const value = fields[name];
    return typeof value === "string" && /^[\w.]{1,64}$/.test(value) ? value : undefined;
  };
  const name = error instanceof Error ? (error instanceof AuthError ? undefined : word("name")) : typeof error;
  return { name, code: word("code"), option: word("option"), constraint: word("constraint"), cause: fields.cause };
}

/** Where it was thrown: the first place below the message, since a line of the message may look like one. */
function placeOf(error: unknown): string {
  const { stack = "", message = "" } = error instanceof Error ? error : {};
  // A text, unless the application has it written in another way.
  return /^ +at .+$/m.exec(`${stack}`.replace(message, ""))?.[0].trim() ?? "";
}

/** Reports each error once, however many callers catch it. */
export function reporter(onError: (error: unknown) => void = print): (error: unknown) => void {
  const reported = new WeakSet<object>();
  const isKnown = (error: unknown): boolean => {
    if (typeof error !== "object" || error === null) return false;
    if (reported.has(error)) return true;
    reported.add(error);
    return isKnown((error as { cause?: unknown }).cause);
  };
  return (error) => {
    if (isKnown(error)) return;
    // A report that fails, at once or later, must change no answer and end no process.
    void (async () => onError(error))().catch((failed: unknown) => [error, failed].forEach(print));
  };
}

function print(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: the console is the default place for faults.
  console.error(`sallyport: ${describeFault(error)}`);
}
