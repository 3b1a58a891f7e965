/**
 * Sign-up, sign-in and the account in Firefox, over http as `npm start` serves. `npm run test:browsers` runs it.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword } from "../support/auth.ts";
import { openFirefox } from "../support/browsers/firefox.ts";
import type { DrivenBrowser, Tab } from "../support/browsers/tab.ts";
import { faultsOfLayout } from "../support/layout.ts";
import { codeOf, type Person } from "../support/site.ts";
import { openWorker, type StartedWorker } from "../support/started-worker.ts";

const timeZone = "Asia/Kolkata";

describe.each([{ name: "Firefox", openBrowser: openFirefox, isHttps: false }])("$name", ({ openBrowser, isHttps }) => {
  let worker: StartedWorker;
  let browser: DrivenBrowser;
  let tab: Tab;
  beforeAll(async () => {
    browser = await openBrowser(timeZone);
    worker = await openWorker({ isHttps });
  });
  afterAll(async () => {
    await browser?.close();
    await worker?.close();
  });
  beforeEach(async () => {
    tab = await browser.visit(worker.baseUrl);
  });
  afterEach(() => tab.close());

  async function signUp(): Promise<Person> {
    const person = { identifier: freshIdentifier(), password: goodPassword };
    await tab.open("/sign-up");
    await tab.fill("Email or user name", person.identifier);
    await tab.fill("Password", person.password);
    await tab.press("Sign up");
    await tab.waitForPage("/account");
    return person;
  }

  async function typePassword({ identifier, password }: Person): Promise<void> {
    await tab.open("/sign-in");
    await tab.fill("Email or user name", identifier);
    await tab.fill("Password", password);
  }

  async function signIn(person: Person): Promise<void> {
    await typePassword(person);
    await tab.press("Sign in");
  }

  async function signOut(): Promise<void> {
    await tab.press("Sign out");
    await tab.waitForPage("/sign-in");
  }

  /** Whether the session's cookie outlives the browser. */
  async function outlivesBrowser(): Promise<boolean> {
    const cookies = await tab.cookies();
    return cookies.find(({ name }) => name === "__Host-session")!.hasExpiry;
  }

  test("a stranger signs up, sees the account and how safe it is, and signs out and in", async () => {
    const person = await signUp();
    await tab.waitFor(person.identifier);
    await tab.waitFor("How safe your account is");
    await tab.waitFor("Could be safer");
    await tab.waitFor("Add a passkey or an authenticator app, so that a stolen password is not enough.");
    await tab.press("Sign-in and security");
    await tab.waitForPage("/account/security");
    await signOut();
    await tab.open("/account");
    await tab.waitForPage("/sign-in");
    await signIn({ ...person, password: "wrong wrong wrong" });
    await tab.waitFor("The user name or password is incorrect.");
    await signIn(person);
    await tab.waitForPage("/account");
  });

  test("the name is changed", async () => {
    await signUp();
    await tab.press("Change Name");
    await tab.fill("Your name (optional)", "Ada Łovelace");
    await tab.press("Save");
    await tab.waitFor("Name saved.");
    expect(await tab.text()).toContain("Ada Łovelace");
  });

  test("the password is changed, and only the new one signs in", async () => {
    const person = await signUp();
    await tab.open("/account/password");
    await tab.fill("Current password", person.password);
    await tab.fill("New password", "tuldnbfpgycjxwrh");
    await tab.press("Change password");
    await tab.waitFor("Password changed.");
    await signOut();
    await signIn(person);
    await tab.waitFor("The user name or password is incorrect.");
    await signIn({ ...person, password: "tuldnbfpgycjxwrh" });
    await tab.waitForPage("/account");
  });

  test("an access token is created, shown once, and revoked after a question", async () => {
    await signUp();
    await tab.press("Access tokens");
    await tab.press("New token");
    await tab.fill("Name", "backup script");
    await tab.fill("Scopes (optional)", "account:read");
    await tab.press("Create token");
    await tab.waitFor("Your new token");
    const token = await tab.evaluate<string>("document.getElementById('token').innerText");
    expect(token).toMatch(/^pat_/);
    await tab.press("Copy");
    await tab.waitFor("Copied");
    await tab.press("I have copied it");
    await tab.waitForPage("/account/tokens");
    expect(await tab.evaluate("document.documentElement.outerHTML")).not.toContain(token);
    await tab.press("Revoke backup script");
    await tab.waitFor("Programs that use backup script stop working at once.");
    await tab.press("Revoke token");
    await tab.waitFor("Token revoked.");
  });

  test("an authenticator app is added with the key on the page, and its code signs in", async () => {
    const person = await signUp();
    await tab.open("/account/authenticator");
    await tab.press("Show the QR code");
    await tab.waitFor("It is shown only once.");
    const key = (await tab.evaluate<string>("document.querySelector('dd').innerText")).replaceAll(/\s/g, "");
    await tab.fill("Current code from the app", codeOf(key));
    await tab.press("Confirm");
    await tab.waitFor("Authenticator app added.");
    await signOut();
    await signIn(person);
    await tab.waitForPage("/sign-in/second-factor");
    // As if the app had reached its next code, which would take half a minute.
    await worker.database.run(sql`update mfa set totp_last_step = null where type = 'totp'`);
    await tab.fill("Code from your authenticator app", codeOf(key));
    await tab.press("Continue");
    await tab.waitForPage("/account");
    await tab.waitFor(person.identifier);
  });

  test("a session ends with the browser unless its user stays signed in", async () => {
    const person = await signUp();
    await signOut();
    await typePassword(person);
    await tab.press("Sign in");
    await tab.waitForPage("/account");
    expect(await outlivesBrowser()).toBe(true);
    await signOut();
    await typePassword(person);
    await tab.press("Keep me signed in");
    await tab.press("Sign in");
    await tab.waitForPage("/account");
    expect(await outlivesBrowser()).toBe(false);
  });

  test("a password is shown while it is typed, and hidden again", async () => {
    await tab.open("/sign-in");
    await tab.fill("Password", "a secret");
    expect(await tab.typeOf("Password")).toBe("password");
    await tab.press("Show password");
    expect(await tab.typeOf("Password")).toBe("text");
    await tab.press("Hide password");
    expect(await tab.typeOf("Password")).toBe("password");
  });

  test("times are the reader's local times", async () => {
    await signUp();
    await tab.press("Devices");
    await tab.waitForPage("/account/devices");
    const { at, shown } = await tab.evaluate<{ at: string; shown: string }>(
      "(({ dateTime, innerText }) => ({ at: dateTime, shown: innerText }))(document.querySelector('time'))",
    );
    expect(shown).not.toContain("UTC");
    expect(shown).toContain(new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone }).format(new Date(at)));
  });

  test("every control fits a phone", async () => {
    await tab.resize(390, 800);
    await tab.open("/sign-in");
    expect(await tab.evaluate("innerWidth")).toBe(390);
    expect(await tab.evaluate(faultsOfLayout)).toEqual([]);
    await signUp();
    for (const path of ["/account", "/account/security"]) {
      await tab.open(path);
      expect(await tab.evaluate("innerWidth")).toBe(390);
      expect(await tab.evaluate(faultsOfLayout)).toEqual([]);
    }
  });

  test("an account is closed with its password", async () => {
    const person = await signUp();
    await tab.press("Close account");
    await tab.fill("Current password", person.password);
    await tab.press("Close my account for good");
    await tab.waitFor("Your account is closed");
    await tab.open("/account");
    await tab.waitForPage("/sign-in");
    await signIn(person);
    await tab.waitFor("The user name or password is incorrect.");
  });
});
