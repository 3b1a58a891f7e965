/**
 * Describes faults on the console: what an operator needs to find the cause, and nothing that a user typed.
 *
 * Messages of a database or the platform may quote values, so only codes are printed.
 *
 * @module
 */
import { AuthError } from "../domain/error.ts";
import { DriverError } from "../store/driver-error.ts";

/** One line for the log: names, codes and places in the code, from the error to its innermost cause. */
export function describeFault(error: unknown): string {
  const parts: string[] = [];
  let deepest: unknown = error;
  for (let one: unknown = error, depth = 0; one !== undefined && depth < 5; depth++) {
    deepest = one;
    const fields: Fields = typeof one === "object" && one !== null ? (one as Fields) : {};
    parts.push(namesOf(one, fields));
    if (one instanceof DriverError && one.meaning) parts.push(one.meaning);
    one = fields.cause;
  }
  return `${parts.join(" < ")} ${placeOf(deepest)}`.trim();
}

type Fields = Readonly<Record<string, unknown>>;

/** The code of a refusal already contains its name. */
function namesOf(error: unknown, { name, code, option, constraint }: Fields): string {
  const first = error instanceof AuthError ? undefined : error instanceof Error ? name : typeof error;
  const words = [first, code, option, constraint];
  return words.filter((word) => typeof word === "string" && /^[\w.]{1,64}$/.test(word)).join(" ");
}

/** Where it was thrown: the first place below the message, since a line of the message may look like one. */
function placeOf(error: unknown): string {
  const { stack = "", message = "" } = error instanceof Error ? error : {};
  // A string, unless the application replaces `Error.prepareStackTrace`.
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
    // A report that fails, at once or later, must not change a response or end the process.
    void (async () => onError(error))().catch((failed: unknown) => [error, failed].forEach(print));
  };
}

function print(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: the console is the default place for faults.
  console.error(`sallyport: ${describeFault(error)}`);
}
