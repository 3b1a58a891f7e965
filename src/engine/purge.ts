import { randomBytes } from "../crypto/bytes.ts";
import { purgeExpired } from "../store/maintenance.ts";
import type { Core } from "./core.ts";
import { execute, type Run } from "./execute.ts";

/** Runs what begins a sign-in; one in a hundred or so also clears away what has ended, in the same request (S46). */
export async function executeAndPurge<Row>(core: Core, run: Run<Row>): Promise<Row> {
  return await execute(core, run, randomBytes(1)[0]! < 3 ? [purgeExpired(100, core.purges)] : []);
}
