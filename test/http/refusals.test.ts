import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { standIn } from "../support/describe-world.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";
import { credentialRefusals } from "./refusals/credential-refusals.ts";
import { factorRefusals } from "./refusals/factor-refusals.ts";
import { factorTools } from "./refusals/factor-tools.ts";
import { passkeyRefusals } from "./refusals/passkey-refusals.ts";
import { tokenRefusals } from "./refusals/token-refusals.ts";
import { type Provocations, refusalTools } from "./refusals/tools.ts";
import { userRefusals } from "./refusals/user-refusals.ts";

let opened: HttpWorld;
beforeAll(async () => {
  opened = await openHttp("pglite");
});
afterAll(() => opened.close());

const world = standIn(() => opened);
const tools = refusalTools(world);
const factors = factorTools(world, tools);
const provocations: Record<string, Provocations> = {
  ...userRefusals(world, tools),
  ...factorRefusals(world, tools, factors),
  ...passkeyRefusals(world, tools),
  ...credentialRefusals(world, tools),
  ...tokenRefusals(world, tools),
};

describe("refusals that the route table names", () => {
  const named = routes.flatMap(({ id, refusals }) => refusals.map((code) => [id, code] as const));

  test.each(named)("%s: %s", async (id, code) => {
    const provoke = provocations[id]?.[code];
    expect(provoke, "no request provokes it").toBeDefined();
    const reply = await provoke!();
    expect(reply.code).toBe(code);
    expect(Object.keys(reply.json).filter((key) => key !== "details")).toEqual(["code", "message"]);
  });

  test("each row's refusals are provoked, and no others", () => {
    const provoked = Object.entries(provocations).flatMap(([id, codes]) =>
      Object.keys(codes).map((code) => `${id} ${code}`),
    );
    expect(provoked.toSorted()).toEqual(named.map(([id, code]) => `${id} ${code}`).toSorted());
  });
});
