/**
 * The pages of mailed links and codes, in Chromium and with the mailbox of the development server: as a new user meets them, each
 * in light and dark, wide and narrow, and by axe-core's rules.
 *
 * Slow: axe-core reads every page in every presentation.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { wireId } from "../../src/domain/id.ts";
import { type Statement, sql } from "../../src/store/sql.ts";
import { freshIdentifier, fullAuth, goodPassword, quickHasher, sealingKey, secret, system } from "../support/auth.ts";
import { examinePage } from "../support/examine-page.ts";
import { recoveryOf } from "../support/links.ts";
import { openMailbox } from "../support/mailbox.ts";
import { addApp, openSite, type Person, type Site, signOut, typePassword, type Visitor } from "../support/site.ts";
import { codeTo, linkTo } from "../support/site-mailbox.ts";

const laptop = "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36";
const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1";

let site: Site;
beforeAll(async () => {
  const variables = { SIGN_UP: "verify-first", MAILBOX: "shown", MAIL_SIGN_IN: "on" };
  site = await openSite({ variables });
});
afterAll(() => site?.close());

/** Every browser here has the same address, whose attempts would add up. */
beforeEach(() => site.database.run(sql`delete from attempt`));

/** A new user signs up by mail, and is on the account page then. */
async function signUpByMail(visitor: Visitor): Promise<Person> {
  const { page } = visitor;
  const person = { identifier: freshIdentifier(), password: goodPassword };
  await page.goto("/sign-up");
  await page.getByLabel("Email").fill(person.identifier);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  await page.goto(await linkTo(visitor, person.identifier, "sign"));
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL("**/account");
  return person;
}

test("sign-up: the address is proved before there is an account", async () => {
  const visitor = await site.visit({ userAgent: laptop });
  const { page } = visitor;
  const identifier = freshIdentifier();
  await page.goto("/sign-up");
  await examinePage(page, "mail-sign-up");
  await page.getByLabel("Email").fill(identifier);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  await examinePage(page, "mail-sign-up-sent");
  await page.goto(await linkTo(visitor, identifier, "sign"));
  await examinePage(page, "mail-sign-up-finish");
  await page.getByLabel("Password").fill("passwordpassword");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("too easy to guess").waitFor();
  await examinePage(page, "mail-sign-up-finish-refused");
  await page.getByLabel("Password").fill(goodPassword);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL("**/account");
  await page.getByText("Confirmed").waitFor();
  await examinePage(page, "mail-account");
  expect(visitor.complaints).toEqual([]);
});

test("a forgotten password: the code in this browser, and the link once", async () => {
  const visitor = await site.visit({ userAgent: laptop });
  const { page } = visitor;
  const person = await signUpByMail(visitor);
  await signOut(visitor);
  await examinePage(page, "mail-sign-in");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await examinePage(page, "mail-forgot");
  await page.getByLabel("Email").fill(person.identifier);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  const link = await linkTo(visitor, person.identifier, "password");
  const code = await codeTo(visitor, person.identifier, "password");
  await page.getByLabel("six-digit code").fill(code === "000 000" ? "000 001" : "000 000");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("alert").waitFor();
  await examinePage(page, "mail-code-refused");
  await page.getByLabel("six-digit code").fill(code);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "Choose a new password" }).waitFor();
  await examinePage(page, "mail-reset");
  const renewed = { ...person, password: "another horse battery staple" };
  await page.getByLabel("New password").fill(renewed.password);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("heading", { name: "Your password is changed" }).waitFor();
  await examinePage(page, "mail-reset-done");
  await typePassword(visitor, renewed);
  await page.waitForURL("**/account");

  await page.goto(link);
  await page.getByRole("heading", { name: "This link does not work" }).waitFor();
  await examinePage(page, "mail-dead-link");
  expect(visitor.complaints).toEqual([]);
});

test("sign-in by mail: a link that another browser opens says so, and leads to the page that was asked for", async () => {
  const visitor = await site.visit({ userAgent: laptop });
  const { page } = visitor;
  const person = await signUpByMail(visitor);
  await signOut(visitor);
  await page.goto("/account/tokens");
  await page.getByRole("link", { name: "Sign in by email" }).click();
  await examinePage(page, "mail-link-sign-in");
  await page.getByLabel("Email").fill(person.identifier);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  const other = await site.visit({ userAgent: phone });
  await other.page.goto(await linkTo(visitor, person.identifier, "Sign in"));
  await examinePage(other.page, "mail-link-elsewhere");
  await other.page.getByRole("button", { name: "Sign in" }).click();
  await other.page.waitForURL("**/account/tokens");
  expect([...visitor.complaints, ...other.complaints]).toEqual([]);
});

test("“this was not me”: the message about a new device locks the account, and mails the way back", async () => {
  const visitor = await site.visit({ userAgent: laptop });
  const person = await signUpByMail(visitor);
  const stranger = await site.visit({ userAgent: phone });
  await typePassword(stranger, person);
  await stranger.page.waitForURL("**/account");
  const { page } = visitor;
  await page.goto(await linkTo(visitor, person.identifier, "iPhone"));
  await page.getByRole("heading", { name: "Was this not you?" }).waitFor();
  await examinePage(page, "mail-not-me");
  await page.getByRole("button", { name: "Lock my account" }).click();
  await page.getByRole("heading", { name: "Your account is locked" }).waitFor();
  await examinePage(page, "mail-not-me-done");
  await stranger.page.goto("/account");
  await stranger.page.waitForURL("**/sign-in?**");
  expect(visitor.complaints).toEqual([]);
});

test("a changed address of a user with an app: each notice’s link asks for its code", async () => {
  const visitor = await site.visit({ userAgent: laptop });
  const own = visitor.page;
  const person = await signUpByMail(visitor);
  await addApp(visitor);
  await own.goto("/account/tokens/new");
  await own.getByLabel("Name").fill("Backup");
  await own.getByRole("button", { name: "Create token" }).click();
  await own.getByRole("heading", { name: "Your new token" }).waitFor();
  const notice = await linkTo(visitor, person.identifier, "personal access token");
  const address = freshIdentifier();
  await own.goto("/account/address");
  await own.getByLabel("New email address").fill(address);
  await own.getByRole("button", { name: "Send the link" }).click();
  await own.goto(await linkTo(visitor, address, "address"));
  await own.getByRole("main").getByRole("button").first().click();
  await own.waitForURL("**/account?done=new-address");
  const back = await linkTo(visitor, person.identifier, "changed");

  const { page, complaints } = await site.visit({ userAgent: phone });
  const code = page.getByLabel("Code from your authenticator app");
  await page.goto(notice);
  await page.getByRole("main").getByRole("button").first().click();
  await code.waitFor();
  await examinePage(page, "mail-not-me-code");
  await code.fill("000000");
  await page.getByRole("button", { name: "Continue" }).first().click();
  await page.getByText("That code is not right.").waitFor();
  await examinePage(page, "mail-not-me-code-refused");
  await page.goto(back);
  await page.getByRole("main").getByRole("button").first().click();
  await code.waitFor();
  await examinePage(page, "mail-address-back-code");
  expect([...complaints, ...visitor.complaints]).toEqual([]);
});

test("a second password, and its removal with the first", async () => {
  const visitor = await site.visit({ userAgent: laptop });
  const { page } = visitor;
  const person = await signUpByMail(visitor);
  await site.database.run(sql`
    insert into cred (id, usr_id, type, identifier, password_hash)
    select gen_random_uuid(), usr_id, 'password', ${freshIdentifier()}, 'none' from cred
    where identifier = ${person.identifier}`);
  await page.goto("/account/review");
  await page.locator('main a[href*="password/remove"]').click();
  await examinePage(page, "password-remove");
  const field = page.getByLabel(`Password of ${person.identifier}`);
  await field.fill("wrong");
  await field.press("Enter");
  await page.getByText("The current password is wrong.").waitFor();
  await examinePage(page, "password-remove-refused");
  await field.fill(person.password);
  await field.press("Enter");
  // Nothing is left to look at.
  await page.waitForURL("**/account");
  expect(visitor.complaints).toEqual([]);
});

test("an address that is not confirmed: its link, signed in and as a stranger", async () => {
  const visitor = await site.visit({ userAgent: laptop });
  const { page } = visitor;
  const person = await signUpByMail(visitor);
  await site.database.run(sql`
    update cred set identifier_verified_at = null where identifier = ${person.identifier}`);
  await page.goto("/account");
  await page.getByRole("button", { name: "Send me a link" }).first().click();
  const link = await linkTo(visitor, person.identifier, "Confirm this address");
  const stranger = await site.visit({ userAgent: phone });
  await stranger.page.goto(link);
  await stranger.page.getByRole("heading", { name: "Confirm your address" }).waitFor();
  await examinePage(stranger.page, "mail-verify-stranger");
  await stranger.page.locator("#verify-password").fill("wrong");
  await stranger.page.locator("#verify-password").press("Enter");
  await stranger.page.locator("#verify-password-error").waitFor();
  await examinePage(stranger.page, "mail-verify-refused");
  await page.goto(link);
  await page.getByText("You are signed in as").waitFor();
  await examinePage(page, "mail-verify");
  await page.getByRole("main").getByRole("button").first().click();
  await page.getByRole("heading", { name: "Your address is confirmed" }).waitFor();
  await examinePage(page, "mail-verify-done");
  await page.goto(link);
  await page.getByRole("heading", { name: "This link does not work" }).waitFor();
  await examinePage(page, "mail-verify-dead");
  expect([...stranger.complaints, ...visitor.complaints]).toEqual([]);
});

test("a new address: proved by its link; the link to the old address puts it back", async () => {
  const visitor = await site.visit({ userAgent: laptop });
  const { page } = visitor;
  const person = await signUpByMail(visitor);
  const address = freshIdentifier();
  await page.goto("/account/address");
  await examinePage(page, "mail-address");
  await page.getByLabel("New email address").fill(address);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  await examinePage(page, "mail-address-sent");
  await page.goto(await linkTo(visitor, address, "address"));
  await examinePage(page, "mail-address-confirm");
  await page.getByRole("main").getByRole("button").first().click();
  await page.waitForURL("**/account?done=new-address");
  await page.goto(await linkTo(visitor, person.identifier, "changed"));
  await examinePage(page, "mail-address-back");
  await page.getByRole("main").getByRole("button").first().click();
  await page.getByRole("heading", { name: "Your account is locked" }).waitFor();
  await examinePage(page, "mail-address-back-done");
  expect(visitor.complaints).toEqual([]);
});

test("a recovery that an administrator began: the message to the old address stops it", async () => {
  const { database } = site;
  const auth = fullAuth({
    database,
    secrets: secret,
    sealingKeys: sealingKey,
    origins: ["https://example.com"],
    passwordHasher: quickHasher(),
  });
  const visitor = await site.visit({ userAgent: laptop });
  const { page } = visitor;
  const person = await signUpByMail(visitor);
  const [row] = await database.run(sql<{ id: string }>`
    select usr_id as id from cred where identifier = ${person.identifier}`);
  await auth.recovery.start({ actor: system, userId: wireId("usr", row!.id), identifier: freshIdentifier() });
  // The Worker sends what is owed when it sends a message of its own.
  await page.goto("/forgot");
  await page.getByLabel("Email").fill(freshIdentifier());
  await page.getByRole("button").last().click();
  await page.goto(await linkTo(visitor, person.identifier, "new address"));
  await page.getByRole("heading", { name: "Stop the recovery of your account?" }).waitFor();
  await examinePage(page, "mail-recover-stop");
  await page.getByRole("button", { name: "Stop the recovery" }).click();
  await page.getByRole("heading", { name: "Your account stays as it is" }).waitFor();
  await examinePage(page, "mail-recover-stopped");
  expect(await database.run(sql`select from verification_token where usr_id = ${row!.id}::uuid`)).toEqual([]);
  expect(visitor.complaints).toEqual([]);
});

test("the end of a recovery: the new address sets a password; a password that is too short is refused", async () => {
  const visitor = await site.visit();
  const person = await signUpByMail(visitor);
  const [row] = await site.database.run(
    sql<{ id: string }>`select usr_id as id from cred where identifier = ${person.identifier}`,
  );
  const { page } = await site.visit();
  const { database } = site;
  const mailbox = openMailbox();
  const auth = fullAuth({
    database,
    secrets: secret,
    sealingKeys: sealingKey,
    origins: ["https://example.com"],
    passwordHasher: quickHasher(),
    mail: { mailer: mailbox },
  });
  const world = { auth, mailbox, rows: <Row>(statement: Statement<Row>) => database.run(statement) };
  const account = { userId: wireId("usr", row!.id), identifier: person.identifier };

  const { token, identifier } = await recoveryOf(world, account);
  await page.goto(`/recover?token=${token}`);
  await examinePage(page, "recover");
  await page.getByLabel("New password").fill("short");
  await page.getByRole("button", { name: "Save" }).click();
  await examinePage(page, "recover-refused");
  await page.getByLabel("New password").fill("ueyhqsnvkwdbmtco");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText(identifier).first().waitFor();
  await examinePage(page, "recover-done");
  // The link works once.
  await page.goto(`/recover?token=${token}`);
  await examinePage(page, "recover-dead");
});
