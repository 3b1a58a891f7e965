/** `sallyport doctor --origin`: what it says of a deployment that it asks over the network. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuthSource } from "../../src/http/auth-source.ts";
import { type FullAuth, openAuth, type World } from "../support/auth.ts";
import { sallyportWith } from "../support/command-line.ts";
import { applicationOf } from "../support/http-world.ts";
import { breakOff, openStandIn, type Reply, replyWith, type StandIn, stayOpen } from "../support/stand-in.ts";

let world: World;
let site: StandIn;
beforeAll(async () => {
  world = await openAuth("postgres");
  site = await openStandIn("/");
});
afterAll(async () => {
  await site.close();
  await world.close();
});

/** A deployment on this machine. */
function serves(auth: AuthSource<FullAuth>): Reply {
  const app = applicationOf(auth);
  return async (response, { method, path, headers }) => {
    const given = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]);
    const answer = await app.request(path, { method, headers: given });
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  };
}

const doctor = async (origin: string) =>
  await sallyportWith({ DATABASE_URL: world.backend.connectionString! }, "doctor", "--origin", origin);
const at = (url: string) => new URL(url).origin;
const ownAddress = () => [at(site.url)];

describe("sallyport doctor --origin", () => {
  test("a sound deployment", async () => {
    site.replies = [serves(world.isolate({ origins: ownAddress() }))];
    const { code, stdout, stderr } = await doctor(at(site.url));
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("The deployment can serve, and accepts requests from its own pages.\n");
  });

  test("one whose base URL is another address", async () => {
    site.replies = [serves(world.isolate({ origins: ["https://auth.example.com"] }))];
    const { code, stdout, stderr } = await doctor(at(site.url));
    expect([code, stderr]).toEqual([1, "sallyport: the deployment is not ready: see above.\n"]);
    expect(stdout).toContain("The deployment: It refuses requests from its own pages");
  });

  test.each([
    ["secrets", { secrets: "short-secret" }],
    ["sealingKeys", { sealingKeys: "short-key" }],
    ["mail", { mail: { mailer: undefined as never } }],
  ])("one whose option %s is unsafe: names it, and no value", async (_name, options) => {
    site.replies = [serves(world.isolate({ origins: ownAddress(), ...options }))];
    const { code, stdout } = await doctor(at(site.url));
    expect(code).toBe(1);
    expect(stdout).toMatch(/The deployment: It refuses to serve: its option \w+ is missing or unsafe\./);
    expect(stdout).not.toMatch(/short/);
  });

  test.each([
    ["that never answers", stayOpen, "It does not answer."],
    ["that says something else", replyWith(200, "<h1>Hello</h1>"), "It has no health route"],
    ["that leads elsewhere", replyWith(302, "", { location: "https://evil.example/" }), "It has no health route"],
    [
      "with an enormous option",
      replyWith(503, JSON.stringify({ code: "unavailable.configuration", details: { option: "x\n".repeat(999) } })),
      "(unnamed)",
    ],
  ])("an address %s", { timeout: 60_000 }, async (_what, reply, said) => {
    site.replies = [reply];
    const { code, stdout } = await doctor(at(site.url));
    expect([code, stdout.includes(`The deployment: ${said}`) || stdout.includes(said)]).toEqual([1, true]);
  });

  test.each([404, 403, 500, 302])("S56: %i in place of a sign-out is no yes", async (status) => {
    const own = serves(world.isolate({ origins: ownAddress() }));
    site.replies = [own, replyWith(status, "x".repeat(1_000_000))];
    const { code, stdout } = await doctor(at(site.url));
    expect([code, stdout.includes(`It does not sign out at /auth/sign-out: the answer is ${status}.`)]).toEqual([
      1,
      true,
    ]);
  });

  test("an answer that breaks off", async () => {
    site.replies = [breakOff];
    const { code, stdout } = await doctor(at(site.url));
    expect([code, stdout.includes("It does not answer.")]).toEqual([1, true]);
  });

  test("an address at which nothing listens", async () => {
    const gone = await openStandIn("/");
    await gone.close();
    const { code, stdout } = await doctor(at(gone.url));
    expect([code, stdout.includes("It does not answer.")]).toEqual([1, true]);
  });

  test.each(["example.com", "http://example.com", "https://example.com/path", "https://*.example.com", "file:///etc"])(
    "%s is no origin of a deployment",
    async (origin) => {
      const { code, stderr } = await doctor(origin);
      expect([code, stderr.startsWith("sallyport: --origin: ")]).toEqual([2, true]);
    },
  );
});
