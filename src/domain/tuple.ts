/**
 * Relational tuples: which subject has which relation to which object (Flametrench `docs/authorization.md`).
 *
 * @module
 */
import { systemObjectType } from "./administrator.ts";
import { AuthError, type ErrorCode } from "./error.ts";
import { decodeAny, isUuid } from "./id.ts";
import type { ValueOf } from "./record.ts";

/** One tuple. Subject and object are UUIDs, of whatever type they are. */
export const tuple = {
  id: "tup id",
  subjectType: "text",
  subjectId: "text",
  relation: "text",
  objectType: "text",
  objectId: "text",
  createdAt: "time",
  /** The user who wrote it. Null if the application did. */
  createdBy: "usr id?",
} as const;

/** A tuple: its subject has its relation to its object. */
export interface Tuple extends ValueOf<typeof tuple> {}

/** The types of objects on which a membership, or an administrator operation, gives the relations. */
export const withheldObjectTypes: readonly string[] = ["org", systemObjectType];

const relationShape = /^[a-z_]{2,32}$/;
const typeShape = /^[a-z]{2,6}$/;

export function isRelation(text: unknown): text is string {
  return typeof text === "string" && relationShape.test(text);
}

export function isEntityType(text: unknown): text is string {
  return typeof text === "string" && typeShape.test(text);
}

/** @throws {AuthError} `invalid_format.relation`. */
export function requireRelation(relation: string): string {
  if (!isRelation(relation)) throw new AuthError("invalid_format.relation");
  return relation;
}

/** @throws {AuthError} `invalid_format.subject_type` or `invalid_format.object_type`. */
export function requireEntityType(type: string, side: "subject" | "object"): string {
  if (!isEntityType(type)) throw new AuthError(`invalid_format.${side}_type`);
  return type;
}

/**
 * The UUID of a subject or object that is given bare or in wire form. A prefix must match the declared type: otherwise a user's
 * id given as an object's would be denied without an explanation. The nil and the max UUID name nothing.
 *
 * @throws {AuthError} `invalid_format.subject_id` or `invalid_format.object_id`.
 */
export function requireEntityId(type: string, id: string, side: "subject" | "object"): string {
  const code: ErrorCode = `invalid_format.${side}_id`;
  if (!id.includes("_")) {
    const hex = id.replaceAll("-", "").toLowerCase();
    if (!isUuid(id) || /^(0{32}|f{32})$/.test(hex)) throw new AuthError(code);
    return id.toLowerCase();
  }
  try {
    const decoded = decodeAny(id);
    if (decoded.type === type) return decoded.uuid;
  } catch (error) {
    throw new AuthError(code, { cause: error });
  }
  throw new AuthError(code);
}
