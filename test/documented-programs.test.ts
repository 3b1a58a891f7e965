/** Programs of the documentation whose statements matter, run on a database. @module */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ResolverError, type TxtResolver } from "../src/dns/index.ts";
import { type Database, sql } from "../src/index.ts";
import { entrySources } from "./architecture/package-entries.ts";
import { type FullAuth, openAuth, system, type World } from "./support/auth.ts";
import { practiceProvider, signInWith } from "./support/practice-provider.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

let world: World;
let folder: string;
beforeAll(async () => {
  world = await openAuth("pglite");
  folder = await mkdtemp(join(tmpdir(), "sallyport-documented-"));
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const fence = "`".repeat(3);

/**
 * A program of a page, with the sources in place of the package.
 *
 * @param without What is left out of it. Default: nothing.
 */
async function programOf<Program>(page: string, name: string, without = /^/): Promise<Program> {
  const markdown = await readFile(join(root, "docs", page), "utf8");
  const [, after = ""] = markdown.split(`\n${fence}ts ${name}\n`);
  const [text = ""] = after.split(`\n${fence}\n`);
  expect(text).toMatch(without);
  const program = text.replace(without, "").replace(/ from "(sallyport[^"]*)"/g, (_, entry: string) => {
    const [source] = entrySources.get(entry.replace("sallyport", "."))!;
    return ` from ${JSON.stringify(join(root, source!))}`;
  });
  const path = join(folder, `${crypto.randomUUID()}.ts`);
  await writeFile(path, program);
  return (await import(path)) as Program;
}

describe("B27: a customer edits their domain while the DNS is asked", () => {
  interface Domains {
    newValue(): string;
    recordFor(domain: string, value: string): { name: string; text: string };
    checkDomain(
      database: Database,
      asked: { customer: string; domain: string; value: string },
      resolver: TxtResolver,
    ): Promise<boolean>;
  }

  beforeAll(() =>
    world.rows(sql`
      create table customer_domain (customer text, domain text, value text, proved_at timestamptz, primary key (customer))`),
  );

  /** A customer with a domain, whose record exists; another edits `meanwhile`. */
  async function checked(meanwhile: (customer: string) => Promise<unknown>, without?: RegExp) {
    const { newValue, recordFor, checkDomain } = await programOf<Domains>("federation.md", "domains.ts", without);
    const [customer, other, domain, value] = [crypto.randomUUID(), crypto.randomUUID(), "acme.example", newValue()];
    for (const one of [customer, other])
      await world.rows(
        sql`insert into customer_domain values (${one}, ${domain}, ${one === customer ? value : newValue()})`,
      );
    const record = recordFor(domain, value);
    const resolver: TxtResolver = async (name) => {
      await meanwhile(customer);
      return name === record.name ? [record.text] : [];
    };
    const isProved = await checkDomain(world.database, { customer, domain, value }, resolver);
    const rows = await world.rows(sql<{ customer: string; domain: string }>`
      select customer, domain from customer_domain where proved_at is not null and customer in (${customer}, ${other})`);
    return { isProved, proved: rows.map((row) => [row.customer === customer, row.domain]) };
  }
  const toOther = (customer: string) =>
    world.rows(sql`update customer_domain set domain = 'victim.example' where customer = ${customer}`);

  test("nothing: that customer's domain is proved, and no other customer's", async () => {
    expect(await checked(async () => undefined)).toEqual({ isProved: true, proved: [[true, "acme.example"]] });
  });

  test.each([
    ["another domain", toOther],
    [
      "another value",
      (customer: string) => world.rows(sql`update customer_domain set value = 'x' where customer = ${customer}`),
    ],
    ["no domain", (customer: string) => world.rows(sql`delete from customer_domain where customer = ${customer}`)],
  ])("to %s: nothing is proved", async (_case, meanwhile) => {
    expect(await checked(meanwhile)).toEqual({ isProved: false, proved: [] });
  });

  test("the naive statement, by the customer alone, proves the victim's domain: the test sees the attack", async () => {
    expect(await checked(toOther, / and domain = .* and value = .*/)).toEqual({
      isProved: true,
      proved: [[true, "victim.example"]],
    });
  });

  test("the DNS does not answer: nothing is proved", async () => {
    const silent = async () => {
      throw new ResolverError("TIMEOUT");
    };
    expect(await checked(silent)).toEqual({ isProved: false, proved: [] });
  });
});

describe("coming from Auth.js", () => {
  beforeAll(async () => {
    // As `@auth/pg-adapter` makes them.
    await world.rows(sql`
      create table users (id serial primary key, name varchar(255), email varchar(255), "emailVerified" timestamptz, image text)`);
    await world.rows(sql`
      create table accounts (id serial primary key, "userId" integer not null, type varchar(255) not null, provider varchar(255) not null,
        "providerAccountId" varchar(255) not null, refresh_token text, access_token text, expires_at bigint, id_token text,
        scope text, session_state text, token_type text)`);
    await world.rows(sql`
      insert into users (name, email, "emailVerified") values
        ('Ada', 'ada@old.example', now()), ('Grace', 'grace@old.example', null), ('Joan', 'joan@old.example', null)`);
    await world.rows(sql`
      insert into accounts ("userId", type, provider, "providerAccountId") values
        (1, 'oidc', 'practice', 'old-1'), (1, 'oauth', 'second', 'old-2'), (2, 'oidc', 'practice', 'old-3'), (2, 'email', 'mail', 'x')`);
    await world.rows(sql`alter table users add column sallyport_id text`);
  });

  test("each user is imported with their identities, once, and signs in with any of them", async () => {
    interface AuthJs {
      importUsers(auth: FullAuth, database: Database): Promise<void>;
    }
    const { importUsers } = await programOf<AuthJs>("coming-from.md", "auth-js.ts");
    const second = "https://second.example";
    const auth = world.isolate({
      federation: { providers: [practiceProvider(), practiceProvider("second", [second])] },
    });
    for (const _time of [1, 2]) await importUsers(auth, world.database);
    const users = await world.rows(sql<{ name: string; id: `usr_${string}`; imported: number }>`
      select u.name, u.sallyport_id as id, (select count(*)::int from aud where action = 'identity.credential.import') as imported
      from users u order by u.id`);
    expect(users.map(({ name, imported }) => [name, imported])).toEqual([
      ["Ada", 3],
      ["Grace", 3],
      ["Joan", 3],
    ]);
    // Only Ada has proved her address.
    const held = await world.rows(sql<{ email: string }>`
      select distinct email from linked_identity where email like '%@old.example'`);
    expect(held).toEqual([{ email: "ada@old.example" }]);
    const [ada, grace] = users;
    const signedIn = async (issuer: string, subject: string, provider: string) => {
      const result = await signInWith(auth, { issuer, subject, emailVerified: false }, { provider });
      return "user" in result ? [result.user.id, result.user.displayName] : result;
    };
    expect(await signedIn("https://practice.example", "old-1", "practice")).toEqual([ada!.id, "Ada"]);
    expect(await signedIn(second, "old-2", "second")).toEqual([ada!.id, "Ada"]);
    expect(await signedIn("https://practice.example", "old-3", "practice")).toEqual([grace!.id, "Grace"]);
    expect((await auth.federation.list({ actor: system, userId: users[2]!.id as never })).data).toEqual([]);
  });
});
