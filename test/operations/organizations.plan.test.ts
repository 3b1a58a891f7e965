import { describe, expect, test } from "vitest";
import { generateId, newUuid, uuidFor } from "../../src/domain/id.ts";
import type { Lock } from "../../src/store/locks.ts";
import { lockStatements } from "../../src/store/locks.ts";
import { changeRole, leaveOrganization } from "../../src/store/membership-changes.ts";
import { insertMembership, lockOwnersOf, selectMembers, selectMembershipsOfUser } from "../../src/store/memberships.ts";
import { insertOrganization, selectOrganizations } from "../../src/store/organizations.ts";
import { lockOrganizationsOf } from "../../src/store/relations.ts";
import { type Statement, sql } from "../../src/store/sql.ts";
import { system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { organizationsIn } from "../support/organizations.ts";

/** How many rows of each kind there are. */
const many = 100_000;

interface Node {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly Node[];
}

describeWorld(
  "a hundred thousand members, and organizations",
  { on: ["postgres"], timeoutMilliseconds: 60_000 },
  (world) => {
    const { form, join } = organizationsIn(world);
    const asked = () => ({ actor: system, auditId: newUuid() });

    /** Every table that a statement read as a whole, and the rows that it read from `mem` and `org`. */
    async function read(statement: Statement): Promise<{ scanned: string[]; rows: number }> {
      const [row] = await world.rows<{ "QUERY PLAN": readonly { Plan: Node }[] }>(
        sql`explain (analyze, format json) ${statement}`,
      );
      const scanned: string[] = [];
      let rows = 0;
      const visit = (node: Node): void => {
        const table = node["Relation Name"];
        if (node["Node Type"].includes("Seq Scan") && table) scanned.push(table);
        if ((table === "mem" || table === "org") && node["Node Type"].includes("Scan")) {
          rows += ((node["Rows Removed by Filter"] ?? 0) + node["Actual Rows"]) * node["Actual Loops"];
        }
        for (const child of node.Plans ?? []) visit(child);
      };
      visit(row!["QUERY PLAN"][0]!.Plan);
      return { scanned: scanned.filter((table) => ["mem", "org", "usr", "tup"].includes(table)), rows };
    }

    /** An organization with many members, among many organizations that have one owner each. */
    async function fill() {
      const owner = await form();
      const member = await join(owner.organizationId, "member");
      const churned = await join(owner.organizationId, "member");
      const [org, churnedId] = [uuidFor("org", owner.organizationId), uuidFor("usr", churned.userId)];
      // Identifiers in the order of their creation, as everywhere.
      const id = sql`(lpad(to_hex(n), 8, 'f') || '-ffff-7fff-8fff-' || lpad(to_hex(n), 12, '0'))::uuid`;
      await world.rows(sql`insert into usr (id) select ${id} from generate_series(1, ${many}::int) n`);
      await world.rows(sql`insert into org (id) select ${id} from generate_series(1, ${many}::int) n`);
      await world.rows(sql`
      insert into mem (id, usr_id, org_id, role) select ${id}, ${id}, ${org}::uuid, 'member' from generate_series(1, ${many}::int) n`);
      await world.rows(sql`
      insert into mem (id, usr_id, org_id, role) select gen_random_uuid(), ${id}, ${id}, 'owner' from generate_series(1, ${many}::int) n`);
      // One user was added and removed many times.
      await world.rows(sql`
      insert into mem (id, usr_id, org_id, role, status)
      select gen_random_uuid(), ${churnedId}::uuid, ${id}, 'member', 'revoked' from generate_series(1, ${many}::int) n`);
      await world.rows(sql`
      insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      select id, 'usr', usr_id, role, 'org', org_id from mem where status = 'active' on conflict do nothing`);
      for (const analyze of [sql`analyze usr`, sql`analyze org`, sql`analyze mem`, sql`analyze tup`])
        await world.rows(analyze);
      return { owner, member, churned, org };
    }
    let filled: ReturnType<typeof fill> | undefined;
    const full = () => (filled ??= fill());

    /** The member at a place, of the plain ones in order. */
    async function memberAt(org: string, place: number): Promise<string> {
      const [row] = await world.rows<{ id: string }>(
        sql`select id from mem where org_id = ${org}::uuid order by id offset ${place}::int limit 1`,
      );
      return row!.id;
    }

    describe("pages of members", () => {
      const depths = [{ depth: 0 }, { depth: 50_000 }, { depth: 99_000 }];
      const states = [{ status: undefined }, { status: "active" as const }];
      test.each(depths.flatMap((one) => states.map((other) => ({ ...one, ...other }))))(
        "at depth $depth, in state $status: reads one page",
        async ({ depth, status }) => {
          const { org, owner } = await full();
          const after = depth === 0 ? undefined : await memberAt(org, depth);
          for (const actor of [system, owner.actor]) {
            const page = { ...asked(), actor, organizationId: org, after, limit: 50, status };
            const { scanned, rows } = await read(selectMembers(page));
            expect(scanned).toEqual([]);
            // The page, one row more, each with its user, the organization, and the caller's membership.
            expect(rows).toBeLessThan(112);
          }
        },
      );
    });

    test("pages of a user's memberships: what has ended is not read", async () => {
      const { churned } = await full();
      const userId = uuidFor("usr", churned.userId);
      for (const organizationId of [undefined, uuidFor("org", generateId("org"))]) {
        const page = { ...asked(), userId, organizationId, after: undefined, limit: 50 };
        const { scanned, rows } = await read(selectMembershipsOfUser(page));
        expect(scanned).toEqual([]);
        expect(rows).toBeLessThan(10);
      }
    });

    test("pages of organizations", async () => {
      await full();
      for (const after of [undefined, uuidFor("org", generateId("org"))]) {
        const page = { ...asked(), after, limit: 50, query: undefined, status: undefined };
        const { scanned, rows } = await read(selectOrganizations(page));
        expect(scanned).toEqual([]);
        expect(rows).toBeLessThan(60);
      }
    });

    test("changes and locks", async () => {
      const { owner, member, churned, org } = await full();
      const made = () => ({ id: newUuid(), tupleId: newUuid() });
      const of = { membershipId: uuidFor("mem", member.membershipId), organizationId: org };
      const lock = (one: Lock) => lockStatements([one])[0]!;
      const { userId } = await world.person();
      const statements: Record<string, () => Statement> = {
        changeRole: () => changeRole({ ...asked(), ...of, ...made(), role: "admin" }),
        leaveOrganization: () =>
          leaveOrganization({
            ...asked(),
            ...of,
            membershipId: uuidFor("mem", churned.membershipId),
            ...made(),
            heirId: undefined,
          }),
        insertMembership: () =>
          insertMembership({
            ...asked(),
            ...made(),
            organizationId: org,
            userId: uuidFor("usr", userId),
            role: "member",
          }),
        insertOrganization: () =>
          insertOrganization({
            ...asked(),
            organizationId: newUuid(),
            userId: uuidFor("usr", churned.userId),
            membershipId: newUuid(),
            tupleId: newUuid(),
            most: 50,
            name: null,
            slug: null,
            claim: undefined,
          }),
        lockOrganizationsOf: () => lock(lockOrganizationsOf(uuidFor("usr", owner.userId))[0]!),
        lockOwnersOfAll: () => lock(lockOrganizationsOf(uuidFor("usr", owner.userId))[1]!),
        lockOwnersOf: () => lock(lockOwnersOf(of.membershipId)),
      };
      for (const [name, statement] of Object.entries(statements)) {
        const { scanned, rows } = await read(statement());
        expect([name, scanned]).toEqual([name, []]);
        expect([name, rows < 20]).toEqual([name, true]);
      }
    });

    test("the questions for another owner", async () => {
      const { owner, org } = await full();
      const id = uuidFor("usr", owner.userId);
      for (const question of [
        sql`select sallyport_has_other_owner(${org}::uuid, ${id}::uuid) as answer`,
        sql`select sallyport_owns_alone(${id}::uuid) as answer`,
      ]) {
        // `explain` does not look into functions. The counts are the connection's, of earlier transactions too.
        const counts = sql`
          select sum(seq_scan)::int as scans, sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as rows
          from pg_stat_xact_user_tables where relname in ('mem', 'usr', 'org')`;
        const results = (await world.database.batch([counts, question, counts])) as { scans: number; rows: number }[][];
        const [before, after] = [results[0]![0]!, results[2]![0]!];
        expect(after.scans - before.scans).toBe(0);
        expect(after.rows - before.rows).toBeLessThan(20);
      }
    });
  },
);
