/**
 * The one encoding of values that every driver uses: text in, text out.
 *
 * The database clients disagree (PGlite refuses a boolean for a `text` parameter, node-postgres writes a `Date` in local time,
 * each parses arrays its own way), so none of their conversions is used. A parameter is sent as the text that Postgres would
 * print. A result is read from the text that Postgres printed, and the column's type decides its conversion.
 *
 * @module
 */
import type { SqlValue, Statement } from "../sql.ts";

/** The parts of a result that every client provides, once its own conversions are off. */
export interface TextResult {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** A statement with its parameters as text. */
export interface TextQuery {
  readonly text: string;
  readonly values: (string | null)[];
}

/** @throws {RangeError} If a number is not finite or a date is invalid. */
export function encodeStatement({ text, params }: Statement<unknown>): TextQuery {
  return { text, values: params.map(encodeValue) };
}

function encodeValue(value: SqlValue): string | null {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value instanceof Date) return encodeDate(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError("A number in a statement must be finite.");
    return String(value);
  }
  return `{${value.map((item) => `"${item.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

/** ISO 8601, except for the sign before a year of more than four digits, which Postgres does not read. */
function encodeDate(value: Date): string {
  const text = value.toISOString();
  if (text.startsWith("-")) throw new RangeError("A date in a statement must not be before year 0.");
  return text.startsWith("+") ? text.slice(1).replace(/^0+(?=\d{5})/, "") : text;
}

/** Rows of text as rows of values, named by the statement's aliases. */
export function decodeResult<Row>({ fields, rows }: TextResult): Row[] {
  const parsers = fields.map((field) => [field.name, parsersByType.get(field.dataTypeID)] as const);
  return rows.map((row) => {
    const values = parsers.map(([name, parse], index) => {
      const text = row[index] ?? null;
      return [name, text === null || parse === undefined ? text : parse(text)] as const;
    });
    return Object.fromEntries(values) as Row;
  });
}

/** By type OID (`pg_type.dat`; these never change). A type that is not listed stays text: `uuid`, `int8`, `numeric`, `bytea`. */
const parsersByType: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [16, (text) => text === "t"], // bool
  [21, Number], // int2
  [23, Number], // int4
  [26, Number], // oid
  [114, JSON.parse], // json
  [700, Number], // float4
  [701, Number], // float8
  [1003, decodeArray], // name[]
  [1009, decodeArray], // text[]
  [1015, decodeArray], // varchar[]
  [1184, decodeTimestamp], // timestamptz
  [2951, decodeArray], // uuid[]
  [3802, JSON.parse], // jsonb
]);

/** The first and last moment that a `Date` can hold, for `-infinity` and `infinity`. */
const dateLimit = 8.64e15;

/** Reads `2026-11-22 05:00:00.123456+05:30` of DateStyle ISO. Microseconds are truncated, never rounded into the future. */
function decodeTimestamp(text: string): Date {
  if (text === "infinity") return new Date(dateLimit);
  if (text === "-infinity") return new Date(-dateLimit);
  const match =
    /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?( BC)?$/.exec(text);
  if (!match) throw new TypeError("The database must print timestamps in DateStyle ISO.");
  const number = (index: number): number => Number(match[index] ?? 0);
  const milliseconds = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const offsetSeconds = (match[8] === "-" ? -1 : 1) * (number(9) * 3600 + number(10) * 60 + number(11));

  const at = new Date(0);
  at.setUTCFullYear(match[12] ? 1 - number(1) : number(1), number(2) - 1, number(3));
  at.setUTCHours(number(4), number(5), number(6) - offsetSeconds, milliseconds);
  return at;
}

/** Reads a one-dimensional array literal, `{a,"b\"c",NULL}`: quoted items are unescaped, and only a bare NULL is null. */
function decodeArray(text: string): (string | null)[] {
  const items: (string | null)[] = [];
  for (const match of text.slice(1, -1).matchAll(/"((?:[^"\\]|\\[\s\S])*)"|([^,]+)/g)) {
    if (match[1] !== undefined) items.push(match[1].replace(/\\([\s\S])/g, "$1"));
    else items.push(match[2] === "NULL" ? null : match[2]!);
  }
  return items;
}
