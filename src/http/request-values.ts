/**
 * Members that several requests share, and the conversion of their texts.
 *
 * @module
 */
import type { Context } from "hono";
import * as v from "valibot";
import { AuthError } from "../domain/error.ts";
import type { Id, IdType } from "../domain/id.ts";

/** An identifier in wire form in a body. A malformed one is 400 there, and 404 in a path. */
export function idEntry<Type extends IdType>(type: Type): v.GenericSchema<unknown, Id<Type>> {
  return v.pipe(v.string(), v.regex(new RegExp(`^${type}_[0-9a-f]{32}$`))) as v.GenericSchema<unknown, Id<Type>>;
}

/** How the new session's token will travel. */
export function transportEntry(): v.GenericSchema<unknown, "cookie" | "token" | undefined> {
  return v.optional(v.picklist(["cookie", "token"]));
}

/** Whether the new session outlives its browser. */
export function rememberEntry(): v.GenericSchema<unknown, boolean | undefined> {
  return v.optional(v.boolean());
}

/** Null clears the name; a missing member keeps it. */
export function displayNameEntry(): v.GenericSchema<unknown, string | null | undefined> {
  return v.optional(v.nullable(v.string()));
}

/** The members of a query for a page. */
export function pageEntries(): {
  cursor: v.GenericSchema<unknown, string | undefined>;
  limit: v.GenericSchema<unknown, string | undefined>;
} {
  return { cursor: v.optional(v.string()), limit: v.optional(v.pipe(v.string(), v.regex(/^-?\d{1,9}$/))) };
}

/** The caller's key, with which a repeat makes nothing new (draft-ietf-httpapi-idempotency-key-header). */
export function keyOf({ req }: Context): { readonly idempotencyKey: string | undefined } {
  return { idempotencyKey: req.header("idempotency-key") };
}

/** A query's number. The schema has checked that the text is digits. */
export function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** The time in a member's text. The schema checks the form of RFC 3339, but 30 February has that form too. */
export function toDate(text: string, member: string): Date {
  const time = new Date(text);
  const day = Number(text.slice(8, 10));
  const lastDay = new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
  if (Number.isNaN(time.getTime()) || day > lastDay) {
    throw new AuthError("invalid_format.body", { details: { member } });
  }
  return time;
}
