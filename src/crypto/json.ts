/**
 * JSON that every reader understands alike (RFC 8259, I-JSON RFC 7493 §2.3).
 *
 * @module
 */

/** A valid JSON text, and whether it has a name such as `__proto__`, which attacks code that copies an object (B38). */
export interface StrictJson {
  readonly value: unknown;
  readonly hasInheritedName: boolean;
}

/**
 * Reads JSON from bytes in UTF-8 without a byte order mark (RFC 8259 §8.1). Two equal names in one object are refused, because
 * readers differ in which of the two they keep (RFC 8259 §4).
 *
 * @throws {SyntaxError | TypeError} If the bytes are not such a text.
 */
export function parseStrictJson(bytes: Uint8Array): StrictJson {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const value: unknown = JSON.parse(text);
  let members = 0;
  let hasInheritedName = false;
  for (const { name } of partsOf(value)) {
    if (name === undefined) continue;
    members += 1;
    hasInheritedName ||= name in Object.prototype;
  }
  // Outside strings, each colon belongs to one member.
  if (text.replace(/"(?:[^"\\]|\\.)*"/g, "").split(":").length - 1 !== members) throw new SyntaxError("duplicate name");
  return { value, hasInheritedName };
}

/** The members of a text's object, or `undefined` if it is none, or has a name such as `__proto__` anywhere. */
export function parseStrictObject(bytes: Uint8Array): ReadonlyMap<string, unknown> | undefined {
  try {
    const { value, hasInheritedName } = parseStrictJson(bytes);
    return hasInheritedName ? undefined : membersOf(value);
  } catch {
    return undefined;
  }
}

/** A value within a JSON value, and its name if it is a member of an object. */
export interface JsonPart {
  readonly name: string | undefined;
  readonly value: unknown;
}

/** The value and every value within it. Walks without recursion, because brackets nest deeper than a stack. */
export function partsOf(root: unknown): readonly JsonPart[] {
  const parts: JsonPart[] = [{ name: undefined, value: root }];
  for (let at = 0; at < parts.length; at++) {
    const { value } = parts[at]!;
    if (typeof value !== "object" || value === null) continue;
    if (Array.isArray(value)) for (const item of value) parts.push({ name: undefined, value: item });
    else for (const [name, member] of Object.entries(value)) parts.push({ name, value: member });
  }
  return parts;
}

/** The members of a JSON object, or `undefined` for any other value. A map, so that no name is inherited. */
export function membersOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return new Map(Object.entries(value));
}
