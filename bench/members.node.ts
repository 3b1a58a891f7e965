import { PGlite } from "@electric-sql/pglite";
import { accounts, createAuth, type Database, migrate, migrations, passwords, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { sharedByAllClients } from "sallyport/hono";
import { organizations } from "sallyport/organizations";
import { pglite } from "sallyport/pglite";

/** How many members the organization has, besides its owner. */
const many = 100_000;
const depths = [0, 50_000, 99_000];
const [rounds, limit] = [21, 50];

interface Node {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly Plans?: readonly Node[];
}

/** What a page of members costs at each depth, and the plan of the deepest page: which tables it reads, by which index, and how many rows. */
export async function measureMembers(): Promise<void> {
  console.log(`\n## Pages of ${limit} members, of ${many.toLocaleString("en")}\n`);
  const embedded = await PGlite.create();
  const inner = pglite(embedded);
  await migrate(inner, migrations);
  let last: { text: string; params: readonly unknown[] } | undefined;
  const database: Database = {
    run(statement) {
      last = statement;
      return inner.run(statement);
    },
    batch: (batch) => inner.batch(batch),
  };
  const auth = createAuth({
    database,
    secrets: crypto.getRandomValues(Buffer.alloc(32)).toString("base64url"),
    origins: ["https://example.com"],
    clientAddress: sharedByAllClients,
    features: [passwords({ hasher: argon2id() }), signUp({ mode: "open" }), accounts(), organizations()],
  });
  const { token, user } = await auth.signUp({
    identifier: "ada@example.com",
    password: "correct horse battery staple",
  });
  const { actor } = await auth.sessions.verify({ token, transport: "token" });
  const { organization } = await auth.organizations.create({ actor, userId: user.id });
  await fill(embedded);
  let plan: Node | undefined;
  for (const depth of depths) {
    const cursor = depth === 0 ? undefined : await memberAt(embedded, depth);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      const { data } = await auth.memberships.list({ actor, organizationId: organization.id, cursor, limit });
      times.push(performance.now() - start);
      if (data.length !== limit) throw new Error(`${limit} members were expected.`);
    }
    const { rows } = await embedded.query<{ "QUERY PLAN": readonly { Plan: Node }[] }>(
      `explain (analyze, buffers, format json) ${last!.text}`,
      [...last!.params],
    );
    plan = rows[0]!["QUERY PLAN"][0]!.Plan;
    const pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
    const median = times.sort((a, b) => a - b)[rounds >> 1]!;
    console.log(`depth ${String(depth).padEnd(8)} ${pages} pages of the database, ${median.toFixed(1)} ms`);
  }
  console.log("\nThe plan of the last page, with each table that it reads:\n");
  printTables(plan!);
  console.log(
    `\nMethod: PGlite, an owner asks, the median of ${rounds} calls; \`explain (analyze, buffers)\` of its statement.`,
  );
  await embedded.close();
}

/** Members of the one organization, with ids in the order of their creation. */
async function fill(embedded: PGlite): Promise<void> {
  const id = "(lpad(to_hex(n), 8, 'f') || '-ffff-7fff-8fff-' || lpad(to_hex(n), 12, '0'))::uuid";
  const numbers = `generate_series(1, ${many}) n`;
  await embedded.exec(`
    insert into usr (id) select ${id} from ${numbers};
    insert into mem (id, usr_id, org_id, role) select ${id}, ${id}, org.id, 'member' from org, ${numbers};
    insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
      select id, 'usr', usr_id, role, 'org', org_id from mem on conflict do nothing`);
  await embedded.exec("vacuum analyze");
}

/** The cursor after the member at a place. */
async function memberAt(embedded: PGlite, place: number): Promise<string> {
  const { rows } = await embedded.query<{ id: string }>("select id from mem order by id offset $1 limit 1", [place]);
  return `mem_${rows[0]!.id.replaceAll("-", "")}`;
}

function printTables(node: Node): void {
  const table = node["Relation Name"];
  const index = node["Index Name"];
  if (table && node["Actual Loops"] > 0) {
    const rows = node["Actual Rows"] * node["Actual Loops"];
    console.log(
      `${node["Node Type"]} on ${table}${index ? ` by ${index}` : ""}: ${rows} ${rows === 1 ? "row" : "rows"}`,
    );
  }
  for (const child of node.Plans ?? []) printTables(child);
}
