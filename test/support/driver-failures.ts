import { type Statement, sql } from "../../src/store/sql.ts";

/** The error that the request failed with. */
export async function failure(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) throw new Error("The request did not fail.");
  return outcome as Error & Record<string, unknown>;
}

/** Everything that a logger could print of an error. */
export function everythingIn(error: Error): string {
  const own = Object.fromEntries(Object.getOwnPropertyNames(error).map((name) => [name, Reflect.get(error, name)]));
  return JSON.stringify({ ...own, stack: error.stack, text: String(error), cause: error.cause });
}

/** Tables whose constraints are violated. */
export const schema: readonly Statement[] = [
  sql`create table thing (id int4 primary key, name text unique, size int4 constraint thing_size check (size > 0))`,
  sql`create table part (id int4, thing_id int4 references thing deferrable initially deferred)`,
];
