/**
 * Records as tables. The field list of a record is written once; its row type, value type and wire type, its columns, its
 * mappers and its response schema follow from it.
 *
 * @module
 */
import { type Id, type IdType, wireId } from "./id.ts";

/** Each kind of field: as a driver reads it, as a value, and as JSON. */
interface Kinds {
  text: { row: string; value: string; wire: string };
  texts: { row: readonly string[]; value: readonly string[]; wire: string[] };
  integer: { row: number; value: number; wire: number };
  /** An `int8` that fits a number. Its column is cast to text, since drivers disagree on its type. Never null. */
  count: { row: string; value: number; wire: number };
  flag: { row: boolean; value: boolean; wire: boolean };
  time: { row: Date; value: Date; wire: string };
}

type Kind = keyof Kinds | `${IdType} id` | `${IdType} ids`;

/** A kind, with `?` if the field may be null; or the texts that the field may hold, with null if it may be null. */
export type Field = Kind | `${Kind}?` | readonly (string | null)[];

/** A record: its fields by name, in the order of the wire. */
export type RecordTable = Readonly<Record<string, Field>>;

type Form = "row" | "value" | "wire";

type FieldOf<Declared, As extends Form> = Declared extends readonly (infer Choice)[]
  ? Choice
  : Declared extends `${infer Present}?`
    ? FieldOf<Present, As> | null
    : Declared extends `${infer Type extends IdType} id`
      ? { row: string; value: Id<Type>; wire: string }[As]
      : Declared extends `${infer Type extends IdType} ids`
        ? { row: readonly string[]; value: readonly Id<Type>[]; wire: string[] }[As]
        : Declared extends keyof Kinds
          ? Kinds[Declared][As]
          : never;

/** A record as a statement gives it: identifiers are UUIDs. */
export type RowOf<Table> = { readonly [Name in keyof Table]: FieldOf<Table[Name], "row"> };

/** A record as an operation gives it. */
export type ValueOf<Table> = { readonly [Name in keyof Table]: FieldOf<Table[Name], "value"> };

/** A record as JSON. */
export type WireOf<Table> = {
  [Name in keyof Table & string as MemberOf<Name, Table[Name]>]: FieldOf<Table[Name], "wire">;
};

/** The same, without the members that are null. */
export type SparseWireOf<Table> = Sparse<WireOf<Table>>;

type Sparse<Body> = Flat<
  { [Name in keyof Body as null extends Body[Name] ? never : Name]: Body[Name] } & {
    [Name in keyof Body as null extends Body[Name] ? Name : never]?: Exclude<Body[Name], null>;
  }
>;
type Flat<Members> = { [Name in keyof Members]: Members[Name] };

/** A row whose names stand beside another's: `status` of a user as `user.status`. */
export type Prefixed<Row, Prefix extends string> = Row extends unknown
  ? { readonly [Name in keyof Row & string as `${Prefix}.${Name}`]: Row[Name] }
  : never;

/** A field's name in SQL and JSON: `created_at`; of an identifier, `usr_id` for `userId`. */
type MemberOf<Name extends string, Declared> = Declared extends `${infer Type extends IdType} id${"" | "?"}`
  ? Name extends `${string}Id`
    ? `${Type}_id`
    : Snake<Name>
  : Snake<Name>;

type Snake<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${Snake<Rest>}`
    : `_${Lowercase<First>}${Snake<Rest>}`
  : "";

/** The name of a field in SQL and JSON. */
export function memberOf(name: string, field: Field): string {
  const type = name.endsWith("Id") ? idTypeOf(field) : undefined;
  return type ? `${type}_id` : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The type of identifier that a field holds, if it holds one or a list of them. */
export function idTypeOf(field: Field): IdType | undefined {
  const end = (field as string).indexOf(" id");
  return end > 0 ? ((field as string).slice(0, end) as IdType) : undefined;
}

/**
 * The value that a row holds.
 *
 * @param prefix Prefix of the record's names in the row, such as `user.`. Default none.
 */
export function toValue<Table extends RecordTable>(table: Table, row: RowOf<Table>): ValueOf<Table>;
export function toValue<Table extends RecordTable, Prefix extends string>(
  table: Table,
  row: Prefixed<RowOf<Table>, Prefix>,
  prefix: `${Prefix}.`,
): ValueOf<Table>;
export function toValue(table: RecordTable, row: Readonly<Record<string, unknown>>, prefix = ""): unknown {
  const value: Record<string, unknown> = {};
  for (const name of Object.keys(table)) {
    const field = table[name]!;
    const stored = row[prefix + name];
    const type = idTypeOf(field);
    const toWire = (uuid: unknown): string => wireId(type!, uuid as string);
    if (type && stored) value[name] = Array.isArray(stored) ? stored.map(toWire) : toWire(stored);
    else value[name] = field === "count" ? Number(stored) : stored;
  }
  return value;
}

/** The JSON of a value, without members that the record does not list. */
export function toBody<Table extends RecordTable>(table: Table, value: ValueOf<Table>): WireOf<Table> {
  const held: Readonly<Record<string, unknown>> = value;
  const body: Record<string, unknown> = {};
  for (const name of Object.keys(table)) {
    const member = held[name];
    body[memberOf(name, table[name]!)] =
      member instanceof Date ? member.toISOString() : Array.isArray(member) ? [...member] : member;
  }
  return body as WireOf<Table>;
}

/** The JSON of a value without the members that are null. */
export function toSparseBody<Table extends RecordTable>(table: Table, value: ValueOf<Table>): SparseWireOf<Table> {
  const body = Object.entries(toBody(table, value)).filter(([, member]) => member !== null);
  return Object.fromEntries(body) as SparseWireOf<Table>;
}
