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
  // These lock the organization.
  "organizations.update",
  "organizations.suspend",
  "organizations.reinstate",
  "organizations.setSecurityPolicy",
  "organizations.revoke",
  "organizationDomains.add",
  "organizationDomains.prove",
  "organizationDomains.setJoining",
  "organizationDomains.remove",
  "organizationDomains.recheck",
  "organizationInvitations.revoke",
  "organizationInvitations.decline",
  "organizationInvitations.declineFor",
  "memberships.changeRole",
  "memberships.suspend",
  "memberships.leave",
  "memberships.remove",
  "memberships.transferOwnership",
  "tuples.delete",
  "tuples.deleteBySubject",
  "tuples.deleteByObject",
];

test("each write locks its own user and no other", async () => {
  const world = await openAuth("pglite");
  // All users of earlier writes are bystanders, with factors, sessions and tokens of every kind.
  for (const write of writes) {
    const { person, prepared } = await prepareWrite(world, write);
    const { database, locked } = watchLocks(world.database);
    await write.act(world.isolate({ database }), person, prepared);
    // A merge has two users of its own; a membership is another user's.
    const others: Readonly<Record<string, readonly Person[]>> = {
      "merging.merge": [person, prepared as Person],
      "organizationInvitations.accept": [person, (prepared as { invited: Person })?.invited],
      "organizationInvitations.acceptFor": [person, (prepared as { invited: Person })?.invited],
      "organizationDomains.join": [(prepared as { user: Person })?.user],
      "organizationDomains.approve": [(prepared as { user: Person })?.user],
      "organizationDomains.decline": [(prepared as { user: Person })?.user],
      "organizationDomains.withdraw": [(prepared as { user: Person })?.user],
      "tuples.create": [(prepared as { other: Person })?.other],
      "memberships.add": [(prepared as { added: Person })?.added],
      "memberships.reinstate": [(prepared as { member: Person })?.member],
    };
    const own = others[write.name] ?? [person];
    const expected = lockNoUser.includes(write.name) ? [] : own.map(({ userId }) => uuidFor("usr", userId));
    expect([write.name, ...[...locked].sort()]).toEqual([write.name, ...expected.sort()]);
  }
});
