import { randomBytes } from "../crypto/bytes.ts";
import { purgeExpired } from "../store/maintenance.ts";
import type { Core } from "./core.ts";
import { answerOf, executeAll, type Work } from "./execute.ts";

/** Runs the start of a sign-in. About one in a hundred also purges ended rows, in the same request (S46). */
export async function executeAndPurge<Result, Row>(core: Core, work: Work<Result, Row>): Promise<Result> {
  const [rows] = await executeAll(core, [work, ...(randomBytes(1)[0]! < 3 ? [purgeExpired(100, core.purges)] : [])]);
  return await answerOf(work, rows!);
}
