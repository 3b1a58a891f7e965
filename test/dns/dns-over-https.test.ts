import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type DnsOverHttpsOptions, dnsOverHttps, ResolverError } from "../../src/dns/index.ts";
import { everythingIn } from "../support/driver-failures.ts";
import { breakOff, endless, neverEnd, openStandIn, replyWith, type StandIn, stayOpen } from "../support/stand-in.ts";

const name = "_sallyport.example.com";
const json = { "content-type": "application/dns-json" };
const question = [{ name, type: 16 }];
/** An answer as Cloudflare writes it, with the members that a test changes. */
const answerWith = (more: object) =>
  replyWith(200, JSON.stringify({ Status: 0, TC: false, Question: question, ...more }), json);
const txt = (data: string, owner = name) => ({ name: owner, type: 16, TTL: 300, data });
const alias = (owner: string, data: string) => ({ name: owner, type: 5, TTL: 300, data });

let service: StandIn;
beforeAll(async () => {
  service = await openStandIn("/dns-query");
});
beforeEach(() => {
  service.replies = [answerWith({ Answer: [txt('"v=1"')] })];
  service.asked.length = 0;
});
afterAll(() => service.close());

const resolve = (asked: string = name, options: DnsOverHttpsOptions = {}) =>
  dnsOverHttps({ url: service.url, timeoutMilliseconds: 500, ...options })(asked);
const codeOf = async (records: Promise<unknown>): Promise<string | undefined> => {
  const error = await records.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ResolverError);
  // The name can be a customer's, and an answer anyone's.
  expect((error as Error).message).not.toMatch(/example|sallyport|v=1/);
  return (error as ResolverError).code;
};

describe("X13: an answer that is no answer", () => {
  test.each([
    ["SERVFAIL", answerWith({ Status: 2 }), "RCODE_2"],
    ["REFUSED", answerWith({ Status: 5, Answer: [txt('"v=1"')] }), "RCODE_5"],
    ["a late answer", stayOpen, "TIMEOUT"],
    ["a body that does not end", neverEnd, "TIMEOUT"],
    ["a body without bounds", endless, "TOO_LARGE"],
    ["a large body", replyWith(200, " ".repeat(65_537), json), "TOO_LARGE"],
    ["a broken connection", breakOff, "UNREACHABLE"],
    ["400", replyWith(400, '{"error":"Invalid query name"}', json), "HTTP_400"],
    ["429", replyWith(429, "slow down"), "HTTP_429"],
    [
      "500 with records",
      replyWith(500, JSON.stringify({ Status: 0, Question: question, Answer: [] }), json),
      "HTTP_500",
    ],
    ["204", replyWith(204, ""), "HTTP_204"],
    ["a page of HTML", replyWith(200, "<!doctype html>", { "content-type": "text/html" }), "MEDIA_TYPE"],
    ["no media type", replyWith(200, JSON.stringify({ Status: 0, Question: question })), "MEDIA_TYPE"],
    ["another JSON", replyWith(200, "{}", { "content-type": "application/json-seq" }), "MEDIA_TYPE"],
    ["a wire-format message", replyWith(200, "", { "content-type": "application/dns-message" }), "MEDIA_TYPE"],
    ["HTML that claims to be JSON", replyWith(200, "<!doctype html>", json), "MALFORMED"],
    ["nothing", replyWith(200, "", json), "MALFORMED"],
    ["null", replyWith(200, "null", json), "MALFORMED"],
    [
      "a byte beyond 255",
      replyWith(200, JSON.stringify({ Status: 0, Question: [{ name, type: 16 }], Answer: [txt('"\\371"')] }), json),
      "MALFORMED",
    ],
    ["a text", replyWith(200, '"v=1"', json), "MALFORMED"],
    ["a list", replyWith(200, "[]", json), "MALFORMED"],
    ["no status", answerWith({ Status: undefined }), "MALFORMED"],
    ["a status that is a text", answerWith({ Status: "0" }), "MALFORMED"],
    ["a status that is no whole number", answerWith({ Status: 0.5 }), "MALFORMED"],
    ["a message that was cut off", answerWith({ TC: true, Answer: [] }), "MALFORMED"],
    ["no question", answerWith({ Question: undefined }), "MALFORMED"],
    ["no question in the list", answerWith({ Question: [] }), "MALFORMED"],
    ["a question that is null", answerWith({ Question: [null] }), "MALFORMED"],
    ["two questions", answerWith({ Question: [...question, ...question] }), "MALFORMED"],
    ["the answer to another name", answerWith({ Question: [{ name: "example.com", type: 16 }] }), "MALFORMED"],
    ["the answer to another type", answerWith({ Question: [{ name, type: 1 }] }), "MALFORMED"],
    ["records that are no list", answerWith({ Answer: { 0: txt('"v=1"') } }), "MALFORMED"],
    ["records that are null", answerWith({ Answer: null }), "MALFORMED"],
    ["a record that is a text", answerWith({ Answer: ["v=1"] }), "MALFORMED"],
    ["a record that is null", answerWith({ Answer: [null] }), "MALFORMED"],
    ["a record without data", answerWith({ Answer: [{ name, type: 16 }] }), "MALFORMED"],
    ["a record whose data is a list", answerWith({ Answer: [{ name, type: 16, data: ["v=1"] }] }), "MALFORMED"],
    ["a type that is a text", answerWith({ Answer: [{ name, type: "16", data: "v=1" }] }), "MALFORMED"],
  ])("%s: an error with a code", async (_case, reply, code) => {
    service.replies = [reply];
    expect(await codeOf(resolve())).toBe(code);
    expect(service.asked).toHaveLength(1);
  });

  test("a redirect is not followed", async () => {
    const elsewhere = await openStandIn("/dns-query");
    elsewhere.replies = [answerWith({ Answer: [txt('"v=1"')] })];
    service.replies = [replyWith(302, "", { location: elsewhere.url })];
    expect(await codeOf(resolve())).toBe("HTTP_302");
    expect(elsewhere.asked).toEqual([]);
    await elsewhere.close();
  });

  test("no service: an error with a code", async () => {
    const gone = await openStandIn("/dns-query");
    await gone.close();
    expect(await codeOf(resolve(name, { url: gone.url }))).toBe("UNREACHABLE");
  });

  test("a `fetch` that heeds no signal, and one that fails: the same", async () => {
    const never = () => new Promise<never>(() => undefined);
    expect(await codeOf(resolve(name, { fetch: never, timeoutMilliseconds: 100 }))).toBe("TIMEOUT");
    const failing = async () => {
      throw new Error(`cannot reach ${name}`);
    };
    const error = await resolve(name, { fetch: failing }).catch((error: unknown) => error);
    expect(everythingIn(error as Error)).not.toContain(name);
  });
});

describe("names", () => {
  test.each([
    "",
    ".",
    "example.com.",
    "example..com",
    ".example.com",
    "-example.com",
    "example-.com",
    "exa mple.com",
    "example.com&name=evil.example",
    "example.com#",
    "example.com/x",
    "example.com\n",
    "exämple.com",
    "*.example.com",
    "127.0.0.1",
    "[::1]",
    `${"a".repeat(64)}.com`,
    `${"a.".repeat(127)}com`,
    "a".repeat(1_000_000),
    null,
    {},
  ])("%j: refused before it is sent", async (asked) => {
    const error = await resolve(asked as string).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TypeError);
    expect(service.asked).toEqual([]);
  });

  test.each([
    "example.com",
    "_email-verification.xn--bcher-kva.example",
    "_SALLYPORT.Example.com",
    "com",
    "1.example.com",
  ])("%s: asked for its TXT records, and nothing more is sent", async (asked) => {
    service.replies = [answerWith({ Question: [{ name: `${asked}.`, type: 16 }] })];
    expect(await resolve(asked)).toEqual([]);
    const [{ method, path, headers, text }] = service.asked as [(typeof service.asked)[0]];
    expect([method, path, text]).toEqual(["GET", `/dns-query?name=${asked}&type=TXT`, ""]);
    expect(headers.accept).toBe("application/dns-json");
    expect([headers.cookie, headers.authorization]).toEqual([undefined, undefined]);
  });

  test("an endpoint keeps its own parameters", async () => {
    await resolve(name, { url: `${service.url}?key=1&name=evil.example&type=A` });
    expect(service.asked[0]!.path).toBe(`/dns-query?key=1&name=${name}&type=TXT`);
  });
});

describe("records", () => {
  test.each([
    ["none", {}, []],
    ["an empty list", { Answer: [] }, []],
    ["no such name", { Status: 3 }, []],
    ["no such name, with records", { Status: 3, Answer: [txt('"v=1"')] }, []],
    ["several", { Answer: [txt('"a"'), txt('"b"')] }, ["a", "b"]],
    ["Cloudflare's strings", { Answer: [txt('"one " "two"')] }, ["one two"]],
    ["strings without a space between them", { Answer: [txt('"one""two"')] }, ["onetwo"]],
    ["Google's text without quotes", { Answer: [txt("v=spf1 -all")] }, ["v=spf1 -all"]],
    ["escapes", { Answer: [txt('"a\\"b\\\\c\\;d"')] }, ['a"b\\c;d']],
    ["bytes as decimals", { Answer: [txt('"caf\\195\\169"')] }, ["café"]],
    ["a byte order mark", { Answer: [txt('"\\239\\187\\191a"')] }, ["\ufeffa"]],
    ["letters as they are", { Answer: [txt('"café"')] }, ["café"]],
    ["a quote that is not closed", { Answer: [txt('"a')] }, ['"a']],
    ["a quote in a text", { Answer: [txt('a "b"')] }, ['a "b"']],
    ["an escape at the end", { Answer: [txt('"a\\"')] }, ['"a\\"']],
    ["an empty string", { Answer: [txt('""')] }, [""]],
    ["white space within", { Answer: [txt('" a "')] }, [" a "]],
    [
      "names with a dot, in upper case",
      { Question: [{ name: `${name}.`, type: 16 }], Answer: [txt('"a"', "_SALLYPORT.example.COM.")] },
      ["a"],
    ],
    [
      "of other names",
      { Answer: [txt('"a"', "example.com"), txt('"b"', `x.${name}`), txt('"c"', "evil.example")] },
      [],
    ],
    [
      "of other types",
      {
        Answer: [
          { name, type: 99, data: '"a"' },
          { name, type: 46, data: "TXT 8 3 300" },
        ],
      },
      [],
    ],
    ["of an alias", { Answer: [alias(name, "proof.example.net."), txt('"a"', "proof.example.net")] }, ["a"]],
    [
      "of a chain of aliases, in any order",
      { Answer: [txt('"a"', "c.example"), alias("b.example", "c.example"), alias(name, "b.example")] },
      ["a"],
    ],
    ["of an alias of another name", { Answer: [alias("example.com", "evil.example"), txt('"a"', "evil.example")] }, []],
    [
      "of a circle of aliases",
      { Answer: [alias(name, "b.example"), alias("b.example", name), txt('"a"', "b.example")] },
      ["a"],
    ],
    [
      "of a second alias of one name",
      { Answer: [alias(name, "b.example"), alias(name, "evil.example"), txt('"a"', "evil.example")] },
      [],
    ],
  ])("%s", async (_case, more, expected) => {
    service.replies = [answerWith(more)];
    expect(await resolve()).toEqual(expected);
  });

  test("of a chain that is too long: ignored", async () => {
    const chain = Array.from({ length: 40 }, (_, index) =>
      alias(index === 0 ? name : `n${index}.example`, `n${index + 1}.example`),
    );
    service.replies = [answerWith({ Answer: [...chain, txt('"near"', "n8.example"), txt('"far"', "n40.example")] })];
    expect(await resolve()).toEqual(["near"]);
  });

  test.each(["application/json", "application/json; charset=UTF-8", "Application/DNS-JSON"])("as %s", async (type) => {
    service.replies = [
      replyWith(200, JSON.stringify({ Status: 0, Question: question, Answer: [txt("a")] }), { "content-type": type }),
    ];
    expect(await resolve()).toEqual(["a"]);
  });
});

describe("options", () => {
  test.each([
    ["plain HTTP", { url: "http://dns.example/dns-query" }],
    ["no URL", { url: "dns.example" }],
    ["a password", { url: "https://user:secret@dns.example/" }],
    ["a short time", { timeoutMilliseconds: 99 }],
    ["a long time", { timeoutMilliseconds: 30_001 }],
    ["a time that is a text", { timeoutMilliseconds: "500" as never }],
    ["a `fetch` that is no function", { fetch: {} as never }],
  ])("%s: refused", (_case, options) => {
    expect(() => dnsOverHttps(options)).toThrow(TypeError);
  });

  test("by default, Cloudflare is asked", async () => {
    const asked: string[] = [];
    const fetch = async (url: string) => {
      asked.push(url);
      return new Response(JSON.stringify({ Status: 3, Question: question }), { headers: json });
    };
    expect(await dnsOverHttps({ fetch })(name)).toEqual([]);
    expect(asked).toEqual([`https://cloudflare-dns.com/dns-query?name=${name}&type=TXT`]);
  });
});
