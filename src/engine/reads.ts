/**
 * Reads: a statement returns the refusal in its first row, or the requested rows. Reads may run twice.
 *
 * @module
 */
import type { Statement } from "../store/sql.ts";
import type { Executor } from "./core.ts";
import { execute } from "./execute.ts";
import { type Page, toPage } from "./page.ts";
import { refuse } from "./refuse.ts";

/** The additional column of a read: the code of the refusal, or null. */
export interface Refusable {
  readonly refusal: string | null;
}

/** Reads the one requested object. */
export async function readOne<Row extends Refusable, Item>(
  core: Executor,
  body: Statement<Row>,
  convert: (row: Row) => Item,
): Promise<Item> {
  const decode = (row: Row): Item => {
    refuse(row.refusal);
    return convert(row);
  };
  return await execute(core, { body, onLostReply: "repeat", decode });
}

/** Reads every object of a short list, as its only page. An empty list is one row whose `id` is null. */
export async function readAll<Row extends Refusable & { readonly id: string | null }, Item>(
  core: Executor,
  body: Statement<Row>,
  convert: (row: Row) => Item,
): Promise<Page<Item>> {
  const decode = (_row: Row, rows: readonly Row[]): Page<Item> => {
    refuse(rows[0]!.refusal);
    return { data: rows.filter(({ id }) => id !== null).map(convert), nextCursor: null };
  };
  return await execute(core, { body, onLostReply: "repeat", decode });
}

/** Reads a page of a list. The statement returns one row more than `limit` if others follow. */
export async function readPage<Row extends Refusable & { readonly id: string | null }, Item extends { id: string }>(
  core: Executor,
  body: Statement<Row>,
  limit: number,
  convert: (row: Row) => Item,
): Promise<Page<Item>> {
  return await execute(core, { body, onLostReply: "repeat", decode: (_row, rows) => toPage(rows, limit, convert) });
}
