/**
 * `npm start` with two variables of a provider, in Chromium: a person signs in through a real issuer, links it to an existing account,
 * comes back after its keys have changed, and is signed out everywhere by its back channel.
 *
 * Slow: `npm start` builds the project.
 *
 * @module
 */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshIdentifier } from "../support/auth.ts";
import { freePort } from "../support/free-port.ts";
import { openProvider, type RealIssuer } from "../support/oidc-provider.ts";
import { launchChromium, signOut, signUp, type Visitor, visit } from "../support/site.ts";
import { copyProject, type ProjectCopy } from "../support/started-project.ts";

let project: ProjectCopy;
let issuer: RealIssuer;
let browser: Browser;
let origin: string;
beforeAll(async () => {
  project = await copyProject();
  const port = await freePort();
  origin = `http://localhost:${port}`;
  issuer = await openProvider([
    {
      client_id: "sallyport",
      token_endpoint_auth_method: "none",
      redirect_uris: [`${origin}/auth/oidc/acme/callback`],
      backchannel_logout_uri: `${origin}/auth/oidc/acme/logout`,
    },
  ]);
  const variables = { OIDC_ACME_ISSUER: issuer.url, OIDC_ACME_CLIENT_ID: "sallyport" };
  await project.start(port, ["--memory"], variables);
  browser = await launchChromium();
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await project?.kill();
  await project?.remove();
  await issuer?.close();
});

/** Signs in at the issuer, whose form asks for the name alone. */
async function signInAt({ page }: Visitor, subject: string): Promise<void> {
  await page.getByRole("link", { name: "Continue with Acme" }).click();
  await page.getByLabel("Name").fill(subject);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** A browser that is signed in through the issuer. */
async function signedIn(subject: string): Promise<Visitor> {
  const visitor = await visit(browser, origin);
  await visitor.page.goto("/sign-in");
  await signInAt(visitor, subject);
  await visitor.page.waitForURL("**/account");
  return visitor;
}

test("two lines of configuration: signed in, linked, signed in after a rotation, signed out everywhere", async () => {
  const subject = freshIdentifier().split("@")[0]!;
  issuer.users.set(subject, { email: `${subject}@example.org`, email_verified: true, name: "Ada Lovelace" });

  // An account that exists already.
  const first = await visit(browser, origin);
  const { identifier } = await signUp(first);
  await first.page.goto("/account/security");
  await first.page.getByRole("link", { name: "Link an account" }).click();
  await signInAt(first, subject);
  await first.page.getByRole("heading", { name: `Acme (${subject}@example.org)` }).waitFor();
  await signOut(first);

  const second = await signedIn(subject);
  expect(await second.page.getByText(identifier).count()).toBeGreaterThan(0);
  await issuer.rotateKeys();
  const third = await signedIn(subject);
  expect(await third.page.getByText(identifier).count()).toBeGreaterThan(0);

  // Someone else at the same issuer, whose account this sign-in makes.
  const other = freshIdentifier().split("@")[0]!;
  issuer.users.set(other, { email: `${other}@example.org`, email_verified: true, name: "Grace Hopper" });
  const stays = await signedIn(other);
  expect(await stays.page.getByText("Grace Hopper").count()).toBeGreaterThan(0);

  await third.page.goto(`${issuer.url}/session/end`);
  await third.page.getByRole("button", { name: "Sign out" }).click();
  await third.page.getByRole("heading", { name: "Signed out at the issuer" }).waitFor();
  expect(issuer.failures).toEqual([]);
  for (const visitor of [second, third]) {
    await visitor.page.goto("/account");
    await visitor.page.waitForURL("**/sign-in?*");
  }
  await stays.page.goto("/account");
  expect(new URL(stays.page.url()).pathname).toBe("/account");
  expect([first, second, third, stays].flatMap(({ complaints }) => complaints)).toEqual([]);
});
