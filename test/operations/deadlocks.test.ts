import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { type Database, sql } from "../../src/store/sql.ts";
import type { FullAuth as Auth } from "../support/auth.ts";
import {
  freshAddress,
  openAuth,
  otherPassword,
  outcome,
  type Person,
  quickHasher,
  system,
  tally,
} from "../support/auth.ts";
import { deadlocksDuring } from "../support/deadlocks.ts";
import { describeWorld } from "../support/describe-world.ts";
import { addApp, ticketFor } from "../support/factors.ts";
import { holdLock } from "../support/held-lock.ts";
import { freshDomain } from "../support/organization-domains.ts";
import { type Member, organizationsIn } from "../support/organizations.ts";
import { isUserLock, untilItLeaks } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";
import { asksNothing } from "../support/security-policies.ts";

const context = () => ({ address: freshAddress() });
/** Races take long on a slow machine, and count many attempts at one account. */
const roomy = { timeoutMilliseconds: 60_000, auth: { limits: { account: { attempts: 100, windowSeconds: 60 } } } };
const signIn = (auth: Auth, { identifier, password }: Pick<Person, "identifier" | "password">) =>
  auth.signIn.password({ identifier, password, context: { address: freshAddress() } });

describeWorld("F18: deadlocks", { on: ["postgres"], ...roomy }, (world) => {
  /** Concurrent sign-ins of one user, each of which would replace the old hash. Returns the number of deadlocks. */
  async function rehashTogether(callers: number, rewrite: (text: string) => string | undefined): Promise<number> {
    const person = await world.person();
    const hash = sql<{ hash: string }>`
      select password_hash as hash from cred where id = ${uuidFor("cred", person.credentialId)}::uuid`;
    const [old] = await world.rows(hash);
    const deadlocks = await deadlocksDuring(world, async (database) => {
      const auth = world.isolate({
        passwordHasher: { ...quickHasher(), needsRehash: (phc) => phc === old!.hash },
        database: rewritingDatabase(database, rewrite),
      });
      const codes = await Promise.all(
        Array.from({ length: callers }, () => outcome(signIn(auth, person)).catch(() => "failed")),
      );
      expect(tally(codes).done).toBeGreaterThan(0);
    });
    expect((await world.rows(hash))[0]!.hash).not.toBe(old!.hash);
    return deadlocks;
  }

  test("40 sign-ins that rehash one password: no deadlock", async () => {
    expect(await rehashTogether(40, (text) => text)).toBe(0);
  });

  test("planted fault, a rehash with only a share lock: deadlocks", async () => {
    const shared = (text: string) =>
      isUserLock(text) ? undefined : text.replace("for share of u for no key update of c", "for share of u, c");
    await untilItLeaks(50, () => rehashTogether(4, shared));
  });

  test("purges during sign-ins and changes of the same users: no deadlock", async () => {
    const apart = await openAuth("postgres", { timeoutMilliseconds: 30_000 });
    const people = await Promise.all(Array.from({ length: 6 }, () => apart.person()));
    const deadlocks = await deadlocksDuring(apart, async (database) => {
      const auth = apart.isolate({ database });
      for (let round = 0; round < 10; round++) {
        for (const person of people) await auth.verifyPassword({ ...person, context: { address: freshAddress() } });
        await apart.rows(sql`update login_ticket set expires_at = sallyport_now() - interval '1 second'`);
        const codes = await Promise.all([
          ...people.map((person) => outcome(signIn(auth, person))),
          ...people.map(({ userId }) => outcome(auth.users.update({ actor: system, userId, displayName: `${round}` }))),
          ...people.map((person) => outcome(auth.sessions.revokeOthers({ actor: person.actor }))),
          ...Array.from({ length: 4 }, () => outcome(auth.purge())),
        ]);
        expect(tally(codes)).toEqual({ done: 22 });
      }
    });
    expect(deadlocks).toBe(0);
    await apart.close();
  });

  test("replacing a password or removing a factor: counters are locked before tickets", async () => {
    for (const end of [
      (person: Person) => {
        const { credentialId } = person;
        return world.auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword });
      },
      (person: Person) => {
        const { actor, password: currentPassword, transport } = person;
        return world.auth.changePassword({ actor, currentPassword, newPassword: otherPassword, transport });
      },
      async ({ userId }: Person) => {
        const {
          data: [factor],
        } = await world.auth.factors.list({ actor: system, userId });
        return await world.auth.factors.revoke({ actor: system, factorId: factor!.id });
      },
    ]) {
      const { person } = await addApp(world, await world.person());
      const user = uuidFor("usr", person.userId);
      const ticket = await ticketFor(world, person);
      await outcome(world.auth.signIn.factor({ ticket, proof: { type: "totp", code: "000000" }, context: context() }));
      // The locks that another attempt's reservation holds before it takes the ticket.
      const held = await holdLock(
        world.backend.connectionString!,
        sql`select from attempt where bucket = ${`factor:${user}`} for update`,
      );
      const ended = outcome(end(person));
      await held.waiting(1);
      const free = await world.rows(sql`select from login_ticket where usr_id = ${user}::uuid for update skip locked`);
      await held.release();
      expect(free).toHaveLength(1);
      expect(await ended).toBe("done");
    }
  });

  test("two codes for one ticket at once: no deadlock", async () => {
    const { person, app } = await addApp(world, await world.person());
    const ticket = await ticketFor(world, person);
    const deadlocks = await deadlocksDuring(world, async (database) => {
      // The right code has been counted; its second statement waits for a signal.
      const [reserved, spend] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const halting: Database = {
        ...database,
        async batch(statements) {
          reserved.resolve();
          await spend.promise;
          return await database.batch(statements);
        },
      };
      // The same first statement, but it waits between the counter and the ticket.
      const slowly = rewritingDatabase(database, (text) =>
        text.replace(
          "and reserved.allowed",
          "and reserved.allowed and (select pg_advisory_xact_lock(7) is not null from reserved)",
        ),
      );
      const by = (used: Database, code: string) =>
        outcome(
          world.isolate({ database: used }).signIn.factor({
            ticket,
            proof: { type: "totp", code },
            context: context(),
          }),
        );
      const right = by(halting, await app.code());
      await reserved.promise;
      const held = await holdLock(world.backend.connectionString!, sql`select pg_advisory_xact_lock(7)`);
      const wrong = by(slowly, "000000");
      await held.waiting(1);
      spend.resolve();
      await held.waiting(2);
      await held.release();
      expect([await wrong, await right]).toEqual(["unauthorized.invalid_factor", "done"]);
    });
    expect(deadlocks).toBe(0);
  });

  test("every change of organizations and members at once, and the ends of their users: no deadlock", async () => {
    const { form, join, owners } = organizationsIn(world);
    const deadlocks = await deadlocksDuring(world, async (database) => {
      const auth = world.isolate({ database });
      for (let round = 0; round < 15; round++) {
        // Everyone is in every organization, and the third member is suspended in each.
        const founded = [await form(), await form(), await form()];
        const people = await Promise.all(Array.from({ length: 4 }, () => world.person()));
        const kept = await world.person({ password: otherPassword });
        const joinedIn = await Promise.all(
          founded.map(async ({ organizationId }) => {
            const joined = [];
            for (const [place, person] of people.entries()) {
              joined.push(await join(organizationId, place < 2 ? "owner" : "member", person));
            }
            await world.auth.memberships.suspend({ actor: system, membershipId: joined[2]!.membershipId });
            return joined;
          }),
        );
        const [domain, ada] = [freshDomain(), await world.person()];
        for (const { organizationId } of founded) {
          const asked = { actor: system, organizationId, domain };
          await world.auth.organizationDomains.add(asked);
          await world.rows(sql`
            insert into org_join_request (org_id, usr_id)
            values (${uuidFor("org", organizationId)}::uuid, ${uuidFor("usr", ada.userId)}::uuid)`);
        }
        const [one, two, three] = [joinedIn[0]!, joinedIn[1]!, joinedIn[2]!];
        const asSystem = ({ organizationId, membershipId }: Member) => ({
          actor: system,
          organizationId,
          membershipId,
        });
        const both = async (make: (of: Member) => Promise<Plan<unknown>>, ...of: Member[]) =>
          await auth.batch(await Promise.all(of.map(make)));
        const codes = await Promise.all(
          [
            both((of) => auth.memberships.leave.plan(of), one[0]!, two[0]!),
            both((of) => auth.memberships.leave.plan(of), two[1]!, one[1]!),
            both((of) => auth.memberships.changeRole.plan({ ...asSystem(of), role: "admin" }), two[0]!, one[3]!),
            both((of) => auth.memberships.reinstate.plan(asSystem(of)), three[2]!, one[2]!, two[2]!),
            both((of) => auth.organizations.suspend.plan(asSystem(of)), two[0]!, three[0]!),
            both((of) => auth.organizations.reinstate.plan(asSystem(of)), three[0]!, two[0]!),
            both((of) => auth.organizations.update.plan({ ...asSystem(of), name: "x" }), three[0]!, two[0]!, one[0]!),
            both(
              (of) => auth.organizations.setSecurityPolicy.plan({ ...asSystem(of), ...asksNothing }),
              two[0]!,
              one[0]!,
            ),
            both((of) => auth.organizations.revoke.plan(asSystem(of)), three[0]!, two[0]!),
            both((of) => auth.organizationDomains.remove.plan({ ...asSystem(of), domain }), two[0]!, three[0]!),
            both(
              (of) => auth.organizationDomains.decline.plan({ ...asSystem(of), userId: ada.userId }),
              three[0]!,
              two[0]!,
            ),
            both((of) => auth.organizationDomains.withdraw.plan({ ...of, actor: ada.actor }), two[0]!, three[0]!),
            auth.users.revoke({ actor: system, userId: ada.userId }),
            both((of) => auth.users.revoke.plan({ actor: system, userId: of.userId }), one[2]!, one[0]!),
            both((of) => auth.users.revoke.plan({ actor: system, userId: of.userId }), one[1]!, one[2]!),
            auth.memberships.add({ ...asSystem(one[0]!), userId: kept.userId, role: "guest" }),
            auth.memberships.remove(asSystem(two[3]!)),
            auth.memberships.suspend(asSystem(one[3]!)),
            auth.memberships.transferOwnership({
              ...asSystem(one[0]!),
              fromMembershipId: one[0]!.membershipId,
              toMembershipId: one[3]!.membershipId,
            }),
            auth.merging.merge({ actor: people[3]!.actor, into: kept.actor }),
          ].map(outcome),
        );
        expect(codes.filter((code) => code.startsWith("unavailable"))).toEqual([]);
        for (const { organizationId } of founded) await owners(organizationId);
      }
    });
    expect(deadlocks).toBe(0);
  });
});
