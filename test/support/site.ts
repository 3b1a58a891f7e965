/**
 * The finished server in workerd, on loopback, and a Chromium that visits it.
 *
 * @module
 */
import { TOTP } from "otpauth";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type CDPSession,
  chromium,
  type Page,
} from "playwright-core";
import decodeQrCode from "qr/decode.js";
import { inject } from "vitest";
import type { OrganizationId } from "../../src/domain/id.ts";
import { freshIdentifier, goodPassword } from "./auth.ts";
import type {} from "./chromium.ts";
import { openWorker, type StartedWorker, type WorkerOptions } from "./started-worker.ts";

/** The development Worker on its own port, and a browser. */
export interface Site extends StartedWorker {
  /** A new, empty browser. */
  visit(options?: VisitOptions): Promise<Visitor>;
}

export interface VisitOptions extends BrowserContextOptions {
  /** True if the browser offers passkeys in its autofill; a virtual authenticator then chooses one at once. Default false. */
  autofill?: boolean;
}

/** A browser with a page open. */
export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Violations of a page's own policy, and script errors. */
  readonly complaints: readonly string[];
  /** Requests that the browser did not finish, with its reason. */
  readonly unfinished: readonly string[];
}

/** Opens everything or nothing: if one part fails, the started parts end. */
export async function openSite(options?: WorkerOptions): Promise<Site> {
  const worker = await openWorker(options);
  try {
    const browser = await launchChromium();
    return {
      ...worker,
      visit: (options) => visit(browser, worker.baseUrl, options),
      async close() {
        await browser.close();
        await worker.close();
      },
    };
  } catch (error) {
    await worker.close();
    throw error;
  }
}

/** @throws {Error} If there is no Chromium. Absent means red, never skipped. */
export async function launchChromium(): Promise<Browser> {
  const program = inject("chromium");
  if ("missing" in program) throw new Error(program.missing);
  return await chromium.launch({
    executablePath: program.executablePath,
    env: { ...process.env, ...program.env },
    args: [
      ..."--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split(" "),
      ..."--disable-component-update --disable-sync".split(" "),
    ],
  });
}

// As text, because it runs in the browser.
const tellViolations = `document.addEventListener("securitypolicyviolation", (event) =>
  console.error("Content Security Policy: " + event.violatedDirective + " " + event.blockedURI))`;
const withoutAutofill = "PublicKeyCredential.isConditionalMediationAvailable = async () => false";

/** A new, empty browser window at a site. */
export async function visit(
  browser: Browser,
  baseURL: string,
  { autofill = false, ...options }: VisitOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ baseURL, ...options });
  context.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  const unfinished: string[] = [];
  for (const content of [tellViolations, ...(autofill ? [] : [withoutAutofill])])
    await context.addInitScript({ content });
  const page = await context.newPage();
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("requestfailed", (request) => unfinished.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to|Permissions-Policy|violat/i.test(message.text()))
      complaints.push(message.text());
  });
  return { context, page, complaints, unfinished };
}

/** An authenticator in the browser that its owner unlocks at once. */
export interface VirtualAuthenticator {
  readonly session: CDPSession;
  readonly authenticatorId: string;
}

export async function addAuthenticator(
  { context, page }: Visitor,
  { synced = false }: { synced?: boolean } = {},
): Promise<VirtualAuthenticator> {
  const session = await context.newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      defaultBackupEligibility: synced,
      defaultBackupState: synced,
    },
  });
  return { session, authenticatorId };
}

/** A user with an account, with the texts that they type. */
export interface Person {
  readonly identifier: string;
  readonly password: string;
}

/** Creates an account on the pages, and leaves the browser on its account page. */
export async function signUp({ page }: Visitor): Promise<Person> {
  const person = { identifier: freshIdentifier(), password: goodPassword };
  await page.goto("/sign-up");
  await page.getByLabel("Email or user name").fill(person.identifier);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.waitForURL("**/account");
  return person;
}

/** Types name and password on the sign-in page. The caller waits for the next page. */
export async function typePassword({ page }: Visitor, { identifier, password }: Person): Promise<void> {
  await page.goto("/sign-in");
  await page.getByLabel("Email or user name").fill(identifier);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

export async function signOut({ page }: Visitor): Promise<void> {
  await page.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");
}

/** Forms an organization on its page, and leaves the browser on the page of its members. */
export async function formOrganization({ page }: Visitor, name: string, slug = ""): Promise<OrganizationId> {
  await page.goto("/account/organizations/new");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Short name (optional)").fill(slug);
  await page.getByRole("button", { name: "Create organization" }).click();
  await page.getByText("Organization created.").waitFor();
  return new URL(page.url()).searchParams.get("org_id") as OrganizationId;
}

/** Makes a passkey on its page. */
export async function addPasskey({ page }: Visitor, name = ""): Promise<void> {
  await page.goto("/account/passkeys/new");
  await page.getByLabel("Passkey name (optional)", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.waitForURL("**/account/security?done=passkeys");
}

/** Enrolls an authenticator app on its page, and returns its key. */
export async function addApp({ page }: Visitor): Promise<string> {
  await page.goto("/account/authenticator");
  await page.getByRole("button", { name: "Show the QR code" }).click();
  const key = await scanKey(page);
  await page.getByLabel("Current code from the app").fill(codeOf(key));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.waitForURL("**/account/security?done=authenticator");
  return key;
}

/** The key beside the QR code, as a reader sees it. */
export async function readKey(page: Page): Promise<string> {
  const shown = await page.getByRole("definition").innerText();
  return shown.replaceAll(/\s/g, "");
}

/** The content of the QR code on the screen, as a phone's camera reads it, through an independent decoder. */
export async function scanQrCode(page: Page): Promise<string> {
  const screenshot = await page.locator(".qr").screenshot({ type: "png" });
  const blank = await page.context().newPage();
  const image = await blank.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
    canvas.drawImage(bitmap, 0, 0);
    const { data, width, height } = canvas.getImageData(0, 0, bitmap.width, bitmap.height);
    return { data: [...data], width, height };
  }, screenshot.toString("base64"));
  await blank.close();
  return decodeQrCode({ ...image, data: Uint8Array.from(image.data) }, { timeLimit: 5_000 });
}

/** The key in the address inside the QR code (RFC 4648 base32). */
async function scanKey(page: Page): Promise<string> {
  return new URL(await scanQrCode(page)).searchParams.get("secret")!;
}

/** The code that an authenticator app shows now, from an independent program. */
export function codeOf(key: string): string {
  return new TOTP({ secret: key }).generate();
}
