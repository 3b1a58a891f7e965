import { expect, test } from "vitest";
import { newUuid, uuidFor } from "../../src/domain/id.ts";
import { liveCallerOf, selectMembershipIn } from "../../src/store/memberships.ts";
import { selectOrganization } from "../../src/store/organizations.ts";
import { selectSecurityPolicy, setSecurityPolicy } from "../../src/store/security-policies.ts";
import { callerOf } from "../../src/store/sessions.ts";
import { type Statement, sql } from "../../src/store/sql.ts";
import { describeWorld } from "../support/describe-world.ts";
import { organizationsIn } from "../support/organizations.ts";
import { asksNothing, policiesIn } from "../support/security-policies.ts";

interface Node {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly Node[];
}

const many = 20_000;

describeWorld("twenty thousand policies", { on: ["postgres"], timeoutMilliseconds: 60_000 }, (world) => {
  const { form, join } = organizationsIn(world);
  const { demand } = policiesIn(world);

  /** How the statement reads the policies, and how many rows it reads of the members. */
  async function read(statement: Statement): Promise<{ policies: Set<string>; members: number }> {
    const [row] = await world.rows<{ "QUERY PLAN": readonly { Plan: Node }[] }>(
      sql`explain (analyze, format json) ${statement}`,
    );
    const policies = new Set<string>();
    let members = 0;
    const visit = (node: Node): void => {
      const rows = ((node["Rows Removed by Filter"] ?? 0) + node["Actual Rows"]) * node["Actual Loops"];
      if (node["Relation Name"] === "org_security_policy" && node["Node Type"].includes("Scan"))
        policies.add(`${node["Index Name"] ?? node["Node Type"]}: ${rows}`);
      if (node["Relation Name"] === "mem" && node["Node Type"].includes("Scan")) members += rows;
      for (const child of node.Plans ?? []) visit(child);
    };
    visit(row!["QUERY PLAN"][0]!.Plan);
    return { policies, members };
  }

  test("the check of a membership and each act read one policy, by its key", async () => {
    const owner = await form();
    const { organizationId } = owner;
    const member = await join(organizationId, "member");
    const org = uuidFor("org", organizationId);
    await demand(organizationId, { require: "mfa", graceDays: 14 });
    const id = sql`(lpad(to_hex(n), 8, 'f') || '-ffff-7fff-8fff-' || lpad(to_hex(n), 12, '0'))::uuid`;
    await world.rows(sql`insert into usr (id) select ${id} from generate_series(1, ${many}::int) n`);
    await world.rows(sql`insert into org (id) select ${id} from generate_series(1, ${many}::int) n`);
    await world.rows(sql`
        insert into mem (id, usr_id, org_id, role) select ${id}, ${id}, ${org}::uuid, 'member' from generate_series(1, ${many}::int) n`);
    await world.rows(sql`
        insert into mem (id, usr_id, org_id, role)
        select gen_random_uuid(), ${uuidFor("usr", member.userId)}::uuid, ${id}, 'member' from generate_series(1, ${many}::int) n`);
    await world.rows(sql`
        insert into org_security_policy (org_id, require, grace_days)
        select ${id}, 'mfa', 14 from generate_series(1, ${many}::int) n`);
    for (const analyze of [sql`analyze usr`, sql`analyze org`, sql`analyze mem`, sql`analyze org_security_policy`])
      await world.rows(analyze);
    const [session] = await world.rows<{ hash: string }>(sql`
        select encode(token_hash, 'hex') as hash from ses where id = ${uuidFor("ses", member.session.id)}::uuid`);
    const asked = { actor: owner.actor, auditId: newUuid(), organizationId: org };
    const statements: Record<string, Statement> = {
      verify: selectMembershipIn({ organizationId: org }, callerOf(session!.hash)),
      find: selectMembershipIn({ organizationId: org }, liveCallerOf(member.actor)),
      get: selectOrganization(asked),
      getPolicy: selectSecurityPolicy(asked),
      setPolicy: setSecurityPolicy({ ...asked, ...asksNothing }),
    };
    for (const [name, statement] of Object.entries(statements)) {
      const { policies, members } = await read(statement);
      // A branch that is not needed reads nothing.
      policies.delete("org_security_policy_pkey: 0");
      expect([name, [...policies], members < 20]).toEqual([name, ["org_security_policy_pkey: 1"], true]);
    }
  });
});
