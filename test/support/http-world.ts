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
  /**
   * The last committed change of a row, numbered: equal before and after means that nothing changed.
   * Attempts, audit events, and when and where a session was last seen do not count.
   */
  lastChange(): Promise<string>;
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
    lastChange: changeWatcher(world),
  };
}

/** The statement behind {@link HttpWorld.lastChange}. It reads the list of tables, so a new table is not forgotten. */
export function changeWatcher({ database }: Pick<World, "database">): () => Promise<string> {
  let isWatching = false;
  return async () => {
    if (!isWatching) for (const statement of await watchStatements(database)) await database.run(statement);
    isWatching = true;
    const [last] = await database.run(sql<{ change: string }>`
      select id || ': ' || name as change from watched.change order by id desc limit 1`);
    return last?.change ?? "none";
  };
}

const unwatchedTables = ["attempt", "aud", "sallyport_migration"];
const unwatchedColumns = "'{last_seen_at,longest_idle_seconds,address}'::text[]";

/** A trigger on each table records changes. It writes in the transaction of the change, so a rollback removes its record too. */
async function watchStatements(database: World["database"]): Promise<Statement<never>[]> {
  const tables = await database.run(sql<{ name: string }>`
    select tablename::text as name from pg_tables where schemaname = 'public' order by 1`);
  const watched = tables.map(({ name }) => name).filter((name) => !unwatchedTables.includes(name));
  if (tables.length !== watched.length + unwatchedTables.length) throw new Error("An unwatched table is not there.");
  return [
    "create schema watched",
    "create table watched.change (id bigint generated always as identity primary key, name text not null)",
    `create function watched.note() returns trigger language plpgsql as $$ begin
      if tg_op <> 'UPDATE' or to_jsonb(old) - ${unwatchedColumns} is distinct from to_jsonb(new) - ${unwatchedColumns} then
        insert into watched.change (name) values (lower(tg_op) || ' ' || tg_table_name);
      end if;
      return null;
    end $$`,
    ...watched.map(
      (name) =>
        `create trigger watched after insert or update or delete on ${name} for each row execute function watched.note()`,
    ),
  ].map((text) => ({ text, params: [] }));
}
