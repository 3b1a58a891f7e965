/**
 * Describes faults on the console: what an operator needs to find the cause, and nothing that a user typed.
 *
 * Messages of a database or the platform may quote values, so only codes are printed.
 *
 * @module
 */
import { AuthError } from "../domain/error.ts";
import { DriverError } from "../store/driver-error.ts";
import { ConfigurationError } from "./options.ts";

/** One line for the log: names, codes and places in the code, from the error to its innermost cause. */
export function describeFault(error: unknown): string {
  const parts: string[] = [];
  let deepest: unknown = error;
  for (let one: unknown = error, depth = 0; one !== undefined && depth < 5; depth++) {
    deepest = one;
    const fields: Fields = typeof one === "object" && one !== null ? (one as Fields) : {};
    parts.push(namesOf(one, fields));
    if (one instanceof DriverError && one.meaning) parts.push(one.meaning);
    // A fixed text: what was given, and what is wanted.
    if (one instanceof ConfigurationError) parts.push(one.message);
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
  const { stack, message = "" } = error instanceof Error ? error : {};
  // An application can replace either with a value that is not text.
  if (typeof stack !== "string" || typeof message !== "string") return "";
  const start = stack.indexOf(`${message}\n`);
  // Only a name precedes the message. Otherwise the message was changed, and the stack still holds the first one.
  if (!/^[\w.]*( \[\w+\])?(: )?$/.test(stack.slice(0, start))) return "";
  return /^ +at .+$/m.exec(stack.slice(start + message.length))?.[0].trim() ?? "";
}

/** Reports each error once, however many callers catch it. */
export function reporter(onError: (error: unknown) => void = print): (error: unknown) => void {
  const reported = new WeakSet<object>();
  return (error) => {
    const chain = new Set<object>();
    for (let one = error; typeof one === "object" && one !== null && !chain.has(one); one = (one as Fields).cause) {
      chain.add(one);
    }
    const isKnown = [...chain].some((one) => reported.has(one));
    for (const one of chain) reported.add(one);
    if (isKnown) return;
    // A report that fails, at once or later, must change no answer and end no process.
    void (async () => onError(error))().catch((failed: unknown) => [error, failed].forEach(print));
  };
}

function print(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: the console is the default place for faults.
  console.error(`sallyport: ${describeFault(error)}`);
}
