/**
 * Identifiers: a type prefix and a UUID (Flametrench `docs/ids.md`). Stored as `uuid`, written `usr_<32 hex digits>`.
 *
 * @module
 */
import { v7 } from "uuid";
import { randomBytes } from "../crypto/bytes.ts";
import { AuthError } from "./error.ts";

/** The prefixes that specification version 0.3 registers; `aud` is version 0.4's, for the audit log (ADR 0019). */
export const idTypes = ["usr", "ses", "cred", "org", "mem", "inv", "tup", "mfa", "shr", "pat", "aud"] as const;

/** A registered prefix; or `join`, Sallyport's own, for an invitation to the deployment. */
export type IdType = (typeof idTypes)[number] | "join";
/** An identifier in wire form, such as `usr_0190f2a81b3c7abc8123456789abcdef`. */
export type Id<Type extends IdType = IdType> = `${Type}_${string}`;
/** The identifier of a user. */
export type UserId = Id<"usr">;
/** The identifier of a session. It grants nothing; only the token does. */
export type SessionId = Id<"ses">;
/** The identifier of a credential: a password, a passkey or an external account. */
export type CredentialId = Id<"cred">;
/** The identifier of a relational tuple. */
export type TupleId = Id<"tup">;
/** The identifier of an audit event. */
export type AuditId = Id<"aud">;
/** The identifier of a second factor. */
export type FactorId = Id<"mfa">;
/** The identifier of a personal access token. It is the public part of the token. */
export type PersonalAccessTokenId = Id<"pat">;
/** The identifier of an organization. */
export type OrganizationId = Id<"org">;
/** The identifier of a membership. */
export type MembershipId = Id<"mem">;
/** The identifier of an invitation to an organization. It opens nothing; only a secret does. */
export type InvitationId = Id<"inv">;
/** The identifier of an invitation to the deployment. The prefix is Sallyport's own, so {@link decodeId} does not know it. */
export type DeploymentInvitationId = Id<"join">;

const registered: ReadonlySet<string> = new Set(idTypes);
const uuidShape = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const hyphenated = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
/** The version is the first digit of the third group, RFC 9562 §4.2: neither the nil nor the max UUID has one. */
const payloadShape = /^[0-9a-f]{12}[1-8][0-9a-f]{19}$/;

/** Makes a new identifier. */
export function generateId<Type extends IdType>(type: Type): Id<Type> {
  return encodeId(type, newUuid());
}

/** The UUID of a new row: UUIDv7 (RFC 9562 §5.7), increasing within a millisecond. */
export function newUuid(): string {
  return v7();
}

/**
 * The UUID of a new audit event. Its counter is random each time, because a shared counter would reveal how active other users
 * are.
 */
export function newAuditId(): string {
  return v7({ random: randomBytes(16) });
}

/**
 * Writes a UUID in wire form.
 *
 * @throws {AuthError} `invalid_format.id_type` for an unregistered prefix, `invalid_format.id` if the text is not a UUID.
 */
export function encodeId<Type extends IdType>(type: Type, uuid: string): Id<Type> {
  if (!registered.has(type)) throw new AuthError("invalid_format.id_type");
  if (!hyphenated.test(uuid)) throw new AuthError("invalid_format.id");
  return `${type}_${uuid.replaceAll("-", "").toLowerCase()}`;
}

/**
 * Reads an identifier in wire form: registered prefix, 32 lower-case hex digits, a version nibble of 1 to 8.
 *
 * @throws {AuthError} `invalid_format.id_type` or `invalid_format.id`.
 */
export function decodeId(id: string): { type: IdType; uuid: string } {
  const separator = id.indexOf("_");
  if (separator < 0) throw new AuthError("invalid_format.id_separator");
  const type = id.slice(0, separator);
  if (!registered.has(type)) throw new AuthError("invalid_format.id_type");
  return { type: type as IdType, uuid: decodeAny(id).uuid };
}

/** Reads an identifier of any prefix, for objects that an application names itself. */
export function decodeAny(id: string): { type: string; uuid: string } {
  if (!isValidShape(id)) throw new AuthError("invalid_format.id");
  const separator = id.indexOf("_");
  return { type: id.slice(0, separator), uuid: hyphenate(id.slice(separator + 1)) };
}

/** True if {@link decodeId} accepts the text and its prefix is the expected one. Never throws. */
export function isValidId(id: string, expectedType?: IdType): boolean {
  const separator = id.indexOf("_");
  return registered.has(id.slice(0, Math.max(separator, 0))) && isValidShape(id, expectedType);
}

/** True if {@link decodeAny} accepts the text and its prefix is the expected one. Never throws. */
export function isValidShape(id: string, expectedType?: string): boolean {
  const separator = id.indexOf("_");
  const isOfType = expectedType === undefined || id.slice(0, separator) === expectedType;
  return separator > 0 && isOfType && payloadShape.test(id.slice(separator + 1));
}

/** The prefix of an identifier; throws as {@link decodeId} does. */
export function typeOfId(id: string): IdType {
  return decodeId(id).type;
}

/**
 * The UUID to look a row up by. An identifier that is well formed but cannot exist (another type, the nil UUID) is not found
 * rather than malformed, so that a path gives the same answer for every object that the caller cannot have.
 *
 * @throws {AuthError} `not_found`.
 */
export function uuidFor(type: IdType, id: string): string {
  if (!isValidShape(id, type)) throw new AuthError("not_found");
  return hyphenate(id.slice(type.length + 1));
}

/**
 * The UUID of an identifier, as database columns hold it. For your own SQL: `${uuidOf(userId)}::uuid`.
 *
 * @throws {AuthError} `invalid_format.id` or `invalid_format.id_type`.
 */
export function uuidOf(id: Id): string {
  return decodeId(id).uuid;
}

/** A UUID from the database in wire form. The drivers give it hyphenated and in lower case. */
export function wireId<Type extends IdType>(type: Type, uuid: string): Id<Type> {
  return `${type}_${uuid.slice(0, 8)}${uuid.slice(9, 13)}${uuid.slice(14, 18)}${uuid.slice(19, 23)}${uuid.slice(24)}`;
}

/** True if the text is a UUID, hyphenated or not. */
export function isUuid(text: string): boolean {
  return uuidShape.test(text);
}

function hyphenate(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
