import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import type { Database } from "../../src/store/sql.ts";
import { openAuth, type Person } from "../support/auth.ts";
import { prepareWrite, writes } from "./writes/every-write.ts";

/** A database that remembers the users that were locked. */
function watchLocks(database: Database): { database: Database; locked: Set<string> } {
  const locked = new Set<string>();
  return {
    locked,
    database: {
      run: (statement, limit) => database.run(statement, limit),
      async batch(statements, limit) {
        const results = await database.batch(statements, limit);
        for (const [index, { text }] of statements.entries())
          if (/from usr .*for no key update$/s.test(text))
            for (const { id } of results[index] as { id: string }[]) locked.add(id);
        return results;
      },
    },
  };
}

/** These make a user, whom nobody else can know yet, or change only a link or a counter. */
const lockNoUser = [
  "signUp",
  "signUp, with a plan",
  "users.create",
  "federation.finish",
  "limits.lift",
  "passwordReset.request",
  "mailedSignIn.request",
  "mailedSignUp.request",
  "mailedSignUp.confirm",
  "mailedCodes.exchange",
  "invitations.create",
  "invitations.revoke",
  // Of an invitation by the application, which has no inviter.
  "invitations.accept",
];

test("each write locks its own user and no other", async () => {
  const world = await openAuth("pglite");
  // All users of earlier writes are bystanders, with factors, sessions and tokens of every kind.
  for (const write of writes) {
    const { person, prepared } = await prepareWrite(world, write);
    const { database, locked } = watchLocks(world.database);
    await write.act(world.isolate({ database }), person, prepared);
    // A merge has two users of its own.
    const own = [person, ...(write.name === "merging.merge" ? [prepared as Person] : [])];
    const expected = lockNoUser.includes(write.name) ? [] : own.map(({ userId }) => uuidFor("usr", userId));
    expect([write.name, ...[...locked].sort()]).toEqual([write.name, ...expected.sort()]);
  }
});
