import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, goodPassword, outcome, system, tally } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { holdLock } from "../support/held-lock.ts";
import { invited } from "../support/invitations.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const context = () => ({ address: freshAddress() });
const roomy = { timeoutMilliseconds: 60_000, auth: { limits: { account: { attempts: 100, windowSeconds: 60 } } } };

describeWorld("racing invitations", { on: ["postgres"], ...roomy }, (world) => {
  const accept = (token: string, auth = world.auth) =>
    auth.invitations.accept({ token, password: goodPassword, context: context() });
  const accountsOf = async (identifier: string) =>
    (await world.rows(sql`select from cred where identifier = ${identifier}`)).length;

  test("S16: both links × sign-ups of the address, 20 rounds: one account each time", async () => {
    for (let round = 0; round < 20; round++) {
      const { identifier, token, mailedToken } = await invited(world);
      const signUp = () => world.auth.signUp({ identifier, password: goodPassword, context: context() });
      const acts = [() => accept(token), signUp, () => accept(mailedToken), signUp];
      const codes = await Promise.all((round % 2 ? acts : acts.toReversed()).map((act) => outcome(act())));
      expect(codes.filter((code) => code === "done")).toHaveLength(1);
      expect(codes.filter((code) => code.startsWith("unavailable"))).toEqual([]);
      expect(await accountsOf(identifier)).toBe(1);
    }
  });

  test("S16: acceptance × revocation × renewal, 30 rounds: never an account of an invitation that was ended first", async () => {
    for (let round = 0; round < 30; round++) {
      const identifier = freshIdentifier();
      const { token, invitation } = await world.auth.invitations.create({ actor: system, identifier });
      const revoke = () => world.auth.invitations.revoke({ actor: system, invitationId: invitation.id });
      const renew = () => world.auth.invitations.create({ actor: system, identifier });
      const codes = await Promise.all([() => accept(token), revoke, renew].map((act) => outcome(act())));
      expect(codes.filter((code) => code.startsWith("unavailable"))).toEqual([]);
      const [row] = await world.rows<{ status: string }>(sql`
        select status from deployment_invitation where id = ${uuidFor("join", invitation.id)}::uuid`);
      expect(await accountsOf(identifier)).toBe(codes[0] === "done" ? 1 : 0);
      expect(row!.status === "accepted").toBe(codes[0] === "done");
    }
  });

  test("fifty renewals at once: one invitation, and one secret that works", async () => {
    const identifier = `race-${freshIdentifier().split("@")[0]}`;
    const made = await Promise.all(
      Array.from({ length: 50 }, () => world.auth.invitations.create({ actor: system, identifier })),
    );
    expect(new Set(made.map(({ invitation }) => invitation.id)).size).toBe(1);
    const codes = [];
    for (const { token } of made) codes.push(await outcome(world.auth.invitations.look({ token })));
    expect(tally(codes)).toEqual({ done: 1, "unauthorized.invalid_link": 49 });
  });

  test("S10: an acceptance that waits while the inviter loses the right makes nothing", async () => {
    /** The outcome of an acceptance through `database`, while the inviter is being removed. */
    const during = async (database: typeof world.database): Promise<string> => {
      await world.administrator();
      const inviter = await world.administrator();
      const identifier = freshIdentifier();
      const { token } = await world.auth.invitations.create({ actor: inviter.actor, identifier });
      const userId = uuidFor("usr", inviter.userId);
      const held = await holdLock(
        world.backend.connectionString!,
        sql`with owner as (select id from usr where id = ${userId}::uuid for no key update)
          delete from tup using owner where tup.subject_id = owner.id and tup.relation = 'administrator'`,
      );
      let isOver = false;
      const accepted = outcome(accept(token, world.isolate({ database }))).finally(() => {
        isOver = true;
      });
      // The twin without the lock does not wait.
      await Promise.race([held.waiting(1), accepted]);
      expect(isOver).toBe(database !== world.database);
      await held.commit();
      return await accepted;
    };
    expect(await during(world.database)).toBe("unauthorized.invalid_link");
    const naive = rewritingDatabase(world.database, (text) =>
      text.replace(
        /select invited_by as id from deployment_invitation inv/,
        "select null::uuid as id from deployment_invitation inv",
      ),
    );
    expect(await during(naive)).toBe("done");
    expect(naive.rewritten).toBeGreaterThan(0);
  });
});
