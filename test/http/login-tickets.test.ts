import { describe, expect, test } from "vitest";
import { everyRoute } from "../../build/openapi/every-route.node.ts";
import { system } from "../support/auth.ts";
import { addApp, givenApp } from "../support/factors.ts";
import { factorRequests, transports } from "./factor-requests.ts";

const { world, post, get, ticketIn, codeOf, pending, phoneOf } = factorRequests();

describe("S20: a ticket sent in the other transport's form: refused, and not spent", () => {
  test.each(transports)("a ticket for transport %s", async (transport) => {
    const { app, person } = await addApp(world, await world.person({ transport }));
    const { ticket } = await pending(person, transport);
    const other = transport === "token" ? "cookie" : "token";
    const proof = await codeOf(app);
    const doors: [string, unknown?][] = [
      ["/auth/sign-in/factor", proof],
      ["/auth/sign-in/factor/options"],
      [`/v1/users/${person.userId}/mfa/verify`, proof],
      ["/v1/sessions", { usr_id: person.userId, cred_id: person.credentialId, ttl_seconds: 60 }],
    ];
    for (const [path, json] of doors) {
      const reply = await post(path, json, ticketIn(ticket, other));
      expect([path, reply.code, reply.setCookies]).toEqual([path, "unauthorized.invalid_ticket", []]);
    }
    // If the header is present it counts, whatever the cookie holds.
    const { headers } = ticketIn(ticket, "cookie");
    const both = await post("/auth/sign-in/factor", proof, { headers: { ...headers, "login-ticket": "A".repeat(43) } });
    expect(both.code).toBe("unauthorized.invalid_ticket");
    expect((await post("/auth/sign-in/factor", proof, ticketIn(ticket, transport))).status).toBe(200);
  });

  test("an enrollment ticket", async () => {
    const person = await world.person();
    await world.requireFactor(person.userId);
    const { ticket } = await pending(person, "cookie");
    const json = { type: "totp", identifier: "phone" };
    expect((await post("/auth/sign-in/enroll", json, ticketIn(ticket, "token"))).code).toBe(
      "unauthorized.invalid_ticket",
    );
    const app = phoneOf(await post("/auth/sign-in/enroll", json, ticketIn(ticket, "cookie")));
    const path = `/auth/sign-in/enroll/${app.factorId}/confirm`;
    expect((await post(path, await codeOf(app), ticketIn(ticket, "token"))).code).toBe("unauthorized.invalid_ticket");
    expect((await post(path, await codeOf(app), ticketIn(ticket, "cookie"))).status).toBe(200);
  });
});

test("R055: a foreign page cannot finish a sign-in or spend its ticket", async () => {
  const { app, person } = await addApp(world, await world.person());
  const { ticket } = await pending(person, "cookie");
  const proof = await codeOf(app);
  const before = await world.lastChange();
  for (const headers of [{ "sec-fetch-site": "cross-site" }, { origin: "https://evil.example" }, {}]) {
    const cookie = `__Host-login-ticket=${ticket}`;
    const reply = await post("/auth/sign-in/factor", proof, {
      headers: { cookie, ...headers } as Record<string, string>,
    });
    expect([reply.code, reply.setCookies]).toEqual(["forbidden.cross_origin", []]);
  }
  expect(await world.lastChange()).toBe(before);
  expect((await post("/auth/sign-in/factor", proof, ticketIn(ticket, "cookie"))).status).toBe(200);
});

describe("R039: a sign-in without its second factor", () => {
  const finishing = [
    "confirmFactorAtSignIn",
    "createSession",
    "enrollFactorAtSignIn",
    "factorOptions",
    "signInWithFactor",
    "verifyMfa",
  ];

  test("the routes that take a ticket are those that finish a sign-in", () => {
    expect(everyRoute.flatMap(({ id, access }) => (access === "ticket" ? [id] : [])).toSorted()).toEqual(finishing);
  });

  const others = everyRoute.filter(({ access }) => access !== "anyone" && access !== "ticket");
  test.each(others.map((route) => [route.id, route] as const))("route %s: refused", async (_id, route) => {
    const { person } = await addApp(world, await world.person());
    const { pat } = await world.auth.personalAccessTokens.create({
      actor: system,
      userId: person.userId,
      name: "ci",
      scope: [],
    });
    const app = await givenApp(world, person.userId, "pending");
    const path = route.path
      .replace(":usr_id", person.userId)
      .replace(":cred_id", person.credentialId)
      .replace(":ses_id", person.session.id)
      .replace(":pat_id", pat.id)
      .replace(":mfa_id", app.factorId);
    const [program, browser] = [await pending(person, "token"), await pending(person, "cookie")];
    const before = await world.lastChange();
    for (const shown of [
      ticketIn(program.ticket, "token"),
      ticketIn(browser.ticket, "cookie"),
      { token: program.ticket },
      { token: browser.ticket },
      { cookie: program.ticket },
      { cookie: browser.ticket },
    ]) {
      const method = route.method.toUpperCase();
      const reply = await world.send({ method, path, ...(method !== "GET" && { json: {} }), ...shown });
      // An anonymous client may ask these too; one of them needs a body.
      if (route.access === "optional") expect(reply.status).toBe(route.id === "disownNotice" ? 400 : 204);
      else expect(reply.code).toBe("unauthorized.invalid_token");
    }
    expect(await world.lastChange()).toBe(before);
    // The refusal is not for lack of a valid ticket.
    const options = await post("/auth/sign-in/factor/options", undefined, ticketIn(browser.ticket, "cookie"));
    expect(options.status).toBe(200);
  });

  test("S31: earlier sessions without the factor: refused too", async () => {
    const person = await world.person();
    await givenApp(world, person.userId, "active");
    for (const path of ["/auth/session", "/auth/factors", `/v1/users/${person.userId}/mfa-factors`]) {
      expect((await get(path, { token: person.token })).code).toBe("unauthorized.mfa_required");
    }
  });
});
