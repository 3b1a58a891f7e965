import { randomBytes } from "../crypto/bytes.ts";
import { purgeExpired } from "../store/maintenance.ts";
import type { Core } from "./core.ts";
import { execute, type Run } from "./execute.ts";

/** Runs the first statement of a sign-in. About one in a hundred also purges expired rows in the same request (S46). */
export async function executeAndPurge<Row>(core: Core, run: Run<Row>): Promise<Row> {
  const purge = {
    body: purgeExpired(100, core.purges),
    onLostReply: false,
    decode: () => undefined,
  } as const;
  return await execute(core, run, randomBytes(1)[0]! < 3 ? [purge] : []);
}
