/**
 * An account on the pages, in Chromium: second factors, sessions, tokens, and a browser without script.
 *
 * Slow: a browser loads pages, and codes wait for their next period.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import {
  addApp,
  addAuthenticator,
  codeOf,
  openSite,
  type Person,
  readKey,
  type Site,
  signOut,
  signUp,
  typePassword,
  type Visitor,
} from "../support/site.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

/** Every browser here has the same address, whose attempts would add up. */
beforeEach(() => site.database.run(sql`delete from attempt`));

/** Pretends that every app has reached its next code, which would take half a minute. */
async function forgetUsedCodes(): Promise<void> {
  await site.database.run(sql`update mfa set totp_last_step = null where type = 'totp'`);
}

async function typeCode({ page }: Visitor, code: string): Promise<void> {
  await page.getByLabel("Code from your authenticator app").fill(code);
  await page.getByRole("button", { name: "Continue" }).click();
}

async function typeRecoveryCode({ page }: Visitor, code: string): Promise<void> {
  await page.getByText("Use a recovery code instead").click();
  await page.getByLabel("Recovery code").fill(code);
  await page.getByRole("button", { name: "Use this recovery code" }).click();
}

/** Makes recovery codes on their page, and returns the displayed codes. */
async function makeRecoveryCodes({ page }: Visitor): Promise<string[]> {
  await page.goto("/account/recovery-codes");
  await page.getByRole("button", { name: "Create new recovery codes" }).click();
  await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  return await page.locator(".codes code").allInnerTexts();
}

async function requireFactor({ identifier }: Person): Promise<void> {
  await site.database.run(sql`
    insert into usr_mfa_policy (usr_id, required) select usr_id, true from cred where identifier = ${identifier}`);
}

describe.each([true, false])("with JavaScript %s", (javaScriptEnabled) => {
  test("authenticator app in the browser: added by QR code, then used to sign in", async () => {
    const visitor = await site.visit({ javaScriptEnabled });
    const { page } = visitor;
    const person = await signUp(visitor);
    const key = await addApp(visitor);
    await signOut(visitor);
    expect(await page.getByText("Passkeys need JavaScript").isVisible()).toBe(!javaScriptEnabled);
    expect(await page.getByRole("button", { name: "Sign in with a passkey" }).isVisible()).toBe(javaScriptEnabled);
    await typePassword(visitor, person);
    await page.waitForURL("**/sign-in/second-factor?**");

    // The code that confirmed the app is spent (RFC 6238 §5.2).
    const used = codeOf(key);
    await site.database.run(sql`update mfa set totp_last_step = 2 * floor(extract(epoch from now()) / 30)::bigint`);
    await typeCode(visitor, used);
    await page.getByText("That code has already been used.").waitFor();
    await forgetUsedCodes();
    await typeCode(visitor, codeOf(key));
    await page.waitForURL("**/account");
    await page.getByText(person.identifier, { exact: true }).first().waitFor();
    await visitor.context.close();
  });

  test("S32: a user who must have a factor enrolls one and gets recovery codes", async () => {
    const visitor = await site.visit({ javaScriptEnabled });
    const { page } = visitor;
    const person = await signUp(visitor);
    await signOut(visitor);
    await requireFactor(person);
    await typePassword(visitor, person);
    await page.waitForURL("**/sign-in/enroll?**");
    await page.getByRole("button", { name: "Show the QR code" }).click();
    const key = await readKey(page);
    await page.getByLabel("Current code from the app").fill("000000");
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByText("That code is not right.").waitFor();
    expect(await page.content()).not.toContain(key);
    await page.getByLabel("Current code from the app").fill(codeOf(key));
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
    const codes = await page.locator(".codes code").allInnerTexts();
    expect(new Set(codes).size).toBe(10);
    await page.getByRole("link", { name: "I have saved them" }).click();
    await page.goto("/account/security");
    await page.getByText("You have 10 of 10 codes left.").waitFor();
    await visitor.context.close();
  });
});

test("recovery code in the browser: works once, and the number left goes down", async () => {
  const visitor = await site.visit();
  const { page } = visitor;
  const person = await signUp(visitor);
  await addApp(visitor);
  const codes = await makeRecoveryCodes(visitor);
  await page.getByRole("link", { name: "I have saved them" }).click();
  await signOut(visitor);
  await typePassword(visitor, person);
  await typeRecoveryCode(visitor, codes[3]!);
  await page.waitForURL("**/account");
  await page.goto("/account/security");
  await page.getByText("You have 9 of 10 codes left.").waitFor();
  await signOut(visitor);
  await typePassword(visitor, person);
  await typeRecoveryCode(visitor, codes[3]!);
  await page.getByText("That code is not right.").waitFor();
  await visitor.context.close();
});

test("R048: a session ended elsewhere is signed out at once", async () => {
  const here = await site.visit({ userAgent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36" });
  const there = await site.visit({ userAgent: "Mozilla/5.0 (iPhone; like Mac OS X) Version/20.0 Safari/604.1" });
  const person = await signUp(here);
  await typePassword(there, person);
  await there.page.waitForURL("**/account");
  await there.page.goto("/account/name");
  await here.page.goto("/account/devices");
  await here.page.getByRole("button", { name: "Sign out Safari on iPhone" }).click();
  await here.page.getByText("That device is signed out.").waitFor();
  await there.page.getByLabel("Your name").fill("Mallory");
  await there.page.getByRole("button", { name: "Save" }).click();
  await there.page.waitForURL("**/sign-in?next=%2Faccount%2Fname&why=ended");
  await here.page.goto("/account/name");
  expect(await here.page.getByLabel("Your name").inputValue()).toBe("");
  await Promise.all([here.context.close(), there.context.close()]);
});

test("R008: a new password ends every other session and signs in", async () => {
  const [here, there] = [await site.visit(), await site.visit()];
  const person = await signUp(here);
  await typePassword(there, person);
  await there.page.waitForURL("**/account");
  const { page } = here;
  await page.goto("/account/password");
  await page.getByLabel("Current password").fill("wrong wrong wrong");
  await page.getByLabel("New password").fill("tuldnbfpgycjxwrh");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("The current password is wrong.").waitFor();
  await page.getByLabel("Current password").fill(person.password);
  await page.getByLabel("New password").fill("tuldnbfpgycjxwrh");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Password changed.").waitFor();
  await there.page.reload();
  await there.page.waitForURL("**/sign-in?next=%2Faccount&why=ended");
  await there.page.getByText("Your session has ended").waitFor();
  await signOut(here);
  await typePassword(here, person);
  await page.getByText("The user name or password is incorrect.").waitFor();
  await typePassword(here, { ...person, password: "tuldnbfpgycjxwrh" });
  await page.waitForURL("**/account");
  await Promise.all([here.context.close(), there.context.close()]);
});

test("personal access token in the browser: created, shown once, accepted, and refused once revoked", async () => {
  const visitor = await site.visit();
  const { page, context } = visitor;
  await signUp(visitor);
  await page.goto("/account/tokens");
  await page.getByRole("link", { name: "New token" }).click();
  await page.getByLabel("Name").fill("backup script");
  await page.getByLabel("Scopes").fill("account:read");
  await page.getByRole("button", { name: "Create token" }).click();
  const token = await page.locator("#token").innerText();
  await page.getByRole("link", { name: "I have copied it" }).click();
  expect(await page.content()).not.toContain(token);

  const ask = () => fetch(`${site.baseUrl}/api/me`, { headers: { authorization: `Bearer ${token}` } });
  const taken = await ask();
  expect([taken.status, Object.keys((await taken.json()) as object)]).toEqual([200, ["user"]]);
  await page.goto("/account/tokens/new");
  await page.getByLabel("Name").fill("other");
  await page.getByLabel("Scopes").fill("docs:read");
  await page.getByRole("button", { name: "Create token" }).click();
  const narrow = await page.locator("#token").innerText();
  const refused = await fetch(`${site.baseUrl}/api/me`, { headers: { authorization: `Bearer ${narrow}` } });
  expect(refused.status).toBe(403);

  await page.goto("/account/tokens");
  await page.getByRole("link", { name: "Revoke backup script" }).click();
  await page.getByRole("button", { name: "Revoke token" }).click();
  await page.getByText("Token revoked.").waitFor();
  expect((await ask()).status).toBe(401);
  await context.close();
});

describe("what the script adds", () => {
  test("a password is shown while it is typed, and hidden again when it is sent", async () => {
    const { page, context } = await site.visit();
    await page.goto("/sign-in");
    const field = page.getByLabel("Password");
    await field.fill("a secret");
    await page.getByRole("button", { name: "Show password" }).click();
    expect(await field.getAttribute("type")).toBe("text");
    await page.getByRole("button", { name: "Hide password" }).click();
    expect(await field.getAttribute("type")).toBe("password");
    await page.getByRole("button", { name: "Show password" }).click();
    await page.evaluate(`document.querySelector("main form").addEventListener("submit", (event) => {
      event.preventDefault();
      document.title = document.getElementById("sign-in-password").type;
    })`);
    await page.getByLabel("Email or user name").fill("nobody@example.com");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    expect(await page.title()).toBe("password");
    await context.close();
  });

  test("recovery codes are copied and saved as they are shown", async () => {
    const visitor = await site.visit({ permissions: ["clipboard-read", "clipboard-write"] });
    const { page, context } = visitor;
    await signUp(visitor);
    await addApp(visitor);
    const codes = await makeRecoveryCodes(visitor);
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(`${codes.join("\n")}\n`);
    await page.getByRole("button", { name: "Copy" }).waitFor();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const file = await saved;
    expect(file.suggestedFilename()).toBe("recovery-codes.txt");
    expect(await readFile(await file.path(), "utf8")).toBe(`${codes.join("\n")}\n`);
    expect(visitor.complaints).toEqual([]);
    await context.close();
  });

  test.each([
    { javaScriptEnabled: true, written: /^\d{1,2} \w{3,4} \d{4}, \d{2}:\d{2}$/ },
    { javaScriptEnabled: false, written: / UTC$/ },
  ])("times are local, or say that they are UTC: script $javaScriptEnabled", async ({ javaScriptEnabled, written }) => {
    const visitor = await site.visit({ javaScriptEnabled, timezoneId: "Asia/Kolkata" });
    await signUp(visitor);
    await visitor.page.goto("/account/devices");
    const time = visitor.page.locator("time").first();
    const shown = await time.innerText();
    expect(shown).toMatch(written);
    const at = new Date((await time.getAttribute("datetime"))!);
    const timeZone = javaScriptEnabled ? "Asia/Kolkata" : "UTC";
    expect(shown).toContain(new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone }).format(at));
    await visitor.context.close();
  });
});

test("a security key asks after the password, and signs nobody in alone", async () => {
  const visitor = await site.visit();
  const { page } = visitor;
  await addAuthenticator(visitor);
  const person = await signUp(visitor);
  await page.goto("/account/security");
  await page.getByRole("link", { name: "Add a security key" }).click();
  await page.getByRole("button", { name: "Add a security key" }).click();
  await page.getByText("Security key added.").waitFor();
  await signOut(visitor);
  await typePassword(visitor, person);
  await page.waitForURL("**/sign-in/second-factor?**");
  await page.getByRole("button", { name: "Use a passkey or security key" }).click();
  await page.waitForURL("**/account");
  expect(visitor.complaints).toEqual([]);
  await visitor.context.close();
});

test("an account is closed, with its password, and its page says so", async () => {
  const visitor = await site.visit();
  const { page } = visitor;
  const person = await signUp(visitor);
  await page.getByRole("link", { name: "Close account" }).click();
  await page.getByLabel("Current password").fill(person.password);
  await page.getByRole("button", { name: "Close my account for good" }).click();
  await page.getByRole("heading", { name: "Your account is closed" }).waitFor();
  await typePassword(visitor, person);
  await page.getByText("The user name or password is incorrect.").waitFor();
  await visitor.context.close();
});
