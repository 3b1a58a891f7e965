/** The Worker to deploy, in workerd: domains of organizations, with a stand-in for the resolver. @module */
import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "wrangler";
import { newUuid } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress } from "../support/auth.ts";
import { type Backend, backend } from "../support/databases.ts";

const baseUrl = "https://auth.example.com";
const secret = () => randomBytes(32).toString("base64url");

let opened: Backend;
let harness: TestHarness;
let resolver: Server;
const asked: string[] = [];

beforeAll(async () => {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
  process.env.WRANGLER_SEND_METRICS = "false";
  opened = await backend("postgres-over-neon");
  // It answers that no name exists: NXDOMAIN (RFC 1035 §4.1.1).
  resolver = createServer((request, response) => {
    const name = new URL(request.url!, "http://localhost").searchParams.get("name") ?? "";
    asked.push(name);
    response.setHeader("content-type", "application/dns-json");
    response.end(JSON.stringify({ Status: 3, Question: [{ name, type: 16 }] }));
  });
  await new Promise<void>((listening) => resolver.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(resolver.address() as AddressInfo).port}/dns-query`;
  const secrets = { SALLYPORT_SECRET: secret(), SALLYPORT_SEALING_KEYS: secret() };
  const worker = (name: string, vars: Record<string, string> = {}) => ({
    config: {
      name,
      main: "worker/index.ts",
      compatibility_date: "2026-06-01",
      vars: {
        DATABASE_URL: opened.connectionString,
        NEON_FETCH_ENDPOINT: opened.fetchEndpoint,
        BASE_URL: baseUrl,
        ...secrets,
        ...vars,
      } as Record<string, string>,
    },
  });
  harness = createTestHarness({
    root: fileURLToPath(new URL("../../", import.meta.url)),
    workers: [
      worker("without"),
      worker("with", { DOMAIN_RESOLVER: url }),
      worker("unsafe", { DOMAIN_RESOLVER: "http://dns.example/resolve" }),
    ],
  });
  await harness.listen();
}, 120_000);

afterAll(async () => {
  await harness.close();
  await opened.close();
  resolver.close();
});

const get = (name: string, path: string) =>
  harness.getWorker(name).fetch(baseUrl + path, { headers: { "cf-connecting-ip": freshAddress() } });

test.each([
  { name: "without", status: 404 },
  { name: "with", status: 401 },
])("$name a resolver: the routes of domains answer $status", async ({ name, status }) => {
  expect((await get(name, "/v1/orgs/org_0190f2a81b3c7abc8123456789abcdef/domains")).status).toBe(status);
});

test("a resolver without TLS: 503, which names the variable", async () => {
  const response = await get("unsafe", "/health");
  expect([response.status, await response.text()]).toEqual([503, expect.stringContaining("DOMAIN_RESOLVER")]);
});

test("the scheduled handler looks old records up again, and ends proofs whose record is gone", async () => {
  const organizationId = newUuid();
  await opened.database.run(sql`insert into org (id) values (${organizationId}::uuid)`);
  await opened.database.run(sql`
    insert into org_domain (org_id, domain, value, proved_at, checked_at)
    values (${organizationId}::uuid, 'acme.example', ${secret()}, sallyport_now() - interval '31 days',
      sallyport_now() - interval '31 days')`);
  const proved = async () =>
    await opened.database.run(sql<{ at: Date | null }>`
      select proved_at as at from org_domain where org_id = ${organizationId}::uuid`);
  await harness.getWorker("without").scheduled({ cron: "17 * * * *" });
  expect([asked, (await proved())[0]!.at === null]).toEqual([[], false]);
  await harness.getWorker("with").scheduled({ cron: "17 * * * *" });
  expect([asked.length, asked[0]]).toEqual([1, expect.stringContaining("acme.example")]);
  expect((await proved())[0]!.at).toBe(null);
});

test("the log says which sign-up is in force, and why", async () => {
  await get("without", "/sign-in");
  const logged = harness.getLogs().map(({ message }) => message);
  expect(logged).toContainEqual(
    expect.stringContaining("sallyport: sign-up is invited, because there is no EMAIL and SIGN_UP is not set."),
  );
});
