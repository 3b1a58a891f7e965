/**
 * How the pages look and sound: each in light and dark, wide and narrow, by axe-core's rules, by keyboard, and under its own
 * security policy. With `SCREENSHOTS=yes`, pictures go to `.sallyport/screenshots`.
 *
 * Slow: axe-core reads every page in every presentation.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { examinePage } from "../support/examine-page.ts";
import { nameOf, userPages } from "../support/examined-pages.ts";
import {
  addApp,
  addAuthenticator,
  addPasskey,
  codeOf,
  openSite,
  type Person,
  readKey,
  type Site,
  scanQrCode,
  signOut,
  signUp,
  typePassword,
  type Visitor,
} from "../support/site.ts";

let site: Site;
let visitor: Visitor;
let person: Person;
let appKey: string;

beforeAll(async () => {
  site = await openSite();
  visitor = await site.visit({ userAgent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36" });
  await addAuthenticator(visitor);
});
afterAll(() => site?.close());

const examine = (name: string): Promise<void> => examinePage(visitor.page, name);

async function makeSessionsOld(): Promise<void> {
  await site.database.run(sql`
    update ses set auth_time = sallyport_now() - interval '1 hour', mfa_verified_at = null,
      created_at = sallyport_now() - interval '2 hours' where revoked_at is null`);
}

describe("presentation of every page", () => {
  test("sign-up", async () => {
    const { page } = visitor;
    await page.goto("/sign-up");
    await examine("sign-up");
    await page.getByLabel("Email or user name").fill("ada@example.com");
    await page.getByLabel("Password").fill("passwordpassword");
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByText("too easy to guess").waitFor();
    expect(await page.getByLabel("Password").getAttribute("aria-invalid")).toBe("true");
    await examine("sign-up-refused");
    person = await signUp(visitor);
  });

  test.each(userPages)("%s, of a new user", async (path) => {
    await visitor.page.goto(path);
    await examine(nameOf("new", path));
  });

  test("the QR code for an authenticator app contains the same secret as the key beside it", async () => {
    const { page } = visitor;
    await page.goto("/account/authenticator");
    await page.getByRole("button", { name: "Show the QR code" }).click();
    await page.getByLabel("Current code from the app").waitFor();
    await examine("authenticator");
    const key = await readKey(page);
    const uri = await page.getByRole("link", { name: "Open it in an app on this device" }).getAttribute("href");
    expect(new URL(uri!).searchParams.get("secret")).toBe(key);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await scanQrCode(page), colorScheme).toBe(uri);
    }

    await page.getByLabel("Current code from the app").fill("000000");
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByText("That code is not right.").waitFor();
    await examine("authenticator-refused");
    appKey = await addApp(visitor);
    await examine("account-done");
  });

  test("recovery codes", async () => {
    const { page } = visitor;
    await page.goto("/account/recovery-codes");
    await page.getByRole("button", { name: "Create new recovery codes" }).click();
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
    await examine("recovery-codes");
  });

  test("every page of the account with every kind of content", async () => {
    const { page } = visitor;
    await addPasskey(visitor, "Work laptop");
    await page.goto("/account/tokens/new");
    await page
      .getByLabel("Name")
      .fill("<script>alert(1)</script> & a name that is so long that it needs another line on a phone");
    await page.getByLabel("Scopes").fill("account:read docs:write");
    await page.getByLabel("Expires").selectOption("date");
    await page.getByLabel("Last day").fill("2020-01-01");
    await page.getByRole("button", { name: "Create token" }).click();
    await page.getByText("Choose a date within the next year.").waitFor();
    await examine("token-refused");
    await page.getByLabel("Expires").selectOption("never");
    await page.getByRole("button", { name: "Create token" }).click();
    await page.getByRole("heading", { name: "Your new token" }).waitFor();
    await examine("token");

    const elsewhere = await site.visit({ userAgent: "Mozilla/5.0 (iPhone; like Mac OS X) Version/20.0 Safari/604.1" });
    await typePassword(elsewhere, person);
    await elsewhere.page.waitForURL("**/sign-in/second-factor?**");
    await site.database.run(sql`update mfa set totp_last_step = null where type = 'totp'`);
    await elsewhere.page.getByLabel("Code from your authenticator app").fill(codeOf(appKey));
    await elsewhere.page.getByRole("button", { name: "Continue" }).click();
    await elsewhere.page.waitForURL("**/account");
    await elsewhere.context.close();
    for (const path of userPages) {
      await page.goto(path);
      await examine(nameOf("full", path));
    }
    const inSecurity = async (href: string) => {
      await page.goto("/account/security");
      await page.locator(`main a[href*="${href}"]`).first().click();
    };
    await inSecurity("passkeys/rename");
    await examine("passkey-rename");
    await inSecurity("passkeys/remove");
    await examine("passkey-remove");
    for (const place of ["security", "tokens"]) {
      await page.goto(`/account/${place}`);
      await page.locator("main a.danger").last().click();
      await examine(`asks-${place}`);
    }
  });

  test("step-up with a code or a passkey", async () => {
    const { page } = visitor;
    await makeSessionsOld();
    await page.goto("/account/authenticator");
    await page.getByRole("button", { name: "Show the QR code" }).click();
    await page.getByText("After that, a QR code for your authenticator app is shown.").waitFor();
    await examine("step-up-factor");
    await page.getByRole("button", { name: "Use a passkey or security key" }).click();
    await page.getByRole("heading", { name: "Set up your authenticator app" }).waitFor();
  });

  test("a refused sign-in, and the second factor", async () => {
    const { page } = visitor;
    await signOut(visitor);
    await examine("sign-in");
    await typePassword(visitor, { ...person, password: "wrong" });
    await page.getByText("The user name or password is incorrect.").waitFor();
    await examine("sign-in-refused");
    await typePassword(visitor, person);
    await page.waitForURL("**/sign-in/second-factor?**");
    await examine("second-factor");
    await page.getByText("Use a recovery code instead").click();
    await page.getByLabel("Recovery code").fill("no such code");
    await page.getByRole("button", { name: "Use this recovery code" }).click();
    await page.getByText("That code is not right.").waitFor();
    await examine("second-factor-refused");
  });

  test("enrollment during sign-in", async () => {
    const { page } = visitor;
    await visitor.context.clearCookies();
    const other = await signUp(visitor);
    await signOut(visitor);
    await site.database.run(sql`
      insert into usr_mfa_policy (usr_id, required) select usr_id, true from cred where identifier = ${other.identifier}`);
    await typePassword(visitor, other);
    await page.waitForURL("**/sign-in/enroll?**");
    await examine("enroll");
    await page.getByRole("button", { name: "Show the QR code" }).click();
    await page.getByLabel("Current code from the app").waitFor();
    await examine("enroll-authenticator");
    const key = await readKey(page);
    await page.getByLabel("Current code from the app").fill(codeOf(key));
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  });

  test("step-up with a password, and an unknown address", async () => {
    const { page } = visitor;
    await visitor.context.clearCookies();
    await signUp(visitor);
    await page.goto("/account/step-up?next=//evil.example");
    await examine("step-up-password");
    await page.goto("/nowhere");
    await examine("not-found");
  });

  test("a security key, and its removal", async () => {
    const holder = await site.visit();
    const { page, context, complaints } = holder;
    await addAuthenticator(holder);
    await signUp(holder);
    await page.goto("/account/security-keys/new");
    await page.getByRole("button", { name: "Add a security key" }).click();
    await page.waitForURL("**/account/security?done=security-key");
    await page.locator('main a[href*="security-keys/remove"]').click();
    await examinePage(page, "security-key-remove");
    expect(complaints).toEqual([]);
    await context.close();
  });

  test("every page: keeps to its own Content-Security-Policy", () => expect(visitor.complaints).toEqual([]));
});

test("Content-Security-Policy: blocks a planted script", async () => {
  const { page, complaints, context } = await site.visit();
  await page.goto("/sign-in");
  const ran = await page.evaluate(`(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    return "ran" in window;
  })()`);
  expect(ran).toBe(false);
  await expect.poll(() => complaints.length).toBeGreaterThan(0);
  await context.close();
});

test("sign-in by keyboard alone: the focus is visible at every step", async () => {
  const stranger = await site.visit();
  const { page, context } = stranger;
  const somebody = await signUp(stranger);
  await signOut(stranger);
  await page.goto("/sign-in");
  const focused = async (): Promise<string> => {
    const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
    expect(outline).toBe("solid");
    return await page.evaluate("document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent");
  };
  const walked: string[] = [];
  for (let step = 0; step < 8; step++) {
    await page.keyboard.press("Tab");
    const name = await focused();
    walked.push(name);
    if (name === "Email or user name") await page.keyboard.type(somebody.identifier);
    if (name === "Password") await page.keyboard.type(somebody.password);
  }
  expect(walked).toEqual([
    "Sallyport",
    "Email or user name",
    "Password",
    "Show password",
    "Keep me signed in",
    "Sign in",
    "Sign in with a passkey",
    "Sign up",
  ]);
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/account");
  await context.close();
});
