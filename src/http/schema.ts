import type { GenericSchema } from "valibot";

/** The schema of a request's body or query. A function, so that a cold start makes none. */
export type Schema<Value> = () => GenericSchema<unknown, Value>;

const made = new WeakMap<Schema<unknown>, GenericSchema>();

/** The schema itself, made at its first use. */
export function schemaOf<Value>(make: Schema<Value>): GenericSchema<unknown, Value> {
  const known = made.get(make) as GenericSchema<unknown, Value> | undefined;
  if (known) return known;
  const fresh = make();
  made.set(make, fresh);
  return fresh;
}
