import { pgBouncerProgram, startPgBouncer } from "./pgbouncer.ts";
import { type TransactionPooler, transactionPooler } from "./transaction-pooler.ts";

/** Poolers in transaction mode that can be started before a server, by their name. */
export const poolers: Record<string, (server: string) => Promise<TransactionPooler>> = {
  "the tests' own pooler": (server) => transactionPooler({ connectionString: server }),
  ...(pgBouncerProgram === undefined ? {} : { PgBouncer: startPgBouncer }),
};
