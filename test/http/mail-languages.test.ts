/**
 * Every route and page that asks for a message gives it the language of its request: for routes by `Accept-Language`, for pages the
 * language of the page.
 *
 * @module
 */
import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { everyRoute } from "../../build/openapi/every-route.node.ts";
import { englishMail } from "../../src/domain/mail-texts/english.ts";
import { germanMail } from "../../src/domain/mail-texts/german.ts";
import { german } from "../../src/pages/german.ts";
import { english } from "../../src/pages/index.tsx";
import { sql } from "../../src/store/sql.ts";
import { addressHeader, freshAddress, freshIdentifier, openAuth, type Person, type World } from "../support/auth.ts";
import { pageRoutes, pages } from "../support/every-page.ts";
import { origin } from "../support/http.ts";
import { applicationOf } from "../support/http-world.ts";
import { noticeTo, withVerifiedAddress } from "../support/links.ts";
import { askPages, formKeyIn, type SentToPage } from "../support/page-world.ts";

let world: World;
let app: Hono;
beforeAll(async () => {
  world = await openAuth("pglite");
  // Delivers nothing by itself: the messages stay owed.
  const mailer = { send: () => Promise.reject(new Error("down")) };
  const auth = world.isolate({
    signUp: "verify-first",
    mail: { mailer, languages: [englishMail, germanMail] },
    onError: () => undefined,
  });
  app = applicationOf(auth);
  app.route("/", pages(auth, { languages: [english, german] }));
});
afterAll(() => world.close());

const accepts = { "accept-language": "de-CH,de;q=0.9,en;q=0.1" };

/** Sends JSON as a session's user, or as anyone. */
async function post(path: string, json: object, by?: Person): Promise<void> {
  const headers = {
    ...accepts,
    "content-type": "application/json",
    origin,
    [addressHeader]: freshAddress(),
    ...(by && { authorization: `Bearer ${by.token}` }),
  };
  const response = await app.request(path, { method: "POST", headers, body: JSON.stringify(json) });
  expect([path, response.status < 300]).toEqual([path, true]);
}

/** Sends a form of a page that has been opened in German. */
async function submit(path: string, form: Record<string, string>, more: Partial<SentToPage> = {}): Promise<void> {
  const { text } = await askPages(app, { path, headers: accepts, ...more });
  const key = formKeyIn(text, path);
  const sent = { path, form: { ...form, ...(key !== undefined && { form_key: key }) }, headers: accepts, ...more };
  const { status } = await askPages(app, sent);
  expect([path, status < 400]).toEqual([path, true]);
}

const verified = async () => await withVerifiedAddress(world, await world.person());
/** A person whose cookie the pages take. */
const browserOf = async () => await world.person({ transport: "cookie" });

/** The requests for messages: each returns the address that gets the message. */
const routes: Readonly<Record<string, () => Promise<string>>> = {
  requestIdentifierVerification: async () => {
    const person = await world.person();
    await post("/auth/verification", {}, person);
    return person.identifier;
  },
  requestIdentifierChange: async () => {
    const identifier = freshIdentifier();
    await post("/auth/identifier", { identifier }, await world.person());
    return identifier;
  },
  requestPasswordReset: async () => {
    const { identifier } = await verified();
    await post("/auth/password-reset", { identifier });
    return identifier;
  },
  requestSignInLink: async () => {
    const { identifier } = await verified();
    await post("/auth/sign-in/link/request", { identifier });
    return identifier;
  },
  requestSignUp: async () => {
    const identifier = freshIdentifier();
    await post("/auth/sign-up/request", { identifier });
    return identifier;
  },
  disownNotice: async () => {
    const person = await world.person();
    await post("/auth/notices/disown", { token: await noticeTo(world, person) });
    return person.identifier;
  },
  createDeploymentInvitation: async () => {
    const identifier = freshIdentifier();
    await post("/v1/deployment-invitations", { identifier }, await world.administrator());
    return identifier;
  },
};

const forms: Readonly<Record<string, () => Promise<string>>> = {
  "/forgot": async () => {
    const { identifier } = await verified();
    await submit("/forgot", { identifier });
    return identifier;
  },
  "/sign-in/link/request": async () => {
    const { identifier } = await verified();
    await submit("/sign-in/link/request", { identifier });
    return identifier;
  },
  "/sign-up": async () => {
    const identifier = freshIdentifier();
    await submit("/sign-up", { identifier });
    return identifier;
  },
  "/account/verification": async () => {
    const as = await browserOf();
    await submit("/account/verification", {}, { as });
    return as.identifier;
  },
  "/account/address": async () => {
    const identifier = freshIdentifier();
    await submit("/account/address", { identifier }, { as: await browserOf() });
    return identifier;
  },
  "/not-me": async () => {
    const person = await world.person();
    const token = await noticeTo(world, person);
    await submit("/not-me", {}, { cookies: { "__Host-mailed-link": token } });
    return person.identifier;
  },
  "/account/invitations/new": async () => {
    const identifier = freshIdentifier();
    const as = await browserOf();
    await world.makeAdministrator(as.userId);
    await world.levelTwo(as.session);
    await submit("/account/invitations/new", { identifier, display_name: "", days: "7" }, { as });
    return identifier;
  },
};

const languageOf = async (address: string) => {
  const rows = await world.rows<{ language: string | null }>(sql`
    select content ->> 'language' as language from mail_message
    where recipient = ${address} and status = 'owed' and event_id is null`);
  return rows.map(({ language }) => language);
};

describe.each([
  ["route", routes],
  ["page", forms],
] as const)("a message that a %s asks for is in the language of the request", (_what, table) => {
  test.each(Object.keys(table))("%s", async (name) => {
    expect(await languageOf(await table[name]!())).toEqual(["de"]);
  });
});

test("each of these is a route or a page", () => {
  const ids = everyRoute.map(({ id }) => id);
  expect(Object.keys(routes).filter((id) => !ids.includes(id))).toEqual([]);
  const paths = pageRoutes.filter(({ takes }) => takes === "form").map(({ path }) => path);
  expect(Object.keys(forms).filter((path) => !paths.includes(path))).toEqual([]);
});
