/**
 * Organizations in Chromium, with two people and by axe-core's rules: one forms an organization, the other becomes a member, gets
 * the ownership and ends it.
 *
 * Slow: axe-core reads every page in every presentation.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type UserId, wireId } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, fullAuth, quickHasher, sealingKey, secret, system } from "../support/auth.ts";
import { examinePage } from "../support/examine-page.ts";
import {
  formOrganization,
  openSite,
  type Person,
  type Site,
  signUp,
  type VisitOptions,
  type Visitor,
} from "../support/site.ts";

let site: Site;
/** The operations on the site's database, as its application calls them. */
let auth: FullAuth;
beforeAll(async () => {
  site = await openSite();
  const { database } = site;
  const origins = ["https://example.com"];
  auth = fullAuth({ database, secrets: secret, sealingKeys: sealingKey, origins, passwordHasher: quickHasher() });
});
afterAll(() => site?.close());
beforeEach(() => site.database.run(sql`delete from attempt`));

async function userOf({ identifier }: Person): Promise<UserId> {
  const [row] = await site.database.run(
    sql<{ id: string }>`select usr_id as id from cred where identifier = ${identifier}`,
  );
  return wireId("usr", row!.id);
}

/** Someone with an account and a name, on their account page. */
async function personNamed(
  displayName: string,
  options: VisitOptions = {},
): Promise<{ visitor: Visitor; person: Person; userId: UserId }> {
  const visitor = await site.visit(options);
  const person = await signUp(visitor);
  const userId = await userOf(person);
  await auth.users.update({ actor: system, userId, displayName });
  return { visitor, person, userId };
}

test("two people: form, add, change the role, suspend, hand over, leave and end", async () => {
  const [ada, bob] = [await personNamed("Ada Lovelace"), await personNamed("Bob <b>Byron</b>")];
  const { page } = ada.visitor;
  await page.goto("/account");
  await page.getByRole("link", { name: "Organizations" }).click();
  await page.getByText("You are not in an organization.").waitFor();
  await examinePage(page, "organizations-none");
  await page.getByRole("link", { name: "New organization" }).click();
  await examinePage(page, "organizations-new");
  await page.getByLabel("Name", { exact: true }).fill("Analytical Engines");
  await page.getByLabel("Short name (optional)").fill("Not A Slug");
  await page.getByRole("button", { name: "Create organization" }).click();
  await page.getByText("without a hyphen at either end").waitFor();
  await examinePage(page, "organizations-new-refused");
  const organizationId = await formOrganization(ada.visitor, "Analytical Engines", "analytical-engines");
  await examinePage(page, "organization-alone");

  await auth.memberships.add({ actor: system, organizationId, userId: bob.userId, role: "member" });
  await page.reload();
  await page.getByText("Bob <b>Byron</b>").first().waitFor();
  await examinePage(page, "members");
  await page.getByRole("link", { name: "Manage Bob" }).click();
  await examinePage(page, "member");
  await page.getByRole("link", { name: "Change role" }).click();
  await examinePage(page, "member-role");
  await page.getByLabel("New role").selectOption("Admin");
  await page.getByRole("button", { name: "Change role" }).click();
  await page.getByText("Role changed.").waitFor();

  await page.getByRole("link", { name: "Manage Bob" }).click();
  await page.getByRole("link", { name: "Suspend" }).click();
  await examinePage(page, "member-suspend");
  await page.getByRole("button", { name: "Suspend" }).click();
  await page.getByText("Membership suspended.").waitFor();
  const theirs = bob.visitor.page;
  await theirs.goto("/account/organizations");
  await theirs.getByText("Your membership is suspended.").waitFor();
  await examinePage(theirs, "organizations-suspended");
  await page.getByRole("link", { name: "Suspended members" }).click();
  await page.getByRole("link", { name: "Manage Bob" }).click();
  await page.getByRole("link", { name: "Lift suspension" }).click();
  await examinePage(page, "member-reinstate");
  await page.getByRole("button", { name: "Lift suspension" }).click();
  await page.getByText("Suspension lifted.").waitFor();

  const ofBob = async (link: string) => {
    await page.goto(`/account/organizations/members?org_id=${organizationId}`);
    await page.getByRole("link", { name: "Manage Bob" }).click();
    await page.getByRole("link", { name: link }).click();
  };
  await ofBob("Remove");
  await examinePage(page, "member-remove");
  await ofBob("Leave and hand over");
  await examinePage(page, "member-leave");
  await page.goto(`/account/organizations/members?org_id=${organizationId}`);

  // The last owner cannot just leave.
  await page.getByRole("link", { name: "Leave Analytical Engines" }).click();
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByText("You are the last owner.").waitFor();
  await examinePage(page, "organization-leave-refused");

  await site.database.run(sql`
    update ses set auth_time = sallyport_now() - interval '1 hour' where revoked_at is null`);
  await page.goto(`/account/organizations/members?org_id=${organizationId}`);
  await page.getByRole("link", { name: "Manage Bob" }).click();
  await page.getByRole("link", { name: "Hand over ownership" }).click();
  await examinePage(page, "member-transfer");
  await page.getByRole("button", { name: "Hand over ownership" }).click();
  await page.getByText("After that, the member that you chose becomes an owner").waitFor();
  await examinePage(page, "ownership-proof");
  await page.getByLabel("Password", { exact: true }).fill(ada.person.password);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("Ownership handed over. You are a member now.").waitFor();
  expect(await page.getByRole("link", { name: /^(Manage|Rename|End)/ }).count()).toBe(0);
  await examinePage(page, "members-as-member");
  await page.getByRole("link", { name: "Leave Analytical Engines" }).click();
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByText("You have left the organization.").waitFor();
  await page.getByText("You are not in an organization.").waitFor();

  await theirs.goto("/account/organizations");
  await theirs.getByRole("link", { name: "Open Analytical Engines" }).click();
  await theirs.getByRole("link", { name: "Rename" }).click();
  await examinePage(theirs, "organization-rename");
  await theirs.getByLabel("Name", { exact: true }).fill("Difference Engines");
  await theirs.getByRole("button", { name: "Save" }).click();
  await theirs.getByText("Organization renamed.").waitFor();
  await theirs.getByRole("link", { name: "End Difference Engines" }).click();
  await examinePage(theirs, "organization-end");
  await theirs.getByRole("button", { name: "End the organization for good" }).click();
  await theirs.getByLabel("Password", { exact: true }).fill(bob.person.password);
  await theirs.getByRole("button", { name: "Continue" }).click();
  await theirs.getByText("The organization has ended.").waitFor();
  expect([...ada.visitor.complaints, ...bob.visitor.complaints]).toEqual([]);
});

test("names from right to left and long names, on a wide and a narrow screen", async () => {
  const ada = await personNamed("شركة \u202eمقلوبة");
  const { page } = ada.visitor;
  const organizationId = await formOrganization(ada.visitor, "مؤسسة الآلات التحليلية");
  await auth.organizations.update({ actor: system, organizationId, slug: "a".repeat(63) });
  for (const displayName of ["W".repeat(1000), "\u202egnp.exe", "", `${"long name ".repeat(30)}`]) {
    const other = await auth.users.create({ actor: system, displayName });
    await auth.memberships.add({ actor: system, organizationId, userId: other.id, role: "guest" });
  }
  await page.reload();
  await examinePage(page, "members-hostile");
  await page.getByRole("link", { name: "Manage WWW" }).click();
  await examinePage(page, "member-hostile");
  expect(ada.visitor.complaints).toEqual([]);
});

test("without JavaScript, and in German: form, hand over while leaving", async () => {
  const [ada, bob] = [await personNamed("Ada", { javaScriptEnabled: false }), await personNamed("Bob")];
  const organizationId = await formOrganization(ada.visitor, "Ohne Skript");
  await auth.memberships.add({ actor: system, organizationId, userId: bob.userId, role: "viewer" });
  const { page } = ada.visitor;
  await page.reload();
  await page.getByRole("link", { name: "Manage Bob" }).click();
  await page.getByRole("link", { name: "Leave and hand over" }).click();
  await page.getByRole("button", { name: "Leave and hand over" }).click();
  await page.getByText("You have left the organization.").waitFor();

  const german = await site.visit({ locale: "de-DE" });
  await german.context.addCookies(await bob.visitor.context.cookies());
  await german.page.goto(`/account/organizations/members?org_id=${organizationId}`);
  await german.page.getByText("Ihre Rolle: Inhaber.").waitFor();
  await examinePage(german.page, "members-german");
  expect(german.complaints).toEqual([]);
});
