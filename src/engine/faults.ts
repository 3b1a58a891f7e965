/**
 * Faults on the console: what an operator needs to find the cause, and nothing that a person typed.
 *
 * Messages of a database or of the platform may quote values, so codes are printed and messages are not.
 *
 * @module
 */
import { AuthError } from "../domain/error.ts";
import { DriverError } from "../store/driver-error.ts";

/** One line for the log: names, codes and places in the code, from the error to the cause at its bottom. */
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
  return [parts.join(" < "), placeOf(deepest)].filter((text) => text !== "").join(" ");
}

type Fields = Readonly<Record<string, unknown>>;

/** The code of a refusal says its name too. */
function namesOf(error: unknown, { name, code, option, constraint }: Fields): string {
  const first = error instanceof AuthError ? undefined : error instanceof Error ? name : typeof error;
  const words = [first, code, option, constraint];
  return words.filter((word) => typeof word === "string" && /^[\w.]{1,64}$/.test(word)).join(" ");
}

/** Where it was thrown. The lines above it in a stack hold the message. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  return /^ +at .+$/m.exec(stack)?.[0].trim() ?? "";
}

/** Reports each error once, however many callers meet it. */
export function reporter(onError: ((error: unknown) => void) | undefined): (error: unknown) => void {
  const reported = new WeakSet<object>();
  const isKnown = (error: unknown): boolean => {
    if (typeof error !== "object" || error === null) return false;
    if (reported.has(error)) return true;
    reported.add(error);
    return isKnown((error as { cause?: unknown }).cause);
  };
  return (error) => {
    if (isKnown(error)) return;
    if (onError) onError(error);
    // biome-ignore lint/suspicious/noConsole: it is where a fault is told by default.
    else console.error(`sallyport: ${describeFault(error)}`);
  };
}
