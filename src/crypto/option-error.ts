/**
 * Errors about options: what was given, and what is wanted.
 *
 * @module
 */

/** An option cannot be used. The message is for operators, and holds no text that may be a secret. */
export class OptionError extends TypeError {
  /** The option, where no caller knows it. */
  readonly option: string | undefined;

  constructor(message: string, option?: string, more?: ErrorOptions) {
    super(message, more);
    this.option = option;
  }
}

/** What was given, as the start of a message. A text is quoted only if it is short and plain, so that it is no secret. */
export function given(value: unknown): string {
  if (value === undefined || value === null) return "it is missing";
  if (typeof value === "number" || typeof value === "boolean") return `it is ${value}`;
  if (typeof value !== "string") return Array.isArray(value) ? "it is a list" : `it is of the type ${typeof value}`;
  return /^[\w-]{0,16}$/.test(value) ? `it is "${value}"` : `it is a text of ${value.length} characters`;
}

/** @throws {OptionError} If `isMet` is false: says what was given, and that it must be `wanted`. */
export function requireOption(isMet: boolean, value: unknown, wanted: string, option?: string): void {
  if (!isMet) throw new OptionError(`${given(value)}, and must be ${wanted}.`, option);
}
