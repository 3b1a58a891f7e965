/**
 * A settable clock in a database, for tests only.
 *
 * It replaces the body of `sallyport_now()`, which every statement asks for the time. Anyone who can write its table can stop
 * time for everyone, so no migration contains it, and `probe` refuses a database that has it (S17). There is one clock for the
 * whole database: a test file that moves time has its own database.
 *
 * @module
 */
import { type Database, sql } from "../store/sql.ts";

/** Installs the settable clock in `database`. It shows the true time until it is set. */
export async function installTestClock(database: Database): Promise<void> {
  await database.batch([
    sql`create table if not exists sallyport_clock (at timestamptz not null)`,
    sql`
      create or replace function sallyport_now() returns timestamptz language sql stable parallel safe
      return coalesce((select max(at) from sallyport_clock), statement_timestamp())`,
  ]);
}

/** Stops the clock at `at`, or lets it show the true time again. */
export async function setTestClock(database: Database, at: Date | undefined): Promise<void> {
  await database.batch([
    sql`delete from sallyport_clock`,
    sql`insert into sallyport_clock (at) select at from (select ${at ?? null}::timestamptz as at) one where at is not null`,
  ]);
}

/**
 * Stops the clock `seconds` after the time that it shows now, and returns the new time.
 *
 * @throws {RangeError} If `seconds` is negative; {@link setTestClock} goes back.
 */
export async function advanceTestClock(database: Database, seconds: number): Promise<Date> {
  if (seconds < 0) throw new RangeError("A clock advances by zero seconds or more.");
  const results = await database.batch([
    sql`insert into sallyport_clock (at) select sallyport_now() + make_interval(secs => ${seconds}::float8)`,
    sql`delete from sallyport_clock where at < (select max(at) from sallyport_clock)`,
    sql`select sallyport_now() as "now"`,
  ]);
  return (results[2] as { now: Date }[])[0]!.now;
}
