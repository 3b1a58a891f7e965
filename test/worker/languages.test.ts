/**
 * The Worker to deploy, in workerd, with a binding that sends mail: its pages and messages in the language of a browser.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness } from "wrangler";
import type { MailKind } from "../../src/domain/mail-text.ts";
import { englishMail } from "../../src/domain/mail-texts/english.ts";
import { germanMail } from "../../src/domain/mail-texts/german.ts";
import { german } from "../../src/pages/german.ts";
import { english } from "../../src/pages/index.tsx";
import { freshAddress, freshIdentifier, goodPassword, otherPassword } from "../support/auth.ts";
import { type Backend, backend } from "../support/databases.ts";

const baseUrl = "https://auth.example.com";
const site = "auth.example.com";
const pages = { en: english, de: german };
const mails = { en: englishMail, de: germanMail };
const secret = () => randomBytes(32).toString("base64url");

let opened: Backend;
let harness: TestHarness;

beforeAll(async () => {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
  process.env.WRANGLER_SEND_METRICS = "false";
  opened = await backend("postgres-over-neon");
  const secrets = { SALLYPORT_SECRET: secret(), SALLYPORT_SEALING_KEYS: secret() };
  const worker = (name: string, vars: Record<string, string> = {}) => ({
    config: {
      name,
      main: "worker/index.ts",
      compatibility_date: "2026-06-01",
      services: [{ binding: "EMAIL", service: "email-service" }],
      vars: {
        DATABASE_URL: opened.connectionString,
        NEON_FETCH_ENDPOINT: opened.fetchEndpoint,
        BASE_URL: baseUrl,
        MAIL_FROM: "accounts@example.com",
        MAIL_SIGN_IN: "on",
        ...secrets,
        ...vars,
      } as Record<string, string>,
    },
  });
  harness = createTestHarness({
    root: fileURLToPath(new URL("../../", import.meta.url)),
    workers: [
      worker("production"),
      worker("german-first", { MAIL_LANGUAGE: "de" }),
      worker("unknown-language", { MAIL_LANGUAGE: "fr" }),
      {
        config: {
          name: "email-service",
          main: "test/mailers/programs/email-service.ts",
          compatibility_date: "2026-06-01",
        },
      },
    ],
  });
  await harness.listen();
}, 120_000);

afterAll(async () => {
  await harness.close();
  await opened.close();
});

/** What a browser asks a Worker for. */
interface Asked {
  readonly language?: string;
  readonly form?: Record<string, string>;
  readonly cookies?: string;
}

async function ask(name: string, path: string, { language, form, cookies }: Asked = {}): Promise<Response> {
  const headers: Record<string, string> = {
    accept: "text/html",
    "cf-connecting-ip": freshAddress(),
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ...(language && { "accept-language": language }),
    ...(cookies && { cookie: cookies }),
    ...(form && { origin: baseUrl, "content-type": "application/x-www-form-urlencoded" }),
  };
  const init = {
    method: form ? "POST" : "GET",
    headers,
    redirect: "manual",
    ...(form && { body: String(new URLSearchParams(form)) }),
  };
  return (await harness.getWorker(name).fetch(`${baseUrl}${path}`, init as never)) as unknown as Response;
}

interface Message {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** The first message to an address besides some, once it is sent: a Worker sends after its answer. */
async function messageTo(address: string, besides = 0): Promise<Message> {
  const found = async (): Promise<Message | undefined> => {
    const response = await harness.getWorker("email-service").fetch("https://email.example.com/");
    return ((await response.json()) as Message[]).filter(({ to }) => to === address)[besides];
  };
  await expect.poll(found, { timeout: 20_000 }).toBeDefined();
  return (await found())!;
}

const subjectOf = (language: "en" | "de", kind: MailKind) =>
  mails[language].texts[kind].subject.replace("{site}", site);
const cookiesIn = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0]!)
    .join("; ");

/** The hidden field by which the form on a link's page names its link. */
async function markOn(path: string, opened: Response): Promise<string> {
  const page = await (await ask("production", path, { cookies: cookiesIn(opened) })).text();
  return /name="link" value="([^"]+)"/.exec(page)![1]!;
}

describe.each([
  { browser: "de-DE,de;q=0.9,en;q=0.8", language: "de" },
  { browser: "en-US,en;q=0.9,de;q=0.1", language: "en" },
  { browser: "fr", language: "en" },
] as const)("a browser that asks for $browser", ({ browser, language }) => {
  const { texts } = pages[language];
  const asks = { language: browser };

  test("makes an account, and resets its password, in its language", async () => {
    const identifier = freshIdentifier();
    const page = await (await ask("production", "/sign-up", asks)).text();
    expect(page).toContain(`<html lang="${language}"`);
    expect(page).toContain(`<h1>${texts["sign-up.title"]}</h1>`);

    const asked = await ask("production", "/sign-up", { ...asks, form: { identifier } });
    expect(asked.headers.get("location")).toMatch(/^\/check-mail/);
    const link = await messageTo(identifier);
    expect(link.subject).toBe(subjectOf(language, "sign_up"));
    expect(link.text).toContain(mails[language].phrases.code);
    expect(link.html).toContain(`<html lang="${language}">`);

    const signUpLink = await ask(
      "production",
      new URL(/https:\S+/.exec(link.text)![0]).href.slice(baseUrl.length),
      asks,
    );
    const finished = await ask("production", "/sign-up/finish", {
      ...asks,
      form: { display_name: "Ada", password: goodPassword, link: await markOn("/sign-up/finish", signUpLink) },
      cookies: cookiesIn(signUpLink),
    });
    expect(finished.headers.get("location")).toBe("/account");
    const account = await (await ask("production", "/account", { ...asks, cookies: cookiesIn(finished) })).text();
    expect(account).toContain(`<h1>${texts["profile.title"]}</h1>`);

    await ask("production", "/forgot", { ...asks, form: { identifier } });
    const reset = await messageTo(identifier, 1);
    expect(reset.subject).toBe(subjectOf(language, "reset_password"));
    const resetLink = await ask(
      "production",
      new URL(/https:\S+/.exec(reset.text)![0]).href.slice(baseUrl.length),
      asks,
    );
    const done = await ask("production", "/reset", {
      ...asks,
      form: { password: otherPassword, link: await markOn("/reset", resetLink) },
      cookies: cookiesIn(resetLink),
    });
    expect(await done.text()).toContain(`<h1>${texts["reset.done"]}</h1>`);
    // The person who causes a notice does not choose its language.
    await harness.getWorker("production").scheduled({ cron: "17 * * * *" });
    expect((await messageTo(identifier, 2)).subject).toBe(subjectOf("en", "password_reset"));
  });

  test("reads a failure in its language", async () => {
    expect(await (await ask("production", "/nowhere", asks)).text()).toContain(`<h1>${texts["page.not-found"]}</h1>`);
  });

  test("asks the route for a link, and gets the message in its language", async () => {
    const identifier = freshIdentifier();
    const response = await harness.getWorker("production").fetch(`${baseUrl}/auth/sign-up/request`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: baseUrl, "accept-language": browser },
      body: JSON.stringify({ identifier }),
    } as never);
    expect(response.status).toBe(200);
    expect((await messageTo(identifier)).subject).toBe(subjectOf(language, "sign_up"));
  });
});

test("MAIL_LANGUAGE: the language of messages to readers who ask for no other", async () => {
  const [french, englishReader] = [freshIdentifier(), freshIdentifier()];
  for (const [identifier, language] of [
    [french, "fr"],
    [englishReader, "en"],
  ] as const) {
    const response = await harness.getWorker("german-first").fetch(`${baseUrl}/auth/sign-up/request`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: baseUrl, "accept-language": language },
      body: JSON.stringify({ identifier }),
    } as never);
    expect(response.status).toBe(200);
  }
  expect((await messageTo(french)).subject).toBe(subjectOf("de", "sign_up"));
  expect((await messageTo(englishReader)).subject).toBe(subjectOf("en", "sign_up"));
});

test("S34: an unknown MAIL_LANGUAGE is named", async () => {
  const health = await ask("unknown-language", "/health");
  expect([health.status, await health.json()]).toMatchObject([503, { details: { option: "MAIL_LANGUAGE" } }]);
});
