import type { JsonSchema } from "@valibot/to-json-schema";
import type { OpenApiParameter } from "../../build/openapi/document.node.ts";
import { document } from "./http.ts";

/** Repeatable pseudo-random numbers (mulberry32). */
export class Draws {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  isOneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  hex(length: number): string {
    return Array.from({ length }, () => this.below(16).toString(16)).join("");
  }
}

/** Returns a known value for a member: a user's identifier, an id from an answer. */
export type Known = (member: string, schema: JsonSchema) => unknown;

function resolve(schema: JsonSchema): JsonSchema {
  const name = schema.$ref?.split("/").at(-1);
  return name ? document.components.schemas[name]! : schema;
}

/** A value that the schema allows. */
export function validValue(schema: JsonSchema, draws: Draws, known: Known, member = ""): unknown {
  const resolved = resolve(schema);
  const choices = resolved.oneOf ?? resolved.anyOf;
  if (choices) return validValue(draws.one(choices) as JsonSchema, draws, known, member);
  const given = known(member, resolved);
  if (given !== undefined) return given;
  if (resolved.const !== undefined) return resolved.const;
  if (resolved.enum) return draws.one(resolved.enum);
  switch (resolved.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(resolved.properties ?? {})
          .filter(([name]) => resolved.required?.includes(name) || draws.isOneIn(2))
          .map(([name, inner]) => [name, validValue(inner as JsonSchema, draws, known, name)]),
      );
    case "integer":
    case "number":
      return (resolved.minimum ?? 0) + draws.below(Math.min(resolved.maximum ?? 10_000, 10_000));
    case "null":
      return null;
    case "boolean":
      return draws.isOneIn(2);
    case "array":
      return Array.from({ length: draws.below(4) }, () => validValue(resolved.items as JsonSchema, draws, known));
    case "string":
      if (resolved.format === "date-time") return new Date(Date.now() + draws.below(30_000_000) * 1000).toISOString();
      return resolved.pattern ? matching(resolved.pattern, draws) : draws.hex(draws.below(20));
    default:
      throw new Error(`Nothing is known of ${JSON.stringify(resolved)}.`);
  }
}

/** The type of the ids that a pattern allows. */
export function idTypeOf(pattern: string | undefined): string | undefined {
  return /^\^([a-z]+)_\[0-9a-f\]\{32\}\$$/.exec(pattern ?? "")?.[1];
}

function matching(pattern: string, draws: Draws): string {
  const type = idTypeOf(pattern);
  if (type) return `${type}_${draws.hex(12)}7${draws.hex(19)}`;
  if (pattern === "^[a-z0-9-]{1,32}$") return draws.hex(1 + draws.below(32));
  if (pattern.includes("\\d")) return String(draws.below(400) - 100);
  throw new Error(`Nothing is known of ${pattern}.`);
}

/** Texts that a layer on the way may mishandle. Each that is long enough contains `canary`, to search for. */
export function hostileText(draws: Draws, canary: string): string {
  return draws.one([
    "",
    " ",
    "\0",
    `${canary}\0`,
    "\ud800",
    `\udfff${canary}`,
    "\u202e\u2066",
    "\ufeff",
    "'; drop table usr; --",
    `${canary}' or '1'='1`,
    "$1",
    "%s%n%p",
    "#{7*7}{{7*7}}",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: x=y",
    "__proto__",
    "constructor",
    "undefined",
    "null",
    "true",
    "-1",
    "1e400",
    "usr_00000000000000000000000000000000",
    "usr_ffffffffffffffffffffffffffffffff",
    `usr_${draws.hex(32).toUpperCase()}`,
    canary.repeat(draws.below(200)),
    "𝕏".repeat(draws.below(300)),
    "é".normalize("NFD"),
    String.fromCharCode(draws.below(0xffff)),
  ]);
}

function hostileValue(draws: Draws, canary: string): unknown {
  return draws.one([
    () => hostileText(draws, canary),
    () => null,
    () => draws.isOneIn(2),
    () => -1,
    () => 2 ** 53,
    () => 0.1,
    () => [],
    () => [canary, null],
    () => ({}),
    () => ({ [canary]: { [canary]: [] } }),
    () => ({ $gt: "" }),
    () => ({ toString: canary }),
  ])();
}

/** A body that is nearly allowed, as JSON text. */
export function nearlyValid(value: unknown, draws: Draws, canary: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(hostileValue(draws, canary));
  const entries = Object.entries(value);
  const at = draws.below(entries.length + 1);
  const changed = entries[at];
  const kind = changed ? draws.below(6) : 0;
  const text = (list: [string, unknown][]): string =>
    `{${list.map(([name, inner]) => `${JSON.stringify(name)}:${JSON.stringify(inner)}`).join()}}`;
  switch (kind) {
    case 0:
      return text([
        ...entries,
        [
          draws.one([canary, "id", "status", "role", "__proto__", "constructor", "actor", ""]),
          hostileValue(draws, canary),
        ],
      ]);
    case 1:
      return text(entries.filter((entry) => entry !== changed));
    case 2:
      return text([...entries, changed!]);
    case 3:
      return text(entries.map((entry) => (entry === changed ? [entry[0].toUpperCase(), entry[1]] : entry)));
    case 4:
      return JSON.stringify([value]);
    default:
      return text(entries.map((entry) => (entry === changed ? [entry[0], hostileValue(draws, canary)] : entry)));
  }
}

/** A body that is not JSON, or too large. */
export function hostileBody(draws: Draws, canary: string): string | Uint8Array<ArrayBuffer> {
  return draws.one([
    () => "",
    () => "null",
    () => `{"${canary}"`,
    () => `"${canary}"`,
    () => "[".repeat(draws.below(60_000)),
    () => `${"[".repeat(5000)}${"]".repeat(5000)}`,
    () => `{"identifier":"${"x".repeat(draws.below(70_000))}"}`,
    () => `{"a":1e${draws.below(5000)}}`,
    () => new Uint8Array(draws.below(500)).map(() => draws.below(256)),
    () => new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
    () => `identifier=${canary}&password=${canary}`,
    () => `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>`,
  ])();
}

/** The query of a request: allowed, or nearly. */
export function queryOf(parameters: readonly OpenApiParameter[], draws: Draws, known: Known, canary: string): string {
  const pairs: [string, string][] = [];
  for (const { name, schema, in: place, required } of parameters) {
    if (place !== "query" || draws.isOneIn(required ? 10 : 2)) continue;
    pairs.push([name, draws.isOneIn(4) ? hostileText(draws, canary) : String(validValue(schema, draws, known, name))]);
    if (draws.isOneIn(20)) pairs.push(pairs[0]!);
  }
  if (draws.isOneIn(20)) pairs.push([hostileText(draws, canary), canary]);
  if (pairs.length === 0) return draws.isOneIn(50) ? `?%${canary}&=&&%00=%ff` : "";
  return `?${pairs.map(([name, text]) => `${encode(name)}=${encode(text)}`).join("&")}`;
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
