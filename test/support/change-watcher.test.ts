import { expect, onTestFinished, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { openAuth } from "./auth.ts";
import { changeWatcher } from "./http-world.ts";

test.each(["pglite", "postgres"] as const)(
  "change watcher on %s: each committed change is one, and no other",
  async (name) => {
    const world = await openAuth(name);
    onTestFinished(() => world.close());
    const lastChange = changeWatcher(world);
    expect(await lastChange()).toBe("none");
    const { userId, session } = await world.person();
    const signedUp = await lastChange();
    expect(signedUp).toMatch(/^\d+: /);

    const id = uuidFor("usr", userId);
    await world.rows(
      sql`update ses set last_seen_at = last_seen_at + interval '1 s' where id = ${uuidFor("ses", session.id)}::uuid`,
    );
    await expect(
      world.database.batch([
        sql`update usr set display_name = 'changed' where id = ${id}::uuid`,
        sql`select 1 / 0 as none`,
      ]),
    ).rejects.toThrow();
    expect(await lastChange()).toBe(signedUp);

    await world.rows(sql`update usr set display_name = 'changed' where id = ${id}::uuid`);
    expect(await lastChange()).toMatch(/: update usr$/);
    await world.rows(sql`delete from ses where id = ${uuidFor("ses", session.id)}::uuid`);
    expect(await lastChange()).toMatch(/: delete ses$/);
  },
);
