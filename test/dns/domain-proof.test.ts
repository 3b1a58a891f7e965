import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dnsOverHttps, provesDomain, ResolverError, type TxtResolver } from "../../src/dns/index.ts";
import { openStandIn, type Reply, replyJson, replyWith, type StandIn } from "../support/stand-in.ts";

const value = "q7-Zk_3vXw9LmB0TfR1yUs";
const wanted = `sallyport-domain-verification=${value}`;

/** A name server: the TXT records of each name. */
let zone: Readonly<Record<string, readonly string[]>>;
const answer: Reply = (response, asked) => {
  const name = new URL(asked.path, "http://localhost").searchParams.get("name")!;
  const records = zone[name];
  const type = 16;
  const answers = records?.map((text) => ({ name, type, TTL: 60, data: JSON.stringify(text) }));
  replyJson({ Status: records ? 0 : 3, Question: [{ name, type }], Answer: answers })(response, asked);
};

let service: StandIn;
beforeAll(async () => {
  service = await openStandIn("/dns-query");
});
beforeEach(() => {
  zone = {};
  service.replies = [answer];
  service.asked.length = 0;
});
afterAll(() => service.close());

const proves = (proof: { domain?: string; value?: string } = {}) =>
  provesDomain(dnsOverHttps({ url: service.url }), { domain: "example.com", value, ...proof });

describe("OC48: the proof of a domain", () => {
  test.each([
    ["no record", undefined],
    ["no text", [""]],
    ["another value", [`sallyport-domain-verification=${"A".repeat(22)}`]],
    ["the value alone", [value]],
    ["a prefix of the value", [wanted.slice(0, -1)]],
    ["a byte order mark before", [`\ufeff${wanted}`]],
    ["more after the value", [`${wanted}x`, `${wanted} `, `${wanted};`]],
    ["white space before", [` ${wanted}`]],
    ["the value in another case", [wanted.toLowerCase(), wanted.toUpperCase()]],
    ["the key in another case", [`Sallyport-Domain-Verification=${value}`]],
    ["both halves in two records", [wanted.slice(0, 30), wanted.slice(30)]],
    ["the record of another application", [`google-site-verification=${value}`]],
  ])("%s at the name: no proof", async (_case, records) => {
    if (records) zone = { "_sallyport.example.com": records };
    expect(await proves()).toBe(false);
  });

  test.each([
    "example.com",
    "www.example.com",
    "_sallyport.www.example.com",
    "_sallyport.com",
    "sallyport.example.com",
  ])("the record at %s: no proof", async (name) => {
    zone = { [name]: [wanted] };
    expect(await proves()).toBe(false);
  });

  test.each([
    ["alone", [wanted]],
    ["among others", ["v=spf1 -all", `${wanted}x`, wanted, "z"]],
    ["twice", [wanted, wanted]],
  ])("the record %s: a proof", async (_case, records) => {
    zone = { "_sallyport.example.com": records };
    expect(await proves()).toBe(true);
    expect(service.asked).toHaveLength(1);
  });

  test("B27: the proof of one domain proves neither another domain nor another value", async () => {
    zone = { "_sallyport.example.com": [wanted] };
    expect(await proves({ domain: "sub.example.com" })).toBe(false);
    expect(await proves({ domain: "example.org" })).toBe(false);
    expect(await proves({ value: `${value}2` })).toBe(false);
    expect(await proves()).toBe(true);
  });

  test("an outage is no answer", async () => {
    service.replies = [replyWith(503, "")];
    await expect(proves()).rejects.toBeInstanceOf(ResolverError);
    const failing: TxtResolver = async () => {
      throw new Error("down");
    };
    await expect(provesDomain(failing, { domain: "example.com", value })).rejects.toThrow("down");
  });

  test.each([
    ["a short value", { value: "A".repeat(21) }],
    ["a long value", { value: "A".repeat(129) }],
    ["a value of other characters", { value: `${"A".repeat(22)}=` }],
    ["a value with a line break", { value: `${value}\n` }],
    ["no value", { value: undefined as never }],
    ["a domain in upper case", { domain: "Example.com" }],
    ["a domain with a dot at its end", { domain: "example.com." }],
    ["a single label", { domain: "com" }],
    ["a domain that is too long for the record's name", { domain: `${"a".repeat(60)}.`.repeat(4).slice(0, -1) }],
    ["an IP address", { domain: "192.0.2.1" }],
    ["letters beyond ASCII", { domain: "bücher.example" }],
    ["an address", { domain: "ada@example.com" }],
    ["no domain", { domain: undefined as never }],
  ])("%s: refused before anything is asked", async (_case, proof) => {
    const error = await proves(proof).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).not.toContain(value);
    expect(service.asked).toEqual([]);
  });

  test("the longest value and a domain with `xn--`: accepted", async () => {
    const longest = "A".repeat(128);
    zone = { "_sallyport.xn--bcher-kva.example": [`sallyport-domain-verification=${longest}`] };
    expect(await proves({ domain: "xn--bcher-kva.example", value: longest })).toBe(true);
  });
});
