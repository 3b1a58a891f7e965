import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { accounts, createAuth, type Database, migrate, migrations, passwords, signUp } from "sallyport";
import { argon2id } from "sallyport/argon2id";
import { sharedByAllClients } from "sallyport/hono";
import { organizations } from "sallyport/organizations";
import { pglite } from "sallyport/pglite";

const peers = fileURLToPath(new URL("peers/", import.meta.url));

/** What forming an organization, inviting and accepting cost, beside better-auth: statements, and requests to the database. */
export async function measureOrganizations(): Promise<void> {
  console.log("\n## Organizations: statements, and requests to the database over HTTP\n");
  const ours = await measureSallyport();
  const theirs = existsSync(`${peers}node_modules/better-auth`) ? await measurePeer() : undefined;
  for (const [index, [name, statements, requests]] of ours.entries()) {
    const peer = theirs ? `; better-auth ${theirs[index]![1]} in ${theirs[index]![1]}` : "";
    console.log(`${name.padEnd(22)} Sallyport ${statements} in ${requests}${peer}`);
  }
  if (!theirs) console.log("better-auth is not measured: `npm ci --prefix bench/peers` installs it.");
  console.log(
    "Method: one isolate, PGlite, each operation once, with the check of the caller's session and without the mail's delivery.",
  );
  console.log(
    "Ours are counted at the driver, with the locks, the audit event and the session check; better-auth's by Drizzle's logger.",
  );
  console.log("Over HTTP, better-auth sends each statement alone. BEGIN and COMMIT are not counted.");
}

/** A peer's module. Its packages may be missing, so it is found when it is asked for. */
interface Peer {
  measureBetterAuth(embedded: PGlite, tables: string): Promise<readonly (readonly [string, number])[]>;
}

async function measurePeer(): ReturnType<Peer["measureBetterAuth"]> {
  const { measureBetterAuth }: Peer = await import(`${peers}better-auth-organizations.node.ts`);
  const embedded = await PGlite.create();
  try {
    return await measureBetterAuth(embedded, await readFile(`${peers}better-auth.sql`, "utf8"));
  } finally {
    await embedded.close();
  }
}

async function measureSallyport(): Promise<readonly (readonly [string, number, number])[]> {
  const embedded = await PGlite.create();
  const inner = pglite(embedded);
  await migrate(inner, migrations);
  let [statements, requests] = [0, 0];
  const count = (number: number) => {
    statements += number;
    requests += 1;
  };
  const database: Database = {
    run: (statement) => {
      count(1);
      return inner.run(statement);
    },
    batch: (batch) => {
      count(batch.length);
      return inner.batch(batch);
    },
  };
  const random = () => crypto.getRandomValues(Buffer.alloc(32)).toString("base64url");
  const auth = createAuth({
    database,
    secrets: random(),
    origins: ["https://example.com"],
    clientAddress: sharedByAllClients,
    features: [passwords({ hasher: argon2id() }), signUp({ mode: "open" }), accounts(), organizations()],
  });
  const person = async (identifier: string) => {
    const made = await auth.signUp({ identifier, password: "correct horse battery staple" });
    return { identifier, token: made.token, userId: made.user.id };
  };
  const counts: [string, number, number][] = [];
  const counted = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    [statements, requests] = [0, 0];
    const result = await work();
    counts.push([name, statements, requests]);
    return result;
  };
  /** The actor of a request: its session is verified first. */
  const of = async ({ token }: { token: string }) => (await auth.sessions.verify({ token, transport: "token" })).actor;
  const [owner, invited] = [await person("ada@example.com"), await person("ben@example.com")];
  await embedded.query("update cred set identifier_verified_at = now()");
  const formed = await counted("form an organization", async () =>
    auth.organizations.create({ actor: await of(owner), userId: owner.userId, name: "Acme", slug: "acme" }),
  );
  const organizationId = formed.organization.id;
  const made = await counted("invite", async () =>
    auth.organizationInvitations.create({
      actor: await of(owner),
      organizationId,
      identifier: invited.identifier,
      role: "member",
    }),
  );
  await counted("accept", async () =>
    auth.organizationInvitations.accept({ actor: await of(invited), token: made.token }),
  );
  const listed = await counted("list members", async () =>
    auth.memberships.list({ actor: await of(owner), organizationId }),
  );
  if (listed.data.length !== 2) throw new Error("Two members were expected.");
  await embedded.close();
  return counts;
}
