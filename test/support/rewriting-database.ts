import type { Database, Statement } from "../../src/store/sql.ts";

/** A database that sends other statements than it was given. */
export interface RewritingDatabase extends Database {
  /** How many statements were changed or omitted. A planted fault that changes none proves nothing. */
  readonly rewritten: number;
}

/**
 * Changes the text of every statement on its way, to plant a fault: for example, the real statements without one lock.
 *
 * @param rewrite The new text, or `undefined` to omit the statement; its result is then empty.
 */
export function rewritingDatabase(
  database: Database,
  rewrite: (text: string) => string | undefined,
): RewritingDatabase {
  let rewritten = 0;
  const change = (statement: Statement<unknown>): Statement<unknown> | undefined => {
    const text = rewrite(statement.text);
    if (text !== statement.text) rewritten += 1;
    return text === undefined ? undefined : { text, params: statement.params };
  };
  return {
    get rewritten() {
      return rewritten;
    },
    async run<Row>(statement: Statement<Row>) {
      const changed = change(statement);
      return changed ? await database.run<Row>(changed as Statement<Row>) : [];
    },
    async batch(statements) {
      const changed = statements.map(change);
      const results = await database.batch(changed.filter((statement) => statement !== undefined));
      return changed.map((statement) => (statement ? results.shift()! : []));
    },
  };
}
