/**
 * Isolates of the release before this one, which still run while the schema is already that of this release.
 *
 * Slow: the older sources generate their own files.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrationsFolder, readMigrations } from "../../build/migrations.node.ts";
import { type Migration, migrate } from "../../src/store/migrate.ts";
import { type FullAuth, fullAuth, type Person, quickDecoy, quickHasher } from "../support/auth.ts";

const release = readMigrations(migrationsFolder);
const newest = release.at(-1)!;
const harmless: Migration = { name: "9998_note", text: "-- serves 0001\ncreate table note (id int4)" };
const root = fileURLToPath(new URL("../../", import.meta.url));

interface Older {
  readonly folder: string;
  readonly migrations: readonly Migration[];
  remove(): void;
}

/**
 * The tree from before the newest migration, with its own generated files. Without history this tree stands in, on a schema that
 * is newer by a harmless migration.
 */
function checkOutOlder(): Older {
  const git = (...args: string[]): Buffer =>
    execFileSync("git", ["-C", root, ...args], { stdio: ["ignore", "pipe", "ignore"], maxBuffer: 2 ** 28 });
  let tree: Buffer;
  try {
    const added = git("log", "--diff-filter=A", "-1", "--format=%H", "--", `migrations/${newest.name}.sql`);
    const commit = added.toString().trim();
    tree = git("archive", commit === "" ? "HEAD" : `${commit}^`);
  } catch {
    return { folder: root, migrations: [...release, harmless], remove: () => undefined };
  }
  const folder = mkdtempSync(join(tmpdir(), "sallyport-older-"));
  execFileSync("tar", ["-x", "-C", folder], { input: tree });
  symlinkSync(`${root}node_modules`, join(folder, "node_modules"));
  execFileSync("npm", ["run", "-s", "generate"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  return { folder, migrations: release, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

let older: Older;
let support: typeof import("../support/auth.ts");
let tables: typeof import("../operations/writes/every-write.ts");
let world: Awaited<ReturnType<typeof support.openAuth>>;
let present: FullAuth;
beforeAll(async () => {
  older = checkOutOlder();
  const load = async (path: string) => await import(pathToFileURL(join(older.folder, path)).href);
  support = await load("test/support/auth.ts");
  tables = await load("test/operations/writes/every-write.ts");
  // The older release migrates, serves, and is overtaken by the migrations of this one.
  world = await support.openAuth("postgres", { empty: true });
  const { migrations } = await load("src/store/generated/migrations.ts");
  await migrate(world.database, migrations);
  await world.person();
  await migrate(world.database, older.migrations);
  present = fullAuth({
    database: world.database,
    passwordHasher: quickHasher(),
    decoyHash: quickDecoy,
    secrets: support.secret,
    sealingKeys: support.sealingKey,
    origins: ["https://example.com"],
    signUp: "open",
  });
}, 180_000);
afterAll(async () => {
  await world.close();
  older.remove();
});

/** The code of a refusal, whichever release made it. */
const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(
    () => "done",
    (error: { code: string }) => error.code,
  );

describe("S71: an isolate of the release before, on the schema of this one", () => {
  test("its schema is older, and it is healthy", async () => {
    const { probe, health } = (await import(
      pathToFileURL(join(older.folder, "src/index.ts")).href
    )) as typeof import("../../src/index.ts");
    const names = await import(pathToFileURL(join(older.folder, "src/store/generated/migration-names.ts")).href);
    expect(names.migrationNames).not.toContain(older.migrations.at(-1)!.name);
    await probe(world.auth);
    await health(world.auth);
  });

  test("every write and every read works, and both releases see the same sessions", async () => {
    const operations = [...tables.writes, ...tables.reads];
    expect(operations.length).toBeGreaterThan(60);
    const isLive = async (auth: Pick<FullAuth, "sessions">, { token, transport }: Person): Promise<string> =>
      await codeOf(auth.sessions.verify({ token, transport }));
    for (const operation of operations) {
      const { person, prepared } = await tables.prepareWrite(world, operation);
      expect([operation.name, await codeOf(operation.act(world.auth, person, prepared))]).toEqual([
        operation.name,
        "done",
      ]);
      expect([operation.name, await isLive(present, person)]).toEqual([
        operation.name,
        await isLive(world.auth, person),
      ]);
    }
  });

  test("a user of either release signs in through the other", async () => {
    const context = { address: support.freshAddress() };
    const password = support.goodPassword;
    const ours = support.freshIdentifier();
    await present.signUp({ identifier: ours, password, context });
    expect(await codeOf(world.auth.signIn.password({ identifier: ours, password, context }))).toBe("done");
    const { identifier } = await world.person();
    expect(await codeOf(present.signIn.password({ identifier, password, context }))).toBe("done");
    expect(await codeOf(present.signIn.password({ identifier, password: `${password}x`, context }))).toBe(
      "unauthorized.invalid_credential",
    );
  });
});
