import * as v from "valibot";
import {
  type Field,
  idTypeOf,
  memberOf,
  type RecordTable,
  type SparseWireOf,
  type WireOf,
} from "../../src/domain/record.ts";

export const time = v.pipe(v.string(), v.isoTimestamp());

export function id(type: string) {
  return v.pipe(v.string(), v.regex(new RegExp(`^${type}_[0-9a-f]{32}$`)));
}

/** A schema for each member of a body. */
type EntriesOf<Body> = { [Name in keyof Body]-?: EntryOf<Body, Name> };
type EntryOf<Body, Name extends keyof Body> =
  object extends Pick<Body, Name>
    ? v.ExactOptionalSchema<v.GenericSchema<Exclude<Body[Name], undefined>>, undefined>
    : v.GenericSchema<Body[Name]>;

/** The schema of a record as JSON. */
export function schemaOf<Table extends RecordTable>(table: Table) {
  return v.strictObject(entriesOf(table));
}

/** The members of a record as JSON. */
export function entriesOf<Table extends RecordTable>(table: Table): EntriesOf<WireOf<Table>> {
  return entries(table, v.nullable) as EntriesOf<WireOf<Table>>;
}

/** The same, without the members that would be null. */
export function sparseEntriesOf<Table extends RecordTable>(table: Table): EntriesOf<SparseWireOf<Table>> {
  return entries(table, (schema) => v.exactOptional(schema)) as EntriesOf<SparseWireOf<Table>>;
}

function entries(table: RecordTable, orNone: (schema: v.GenericSchema) => v.GenericSchema): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table).map(([name, field]) => {
      const mayBeNone = typeof field === "string" ? field.endsWith("?") : field.includes(null);
      const schema = present(field);
      return [memberOf(name, field), mayBeNone ? orNone(schema) : schema];
    }),
  );
}

function present(field: Field): v.GenericSchema {
  const type = idTypeOf(field);
  if (type !== undefined) return / ids\??$/.test(String(field)) ? v.array(id(type)) : id(type);
  if (typeof field !== "string") {
    const choices = field.filter((choice) => choice !== null);
    return choices.length === 1 ? v.literal(choices[0]!) : v.picklist(choices);
  }
  switch (field.replace("?", "")) {
    case "texts":
      return v.array(v.string());
    case "integer":
    case "count":
      return v.number();
    case "flag":
      return v.boolean();
    case "time":
      return time;
    default:
      return v.string();
  }
}
