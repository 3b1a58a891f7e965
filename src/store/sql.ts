/**
 * SQL as a value: the only way to write a statement, and the interface that runs it.
 *
 * @module
 */

/** A value that every driver encodes in the same way. Pass bytes as hex text. */
export type SqlValue = string | number | boolean | Date | null | readonly string[];

/** One SQL statement as a value. Nothing runs until you pass it to a {@link Database} or to `auth.batch`. */
export interface Statement<Row = unknown> {
  readonly text: string;
  readonly params: readonly SqlValue[];
  /** Type only: carries the row's shape, never set. */
  readonly row?: Row;
}

/** Columns of a row that may be absent, all of them together. */
export type AllOrNull<Columns> = Columns | { readonly [Name in keyof Columns]: null };

/**
 * The interface to a Postgres database that every driver implements. Drivers reject with the database's error, whose `code` is
 * the SQLSTATE. After an error without a five-character `code`, it is unknown whether the statement took effect. Such an error
 * may have `isLate: true`: the deadline passed, so a read is not repeated at once. A driver itself repeats what certainly did
 * not run.
 */
export interface Database {
  /**
   * Runs one statement, in one request.
   *
   * @param limit How long the caller waits, in milliseconds, if that is shorter than the driver would wait.
   */
  run<Row>(statement: Statement<Row>, limit?: number): Promise<Row[]>;
  /**
   * Runs statements in one READ COMMITTED transaction and one request, in order; either all take effect or none do.
   *
   * @param limit As for `run`.
   */
  batch(statements: readonly Statement<unknown>[], limit?: number): Promise<unknown[][]>;
  /**
   * True inside a transaction of the caller, who may undo it. A driver without this method never runs inside such a
   * transaction.
   */
  isNested?(): boolean;
  /** True once after a change that may owe messages. Only the database of the feature `mail` has it. */
  takeOwed?(): boolean;
}

/**
 * Builds a statement: `sql` is a template tag. A value becomes a parameter, and a nested statement is inlined with its
 * parameters renumbered. No other text can enter.
 */
export function sql<Row = unknown>(
  strings: TemplateStringsArray,
  ...parts: (SqlValue | Statement<unknown>)[]
): Statement<Row> {
  const pieces: string[] = [];
  const params: SqlValue[] = [];
  let piece = strings[0]!;
  // Every session check runs this, so the loops are plain.
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index];
    if (part instanceof TaggedStatement) {
      piece += part.pieces[0]!;
      for (let position = 0; position < part.params.length; position++) {
        pieces.push(piece);
        params.push(part.params[position]!);
        piece = part.pieces[position + 1]!;
      }
    } else if (isValue(part)) {
      pieces.push(piece);
      params.push(part);
      piece = "";
    } else {
      throw new TypeError("Only values and statements made by sql`` can be interpolated.");
    }
    piece += strings[index + 1]!;
  }
  pieces.push(piece);
  return new TaggedStatement(pieces, params) as Statement<Row>;
}

/** Made only by the tag. Nothing else nests, so no other text reaches the database. */
class TaggedStatement implements Statement<unknown> {
  readonly #pieces: readonly string[];
  readonly params: readonly SqlValue[];

  constructor(pieces: readonly string[], params: readonly SqlValue[]) {
    this.#pieces = pieces;
    this.params = params;
  }

  /** The text around the parameters: one piece more than parameters. */
  get pieces(): readonly string[] {
    return this.#pieces;
  }

  get text(): string {
    let text = this.#pieces[0]!;
    for (let index = 1; index < this.#pieces.length; index++) text += `$${index}${this.#pieces[index]!}`;
    return text;
  }
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
