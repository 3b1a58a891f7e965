/**
 * The pages that only some users meet, in Chromium and by axe-core's rules: terms, invitations by an administrator, merging two
 * accounts, and closing one.
 *
 * Slow: axe-core reads every page in every presentation.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type UserId, wireId } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, fullAuth, goodPassword, quickHasher, sealingKey, secret, system } from "../support/auth.ts";
import { examinePage } from "../support/examine-page.ts";
import { addAuthenticator, addPasskey, openSite, type Person, type Site, type Visitor } from "../support/site.ts";

let site: Site;
beforeAll(async () => {
  const variables = { TERMS_VERSION: "2026-12-01", TERMS_URL: "https://example.com/terms" };
  site = await openSite({ variables });
});
afterAll(() => site?.close());
beforeEach(() => site.database.run(sql`delete from attempt`));

/** Signs up on a site that has terms. */
async function signUp({ page }: Visitor): Promise<Person> {
  const person = { identifier: freshIdentifier(), password: goodPassword };
  await page.goto("/sign-up");
  await page.getByLabel("Email or user name").fill(person.identifier);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("checkbox", { name: "I have read and accept" }).check();
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.waitForURL("**/account");
  return person;
}

async function userOf({ identifier }: Person): Promise<UserId> {
  const [row] = await site.database.run(
    sql<{ id: string }>`select usr_id as id from cred where identifier = ${identifier}`,
  );
  return wireId("usr", row!.id);
}

test("the terms: asked for at sign-up, and again when they have changed", async () => {
  const visitor = await site.visit();
  const { page } = visitor;
  await page.goto("/sign-up");
  await examinePage(page, "terms-sign-up");
  const person = await signUp(visitor);
  await page.goto("/account/terms");
  await page.getByText("You have accepted the current terms of use.").waitFor();
  await examinePage(page, "terms-accepted");
  await site.database.run(sql`
    update usr set terms_version = '2020-01-01' where id = (select usr_id from cred where identifier = ${person.identifier})`);
  await page.goto("/account");
  await examinePage(page, "terms-changed");
  await page.getByRole("link", { name: "Read and accept them" }).click();
  await examinePage(page, "terms");
  await page.getByRole("checkbox", { name: "I have read and accept" }).check();
  await page.getByRole("button", { name: "Accept" }).click();
  await page.waitForURL("**/account");
  expect(await page.getByText("The terms of use have changed").count()).toBe(0);
  expect(visitor.complaints).toEqual([]);
});

test("an administrator invites someone, who makes an account with the link and closes it", async () => {
  const visitor = await site.visit();
  const { page } = visitor;
  await addAuthenticator(visitor);
  const administrator = await signUp(visitor);
  await addPasskey(visitor);
  const { database } = site;
  const auth = fullAuth({
    database,
    secrets: secret,
    sealingKeys: sealingKey,
    origins: ["https://example.com"],
    passwordHasher: quickHasher(),
  });
  await auth.administrators.grant({ actor: system, userId: await userOf(administrator) });
  await page.goto("/account");
  await page.getByRole("link", { name: "Manage" }).click();
  await page.waitForURL("**/account/invitations");
  await examinePage(page, "invitations-none");
  await page.getByRole("link", { name: "Invite someone" }).click();
  await examinePage(page, "invitations-new");
  await page.getByLabel("Email or user name").fill(freshIdentifier());
  await page.getByRole("button", { name: "Invite" }).click();
  const link = page.getByRole("textbox").or(page.locator("main code")).first();
  await link.waitFor();
  await examinePage(page, "invitations-made");
  const [address] = /https?:\/\/\S+\/invitation\?token=[\w-]+/.exec(await page.content())!;
  await page.goto("/account/invitations");
  await examinePage(page, "invitations");
  await page.getByRole("link", { name: "Revoke" }).first().click();
  await examinePage(page, "invitation-revoke");

  const guest = await site.visit();
  await guest.page.goto(address);
  await examinePage(guest.page, "invitation");
  await guest.page.getByLabel("Password").fill(goodPassword);
  await guest.page.getByRole("checkbox", { name: "I have read and accept" }).check();
  await guest.page.getByRole("button").last().click();
  await guest.page.waitForURL("**/account");
  await guest.page.goto("/account/close");
  await examinePage(guest.page, "close");
  await guest.page.goto("/account/organizations/new");
  await guest.page.getByLabel("Name", { exact: true }).fill("Analytical Engines");
  await guest.page.getByRole("main").getByRole("button").last().click();
  await guest.page.waitForURL("**/account/organizations**org_id=**");
  const close = async () => {
    await guest.page.getByLabel("Current password").fill(goodPassword);
    await guest.page.getByRole("button", { name: "Close my account for good" }).click();
  };
  await guest.page.goto("/account/close");
  await close();
  const box = guest.page.getByRole("checkbox", { name: "End the organizations that have no other owner" });
  await box.waitFor();
  await examinePage(guest.page, "close-only-owner");
  await box.check();
  await close();
  await guest.page.getByText("You are signed out on every device.").waitFor();
  await examinePage(guest.page, "closed");
  await guest.page.goto(address);
  await examinePage(guest.page, "invitation-dead");
  expect([...visitor.complaints, ...guest.complaints]).toEqual([]);
});

test("OC49: a user with two accounts merges them, and is in the one that they began with", async () => {
  const visitor = await site.visit();
  const { page } = visitor;
  const other = await signUp(visitor);
  await page.getByRole("button", { name: "Sign out" }).click();
  const kept = await signUp(visitor);
  await page.getByRole("link", { name: "Merge another account" }).click();
  await page.getByText(`becomes part of ${kept.identifier}`).waitFor();
  await examinePage(page, "merge-begin");
  await page.getByRole("button", { name: "Sign in to the other account" }).click();
  await page.getByLabel("Email or user name").fill(other.identifier);
  await page.getByLabel("Password").fill(other.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText(`will then sign in to ${kept.identifier}`).waitFor();
  await examinePage(page, "merge");
  await page.getByRole("button", { name: "Merge for good" }).click();
  await page.getByText("Your accounts were merged.").waitFor();
  await examinePage(page, "merged");
  // The address of the other account is one of this one.
  await page.getByText(other.identifier).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto("/sign-in");
  await page.getByLabel("Email or user name").fill(other.identifier);
  await page.getByLabel("Password").fill(other.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL("**/account");
  expect(await page.getByText(kept.identifier).count()).toBeGreaterThan(0);
  expect(visitor.complaints).toEqual([]);
});
