/**
 * Reads options that are written as trees of types, relations and their rules. A fault names its place in the tree.
 *
 * @module
 */
import { given, OptionError } from "./option-error.ts";
import { isEntityType, isRelation } from "./tuple.ts";

export function relationAt(relation: unknown, place: string): string {
  if (!isRelation(relation)) throw fault(relation, place, "a relation: 2 to 32 of a-z and _");
  return relation;
}

export function typeAt(type: unknown, place: string): string {
  if (!isEntityType(type)) throw fault(type, place, "a type: 2 to 6 of a-z");
  return type;
}

/** The members of an object, if it has no others than `known`. A member without a value is absent. */
export function only(value: unknown, place: string, known: readonly string[]): Record<string, unknown> {
  const other = members(value, place).find(([name]) => !known.includes(name));
  if (other) throw new OptionError("it is given, and is not known here.", below(place, other[0]));
  return value as Record<string, unknown>;
}

export function members(value: unknown, place: string): [string, unknown][] {
  if (!isPlainObject(value)) throw fault(value, place, "an object");
  return Object.entries(value).filter(([, member]) => member !== undefined);
}

/** False for a `Map`, whose entries are no members, and for a literal with `__proto__`, which would lose that relation. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm, such as a worker's, has another `Object.prototype`.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

export function below(place: string, name: string): string {
  return `${place}.${/^\w{1,32}$/.test(name) ? name : `(a name of ${name.length} characters)`}`;
}

export function fault(value: unknown, place: string, wanted: string): OptionError {
  return new OptionError(`${given(value)}, and must be ${wanted}.`, place);
}
