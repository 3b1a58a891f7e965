/**
 * Invitations to an organization in two browsers, by axe-core's rules: the owner's, and one in which the invited people join. A script
 * in the second one tries what the pages do not offer.
 *
 * Slow: axe-core reads every page in every presentation.
 *
 * @module
 */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { generateId, type OrganizationId, uuidFor, wireId } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword } from "../support/auth.ts";
import { examinePage } from "../support/examine-page.ts";
import { formOrganization, openSite, type Person, type Site, signOut, signUp, type Visitor } from "../support/site.ts";
import { linkTo } from "../support/site-mailbox.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite({ variables: { MAILBOX: "shown" } });
});
afterAll(() => site?.close());

/** Both browsers have the same address, whose attempts would add up. */
const forgetAttempts = () => site.database.run(sql`delete from attempt`);
beforeEach(forgetAttempts);

/** Invites a person on the page of an organization's invitations, and returns the copied link. */
async function invite({ page }: Visitor, identifier: string, role = "Member"): Promise<string> {
  await page.getByRole("link", { name: "Invite someone" }).click();
  await page.getByLabel("Email or user name").fill(identifier);
  await page.getByLabel("Role").selectOption(role);
  return await sendInvitation(page);
}

async function sendInvitation(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Invite" }).click();
  await page.getByRole("heading", { name: "Copy the link" }).waitFor();
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  return await page.evaluate("navigator.clipboard.readText()");
}

/** The active members, each as the role and the identifier. */
async function membersOf(organizationId: OrganizationId): Promise<string[]> {
  const rows = await site.database.run(sql<{ member: string }>`
    select mem.role || ' ' || cred.identifier as member
    from mem join cred on cred.usr_id = mem.usr_id and cred.type = 'password' and cred.status = 'active'
    where mem.org_id = ${uuidFor("org", organizationId)}::uuid and mem.status = 'active'`);
  return rows.map(({ member }) => member).sort();
}

const backToList = (page: Page) => page.getByRole("link", { name: "I have copied it" }).click();

/** The link that was mailed last to an invited person. */
const mailedLinkTo = (visitor: Visitor, { identifier }: Pick<Person, "identifier">) =>
  linkTo(visitor, identifier, "invites");

const anyone = (): Person => ({ identifier: freshIdentifier(), password: goodPassword });

test("an organization is formed, three people join it, and it is handed over and left", async () => {
  const owner = await site.visit({ permissions: ["clipboard-read", "clipboard-write"] });
  const other = await site.visit();
  const [ada, cleo] = [await signUp(owner), await signUp(other)];
  await signOut(other);
  const [bob, dan, eve] = [await signUp(other), anyone(), anyone()];
  const { page } = owner;
  const theirs = other.page;

  const organizationId = await formOrganization(owner, "Analytical <Engines>");
  await page.getByRole("link", { name: /^Invitations/ }).click();
  await page.getByText("There are no open invitations.").waitFor();
  await examinePage(page, "organization-invitations-none");
  await page.getByRole("link", { name: "Invite someone" }).click();
  await examinePage(page, "organization-invite");
  await page.getByLabel("Email or user name").fill("two words");
  await page.getByRole("button", { name: "Invite" }).click();
  await page.getByRole("alert").waitFor();
  await examinePage(page, "organization-invite-refused");
  await page.getByLabel("Email or user name").fill(bob.identifier);
  await sendInvitation(page);
  await examinePage(page, "organization-invited");
  await backToList(page);
  const earlier = await invite(owner, cleo.identifier, "Admin");
  await backToList(page);
  await invite(owner, dan.identifier);
  await backToList(page);
  const copied = await invite(owner, eve.identifier);
  await backToList(page);
  const mailed = await mailedLinkTo(other, eve);
  await examinePage(page, "organization-invitations");

  // Sent again: the earlier link no longer works.
  await page.getByRole("link", { name: `Send again ${cleo.identifier}` }).click();
  expect(await page.getByLabel("Email or user name").inputValue()).toBe(cleo.identifier);
  expect(await page.getByLabel("Role").inputValue()).toBe("admin");
  await sendInvitation(page);
  await backToList(page);
  await page.getByRole("link", { name: `Revoke ${eve.identifier}` }).click();
  await examinePage(page, "organization-invitation-revoke");
  await page.getByRole("button", { name: "Revoke invitation" }).click();
  await page.getByText("Invitation revoked.").waitFor();
  expect(await page.getByText(eve.identifier).count()).toBe(0);

  // A signed-in user. The copied link proves no address, so the mailed one counts.
  await theirs.goto(await mailedLinkTo(other, bob));
  await theirs.getByText("Analytical <Engines>").waitFor();
  await examinePage(theirs, "join");
  await theirs.getByRole("link", { name: "Join with my account" }).click();
  await examinePage(theirs, "join-with-account");
  await theirs.getByRole("button", { name: "Join", exact: true }).click();
  await theirs.getByText("You are a member now.").waitFor();
  await theirs.getByText("Your role: Member.").waitFor();
  await examinePage(theirs, "joined");

  // A user who is signed out, and an account that exists for the address.
  await signOut(other);
  for (const link of [earlier, copied, mailed]) {
    await theirs.goto(link);
    await theirs.getByRole("heading", { name: "This link does not work" }).waitFor();
  }
  await examinePage(theirs, "join-revoked");
  await theirs.goto(await mailedLinkTo(other, cleo));
  await theirs.getByLabel("Password").fill("another horse battery staple");
  await theirs.getByRole("button", { name: "Create account and join" }).click();
  await theirs.getByText("This address has an account. Join with it.").waitFor();
  await examinePage(theirs, "join-taken");
  await theirs.getByRole("link", { name: "Join with my account" }).click();
  await theirs.waitForURL("**/sign-in?**");
  await theirs.getByLabel("Email or user name").fill(cleo.identifier);
  await theirs.getByLabel("Password").fill(cleo.password);
  await theirs.getByRole("button", { name: "Sign in", exact: true }).click();
  await theirs.getByRole("button", { name: "Join", exact: true }).click();
  await theirs.getByText("Your role: Admin.").waitFor();

  // A new user, whose address the link has proved.
  await signOut(other);
  await theirs.goto(await mailedLinkTo(other, dan));
  await theirs.getByLabel("Password").fill("passwordpassword");
  await theirs.getByRole("button", { name: "Create account and join" }).click();
  await theirs.getByText("too easy to guess").waitFor();
  await examinePage(theirs, "join-new-refused");
  await theirs.getByLabel("Your name (optional)").fill("Dan <i>Dare</i>");
  await theirs.getByLabel("Password").fill(dan.password);
  await theirs.getByRole("button", { name: "Create account and join" }).click();
  await theirs.getByRole("link", { name: "Open Analytical" }).waitFor();
  await theirs.goto("/account");
  await theirs.getByText("Confirmed").waitFor();
  const others = [`admin ${cleo.identifier}`, `member ${bob.identifier}`, `member ${dan.identifier}`];
  expect(await membersOf(organizationId)).toEqual([...others, `owner ${ada.identifier}`].sort());

  await page.goto(`/account/organizations/members?org_id=${organizationId}`);
  await page.getByRole("link", { name: "Manage Dan" }).click();
  await page.getByRole("link", { name: "Hand over ownership" }).click();
  await page.getByRole("button", { name: "Hand over ownership" }).click();
  await page.getByText("Ownership handed over. You are a member now.").waitFor();
  await page.getByRole("link", { name: "Leave Analytical <Engines>" }).click();
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByText("You have left the organization.").waitFor();
  await theirs.goto(`/account/organizations/members?org_id=${organizationId}`);
  await theirs.getByText("Your role: Owner.").waitFor();
  const left = [`admin ${cleo.identifier}`, `member ${bob.identifier}`, `owner ${dan.identifier}`];
  expect(await membersOf(organizationId)).toEqual(left);
  expect([...owner.complaints, ...other.complaints]).toEqual([]);
});

test("declining, in German and without JavaScript: both links die", async () => {
  const owner = await site.visit({ permissions: ["clipboard-read", "clipboard-write"] });
  await signUp(owner);
  const { page } = owner;
  const organizationId = await formOrganization(owner, "مؤسسة الآلات");
  await page.goto(`/account/organizations/invitations?org_id=${organizationId}`);
  const invited = anyone();
  const copied = await invite(owner, invited.identifier);
  const [german, plain] = [
    await site.visit({ locale: "de-DE" }),
    await site.visit({ locale: "de-DE", javaScriptEnabled: false }),
  ];
  await german.page.goto(copied);
  await german.page.getByRole("button", { name: "Konto erstellen und beitreten" }).waitFor();
  await examinePage(german.page, "join-german");
  const theirs = plain.page;
  await theirs.goto(copied);
  await theirs.getByRole("button", { name: "Ablehnen" }).click();
  await theirs.getByRole("heading", { name: "Einladung abgelehnt" }).waitFor();
  await german.page.goto(await mailedLinkTo(german, invited));
  await german.page.getByRole("heading", { name: "Dieser Link funktioniert nicht" }).waitFor();
  await examinePage(german.page, "join-dead-german");
  expect(german.complaints).toEqual([]);
});

/** A request of a script. */
interface Asked {
  readonly path: string;
  readonly method?: "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

// As text, because it runs in the browser.
const askAll = `async (all) => {
  const replies = [];
  for (const { path, ...init } of all) {
    const reply = await fetch(path, init);
    replies.push([reply.status, await reply.text()]);
  }
  return replies;
}`;

/** Sends requests from the current page of a browser, with its cookies, and returns each status and body. */
async function fromPage({ page }: Visitor, asked: readonly Asked[]): Promise<[number, string][]> {
  await forgetAttempts();
  return await page.evaluate(`(${askAll})(${JSON.stringify(asked)})`);
}

const form = (path: string, fields: Readonly<Record<string, string>>): Asked => ({
  path,
  method: "POST",
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
  body: new URLSearchParams(fields).toString(),
});

const json = (path: string, body: unknown, token?: string): Asked => ({
  path,
  method: "POST",
  headers: { "Content-Type": "application/json", ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
  body: JSON.stringify(body),
});

const get = (path: string, token?: string): Asked => ({
  path,
  ...(token !== undefined && { headers: { Authorization: `Bearer ${token}` } }),
});

/** The ids of an organization. A script that knows them learns nothing with them. */
interface Ids {
  readonly org: string;
  readonly owner: string;
  readonly member: string;
  readonly invitation: string;
}

/** All that a script can ask about an organization: the pages with the browser's cookies, and `/v1` with the user's own token. */
function everyRequest({ org, owner, member, invitation }: Ids, ownUserId: string, token: string): Asked[] {
  const at = `org_id=${org}`;
  const of = { org_id: org };
  const v1 = `/v1/orgs/${org}`;
  const pages = ["members", "rename", "leave", "end", "invite", "invitations"].map((page) => `${page}?${at}`);
  const acts = ["role", "transfer", "leave", "suspend", "reinstate", "remove"];
  return [
    ...[...pages, `invitations/revoke?${at}&inv_id=${invitation}`].map((page) => get(`/account/organizations/${page}`)),
    ...["", ...acts.map((act) => `/${act}`)].map((act) =>
      get(`/account/organizations/member${act}?${at}&mem_id=${member}`),
    ),
    ...["leave", "end", "rename", "invite"].map((act) =>
      form(`/account/organizations/${act}`, { ...of, name: "Mine" }),
    ),
    form("/account/organizations/invitations/revoke", { ...of, inv_id: invitation }),
    ...acts.flatMap((act) =>
      [owner, member].map((mem_id) => form(`/account/organizations/member/${act}`, { ...of, mem_id, role: "guest" })),
    ),
    get(v1, token),
    get(`${v1}/security-policy`, token),
    get(`${v1}/members`, token),
    get(`${v1}/invitations`, token),
    get(`${v1}/members/${owner}`, token),
    get(`${v1}/members/${owner}/history`, token),
    get(`/v1/invitations/${invitation}`, token),
    json(`${v1}/members`, { usr_id: ownUserId, role: "owner" }, token),
    json(`${v1}/invitations`, { identifier: "eve@example.com", role: "owner" }, token),
    json(`${v1}/transfer-ownership`, { from_mem_id: owner, to_mem_id: member }, token),
    ...["suspend", "reinstate", "revoke"].map((act) => json(`${v1}/${act}`, {}, token)),
    ...[owner, member].flatMap((id) => [
      json(`${v1}/members/${id}/change-role`, { new_role: "guest" }, token),
      ...["suspend", "reinstate", "self-leave", "admin-remove"].map((act) =>
        json(`${v1}/members/${id}/${act}`, {}, token),
      ),
    ]),
    json(`/v1/invitations/${invitation}/revoke`, {}, token),
    ...["accept", "decline"].map((act) =>
      json(`/v1/invitations/${invitation}/${act}`, { token: "A".repeat(43) }, token),
    ),
    json("/auth/organization-invitations/accept", { token: invitation }),
    json("/auth/organization-invitations/sign-up", { token: invitation, password: goodPassword }),
  ];
}

/** A token with which a script of a user asks `/v1`. */
async function tokenOf(visitor: Visitor, person: Person): Promise<string> {
  const [reply] = await fromPage(visitor, [json("/auth/sign-in", { ...person, transport: "token" })]);
  return (JSON.parse(reply![1]) as { token: string }).token;
}

test("a script of a stranger: an organization that it knows the ids of looks like one that does not exist", async () => {
  const owner = await site.visit({ permissions: ["clipboard-read", "clipboard-write"], bypassCSP: true });
  const other = await site.visit({ bypassCSP: true });
  const [ada, eve, bob] = [await signUp(owner), await signUp(other), anyone()];
  const organizationId = await formOrganization(owner, "Analytical Engines");
  await owner.page.goto(`/account/organizations/invitations?org_id=${organizationId}`);
  await invite(owner, bob.identifier);
  await backToList(owner.page);
  const open = anyone();
  await invite(owner, open.identifier);
  const joining = await site.visit();
  await joining.page.goto(await mailedLinkTo(joining, bob));
  await joining.page.getByLabel("Password").fill(bob.password);
  await joining.page.getByRole("button", { name: "Create account and join" }).click();
  await joining.page.getByRole("link", { name: "Open Analytical" }).waitFor();
  const before = [`member ${bob.identifier}`, `owner ${ada.identifier}`];
  expect(await membersOf(organizationId)).toEqual(before);

  const [row] = await site.database.run(sql<{ owner: string; member: string; invitation: string; eve: string }>`
    select (select id from mem where org_id = org.id and role = 'owner') as owner,
      (select id from mem where org_id = org.id and role = 'member') as member,
      (select id from inv where org_id = org.id and status = 'pending') as invitation,
      (select usr_id from cred where identifier = ${eve.identifier}) as eve
    from org where id = ${uuidFor("org", organizationId)}::uuid`);
  const known: Ids = {
    org: organizationId,
    owner: wireId("mem", row!.owner),
    member: wireId("mem", row!.member),
    invitation: wireId("inv", row!.invitation),
  };
  const absent: Ids = {
    org: generateId("org"),
    owner: generateId("mem"),
    member: generateId("mem"),
    invitation: generateId("inv"),
  };
  await other.page.goto("/account");
  const token = await tokenOf(other, eve);
  const asked = (ids: Ids) => everyRequest(ids, wireId("usr", row!.eve), token);
  const seen = async (ids: Ids) => {
    const replies = await fromPage(other, asked(ids));
    return replies.map(([status, body], index) => {
      const named = Object.entries(ids).reduce((text, [name, id]) => text.replaceAll(id, `<${name}>`), body);
      return `${asked(absent)[index]!.path.replaceAll(/_[0-9a-f]{32}/g, "")} ${status} ${named}`;
    });
  };
  const replies = await seen(known);
  expect(replies).toEqual(await seen(absent));
  // Not signed in would be no test of anything. Only a wrong secret of an invitation is answered so.
  const isRefused = (reply: string) => /^\S+ (400|403|404) |(accept|sign-up|decline) 401 /.test(reply);
  expect(replies.filter((reply) => !isRefused(reply))).toEqual([]);
  expect(replies.join("\n")).not.toMatch(/Analytical|<member>|<owner>/);
  expect(await membersOf(organizationId)).toEqual(before);

  // The last owner's own script does not make it ownerless either.
  await owner.page.goto("/account");
  const own = await tokenOf(owner, ada);
  const [user] = await site.database.run(sql<{ id: string }>`
    select usr_id as id from cred where identifier = ${ada.identifier}`);
  const members = `/v1/orgs/${known.org}/members/${known.owner}`;
  const denied = await fromPage(owner, [
    form("/account/organizations/leave", { org_id: known.org }),
    form("/account/organizations/member/role", { org_id: known.org, mem_id: known.owner, role: "member" }),
    json(`${members}/self-leave`, {}, own),
    json(`${members}/change-role`, { new_role: "member" }, own),
    json(`${members}/suspend`, {}, own),
    json(`${members}/admin-remove`, {}, own),
    json(`/v1/users/${wireId("usr", user!.id)}/revoke`, { current_password: ada.password }, own),
  ]);
  expect(denied.map(([status]) => status)).toEqual([409, 409, 409, 409, 409, 403, 409]);
  expect(await membersOf(organizationId)).toEqual(before);
});
