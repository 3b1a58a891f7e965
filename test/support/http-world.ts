import { Hono } from "hono";
import { AuthError } from "../../src/domain/error.ts";
import { authRoutes, flametrenchRoutes, healthRoutes } from "../../src/http/auth-routes.ts";
import type { AuthSource } from "../../src/http/auth-source.ts";
import { openapiRoutes } from "../../src/http/openapi.ts";
import { type Statement, sql } from "../../src/store/sql.ts";
import { addressHeader, type FullAuth, freshAddress, type OpenOptions, openAuth, type World } from "./auth.ts";
import type { BackendName } from "./databases.ts";
import { type Reply, type Sent, send } from "./http.ts";

/** Sallyport's routes on their own database. */
export interface HttpWorld extends World {
  readonly app: Hono;
  /** The errors that were answered with 500 or 503. */
  readonly errors: unknown[];
  /** Sends a request from a fresh address, and checks the response against the document. */
  send(sent: Sent): Promise<Reply>;
  /** A digest of every row of every table, except attempts, audit events, and when and where a session was last used. */
  dump(): Promise<string>;
}

/** Every row set of an application, and nothing else. */
export function applicationOf(auth: AuthSource<FullAuth>): Hono {
  const app = new Hono();
  app.notFound(() => new AuthError("not_found").getResponse());
  for (const rows of [authRoutes(auth), flametrenchRoutes(auth), healthRoutes(auth)]) app.route("/", rows);
  app.route("/", openapiRoutes(auth, { describes: ["/auth", "/v1", "/health"] }));
  return app;
}

export async function openHttp(name: BackendName, options?: OpenOptions): Promise<HttpWorld> {
  const errors: unknown[] = [];
  const world = await openAuth(name, {
    ...options,
    auth: { onError: (error) => errors.push(error), ...options?.auth },
  });
  const app = applicationOf(world.auth);
  return {
    ...world,
    app,
    errors,
    async send(sent) {
      const seen = errors.length;
      try {
        return await send(app, { ...sent, headers: { [addressHeader]: freshAddress(), ...sent.headers } });
      } catch (error) {
        throw new Error((error as Error).message, { cause: errors[seen] });
      }
    },
    dump: dumper(world),
  };
}

/** The statement behind {@link HttpWorld.dump}. It reads the list of tables, so a new table is not forgotten. */
export function dumper({ database }: Pick<World, "database">): () => Promise<string> {
  let statement: Statement<{ content: string }> | undefined;
  return async () => {
    statement ??= await dumpStatement(database);
    const [row] = await database.run(statement);
    return row!.content;
  };
}

const leftOut = ["attempt", "aud", "sallyport_migration"];

async function dumpStatement(database: World["database"]): Promise<Statement<{ content: string }>> {
  const tables = await database.run(sql<{ name: string }>`
    select tablename::text as name from pg_tables where schemaname = 'public' order by 1`);
  const dumped = tables.map(({ name }) => name).filter((name) => !leftOut.includes(name));
  if (tables.length !== dumped.length + leftOut.length) throw new Error("A table that is left out is not there.");
  const parts = dumped.map(
    (name) =>
      `(select '${name}' || coalesce(jsonb_agg(to_jsonb(t) - '{last_seen_at,address}'::text[] order by to_jsonb(t)::text)::text, '') from ${name} t)`,
  );
  return { text: `select md5(${parts.join(" || ")}) as content`, params: [] };
}
