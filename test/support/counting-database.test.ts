import { expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { countingDatabase } from "./counting-database.ts";
import { openBackend } from "./databases.ts";

test("counting database: counts a batch as one and refuses requests past the budget", async () => {
  const { database } = await openBackend("postgres");
  const counting = countingDatabase(database, 2);
  await counting.run(sql`select 1 as one`);
  await counting.batch([sql`create table made (id int4)`, sql`select 2 as two`]);
  expect([counting.requests, counting.statements]).toEqual([
    2,
    ["select 1 as one", "create table made (id int4)", "select 2 as two"],
  ]);
  await expect(counting.run(sql`drop table made`)).rejects.toThrow(/budget of 2/);
  expect(await database.run(sql`select id from made`)).toEqual([]);
  counting.reset(1);
  await counting.run(sql`select 1 as one`);
  expect(counting.requests).toBe(1);
});
