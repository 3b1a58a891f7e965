/**
 * Signing in with another site, in Chromium, at the real issuer `oidc-provider` on loopback and with the finished server: as a new user
 * meets it, and by axe-core's rules.
 *
 * Slow: axe-core reads every page in every presentation.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier } from "../support/auth.ts";
import { examinePage } from "../support/examine-page.ts";
import { freePort } from "../support/free-port.ts";
import { openProvider, type RealIssuer } from "../support/oidc-provider.ts";
import { openSite, type Site, signOut, signUp, type Visitor } from "../support/site.ts";

let site: Site;
let issuer: RealIssuer;
beforeAll(async () => {
  const port = await freePort();
  site = await openSite({
    variables: {
      OIDC_ACME_ISSUER: `http://127.0.0.1:${port}`,
      OIDC_ACME_CLIENT_ID: "sallyport",
      OIDC_ACME_CLIENT_SECRET: "a secret of 32 characters or more",
      OIDC_ACME_LABEL: "Acme",
      OIDC_ACME_DOMAINS: "example.org, acme.example",
    },
  });
  issuer = await openProvider(
    [
      {
        client_id: "sallyport",
        client_secret: "a secret of 32 characters or more",
        redirect_uris: [`${site.baseUrl}/auth/oidc/acme/callback`],
        backchannel_logout_uri: `${site.baseUrl}/auth/oidc/acme/logout`,
        backchannel_logout_session_required: true,
      },
    ],
    port,
  );
});
afterAll(async () => {
  await site?.close();
  await issuer?.close();
});

/** Every browser here has the same address, whose attempts would add up. */
beforeEach(() => site.database.run(sql`delete from attempt`));

/** A user of the issuer. */
function known(claims: Readonly<Record<string, unknown>> = {}): string {
  const subject = freshIdentifier().split("@")[0]!;
  issuer.users.set(subject, { email: `${subject}@example.org`, email_verified: true, name: "Ada Lovelace", ...claims });
  return subject;
}

/** Signs in at the issuer, which shows its form unless it knows the browser. */
async function signInAt({ page }: Visitor, subject: string, link = "Continue with Acme"): Promise<void> {
  await page.getByRole("link", { name: link }).click();
  await page.getByLabel("Name").fill(subject);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a new user signs up with the issuer, comes back after its keys have changed, and sees the linked account", async () => {
  const subject = known();
  const visitor = await site.visit();
  await visitor.page.goto("/sign-up");
  await examinePage(visitor.page, "providers-sign-up");
  await signInAt(visitor, subject);
  await visitor.page.waitForURL("**/account");
  expect(await visitor.page.getByText("Ada Lovelace").count()).toBeGreaterThan(0);
  await signOut(visitor);

  await issuer.rotateKeys();
  const later = await site.visit();
  await later.page.goto("/sign-in");
  await signInAt(later, subject);
  await later.page.waitForURL("**/account");
  await later.page.goto("/account/security");
  await later.page.getByRole("heading", { name: `Acme (${subject}@example.org)` }).waitFor();
  await examinePage(later.page, "providers-security");

  const unlink = async () => {
    await later.page.getByRole("link", { name: /^Unlink/ }).click();
    await examinePage(later.page, "providers-unlink");
    await later.page.getByRole("button", { name: "Unlink" }).click();
  };
  // Past the time that its sign-in counts for. The issuer knows the browser, and is asked for a new proof nevertheless.
  await site.database.run(sql`update ses set auth_time = auth_time - interval '1 hour' where revoked_at is null`);
  await unlink();
  await later.page.getByRole("heading", { name: "Confirm that it's you" }).waitFor();
  await examinePage(later.page, "providers-step-up");
  await signInAt(later, subject, "Confirm with Acme");
  await later.page.waitForURL("**/account/security");
  // It is the only way in.
  await unlink();
  await later.page.getByRole("alert").waitFor();
  expect(await later.page.getByRole("alert").innerText()).toContain("last way");
  expect([...visitor.complaints, ...later.complaints]).toEqual([]);
});

test("the owner of the address is asked to sign in, links the account, and then signs in with either", async () => {
  const visitor = await site.visit();
  const person = await signUp(visitor);
  await site.database.run(
    sql`update cred set identifier_verified_at = sallyport_now() where identifier = ${person.identifier}`,
  );
  await signOut(visitor);
  const subject = known({ email: person.identifier });
  await visitor.page.goto("/sign-in");
  await signInAt(visitor, subject);
  await visitor.page.getByRole("heading", { name: "You already have an account here" }).waitFor();
  await examinePage(visitor.page, "providers-asked");
  await visitor.page.getByRole("link", { name: "Sign in" }).click();
  await visitor.page.getByLabel("Email or user name").fill(person.identifier);
  await visitor.page.getByLabel("Password").fill(person.password);
  await visitor.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await visitor.page.getByRole("heading", { name: "Link your account at the other site" }).waitFor();
  await examinePage(visitor.page, "providers-link");
  await visitor.page.getByRole("button", { name: "Link" }).click();
  await visitor.page.getByRole("heading", { name: `Acme (${person.identifier})` }).waitFor();

  const again = await site.visit();
  await again.page.goto("/sign-in");
  await signInAt(again, subject);
  await again.page.waitForURL("**/account");
  expect(await again.page.getByText(person.identifier).count()).toBeGreaterThan(0);
  expect([...visitor.complaints, ...again.complaints]).toEqual([]);
});

test("a user who signs out at the issuer is signed out here, and another user stays", async () => {
  const [visitor, other] = [await site.visit(), await site.visit()];
  const subject = known();
  for (const [one, name] of [
    [visitor, subject],
    [other, known()],
  ] as const) {
    await one.page.goto("/sign-in");
    await signInAt(one, name);
    await one.page.waitForURL("**/account");
  }
  await visitor.page.goto(`${issuer.url}/session/end`);
  await visitor.page.getByRole("button", { name: "Sign out" }).click();
  await visitor.page.getByRole("heading", { name: "Signed out at the issuer" }).waitFor();
  expect(issuer.failures).toEqual([]);
  await visitor.page.goto("/account");
  await visitor.page.waitForURL("**/sign-in?*");
  await other.page.goto("/account");
  expect(new URL(other.page.url()).pathname).toBe("/account");

  // Where the user reads why.
  await signInAt(visitor, subject);
  await visitor.page.goto("/account/activity");
  await visitor.page.getByText("Signed out, because you signed out at another site").first().waitFor();
  expect([...visitor.complaints, ...other.complaints]).toEqual([]);
});

test("a signed-in user links another account, and unlinks it; a user who cancels reads why nothing happened", async () => {
  const visitor = await site.visit();
  const { page } = visitor;
  await signUp(visitor);
  const subject = known();
  await page.goto("/account/security");
  await page.getByRole("link", { name: "Link an account" }).click();
  await examinePage(page, "providers-choose");
  await signInAt(visitor, subject);
  await page.getByRole("heading", { name: `Acme (${subject}@example.org)` }).waitFor();
  await page.getByRole("link", { name: /^Unlink/ }).click();
  await page.getByRole("button", { name: "Unlink" }).click();
  await page.getByText("No account at another site can sign in here.").waitFor();
  expect(await page.getByRole("status").innerText()).toContain("Your linked accounts were changed.");
  await signOut(visitor);

  const other = await site.visit();
  await other.page.goto("/sign-in");
  await other.page.getByRole("link", { name: "Continue with Acme" }).click();
  await other.page.getByRole("button", { name: "Cancel" }).click();
  await other.page.getByText("You did not sign in at Acme.").waitFor();
  await examinePage(other.page, "providers-cancelled");
  expect([...visitor.complaints, ...other.complaints]).toEqual([]);
});

test.each([true, false])(
  "OC48: a user finds their organization's sign-in by their address, with JavaScript: %s",
  async (javaScriptEnabled) => {
    const visitor = await site.visit({ javaScriptEnabled });
    const { page } = visitor;
    await page.goto("/sign-in");
    if (javaScriptEnabled) await examinePage(page, "organization-sign-in");
    await page.getByRole("link", { name: "Sign in with your organization" }).click();
    await page.getByRole("heading", { name: "Sign in with your organization" }).waitFor();
    if (javaScriptEnabled) await examinePage(page, "organization");

    await page.getByLabel("Email").fill("ada@elsewhere.example");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").innerText()).toContain("No organization is set up here for this address.");
    expect(await page.getByLabel("Email").inputValue()).toBe("ada@elsewhere.example");
    if (javaScriptEnabled) await examinePage(page, "organization-refused");

    const subject = known();
    await page.getByLabel("Email").fill(`${subject}@Acme.Example`);
    await page.getByRole("button", { name: "Continue" }).click();
    // The page goes on to the issuer by itself.
    await page.getByLabel("Name").fill(subject);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/account");
    expect(visitor.complaints).toEqual([]);
  },
);
