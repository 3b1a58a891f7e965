import pg from "pg";
import { createAuth, migrate, migrations, passwords, signUp, sql } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { sharedByAllClients } from "sallyport/hono";
import { type Mailer, mail } from "sallyport/mail";
import { postgres } from "sallyport/postgres";
import { startPostgresCluster } from "../test/support/postgres-cluster.ts";

const messages = 2_000;

/** Messages that are owed, sent by one worker and by two at once, through a mailer that accepts at once. */
export async function measureOutbox(): Promise<void> {
  console.log("\n## Messages that are owed, sent\n");
  const cluster = await startPostgresCluster();
  const pools: pg.Pool[] = [];
  try {
    const worker = () => {
      const pool = new pg.Pool({ ...cluster.server, database: "postgres", max: 2, connectionTimeoutMillis: 2_000 });
      pools.push(pool);
      const sent: string[] = [];
      const mailer: Mailer = {
        send: async ({ id }) => {
          sent.push(id);
        },
      };
      const auth = createAuth({
        database: postgres(pool),
        secrets: crypto.getRandomValues(Buffer.alloc(32)).toString("base64url"),
        origins: ["https://example.com"],
        clientAddress: sharedByAllClients,
        features: [
          passwords({ hasher: argon2id() }),
          signUp({ mode: "closed" }),
          mail({ mailer, from: { address: "accounts@example.com" } }),
        ],
      });
      return { auth, sent, database: postgres(pool) };
    };
    const [one, other] = [worker(), worker()];
    await migrate(one.database, migrations);
    for (const workers of [[one], [one, other]]) {
      await one.database.run(sql`delete from mail_message`);
      await one.database.run(sql`
        insert into mail_message (id, kind, recipient, content, expires_at)
        select gen_random_uuid(), 'sign_up_taken', 'ada' || n || '@example.com', '{}', now() + interval '1 hour'
        from generate_series(1, ${messages}::int) n`);
      for (const { sent } of workers) sent.length = 0;
      const start = performance.now();
      await Promise.all(workers.map(({ auth }) => auth.mail.deliver({ limit: messages })));
      const seconds = (performance.now() - start) / 1_000;
      const sent = workers.flatMap((each) => each.sent);
      const name = workers.length === 1 ? "one worker " : "two workers";
      console.log(
        `${name}  ${Math.round(sent.length / seconds)} messages a second, ${sent.length - new Set(sent).size} sent twice`,
      );
    }
    console.log(
      `Method: ${messages} messages, five leased and settled at a time; Postgres on this machine without fsync; a mailer that does nothing.`,
    );
  } finally {
    for (const pool of pools) await pool.end();
    await cluster.stop();
  }
}
