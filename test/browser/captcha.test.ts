/**
 * The captcha of forms in Chromium, with a stand-in for Turnstile on another origin: its script, its frame and its check.
 *
 * @module
 */
import { once } from "node:events";
import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { turnstile, turnstileWidget } from "../../src/checkers/turnstile.ts";
import { formCaptcha } from "../../src/http/rate-limit.ts";
import {
  addressHeader,
  freshAddress,
  freshIdentifier,
  goodPassword,
  openAuth,
  otherPassword,
  type World,
} from "../support/auth.ts";
import { pages } from "../support/every-page.ts";
import { examinePage } from "../support/examine-page.ts";
import { freePort } from "../support/free-port.ts";
import { withoutTerms } from "../support/page-world.ts";
import { launchChromium, type VisitOptions, type Visitor, visit } from "../support/site.ts";
import { openStandIn, replyJson, replyWith, type StandIn } from "../support/stand-in.ts";

/** As Turnstile's script: it puts a frame and a hidden field into each element of its class. */
const script = `(() => {
  const { origin } = new URL(document.currentScript.src);
  for (const element of document.querySelectorAll(".cf-turnstile")) {
    const frame = document.createElement("iframe");
    Object.assign(frame, { src: origin + "/frame?" + element.dataset.sitekey, title: "Check of a stand-in", width: 300, height: 65, frameBorder: 0 });
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: "cf-turnstile-response" });
    element.append(frame, field);
    addEventListener("message", (event) => {
      if (event.origin === origin) field.value = event.data;
    });
  }
})();`;

const frame = `<!doctype html><html lang="en"><title>Check of a stand-in</title>
<body style="margin:0;background:#fff;color:#000;font:16px sans-serif"><main><h1 hidden>Check</h1>
<label style="display:flex;align-items:center;gap:12px;height:63px;padding:0 12px;border:1px solid #ccc">
<input type="checkbox" style="width:24px;height:24px"> I am human</label></main>
<script>document.querySelector("input").onchange = () => parent.postMessage("solved", "*");</script></body></html>`;

let world: World;
let provider: StandIn;
let browser: Browser;
let server: Server;
let baseUrl: string;

beforeAll(async () => {
  provider = await openStandIn("/siteverify");
  provider.replies = [
    (response, asked) => {
      const path = asked.path.split("?")[0];
      const isSolved = asked.text.includes('"solved"');
      const reply =
        path === "/api.js"
          ? replyWith(200, script, { "content-type": "text/javascript" })
          : path === "/frame"
            ? replyWith(200, frame, { "content-type": "text/html" })
            : replyJson({
                success: isSolved,
                hostname: "localhost",
                "error-codes": isSolved ? [] : ["invalid-input-response"],
              });
      reply(response, asked);
    },
  ];
  const port = await freePort();
  baseUrl = `http://localhost:${port}`;
  world = await openAuth("pglite", { auth: { origins: [baseUrl] } });
  const captcha = formCaptcha(turnstile({ secretKey: "secret", hostnames: ["localhost"], url: provider.url }), {
    widget: turnstileWidget({ siteKey: "1x00AA", scriptUrl: new URL("/api.js", provider.url).href }),
    after: "1/minute",
  });
  const app = new Hono().route("/", pages(withoutTerms(world.auth), { captcha }));
  server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }) as Server;
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  if (server?.listening) await once(server, "close");
  await provider?.close();
  await world?.close();
});

/** A browser with an address of its own. */
const visitor = (options: VisitOptions = {}): Promise<Visitor> =>
  visit(browser, baseUrl, { extraHTTPHeaders: { [addressHeader]: freshAddress() }, ...options });

const sentence = /Complete the check below/;

/** Waits for the widget's script and frame in turn, so that a failure says which of them did not come. */
async function waitForCheck({ page, complaints, unfinished }: Visitor): Promise<void> {
  const asked = () => [complaints, unfinished, provider.asked.slice(-2).map(({ path }) => path)];
  await expect.poll(asked, { timeout: 30_000 }).toEqual([[], expect.anything(), ["/api.js", "/frame?1x00AA"]]);
  await page.locator("iframe").waitFor();
  await page.frameLocator("iframe").getByText("I am human").waitFor();
}

/** Fills the fields of a form by their labels, and sends it. */
async function send({ page }: Visitor, fields: Readonly<Record<string, string>>, button: string): Promise<void> {
  for (const [label, text] of Object.entries(fields)) await page.getByLabel(label).fill(text);
  await page.getByRole("button", { name: button, exact: true }).click();
}

/** Each form that may ask, as it is opened, filled and sent. */
const forms = [
  {
    path: "/sign-in",
    fields: (identifier: string) => ({ "Email or user name": identifier, Password: otherPassword }),
    button: "Sign in",
  },
  {
    path: "/sign-up",
    // Refused, so that the page stays.
    fields: (identifier: string) => ({
      "Email or user name": identifier,
      "Name (optional)": "Ada",
      Password: "password",
    }),
    button: "Sign up",
  },
  { path: "/forgot", fields: (identifier: string) => ({ Email: identifier }), button: "Send the link" },
  { path: "/sign-in/link", fields: (identifier: string) => ({ Email: identifier }), button: "Send the link" },
] as const;

describe.each(forms)("$path", ({ path, fields, button }) => {
  test("asks for the check, looks well, and keeps to its policy", async () => {
    const one = await visitor();
    const { page, complaints, context } = one;
    const typed = fields(freshIdentifier());
    for (let time = 0; time < 2; time++) {
      await page.goto(path);
      expect(await page.locator(".cf-turnstile, iframe").count()).toBe(0);
      await send(one, typed, button);
    }
    await page.getByText(sentence).waitFor();
    await waitForCheck(one);
    await examinePage(page, `captcha${path.replaceAll("/", "-")}`);
    expect(complaints).toEqual([]);
    const [asked] = provider.asked.filter((request) => request.path.startsWith("/frame")).slice(-1);
    // The provider learns where its widget is shown, and no path or query.
    expect([asked!.path, asked!.headers.referer]).toEqual(["/frame?1x00AA", `${baseUrl}/`]);
    await context.close();
  });
});

test("a person solves the check, and signs in", async () => {
  const { identifier } = await world.person();
  const one = await visitor();
  const { page, context } = one;
  await page.goto("/sign-in");
  await send(one, { "Email or user name": identifier, Password: otherPassword }, "Sign in");
  await page.getByText("The user name or password is incorrect.").waitFor();
  await send(one, { Password: goodPassword }, "Sign in");
  await page.getByText(sentence).waitFor();
  expect(await page.getByLabel("Email or user name").inputValue()).toBe(identifier);
  expect(await page.getByLabel("Password").inputValue()).toBe("");
  await waitForCheck(one);
  await page.frameLocator("iframe").getByLabel("I am human").check();
  await expect.poll(() => page.locator("[name=cf-turnstile-response]").inputValue()).toBe("solved");
  await send(one, { Password: goodPassword }, "Sign in");
  await page.waitForURL("**/account");
  expect(await page.locator(".cf-turnstile, iframe").count()).toBe(0);
  await context.close();
});

test.each([
  { without: "script", options: { javaScriptEnabled: false }, isBlocked: false },
  { without: "the provider", options: {}, isBlocked: true },
])("without $without: the page says what to do", async ({ options, isBlocked }) => {
  const one = await visitor(options);
  const { page, context } = one;
  if (isBlocked) await context.route(`${new URL(provider.url).origin}/**`, (route) => route.abort());
  await page.goto("/sign-in");
  for (let time = 0; time < 2; time++) {
    await send(one, { "Email or user name": freshIdentifier(), Password: otherPassword }, "Sign in");
  }
  await page.getByText(sentence).waitFor();
  await page.getByText(/If you see no check, turn on JavaScript and allow 127\.0\.0\.1:\d+/).waitFor();
  await page.getByText(/in \d+ seconds you can send it without the check/).waitFor();
  expect(await page.locator("iframe").count()).toBe(0);
  await context.close();
});
