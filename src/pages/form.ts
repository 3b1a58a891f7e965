/**
 * Requests from pages: bounded, of the one media type that pages send, and with each name once.
 *
 * @module
 */
import type { Context } from "hono";
import { readBytes } from "../http/request-body.ts";
import { AuthError, type Id, type IdType } from "../index.ts";

const formMediaType = /^application\/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset=utf-8)?$/i;
const jsonMediaType = /^application\/json(?:[ \t]*;[ \t]*charset=utf-8)?$/i;

/** The JSON that the passkey script sends. */
export type Json = Readonly<Record<string, unknown>>;

/** The fields of a form. */
export class Form {
  readonly #fields: ReadonlyMap<string, string>;

  constructor(fields: Iterable<readonly [string, string]>) {
    this.#fields = new Map(fields);
  }

  /** The typed text; empty if the field is missing. */
  text(name: string): string {
    return this.#fields.get(name) ?? "";
  }

  /** The identifier in a field such as `factor_id`. An operation answers `not_found` if it is not an identifier of the type. */
  id<Type extends IdType>(name: string): Id<Type> {
    return this.text(name) as Id<Type>;
  }
}

/** @throws {AuthError} `payload_too_large`, `unsupported_media_type`, `invalid_format.body`. */
export async function readForm(c: Context): Promise<Form> {
  const fields = [...new URLSearchParams(await readText(c, formMediaType))];
  if (new Set(fields.map(([name]) => name)).size < fields.length) throw new AuthError("invalid_format.body");
  return new Form(fields);
}

/** @throws {AuthError} `payload_too_large`, `unsupported_media_type`, `invalid_format.json`, `invalid_format.body`. */
export async function readJson(c: Context): Promise<Json> {
  let value: unknown;
  try {
    value = JSON.parse(await readText(c, jsonMediaType));
  } catch (error) {
    throw error instanceof AuthError ? error : new AuthError("invalid_format.json", { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new AuthError("invalid_format.body");
  return value as Json;
}

async function readText(c: Context, mediaType: RegExp): Promise<string> {
  const bytes = await readBytes(c.req);
  // A form without fields, such as a button, has no body and so no media type.
  if (bytes.length > 0 && !mediaType.test(c.req.header("content-type") ?? "")) {
    throw new AuthError("unsupported_media_type");
  }
  return new TextDecoder().decode(bytes);
}
