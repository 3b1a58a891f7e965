/** The texts of the pages in every language. @module */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorCodes } from "../../src/domain/error.ts";
import { AuthError, ConfigurationError } from "../../src/index.ts";
import { german } from "../../src/pages/german.ts";
import { english } from "../../src/pages/index.tsx";
import { type TextName, voiceOf } from "../../src/pages/language.ts";
import { organizationPages } from "../../src/pages/organization-pages.ts";
import { pageRoutes as ofEveryApplication } from "../../src/pages/page-routes.ts";
import { sentenceFor } from "../../src/pages/refusal.ts";
import { sitesOf } from "../../src/pages/site.ts";
import { freshAddress } from "../support/auth.ts";
import { pageRoutes, pages } from "../support/every-page.ts";
import { askPages, openPages, type PageWorld } from "../support/page-world.ts";

let world: PageWorld;
beforeAll(async () => {
  world = await openPages();
});
afterAll(() => world.close());

const slotsOf = (text: string): string[] => [...text.matchAll(/\{([\w-]+)\}/g)].map(([, name]) => name!).sort();

/** Every text, those of the parts included. */
type Texts = Readonly<Record<TextName, string>>;
const inEnglish = { ...english.texts, ...organizationPages.texts } as Texts;
const inGerman = german.texts as Texts;

describe("the catalogues", () => {
  const names = Object.keys(inEnglish) as TextName[];

  test("German has every text of English, with the same slots, and no other", () => {
    expect(names.length).toBeGreaterThan(200);
    expect(Object.keys(german.texts).sort()).toEqual([...names].sort());
    const different = names.filter((name) => String(slotsOf(inGerman[name])) !== String(slotsOf(inEnglish[name])));
    expect(different).toEqual([]);
    expect(names.filter((name) => inGerman[name].trim() === "")).toEqual([]);
  });

  test("every refusal that a page can meet has a sentence", () => {
    const [site] = sitesOf({ parts: [organizationPages] });
    // Pages send what these speak of themselves, or no page asks for it.
    const notOfPages =
      /^(invalid_format\.(id|id_separator|id_type|notice|query|cursor|relations?|object_(type|id)|subject_(type|id)|rp_id)|auth\..*|pat\.(invalid|revoked|expired)|forbidden\.insufficient_scope|method_not_allowed|conflict\.(duplicate_tuple|credential_type_mismatch|domain_proved_elsewhere)|precondition\.(companion_tuple|cred_user_mismatch|domain_not_proved|ttl_too_short|identifier_binding_required)|unauthorized\.enrollment_required|unavailable\.resolver|evaluation_limit_exceeded)$/;
    const missing = errorCodes().filter(
      (code) => !notOfPages.test(code) && code !== "too_many_requests" && site.find(`error.${code}`) === undefined,
    );
    expect(missing).toEqual([]);
    expect(errorCodes().length).toBeGreaterThan(60);
  });

  test("a name that is no text's own finds nothing", () => {
    const voice = voiceOf(english);
    for (const name of ["constructor", "toString", "__proto__", "error.constructor", ""]) {
      expect(voice.find(name)).toBeUndefined();
    }
    const refusal = new AuthError("invalid_format.password", { details: { reason: "constructor" } });
    expect(sentenceFor(sitesOf()[0], refusal)).toBe(english.texts["error.invalid_format.password"]);
  });

  test("a time to wait, in the words of the language", () => {
    const waits = [1, 60, 89, 90, 3600].map((retryAfterSeconds) => {
      const refusal = new AuthError("too_many_requests", { retryAfterSeconds });
      return sitesOf({ languages: [english, german] }).map((site) => sentenceFor(site, refusal));
    });
    expect(waits[0]).toEqual([
      "Too many attempts. Try again in 1 second.",
      "Zu viele Versuche. Warten Sie noch 1 Sekunde.",
    ]);
    expect(waits[3]![0]).toBe("Too many attempts. Try again in 2 minutes.");
    expect(waits[4]![1]).toBe("Zu viele Versuche. Warten Sie noch 60 Minuten.");
  });
});

describe("the reader's language", () => {
  const spoken = ["en", "de", "pt-BR"].map((tag) => ({ ...english, tag }));

  test.each([
    [undefined, undefined, "en"],
    [undefined, "", "en"],
    [undefined, "de-AT,en;q=0.5", "de"],
    [undefined, "fr, de;q=0.3, en;q=0.7", "en"],
    [undefined, `${"x,".repeat(10_000)}de`, "en"],
    ["de", "en", "de"],
    ["xx de", "en", "de"],
    ["xx", "de", "de"],
    ["PT-br", "de", "pt-BR"],
    ["constructor", "__proto__", "en"],
  ])("ui_locales %j, Accept-Language %j: %s", async (uiLocales, header, tag) => {
    const path = `/sign-in${uiLocales === undefined ? "" : `?ui_locales=${encodeURIComponent(uiLocales)}`}`;
    const headers = { ...(header !== undefined && { "accept-language": header }) };
    const { text } = await askPages(pages(world.auth, { languages: spoken }), { path, headers });
    expect(/<html lang="([^"]*)"/.exec(text)![1]).toBe(tag);
  });

  test("without the option, every reader gets English", async () => {
    const { text } = await world.ask({ path: "/sign-in", headers: { "accept-language": "de" } });
    expect(text).toContain('<html lang="en"');
  });

  test("no languages: a configuration error", () => {
    expect(() => pages(world.auth, { languages: [] })).toThrow(ConfigurationError);
  });

  test("a text of the application's own", async () => {
    const own = { ...english, texts: { ...english.texts, "sign-in.title": "Log in <b>" } };
    const { text } = await askPages(pages(world.auth, { languages: [own] }), { path: "/sign-in" });
    expect(text).toContain("<h1>Log in &lt;b&gt;</h1>");
  });
});

describe("without the pages of organizations", () => {
  const app = () => pages(world.auth, { parts: [] });

  test("no page of every application says a text of theirs", () => {
    const folder = new URL("../../src/pages/", import.meta.url);
    const own = /^(join|member|members|member-acts|organizations|organization-\w+|own-organization)\.tsx?$/;
    const texts = Object.keys(organizationPages.texts);
    const said = readdirSync(folder)
      // The layout names what an act has done, and says it only if there is a text.
      .filter((name) => /\.tsx?$/.test(name) && !own.test(name) && name !== "layout.tsx")
      .flatMap((name) => {
        const source = readFileSync(new URL(name, folder), "utf8");
        return texts.filter((text) => source.includes(`"${text}"`)).map((text) => `${name}: ${text}`);
      });
    expect(said).toEqual([]);
    expect(Object.keys(english.texts).filter((name) => texts.includes(name))).toEqual([]);
  });

  test("every page answers, and none leads to theirs", async () => {
    const person = await world.person({ transport: "cookie" });
    for (const { path, takes } of ofEveryApplication) {
      if (takes !== "nothing") continue;
      for (const as of [person, undefined]) {
        const { status, text } = await askPages(app(), { path, ...(as && { as }) });
        expect([path, status < 500]).toEqual([path, true]);
        expect(text).not.toMatch(/href="\/account\/organizations|href="\/join|>undefined</);
      }
    }
  });

  test("a page of theirs is not found, and what was done there is not said", async () => {
    const as = await world.person({ transport: "cookie" });
    expect((await askPages(app(), { path: "/account/organizations", as })).status).toBe(404);
    const headers = { "sec-fetch-site": "same-origin" };
    const { status, text } = await askPages(app(), { path: "/account?done=member-role", as, headers });
    expect([status, text.includes('role="status"')]).toEqual([200, false]);
  });

  test("a language without their texts says them in English", async () => {
    const { texts: all } = german;
    const texts = Object.fromEntries(
      Object.entries(all).filter(([name]) => !Object.hasOwn(organizationPages.texts, name)),
    ) as unknown as typeof all;
    const as = await world.person({ transport: "cookie" });
    const spoken = pages(world.auth, { languages: [{ tag: "de", texts }] });
    const { text } = await askPages(spoken, { path: "/account/organizations", as });
    expect([text.includes("You are not in an organization."), text.includes('lang="de"')]).toEqual([true, true]);
  });

  test.each([
    ["a name", ["organizations"]],
    ["no list", organizationPages],
  ])("%s: a configuration error", (_case, parts) => {
    expect(() => pages(world.auth, { parts: parts as never })).toThrow(ConfigurationError);
  });
});

describe("in German", () => {
  const app = () => pages(world.auth, { languages: [english, german] });
  const headers = { "accept-language": "de-DE,de;q=0.9,en;q=0.8" };

  test("no page that a user can open has an English text", async () => {
    const person = await world.person({ transport: "cookie" });
    const sentences = (Object.keys(inEnglish) as TextName[])
      .filter((name) => inEnglish[name] !== inGerman[name] && inEnglish[name].length > 12)
      .map((name) => inEnglish[name].split("{")[0]!.trim())
      .filter((start) => start.length > 12);
    expect(sentences.length).toBeGreaterThan(100);
    let seen = 0;
    for (const { path, takes } of pageRoutes) {
      if (takes !== "nothing") continue;
      for (const as of [person, undefined]) {
        const { text } = await askPages(app(), { path, headers, ...(as && { as }) });
        if (text === "") continue;
        seen += 1;
        expect(text).toContain('<html lang="de"');
        expect([path, sentences.filter((sentence) => text.includes(sentence.replaceAll("'", "&#39;")))]).toEqual([
          path,
          [],
        ]);
      }
    }
    expect(seen).toBeGreaterThan(20);
  });

  test("a refusal, a script's refusal and a page of the application's own are in German", async () => {
    const form = { identifier: "nobody@example.com", password: "x" };
    const page = await askPages(app(), { path: "/sign-in", form, headers });
    expect(page.text).toContain(german.texts["sign-in.wrong"]);
    const script = await askPages(app(), { path: "/sign-in/passkey", json: { response: null }, headers });
    expect(JSON.parse(script.text).message).toBe(german.texts["sign-in.unknown-passkey"]);
    const closed = await askPages(app(), { path: "/forgot", headers });
    expect([200, 404]).toContain(closed.status);
  });

  test("devices are named in German, where the account and its activity list them", async () => {
    const { identifier, password } = await world.person();
    const agents = ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", undefined];
    const cookies = [];
    for (const userAgent of agents) {
      const context = { address: freshAddress(), userAgent };
      const signedIn = await world.auth.signIn.password({ identifier, password, transport: "cookie", context });
      if (!signedIn.mfaRequired) cookies.push({ token: signedIn.token });
    }
    for (const path of ["/account/devices", "/account/activity"]) {
      const { text } = await askPages(app(), { path, headers, as: cookies[0]! });
      expect([path, text.match(/Firefox \w+ Linux/)?.[0]]).toEqual([path, "Firefox unter Linux"]);
      expect([path, text.match(/Unbekanntes Gerät|Unknown device/)?.[0]]).toEqual([path, "Unbekanntes Gerät"]);
    }
  });

  test("days are written as the language writes them", async () => {
    const person = await world.person({ transport: "cookie" });
    const { text } = await askPages(app(), { path: "/account/security", headers, as: person });
    expect(text).toMatch(/Zuletzt geändert am <time [^>]*>\d{2}\.\d{2}\.\d{4}<\/time>/);
  });
});
