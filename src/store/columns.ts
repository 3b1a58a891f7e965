import { memberOf, type RecordTable } from "../domain/record.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * The columns of a record, read from the row called `of`: `cred.id as "id", cred.usr_id as "userId", …`.
 *
 * @param computed SQL for fields that are not plain columns of that row.
 * @param prefix Prefix of the names beside another record: `user.` for `usr.status as "user.status"`. Default none.
 */
export function columnsOf<Table extends RecordTable>(
  of: string,
  table: Table,
  computed: { readonly [Name in keyof Table]?: Statement } = {},
  prefix = "",
): Statement {
  let list = sql``;
  let plain = "";
  let comma = "";
  for (const field of Object.keys(table)) {
    const special = computed[field];
    const alias = ` as "${prefix}${field}"`;
    if (special) {
      list = sql`${list}${names(plain + comma)}${special}${names(alias)}`;
      plain = "";
    } else {
      plain += `${comma}${of}.${memberOf(field, table[field]!)}${alias}`;
    }
    comma = ", ";
  }
  return sql`${list}${names(plain)}`;
}

/** Names and their separators in a list. They come from the tables of this package; anything else is refused. */
function names(text: string): Statement {
  if (/[^A-Za-z_.:" ,]/.test(text)) throw new TypeError(text);
  return sql([text] as unknown as TemplateStringsArray);
}
