import { type Statement, sql } from "./sql.ts";

/**
 * The name of a CTE, as a value. A fragment that reads a CTE takes its handle, so that a statement without that CTE does not
 * compile. It interpolates as the name.
 */
export type Handle<Kind extends string> = Statement & { readonly cte: Kind };

/** A CTE: its definition for the `with` list, and its handle. */
export interface Cte<Kind extends string> {
  readonly define: Statement;
  readonly name: Handle<Kind>;
}

/** A CTE whose body is evaluated once, however often it is referred to. */
export function materialized<Kind extends string>(name: Statement, body: Statement): Cte<Kind> {
  return { define: sql`${name} as materialized (${body})`, name: name as Handle<Kind> };
}

/** A CTE. If it modifies data, it always runs. */
export function cte<Kind extends string>(name: Statement, body: Statement): Cte<Kind> {
  return { define: sql`${name} as (${body})`, name: name as Handle<Kind> };
}

/** The handle of a CTE that the statement itself defines. */
export function handle<Kind extends string>(name: Statement): Handle<Kind> {
  return name as Handle<Kind>;
}
