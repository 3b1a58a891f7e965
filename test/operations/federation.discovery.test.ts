import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FederationOptions } from "../../src/engine/federation-settings.ts";
import { ConfigurationError } from "../../src/index.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, openAuth, outcome, refusal, type World } from "../support/auth.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { practiceProvider } from "../support/practice-provider.ts";

let world: World;
beforeAll(async () => {
  world = await openAuth("pglite");
});
afterAll(() => world.close());

const provider = async (identifier: string, auth = world.auth) =>
  (await auth.federation.discover({ identifier })).provider;

describe("OC48: the provider of an address", () => {
  test.each([
    ["ada@practice.example", "practice"],
    ["ADA@Practice.EXAMPLE", "practice"],
    ["  ada@practice.example\n", "practice"],
    ["ada@practice.example.", "practice"],
    ["ada+work@practice.example", "practice"],
    ["ada@xn--bcher-kva.example", "practice"],
    // What follows the last @ is the domain, for identifiers too.
    ["ada@elsewhere.example@practice.example", "practice"],
    ["ada@practice.example@elsewhere.example", undefined],
    // Another domain, however similar.
    ["ada@sub.practice.example", undefined],
    ["ada@evilpractice.example", undefined],
    ["ada@practice.example.evil.example", undefined],
    ["ada@example", undefined],
    ["ada@practice.exаmple", undefined],
    ["ada@practice\u3002example", undefined],
    ["ada@practice.example:443", undefined],
    ["ada@practice.example/", undefined],
    ["ada@practice%2eexample", undefined],
    ["ada@practice.example\u0000", undefined],
    ["ada@practice..example", undefined],
    ["ada@practice.example..", undefined],
    // No address.
    ["practice.example", undefined],
    ["@practice.example", undefined],
    ["ada@", undefined],
    ["ada", undefined],
    ["", undefined],
    ["ada@constructor", undefined],
    ["ada@__proto__", undefined],
    [`${"a".repeat(240)}@practice.example`, undefined],
    [`${"a".repeat(1_000_000)}@practice.example`, undefined],
  ])("%j: %s", async (identifier, expected) => {
    expect(await provider(identifier)).toBe(expected);
  });

  test("with identifiers beyond ASCII: in every spelling of the domain that an identifier may have", async () => {
    const auth = world.isolate({ allowNonAsciiIdentifiers: true });
    for (const domain of ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "XN--BCHER-KVA.example"]) {
      expect([domain, await provider(`ädä@${domain}`, auth)]).toEqual([domain, "practice"]);
    }
    expect(await provider("ada@bücher.example")).toBeUndefined();
  });

  test("is the same for known and unknown accounts, and for known and unknown domains, in one request", async () => {
    const { identifier } = await world.person({ identifier: "ada@practice.example" });
    const asked: unknown[] = [];
    for (const one of [identifier, "nobody@practice.example", "ada@elsewhere.example", ""]) {
      world.counting.reset();
      asked.push([await provider(one), world.counting.requests]);
    }
    expect(asked).toEqual([
      ["practice", 1],
      ["practice", 1],
      [undefined, 1],
      [undefined, 1],
    ]);
  });

  test("is counted by the client's address and by its network, before the domain is looked at", async () => {
    const limits = {
      address: { attempts: 2, windowSeconds: 300 },
      // A refused attempt counts here too.
      network: { attempts: 5, windowSeconds: 300 },
    };
    const auth = world.isolate({ limits });
    const block = freshAddress().replace("::1", "");
    const ask = (host: string, domain = "practice.example") =>
      outcome(auth.federation.discover({ identifier: `ada@${domain}`, context: { address: `${block}:${host}` } }));
    const limited = "too_many_requests";
    expect([await ask("1::1"), await ask("1::2", "x.example"), await ask("1::3")]).toEqual(["done", "done", limited]);
    expect([await ask("2::1"), await ask("2::2"), await ask("3::1")]).toEqual(["done", "done", limited]);
    const [names] = await world.rows(sql<{ names: string[] }>`
      select array_agg(distinct split_part(bucket, ':', 2)) as names from attempt where bucket like 'discovery:%'`);
    expect(names).toEqual({ names: ["address", "network"] });
  });

  test("a lost reply counts the lookup once", async () => {
    const faulty = faultyDatabase(world.database);
    const auth = world.isolate({ database: faulty, limits: { address: { attempts: 1, windowSeconds: 300 } } });
    const context = { address: freshAddress() };
    faulty.reset(["after"]);
    const asked = { identifier: "ada@practice.example", context };
    expect(await auth.federation.discover(asked)).toEqual({ provider: "practice" });
    expect(await refusal(auth.federation.discover(asked))).toMatchObject({ code: "too_many_requests" });
  });

  test("its domains are listed, for pages", () => {
    expect(world.auth.federation.domains()).toEqual(["practice.example", "xn--bcher-kva.example"]);
    expect(world.isolate({ federation: { domains: {} } }).federation.domains()).toEqual([]);
  });
});

describe("the option `domains`", () => {
  const discoverWith = async (options: Partial<FederationOptions>) => {
    const auth = world.isolate({ federation: { providers: [practiceProvider("acme")], ...options } });
    return await auth.federation.discover({ identifier: "ada@example.com" });
  };

  test.each([
    ["an unknown provider", { "example.com": "nowhere" }],
    ["an inherited name", { "example.com": "constructor" }],
    ["no provider", { "example.com": undefined }],
    ["upper case", { "Example.com": "acme" }],
    ["letters beyond ASCII", { "bücher.example": "acme" }],
    ["broken Punycode", { "xn--a.example": "acme" }],
    ["a dot at the end", { "example.com.": "acme" }],
    ["an empty label", { "example..com": "acme" }],
    ["a wildcard", { "*.example.com": "acme" }],
    ["an address", { "ada@example.com": "acme" }],
    ["an IP address", { "127.0.0.1": "acme" }],
    ["a URL", { "https://example.com": "acme" }],
    ["a port", { "example.com:443": "acme" }],
    ["an underscore", { "_dns.example.com": "acme" }],
    ["a hyphen at the end of a label", { "example-.com": "acme" }],
    ["a long label", { [`${"a".repeat(64)}.com`]: "acme" }],
    ["an empty text", { "": "acme" }],
    ["a list", ["example.com"]],
    ["null", null],
  ])("%s: refused at the first use", async (_case, domains) => {
    const error = await discoverWith({ domains: domains as never }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).option).toBe("domains");
  });

  test.each([
    ["a domain", { "example.com": "acme" }, "acme"],
    ["several domains of one provider", { "example.org": "acme", "example.com": "acme" }, "acme"],
    ["a domain of one label", { intranet: "acme" }, undefined],
    ["the longest label", { [`${"a".repeat(63)}.com`]: "acme" }, undefined],
    ["none", {}, undefined],
  ])("%s: accepted", async (_case, domains, provider) => {
    expect(await discoverWith({ domains: domains as never })).toEqual({ provider });
  });

  test("a provider with the name of the route: refused", async () => {
    const error = await discoverWith({ providers: [practiceProvider("discover")] }).catch((error: unknown) => error);
    expect(error).toMatchObject({ option: "providers" });
  });
});
