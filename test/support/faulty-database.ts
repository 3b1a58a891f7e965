import { DatabaseUnreachableError, pastDeadline } from "../../src/store/drivers/unreachable.ts";
import type { Database, Statement } from "../../src/store/sql.ts";

/**
 * The outcome of one request:
 * - `before`: it never reaches the database;
 * - `after`: it takes effect, and its reply is lost;
 * - `timed out`: no reply comes before the deadline, and it takes no effect;
 * - `late`: its caller gives up, and it takes effect only after the caller has asked for the outcome, but before the repeat.
 */
export type Fault = "before" | "after" | "late" | "timed out";

/** A database whose network fails according to a plan. */
export interface FaultyDatabase extends Database {
  /** Requests since the last {@link FaultyDatabase.reset}, including failed ones. */
  readonly requests: number;
  /** The rows of the last statement of each request that reached the database, in order: also those of a lost reply. */
  readonly rows: readonly (readonly unknown[])[];
  /** Resets the count, and from now on fails as `faults` says, request by request. */
  reset(faults?: readonly (Fault | undefined)[] | ((request: number) => Fault | undefined)): void;
}

export function faultyDatabase(database: Database): FaultyDatabase {
  let requests = 0;
  let rows: (readonly unknown[])[] = [];
  let faultOf: (request: number) => Fault | undefined = () => undefined;
  /** Requests that are still on their way, and how many further requests overtake each. */
  let late: { send: () => Promise<unknown>; overtakenBy: number } | undefined;

  async function request<Result>(send: () => Promise<Result>): Promise<Result> {
    const fault = faultOf(requests);
    requests += 1;
    if (late && late.overtakenBy-- === 0) {
      await late.send().catch(() => undefined);
      late = undefined;
    }
    if (fault === "late") late = { send, overtakenBy: 1 };
    if (fault === "after") await send();
    if (fault === "timed out") throw pastDeadline(1_000);
    if (fault) throw new DatabaseUnreachableError(`a fault of the test: ${fault}`);
    return await send();
  }
  const noted = <Result>(result: Result, ofLast: readonly unknown[]): Result => {
    rows.push(ofLast);
    return result;
  };
  return {
    get requests() {
      return requests;
    },
    get rows() {
      return rows;
    },
    reset(faults = []) {
      requests = 0;
      rows = [];
      late = undefined;
      faultOf = typeof faults === "function" ? faults : (index) => faults[index];
    },
    run: <Row>(statement: Statement<Row>, limit?: number) =>
      request(async () => {
        const result = await database.run(statement, limit);
        return noted(result, result);
      }),
    batch: (statements, limit) =>
      request(async () => {
        const results = await database.batch(statements, limit);
        return noted(results, results.at(-1) ?? []);
      }),
  };
}
