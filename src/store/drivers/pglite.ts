/**
 * PGlite: Postgres inside the process, for development and tests.
 *
 * @module
 */
import type { PGlite } from "@electric-sql/pglite";
import { requireOption } from "../../domain/option-error.ts";
import type { Database, Statement } from "../sql.ts";
import { databaseError } from "./database-error.ts";
import { decodeResult, encodeStatement, type TextQuery, type TextResult } from "./values.ts";

/** The parts of a PGlite instance that the driver uses, so that an instance behind a web worker fits as well. */
export type PgliteInstance = Pick<PGlite, "query" | "transaction" | "waitReady" | "parsers" | "serializers">;

/** The methods that a PGlite instance and its transaction share. */
type Queryable = Pick<PGlite, "query">;

/**
 * Runs statements in a PGlite instance of this process: Postgres in WebAssembly, one session, requests one after another.
 *
 * The caller closes the instance. There is no deadline: a statement holds the thread until it is done.
 */
export function pglite(instance: PgliteInstance): Database {
  requireOption(typeof instance?.query === "function", undefined, "an instance of PGlite");
  let options: TextOptions | undefined;
  const runOn = async (queryable: Queryable, { text, values }: TextQuery): Promise<TextResult> => {
    options ??= textOptions(instance);
    return (await queryable.query(text, values, options)) as TextResult;
  };
  const request = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      await instance.waitReady;
      return await work();
    } catch (error) {
      throw databaseError(error, "the embedded database failed or is closed");
    }
  };

  return {
    async run<Row>(statement: Statement<Row>) {
      const encoded = encodeStatement(statement);
      return decodeResult<Row>(await request(() => runOn(instance, encoded)));
    },
    async batch(statements) {
      const encoded = statements.map(encodeStatement);
      const results = await request(() =>
        instance.transaction(async (transaction) => {
          await transaction.exec("set transaction isolation level read committed");
          const texts: TextResult[] = [];
          for (const one of encoded) texts.push(await runOn(transaction, one));
          return texts;
        }),
      );
      return results.map((result) => decodeResult(result));
    },
  };
}

/** The query options of {@link textOptions}. */
export interface TextOptions {
  rowMode: "array";
  parsers: Record<number, (text: string) => string>;
  serializers: Record<number, (value: string) => string>;
}

/** Options that turn off all conversions of the (ready) instance: parameters and results are Postgres's own text. */
export function textOptions(instance: Pick<PgliteInstance, "parsers" | "serializers">): TextOptions {
  const identity = (text: string): string => text;
  const off = (table: object): Record<number, typeof identity> =>
    Object.fromEntries(Object.keys(table).map((type) => [type, identity]));
  return { rowMode: "array", parsers: off(instance.parsers), serializers: off(instance.serializers) };
}
