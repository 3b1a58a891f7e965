/**
 * Rates as text: `5/minute`.
 *
 * @module
 */
import { requireOption } from "./option-error.ts";

/** How many requests a window allows, and the length of the window in seconds. */
export interface Rate {
  readonly attempts: number;
  readonly windowSeconds: number;
}

const unitSeconds: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3_600, day: 86_400 };

/** Nothing else is read: a rate that is guessed at is a limit that nobody has chosen. */
const form = /^([1-9]\d{0,6})\/(second|minute|hour|day)s?$/;
const mostAttempts = 1_000_000;

/**
 * Reads a rate: a whole number from 1 to 1,000,000, a slash, and `second`, `minute`, `hour` or `day`, also in the plural.
 *
 * @throws {TypeError} For any other text.
 */
export function parseRate(text: string): Rate {
  const [, attempts, unit] = (typeof text === "string" && form.exec(text)) || [];
  const isRate = unit !== undefined && Number(attempts) <= mostAttempts;
  requireOption(isRate, text, "a rate such as 5/minute, per second, minute, hour or day", "rate");
  return { attempts: Number(attempts), windowSeconds: unitSeconds[unit!]! };
}
