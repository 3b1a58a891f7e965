import { AuthError } from "../domain/error.ts";
import { type IdType, isValidShape, uuidFor } from "../domain/id.ts";
import { refuse } from "./refuse.ts";

/** One page of a list. */
export interface Page<Item> {
  readonly data: readonly Item[];
  /** The cursor of the next page, or null on the last page. Opaque. */
  readonly nextCursor: string | null;
}

const defaultLimit = 50;
const maximumLimit = 200;

/** The page that a caller asks for. */
export interface PageInput {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

/**
 * Reads the page that a caller asks for, in a list of objects of one type.
 *
 * @throws {AuthError} `invalid_format.cursor`.
 */
export function pageOf(type: IdType, { cursor, limit }: PageInput): { after: string | undefined; limit: number } {
  return { after: decodeCursor(type, cursor), limit: pageLimit(limit) };
}

/** The requested page size, limited to 1 to 200 (Flametrench ADR 0015). Default 50. */
function pageLimit(limit: number | undefined): number {
  if (limit === undefined || Number.isNaN(limit)) return defaultLimit;
  return Math.min(Math.max(Math.trunc(limit), 1), maximumLimit);
}

/**
 * The UUID after which a page begins.
 *
 * @throws {AuthError} `invalid_format.cursor`.
 */
function decodeCursor(type: IdType, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  if (!isValidShape(cursor, type)) throw new AuthError("invalid_format.cursor");
  return uuidFor(type, cursor);
}

/**
 * The page in a statement's rows. There is at least one row, which carries a refusal if there is one. There is one row more
 * than `limit` if others follow. In the one row of an empty page, `id` is null.
 */
export function toPage<Row extends { id: string | null; refusal: string | null }, Item extends { id: string }>(
  rows: readonly Row[],
  limit: number,
  convert: (row: Row) => Item,
): Page<Item> {
  refuse(rows[0]!.refusal);
  const data = rows
    .filter((row) => row.id !== null)
    .slice(0, limit)
    .map(convert);
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.id ?? null) : null };
}
