import { expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { installTestClock } from "../../src/testing/clock.ts";
import { sallyport } from "../support/command-line.ts";
import { openBackend } from "../support/databases.ts";

test("S38, S17: sallyport doctor: reports unreachable credentials and a settable clock", async () => {
  const { connectionString, database } = await openBackend("postgres");
  const doctor = async (...args: string[]) => await sallyport("doctor", "--database-url", connectionString!, ...args);
  expect(await doctor()).toEqual({
    code: 0,
    stderr: "",
    stdout:
      "The clock is the database's own, and no cache answers for it.\n" +
      "0 authenticator app secrets are not encrypted.\n" +
      "Every active password's identifier is in its normal form.\n",
  });

  await database.run(sql`
    with person as (insert into usr (id) values (gen_random_uuid()) returning id)
    insert into cred (id, usr_id, type, identifier, password_hash)
    select gen_random_uuid(), id, 'password', name, '$x' from person,
      unnest(array['fine@example.com', 'Ada@example.com', 'ada @example.com', 'søren@example.com']) as name`);
  const found = await doctor();
  expect([found.code, found.stdout.match(/^not in normal form: cred_[0-9a-f]{32}$/gm)?.length]).toEqual([1, 3]);
  expect(found.stdout + found.stderr).not.toContain("@");
  expect((await doctor("--allow-non-ascii")).stdout.match(/^not in normal form/gm)?.length).toBe(2);

  await installTestClock(database);
  expect((await doctor()).stderr).toBe("sallyport: sallyport_now() is not the production clock.\n");
});
