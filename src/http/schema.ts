import type { GenericSchema } from "valibot";

/** Makes the schema of a request's body or query. A function delays that work from the cold start to the first request. */
export type Schema<Value> = () => GenericSchema<unknown, Value>;

const made = new WeakMap<Schema<unknown>, GenericSchema>();

/** Returns the schema, and makes it at its first use. */
export function schemaOf<Value>(make: Schema<Value>): GenericSchema<unknown, Value> {
  const known = made.get(make) as GenericSchema<unknown, Value> | undefined;
  if (known) return known;
  const fresh = make();
  made.set(make, fresh);
  return fresh;
}
