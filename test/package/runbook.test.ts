/** README's way to a deployed server, step by step, up to what needs an account at Cloudflare. @module */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tool } from "../support/built-package.ts";
import { sallyportFed } from "../support/command-line.ts";
import { openBackend } from "../support/databases.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const steps = (await readFile(join(root, "README.md"), "utf8")).split("## Run and deploy it")[1]!.split("\n## ")[0]!;

/** The commands in the order of the steps, on one line each. */
const commands = [...steps.matchAll(/`((?:npx wrangler|node dist\/cli)[^`]+)`/g)].map(([, command]) =>
  command!.replace(/\s+/g, " "),
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sallyport-runbook-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the steps are in an order that works", () => {
  const names = [...steps.matchAll(/^\d\. \*\*(.+?)\.\*\*/gm)].map(([, name]) => name);
  expect(names).toEqual(["Database", "Tables", "Role", "Secrets", "Address", "First user", "Schedule", "Alarm"]);
});

test("every command of the command line runs as it is written, in its order", { timeout: 180_000 }, async () => {
  const { connectionString, database } = await openBackend("postgres", { empty: true });
  const owner = join(folder, "owner.txt");
  await writeFile(owner, connectionString!);
  const ran: string[] = [];
  const environment: Record<string, string> = { DATABASE_URL: connectionString! };
  for (const command of commands.filter((one) => one.startsWith("node dist/cli/sallyport.js "))) {
    const [line] = command.replace("node dist/cli/sallyport.js ", "").replaceAll("owner.txt", owner).split(" < ");
    const args = line!.split(" ");
    // The administrator needs the second factor that the step tells them to set up.
    if (args[0] === "administrator") {
      await database.run({
        text: `insert into mfa (id, usr_id, type, identifier, totp_secret, totp_algorithm, totp_digits, totp_period)
          select gen_random_uuid(), id, 'totp', 'phone', decode('00', 'hex'), 'sha1', 6, 30 from usr`,
        params: [],
      });
    }
    const { code, stdout, stderr } = await sallyportFed("correct horse battery staple\n", environment, ...args);
    expect([code, stderr], command).toEqual([0, ""]);
    if (args[0] === "secret") environment.SALLYPORT_SEALING_KEYS = stdout.trim();
    ran.push(args[0]!);
  }
  expect(ran).toEqual(["migrate", "secret", "reseal", "users", "administrator", "doctor"]);
});

test("every `wrangler deploy` ends in a Worker with an address", { timeout: 180_000 }, async () => {
  const deploys = commands.filter((command) => command.startsWith("npx wrangler deploy"));
  expect(deploys).toHaveLength(2);
  const config = await readFile(join(root, "wrangler.toml"), "utf8");
  for (const command of deploys) {
    // Without a domain, the address is the one of workers.dev.
    expect(command.includes("--domain ") || /^workers_dev = true$/m.test(config)).toBe(true);
    const args = [...command.replace("npx wrangler ", "").split(" "), "--dry-run", "--outdir", folder];
    const { stdout } = await promisify(execFile)(tool("wrangler"), args, {
      cwd: root,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
    });
    expect(stdout).toContain("--dry-run: exiting now.");
    expect(stdout).toContain("env.BASE_URL");
  }
  expect(config).toMatch(/^crons = \["17 \* \* \* \*"\]$/m);
});
