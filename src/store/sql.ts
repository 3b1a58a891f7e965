/**
 * SQL as a value: the one way to write a statement, and the port that runs it.
 *
 * @module
 */

/** A value that every driver encodes the same way. Bytes travel as hex text; see `crypto/bytes`. */
export type SqlValue = string | number | boolean | Date | null | readonly string[];

/** One SQL statement as a value: nothing runs until a {@link Database} is given it. */
export interface Statement<Row = unknown> {
  readonly text: string;
  readonly params: readonly SqlValue[];
  /** Type only: carries the row's shape, never set. */
  readonly row?: Row;
}

/**
 * The one port to storage. Drivers reject with the database's own error, whose `code` is the SQLSTATE; an error without a
 * five-character `code` means that nobody knows whether the statement took effect.
 */
export interface Database {
  /** Runs one statement, in one request. */
  run<Row>(statement: Statement<Row>): Promise<Row[]>;
  /** Runs statements in one READ COMMITTED transaction and one request, in order; either all take effect or none do. */
  batch(statements: readonly Statement<unknown>[]): Promise<unknown[][]>;
}

/** What only the tag makes; nothing else nests, so no other text reaches the database. */
interface Fragment extends Statement<unknown> {
  readonly strings: readonly string[];
}

const fragments = new WeakSet<object>();

/** Builds a statement. A value becomes a parameter, a nested statement is inlined and renumbered; there is no other way in. */
export function sql<Row = unknown>(
  strings: TemplateStringsArray,
  ...parts: (SqlValue | Statement<unknown>)[]
): Statement<Row> {
  const pieces: string[] = [strings[0]!];
  const params: SqlValue[] = [];
  const append = (text: string): void => {
    pieces[pieces.length - 1] += text;
  };

  for (const [index, part] of parts.entries()) {
    if (isFragment(part)) {
      append(part.strings[0]!);
      for (const [position, value] of part.params.entries()) {
        params.push(value);
        pieces.push(part.strings[position + 1]!);
      }
    } else if (isValue(part)) {
      params.push(part);
      pieces.push("");
    } else {
      throw new TypeError("Only values and statements made by sql`` can be interpolated.");
    }
    append(strings[index + 1]!);
  }

  const statement: Fragment = {
    text: pieces.reduce((text, piece, index) => `${text}$${index}${piece}`),
    params,
    strings: pieces,
  };
  fragments.add(statement);
  return statement as Statement<Row>;
}

function isFragment(part: unknown): part is Fragment {
  return typeof part === "object" && part !== null && fragments.has(part);
}

function isValue(part: unknown): part is SqlValue {
  return (
    part === null ||
    typeof part === "string" ||
    typeof part === "number" ||
    typeof part === "boolean" ||
    part instanceof Date ||
    (Array.isArray(part) && part.every((item) => typeof item === "string"))
  );
}
