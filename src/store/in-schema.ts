/**
 * A schema of one's own for Sallyport's tables, so that an application may have tables of the same names.
 *
 * @module
 */
import { requireOption } from "../domain/option-error.ts";
import { type Database, type Statement, sql } from "./sql.ts";

/**
 * The same database, in which Sallyport's tables are in `schema`. Other names are found as before, so an application's
 * statements in a plan find the application's tables. A name that both have needs its schema, as in `public.usr`.
 *
 * Each request runs in a transaction that begins with the schema's name, because a pooler forgets settings of a connection. Over
 * Neon that is still one HTTP request. A database role of Sallyport's own needs none of this:
 * `alter role sallyport set search_path = auth, public`.
 *
 * @param schema A lower-case identifier such as `auth`. `sallyport migrate --schema` makes the schema.
 * @throws {TypeError} If it is not such an identifier.
 */
export function inSchema(database: Database, schema: string): Database {
  requireSchemaName(schema);
  const batch = async (statements: readonly Statement<unknown>[], limit?: number): Promise<unknown[][]> => {
    // Only a client that the caller lends can be inside a transaction of the caller, which goes on with its own path.
    const after = database.isNested ? [restorePath()] : [];
    const rows = await database.batch([setPath(schema), ...statements, ...after], limit);
    return rows.slice(1, 1 + statements.length);
  };
  return {
    run: async <Row>(statement: Statement<Row>, limit?: number) => (await batch([statement], limit))[0] as Row[],
    batch,
    ...(database.isNested && { isNested: () => database.isNested!() }),
  };
}

/** @throws {TypeError} If the name of a schema needs quotation marks, or Postgres keeps it for itself. */
export function requireSchemaName(schema: unknown): asserts schema is string {
  const isPlain = typeof schema === "string" && /^(?!pg_|information_schema$)[a-z_][a-z0-9_]{0,62}$/.test(schema);
  requireOption(isPlain, schema, "a lower-case identifier, such as auth", "schema");
}

/** `local`: the settings end with the transaction, or with the savepoint that a refusal goes back to. */
const setPath = (schema: string) => sql`
  select set_config('sallyport.search_path', current_setting('search_path'), true),
    set_config('search_path', concat_ws(', ', ${schema}::text, nullif(current_setting('search_path'), '')), true)`;

const restorePath = () => sql`select set_config('search_path', current_setting('sallyport.search_path'), true)`;
