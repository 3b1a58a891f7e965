import { type Field, memberOf, prefixed, type RecordTable } from "../domain/record.ts";
import { type Statement, sql } from "./sql.ts";

/**
 * The columns of a record, of whatever row is called `of`: `cred.id, cred.usr_id as "userId", …`.
 *
 * @param computed SQL for fields that are not plain columns of that row.
 */
export function columnsOf<Table extends RecordTable>(
  of: string,
  table: Table,
  computed: { readonly [Name in keyof Table]?: Statement } = {},
): Statement {
  return listed(of, table, computed, { prefix: "" });
}

/**
 * The same beside another record's, with names that begin with a prefix: `usr.status as "userStatus"`.
 *
 * @param naming.but A field that the other record has already.
 */
export function columnsBeside<Table extends RecordTable>(
  of: string,
  table: Table,
  naming: { readonly prefix: string; readonly but?: keyof Table & string },
  computed: { readonly [Name in keyof Table]?: Statement } = {},
): Statement {
  return listed(of, table, computed, naming);
}

function listed(
  of: string,
  table: RecordTable,
  computed: Readonly<Record<string, Statement | undefined>>,
  { prefix, but }: { readonly prefix: string; readonly but?: string },
): Statement {
  let list: Statement | undefined;
  let plain = "";
  const add = (column: Statement): void => {
    list = list ? sql`${list}, ${column}` : column;
    plain = "";
  };
  for (const [field, declared] of Object.entries(table)) {
    if (field === but) continue;
    const alias = `"${prefixed(prefix, field)}"`;
    const special = computed[field];
    if (special && plain !== "") add(names(plain));
    if (special) add(sql`${special} as ${names(alias)}`);
    else plain += `${plain === "" ? "" : ", "}${columnOf(of, field, declared)} as ${alias}`;
  }
  if (plain !== "") add(names(plain));
  return list!;
}

function columnOf(of: string, field: string, declared: Field): string {
  const isCount = declared === "count" || declared === "count?";
  return `${of}.${memberOf(field, declared)}${isCount ? "::text" : ""}`;
}

/** Names, and what stands between them in a list. They come from the tables of this package; anything else is refused. */
function names(text: string): Statement {
  if (!/^[A-Za-z_.:" ,]+$/.test(text)) throw new TypeError("A record's names are letters.");
  return sql([text] as unknown as TemplateStringsArray);
}
