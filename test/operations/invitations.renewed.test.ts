/** Renewed invitations whose reply is lost, and what an invitation's inviter and its sender's kind change. @module */
import { beforeEach, describe, expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, freshIdentifier, outcome, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { type FaultyDatabase, faultyDatabase } from "../support/faulty-database.ts";
import { organizationsIn } from "../support/organizations.ts";

describeWorld("renewed invitations", { on: ["pglite", "postgres"] }, (world) => {
  const { form } = organizationsIn(world);
  let faulty: FaultyDatabase;
  let auth: FullAuth;
  beforeEach(() => {
    faulty = faultyDatabase(world.database);
    auth = world.isolate({ database: faulty });
  });

  /** Both kinds of invitations: an open one, how it is renewed, and whether a link works. */
  const kinds = {
    "to an organization": async () => {
      const { actor, organizationId } = await form();
      const asked = { actor, organizationId, identifier: freshIdentifier(), role: "member", renew: true } as const;
      return {
        renew: (idempotencyKey?: string) => auth.organizationInvitations.create({ ...asked, idempotencyKey }),
        look: (token: string) => outcome(world.auth.organizationInvitations.look({ token })),
      };
    },
    "to the deployment": async () => {
      const identifier = freshIdentifier();
      return {
        renew: (idempotencyKey?: string) => auth.invitations.create({ actor: system, identifier, idempotencyKey }),
        look: (token: string) => outcome(world.auth.invitations.look({ token })),
      };
    },
  };

  describe.each(Object.entries(kinds))("%s", (_kind, made) => {
    test.each(["before", "after"] as const)(
      "a reply lost %s the commit: the link that is returned works",
      async (fault) => {
        const { renew, look } = await made();
        const first = await renew();
        faulty.reset([fault]);
        const second = await renew();
        faulty.reset();
        expect([await look(first.token), await look(second.token)]).toEqual(["unauthorized.invalid_link", "done"]);
      },
    );

    test("a repeat with the same key is refused, and the link stays", async () => {
      const { renew, look } = await made();
      await renew();
      faulty.reset(["after"]);
      const second = await renew("a-key");
      faulty.reset();
      expect(await outcome(renew("a-key"))).toBe("conflict.idempotency_key_used");
      expect(await look(second.token)).toBe("done");
    });
  });

  test("merged accounts: the account that is kept is the inviter, and the invitation counts", async () => {
    const owner = await form();
    const kept = await world.person();
    const { actor, organizationId } = owner;
    const { token, invitation } = await world.auth.organizationInvitations.create({
      actor,
      organizationId,
      identifier: freshIdentifier(),
      role: "member",
    });
    await world.auth.merging.merge({ actor, into: kept.actor });
    const rows = await world.rows(sql`
      select invited_by as "invitedBy" from inv where id = ${uuidFor("inv", invitation.id)}::uuid`);
    expect(rows).toEqual([{ invitedBy: uuidFor("usr", kept.userId) }]);
    expect(await outcome(world.auth.organizationInvitations.look({ token }))).toBe("done");
  });

  test("a mailbox that users have filled: the application still invites it", async () => {
    const identifier = freshIdentifier();
    const byUsers: string[] = [];
    for (let index = 0; index < 6; index++) {
      const { actor, organizationId } = await form();
      const asked = { actor, organizationId, identifier, role: "member" } as const;
      byUsers.push(await outcome(world.auth.organizationInvitations.create(asked)));
    }
    expect(byUsers).toEqual([...Array(5).fill("done"), "too_many_requests"]);
    const { organizationId, userId: invitedBy } = await form();
    const asked = { actor: system, organizationId, invitedBy, identifier, role: "member" } as const;
    expect(await outcome(world.auth.organizationInvitations.create(asked))).toBe("done");
  });
});
