import { AuthError } from "../domain/error.ts";

/** A query's number; the schema has held it to digits. */
export function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** The time that a member's text names. Its form is that of RFC 3339 by then, but 30 February has that form too. */
export function toDate(text: string, member: string): Date {
  const time = new Date(text);
  const day = Number(text.slice(8, 10));
  const lastDay = new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
  if (Number.isNaN(time.getTime()) || day > lastDay) {
    throw new AuthError("invalid_format.body", { details: { member } });
  }
  return time;
}
