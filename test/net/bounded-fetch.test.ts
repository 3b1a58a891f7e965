import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fetchBounded } from "../../src/net/bounded-fetch.ts";
import { breakOff, endless, neverEnd, openStandIn, replyWith, type StandIn, stayOpen } from "../support/stand-in.ts";

let service: StandIn;
beforeAll(async () => {
  service = await openStandIn("/keys");
});
beforeEach(() => {
  service.replies = [replyWith(200, "{}")];
  service.asked.length = 0;
});
afterAll(() => service.close());

const ask = async (more: object = {}) =>
  await fetchBounded({ url: service.url, init: {}, milliseconds: 300, maxBytes: 1_000, ...more }, () => true);
const codeOf = async (more: object = {}) => await ask(more).then(String, ({ code }) => code);

describe("R091: an answer is bounded", () => {
  test("a body of the most bytes is read, and one byte more is refused", async () => {
    service.replies = [replyWith(200, "a".repeat(1_000)), replyWith(200, "a".repeat(1_001))];
    expect((await ask()).body).toHaveLength(1_000);
    expect(await codeOf()).toBe("TOO_LARGE");
  });

  test("a body without an end is refused by its size, before the time is over", async () => {
    service.replies = [endless];
    expect(await codeOf({ milliseconds: 10_000 })).toBe("TOO_LARGE");
  });

  test.each([
    ["a service that does not answer", stayOpen],
    ["a service that stops in the middle", neverEnd],
  ])("%s: refused when the time is over", async (_name, reply) => {
    service.replies = [reply];
    const since = performance.now();
    expect(await codeOf()).toBe("TIMEOUT");
    expect(performance.now() - since).toBeLessThan(2_000);
  });

  test("a connection that breaks off: refused", async () => {
    service.replies = [breakOff];
    expect(await codeOf()).toBe("UNREACHABLE");
  });

  test("a service that is not there: refused", async () => {
    expect(await codeOf({ url: "http://127.0.0.1:1/" })).toBe("UNREACHABLE");
  });

  test.each([301, 302, 303, 307, 308])("a redirect with %i is not followed", async (status) => {
    service.replies = [replyWith(status, "", { location: `${service.url}/elsewhere` })];
    expect((await ask()).status).toBe(status);
    expect(service.asked).toHaveLength(1);
  });

  test("a body that is not wanted is not read", async () => {
    service.replies = [endless];
    const answer = await fetchBounded({ url: service.url, init: {}, milliseconds: 300, maxBytes: 1 }, () => false);
    expect(answer).toMatchObject({ status: 200, body: new Uint8Array(0) });
  });
});

describe("a function that asks and does not heed the signal", () => {
  const never = new Promise<never>(() => undefined);

  test("never answers: refused when the time is over", async () => {
    expect(await codeOf({ fetch: async () => await never })).toBe("TIMEOUT");
  });

  test("has a body that never ends: refused when the time is over", async () => {
    const fetch = async () => new Response(new ReadableStream({ pull: async () => await never }));
    expect(await codeOf({ fetch })).toBe("TIMEOUT");
  });

  test("has a body that cannot be cancelled: refused by its size", async () => {
    const body = () =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(2_000)),
        cancel: async () => await never,
      });
    expect(await codeOf({ fetch: async () => new Response(body()) })).toBe("TOO_LARGE");
  });

  test("throws what is no error: refused", async () => {
    expect(await codeOf({ fetch: async () => await Promise.reject("secret") })).toBe("UNREACHABLE");
  });
});
