import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type BreachedPasswordsOptions, breachedPasswords } from "../../src/checkers/breached-passwords.ts";
import { AuthError } from "../../src/domain/error.ts";
import { everythingIn, failure } from "../support/driver-failures.ts";
import {
  breakOff,
  endless,
  neverEnd,
  openStandIn,
  type Reply,
  replyWith,
  type StandIn,
  stayOpen,
} from "../support/stand-in.ts";

/** A password in so many breaches. */
const breaches = new Map([
  ["correct horse battery staple", 384],
  ["once-in-a-breach", 1],
  ["pÄsswÖrd-ÜnicÖde", 7],
  ["ﬁve-ﬁnes-typed", 2],
]);
const sha1 = (text: string) => createHash("sha1").update(text).digest("hex").toUpperCase();
const otherLines = Array.from({ length: 800 }, (_, index) => `${sha1(`other ${index}`).slice(5)}:${index + 1}`);

/** Answers as the service does: every breached suffix of the prefix, among others, and padding. */
const range: Reply = (response, { path }) => {
  const prefix = path.split("/").at(-1)!;
  const own = [...breaches]
    .filter(([text]) => sha1(text).startsWith(prefix))
    .map(([text, n]) => `${sha1(text).slice(5)}:${n}`);
  const padding = Array.from({ length: 100 }, (_, index) => `${sha1(`padding ${index}`).slice(5)}:0`);
  response
    .writeHead(200, { "content-type": "text/plain" })
    .end([...otherLines, ...own, ...padding].sort().join("\r\n"));
};

let service: StandIn;
let reported: unknown[];
beforeAll(async () => {
  service = await openStandIn("/range/");
});
beforeEach(() => {
  service.replies = [range];
  service.asked.length = 0;
  reported = [];
});
afterAll(() => service.close());

const isBreached = (password: string, options: Partial<BreachedPasswordsOptions> = {}) =>
  breachedPasswords({ onUnavailable: "refuse", url: service.url, ...options })(password, (error) =>
    reported.push(error),
  );

describe("breachedPasswords", () => {
  test.each([...breaches.keys()])("%s: breached", async (password) => {
    expect(await isBreached(password)).toBe(true);
  });

  test.each(["a password of no breach", "correct horse battery stapl", "Once-in-a-breach", ""])(
    "%j: not breached",
    async (password) => {
      expect(await isBreached(password)).toBe(false);
    },
  );

  test("the service learns five hex digits of the hash, and padding hides the length of the answer", async () => {
    await isBreached("correct horse battery staple");
    const hash = sha1("correct horse battery staple");
    expect(service.asked).toHaveLength(1);
    const [{ method, path, headers, text }] = service.asked as [(typeof service.asked)[0]];
    expect([method, path, text]).toEqual(["GET", `/range/${hash.slice(0, 5)}`, ""]);
    expect(headers).toMatchObject({ "add-padding": "true", "user-agent": "sallyport" });
    expect(JSON.stringify(service.asked)).not.toContain(hash.slice(5, 12));
    expect(JSON.stringify(service.asked)).not.toContain("horse");
  });

  test("a password that normalization changes: both forms are looked up", async () => {
    const composed = "pÄsswÖrd-ÜnicÖde";
    expect(await isBreached(composed.normalize("NFD"))).toBe(true);
    expect(service.asked).toHaveLength(2);
  });

  test("a line of padding with the very suffix is no breach", async () => {
    for (const count of ["0", "00"]) {
      service.replies = [replyWith(200, `${sha1("padded").slice(5)}:${count}`)];
      expect(await isBreached("padded")).toBe(false);
    }
    service.replies = [replyWith(200, `${sha1("padded").slice(5)}:10\r\n`)];
    expect(await isBreached("padded")).toBe(true);
  });

  test("hex digits in lower case count too", async () => {
    service.replies = [replyWith(200, `${sha1("lower").slice(5).toLowerCase()}:3`)];
    expect(await isBreached("lower")).toBe(true);
  });

  describe("a service that fails", () => {
    const password = "correct horse battery staple";
    test.each<[string, Reply, string]>([
      ["500", replyWith(500, "", {}), "HTTP_500"],
      ["429", replyWith(429, "", { "retry-after": "2" }), "HTTP_429"],
      ["a redirect, which is not followed", replyWith(301, "", { location: "/elsewhere" }), "HTTP_301"],
      ["an empty answer", replyWith(200, ""), "NO_RANGE"],
      ["a page of an error", replyWith(200, "<html>Sign in to the hotel's network</html>"), "NO_RANGE"],
      ["a line that is cut", replyWith(200, `${otherLines[0]}\r\n0018A45C4D1DEF816`), "NO_RANGE"],
      ["a connection that breaks", breakOff, "UNREACHABLE"],
      ["an answer without end", endless, "TOO_LARGE"],
      ["silence", stayOpen, "TIMEOUT"],
      ["a body that does not end", neverEnd, "TIMEOUT"],
    ])("%s: refuse refuses, accept accepts and reports", async (_case, reply, code) => {
      service.replies = [reply];
      const refused = await failure(isBreached(password, { timeoutMilliseconds: 300 }));
      expect(refused).toBeInstanceOf(AuthError);
      expect([refused.code, refused.status, refused.retryAfterSeconds]).toEqual(["unavailable.busy", 503, 5]);
      expect(refused.cause).toMatchObject({ code });
      expect(reported).toEqual([]);

      expect(await isBreached(password, { timeoutMilliseconds: 300, onUnavailable: "accept" })).toBe(false);
      expect(reported).toMatchObject([{ code }]);
      for (const error of [refused, reported[0] as Error]) {
        for (const text of ["horse", sha1(password).slice(0, 5), service.url])
          expect(everythingIn(error)).not.toContain(text);
      }
    });
  });

  test.each<[string, unknown]>([
    ["onUnavailable", undefined],
    ["onUnavailable", "ignore"],
    ["onUnavailable", true],
    ["url", "http://api.pwnedpasswords.com/range/"],
    ["url", "range"],
    ["url", "https://api.pwnedpasswords.com/range"],
    ["url", "https://ada:secret@example.com/"],
    ["timeoutMilliseconds", 99],
    ["timeoutMilliseconds", 30_001],
  ])("refused when the application starts: %s %j", (option, value) => {
    expect(() => breachedPasswords({ onUnavailable: "refuse", [option]: value } as BreachedPasswordsOptions)).toThrow(
      expect.objectContaining({ name: "TypeError", option }) as Error,
    );
  });

  test("no options at all: refused, because the choice has no default", () => {
    expect(() => breachedPasswords(undefined as never)).toThrow('must be "accept" or "refuse"');
  });
});
