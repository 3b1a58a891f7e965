import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute as routes } from "../../build/openapi/every-route.node.ts";
import { refusalsOf } from "../../build/openapi/refusals.node.ts";
import { standIn } from "../support/describe-world.ts";
import { type HttpWorld, openHttp } from "../support/http-world.ts";
import { expectLimitHeaders } from "../support/limit-headers.ts";
import { addressRefusals } from "./refusals/address-refusals.ts";
import { credentialRefusals } from "./refusals/credential-refusals.ts";
import { factorRefusals } from "./refusals/factor-refusals.ts";
import { factorTools } from "./refusals/factor-tools.ts";
import { invitationRefusals } from "./refusals/invitation-refusals.ts";
import { mailedLinkRefusals } from "./refusals/mailed-link-refusals.ts";
import { mergingRefusals } from "./refusals/merging-refusals.ts";
import { organizationDomainRefusals } from "./refusals/organization-domain-refusals.ts";
import { organizationInvitationRefusals } from "./refusals/organization-invitation-refusals.ts";
import { organizationRefusals } from "./refusals/organization-refusals.ts";
import { passkeyRefusals } from "./refusals/passkey-refusals.ts";
import { providerRefusals } from "./refusals/provider-refusals.ts";
import { tokenRefusals } from "./refusals/token-refusals.ts";
import { type Provocations, refusalTools } from "./refusals/tools.ts";
import { tupleRefusals } from "./refusals/tuple-refusals.ts";
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
  ...providerRefusals(world, tools),
  ...mergingRefusals(world, tools),
  ...credentialRefusals(world, tools),
  ...tokenRefusals(world, tools),
  ...addressRefusals(world, tools),
  ...mailedLinkRefusals(world, tools),
  ...invitationRefusals(world, tools),
  ...organizationRefusals(world, tools),
  ...organizationInvitationRefusals(world, tools),
  ...organizationDomainRefusals(world, tools),
  ...tupleRefusals(world, tools),
};

describe("refusals that the route table names", () => {
  const provoked = Object.entries(provocations).flatMap(([id, codes]) =>
    Object.entries(codes).map(([code, provoke]) => [id, code, provoke] as const),
  );
  const names = (list: readonly (readonly [string, string, ...unknown[]])[]) =>
    list.map(([id, code]) => `${id} ${code}`);

  test.each(provoked)("%s: %s", async (_id, code, provoke) => {
    const reply = await provoke();
    expect(reply.code).toBe(code);
    // A browser is led to a page that says it.
    if (reply.status === 303) expect(reply.text).toBe("");
    else expect(Object.keys(reply.json).filter((key) => key !== "details")).toEqual(["code", "message"]);
    if (reply.status === 429) expectLimitHeaders(reply.headers);
    else expect(reply.headers.has("ratelimit") || reply.headers.has("ratelimit-policy")).toBe(false);
  });

  test("every documented refusal of a route is provoked, and no other", () => {
    const named = names(routes.flatMap(({ id, refusals }) => refusals.map((code) => [id, code] as const)));
    const documented = new Set(
      names(
        routes.flatMap((route) => [...refusalsOf(route), ...route.refusals].map((code) => [route.id, code] as const)),
      ),
    );
    expect(named.filter((name) => !names(provoked).includes(name))).toEqual([]);
    expect(names(provoked).filter((name) => !documented.has(name))).toEqual([]);
    expect(provoked.length).toBeGreaterThan(190);
  });
});
