/**
 * Signing in with another site, in Chromium, at the real issuer `oidc-provider` on loopback and with the finished server: as a new user
 * meets it, and by axe-core's rules.
 *
 * Slow: axe-core reads every page in every presentation.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { english } from "../../src/pages/index.tsx";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier } from "../support/auth.ts";
import { examinePage } from "../support/examine-page.ts";
import { freePort } from "../support/free-port.ts";
import type { Spoils } from "../support/issuer.ts";
import { type IssuerServer, openIssuerServer } from "../support/issuer-server.ts";
import { openProvider, type RealIssuer } from "../support/oidc-provider.ts";
import { openSite, type Site, signOut, signUp, type Visitor } from "../support/site.ts";
import { createKey } from "../support/tokens/signer.ts";

let site: Site;
let issuer: RealIssuer;
let hostile: IssuerServer;
beforeAll(async () => {
  const port = await freePort();
  hostile = await openIssuerServer();
  site = await openSite({
    variables: {
      OIDC_ACME_ISSUER: `http://127.0.0.1:${port}`,
      OIDC_ACME_CLIENT_ID: "sallyport",
      OIDC_ACME_CLIENT_SECRET: "a secret of 32 characters or more",
      OIDC_ACME_LABEL: "Acme",
      OIDC_ACME_DOMAINS: "example.org, acme.example",
      // The same issuer, which does not say to this client which session has ended.
      OIDC_BRANCH_ISSUER: `http://127.0.0.1:${port}`,
      OIDC_BRANCH_CLIENT_ID: "branch",
      OIDC_BRANCH_CLIENT_SECRET: "another secret of 32 characters or more",
      OIDC_BRANCH_LABEL: "Branch",
      OIDC_HOSTILE_ISSUER: hostile.issuer.url,
      OIDC_HOSTILE_CLIENT_ID: hostile.issuer.clientId,
      OIDC_HOSTILE_CLIENT_SECRET: hostile.issuer.clientSecret,
      OIDC_HOSTILE_LABEL: "Hostile",
      OIDC_GOOGLE_KIND: "google",
      OIDC_GOOGLE_CLIENT_ID: "sallyport",
      OIDC_GOOGLE_CLIENT_SECRET: "a secret of 32 characters or more",
      OIDC_GOOGLE_MARK: "/marks/google.svg",
      OIDC_GITHUB_KIND: "github",
      OIDC_GITHUB_CLIENT_ID: "sallyport",
      OIDC_GITHUB_CLIENT_SECRET: "a secret of 32 characters or more",
      OIDC_GITHUB_MARK: "/marks/github.svg",
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
      {
        client_id: "branch",
        client_secret: "another secret of 32 characters or more",
        redirect_uris: [`${site.baseUrl}/auth/oidc/branch/callback`],
        backchannel_logout_uri: `${site.baseUrl}/auth/oidc/branch/logout`,
      },
    ],
    port,
  );
});
afterAll(async () => {
  await site?.close();
  await issuer?.close();
  await hostile?.close();
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
  // S79: the act that asked for the proof goes on.
  await later.page.waitForURL("**/account/step-up/continue");
  await examinePage(later.page, "providers-step-up-continue");
  await later.page.getByRole("button", { name: "Continue" }).click();
  // It is the only way in.
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

test.each([
  { way: "its button", javaScriptEnabled: true, domain: undefined },
  { way: "its button", javaScriptEnabled: false, domain: undefined },
  { way: "their address", javaScriptEnabled: false, domain: "acme.example" },
])(
  "LX11: without “Keep me signed in”, a sign-in by $way ends with the browser, with JavaScript: $javaScriptEnabled",
  async ({ javaScriptEnabled, domain }) => {
    const visitor = await site.visit({ javaScriptEnabled });
    const { page } = visitor;
    await page.goto("/sign-in");
    const start = page.getByRole("link", { name: "Continue with Acme" });
    const box = page.getByLabel("Keep me signed in");
    const seen = [];
    for (const choose of ["uncheck", "check", "uncheck"] as const) {
      await box[choose]();
      seen.push([await start.count(), (await start.getAttribute("href"))?.includes("remember=false")]);
    }
    expect(seen).toEqual([
      [1, true],
      [1, false],
      [1, true],
    ]);
    const subject = known();
    if (domain === undefined) await start.click();
    else {
      await page.getByRole("link", { name: "Sign in with your organization" }).click();
      await page.getByLabel("Email").fill("ada@elsewhere.example");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByRole("alert").waitFor();
      await page.getByLabel("Email").fill(`${subject}@${domain}`);
      await page.getByRole("button", { name: "Continue" }).click();
    }
    await page.getByLabel("Name").fill(subject);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/account");
    const session = (await page.context().cookies()).find(({ name }) => name === "__Host-session");
    expect(session?.expires).toBe(-1);
    expect(visitor.complaints).toEqual([]);
  },
);

test.each([
  { case: "the issuer names its session: that browser alone is signed out", label: "Acme", isOtherOut: false },
  { case: "the issuer names the user alone: both are signed out", label: "Branch", isOtherOut: true },
])("one user in two browsers signs out at the issuer in one: $case", async ({ label, isOtherOut }) => {
  const [visitor, other] = [await site.visit(), await site.visit()];
  const subject = known();
  for (const one of [visitor, other]) {
    await one.page.goto("/sign-in");
    await signInAt(one, subject, `Continue with ${label}`);
    await one.page.waitForURL("**/account");
  }
  await visitor.page.goto(`${issuer.url}/session/end`);
  await visitor.page.getByRole("button", { name: "Sign out" }).click();
  await visitor.page.getByRole("heading", { name: "Signed out at the issuer" }).waitFor();
  expect(issuer.failures).toEqual([]);
  for (const [one, isOut] of [
    [visitor, true],
    [other, isOtherOut],
  ] as const) {
    await one.page.goto("/account");
    await one.page.waitForURL(isOut ? "**/sign-in?*" : "**/account");
    if (isOut) expect(await one.page.getByRole("link", { name: `Continue with ${label}` }).count()).toBe(1);
  }
  expect([...visitor.complaints, ...other.complaints]).toEqual([]);
});

/** Another issuer's tokens and answers, or another sign-in's. */
const lies: Readonly<Record<string, () => Promise<Spoils>>> = {
  "a wrong signature": async () => {
    const attacker = await createKey("ES256", "k1");
    return { signer: () => attacker };
  },
  "a wrong nonce": async () => ({ claims: (claims) => ({ ...claims, nonce: "A".repeat(43) }) }),
  "a wrong iss in the ID token": async () => ({ claims: (claims) => ({ ...claims, iss: issuer.url }) }),
  "a wrong iss in the answer": async () => ({ callback: (url) => url.searchParams.set("iss", issuer.url) }),
};

test.each(Object.entries(lies))(
  "attack: an issuer with %s: the page says that it did not work, and no one is signed in",
  async (name, lie) => {
    const visitor = await site.visit();
    const { page } = visitor;
    hostile.user = { sub: freshIdentifier().split("@")[0]! };
    hostile.issuer.spoils = await lie();
    const begin = async () => {
      await page.goto("/sign-in");
      await page.getByRole("link", { name: "Continue with Hostile" }).click();
    };
    await begin();
    await page.waitForURL("**/sign-in?*");
    expect(await page.getByRole("status").first().innerText()).toContain(english.texts["error.unauthorized.provider"]);
    // A reason would help an attacker, and is not in the address either.
    expect(new URL(page.url()).searchParams.get("refusal")).toBe("unauthorized.provider");
    if (name === "a wrong signature") await examinePage(page, "providers-hostile");
    expect((await visitor.context.cookies()).map((cookie) => cookie.name)).not.toContain("__Host-session");
    await page.goto("/account");
    await page.waitForURL("**/sign-in?*");
    const users = sql<{ id: string }>`select id from cred where oidc_subject = ${hostile.user.sub}`;
    expect(await site.database.run(users)).toEqual([]);

    // The same issuer and user without the lie: it was the lie that was refused.
    hostile.issuer.spoils = {};
    await begin();
    await page.waitForURL("**/account");
    expect(await site.database.run(users)).toHaveLength(1);
    expect(visitor.complaints).toEqual([]);
  },
);

/** Shapes in place of the logos, in several colors and in one. */
const marks = {
  google:
    '<path fill="#4285f4" d="M0 0h12v12H0z"/><path fill="#34a853" d="M12 12h12v12H12z"/><path fill="#ea4335" d="M12 0h12v12H12z"/>',
  github: '<circle cx="12" cy="12" r="12"/>',
};

test("a provider's mark: on a white button in light and dark, and the link's name is its text", async () => {
  const visitor = await site.visit();
  for (const [name, shape] of Object.entries(marks)) {
    const body = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24">${shape}</svg>`;
    await visitor.context.route(`**/marks/${name}.svg`, (route) =>
      route.fulfill({ contentType: "image/svg+xml", body }),
    );
  }
  const { page } = visitor;
  await page.goto("/sign-in");
  for (const label of ["Google", "GitHub"]) {
    const link = page.getByRole("link", { name: `Continue with ${label}`, exact: true });
    const mark = link.locator("img");
    const [button, image] = [(await link.boundingBox())!, (await mark.boundingBox())!];
    expect([image.width, image.height]).toEqual([20, 20]);
    const isInside = image.y > button.y && image.y + image.height < button.y + button.height && image.x > button.x;
    expect(isInside).toBe(true);
  }
  // As text, because it runs in the browser.
  const grounds = `[...document.querySelectorAll(".kept .marked")].map((link) => getComputedStyle(link).backgroundColor)`;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await page.evaluate(grounds)).toEqual(Array(2).fill("rgb(255, 255, 255)"));
  }
  await examinePage(page, "providers-marks");
  expect(visitor.complaints).toEqual([]);
});
