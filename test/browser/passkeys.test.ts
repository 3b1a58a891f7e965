/** Passkeys on the pages, in Chromium with a virtual authenticator. @module */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AssertionOptions } from "../../src/operations/passkeys.ts";
import type { RegistrationOptions } from "../../src/operations/registration.ts";
import { sql } from "../../src/store/sql.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import {
  addApp,
  addAuthenticator,
  addPasskey,
  openSite,
  type Person,
  type Site,
  signOut,
  signUp,
  typePassword,
  type VirtualAuthenticator,
  type Visitor,
} from "../support/site.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site?.close());

/** A browser with a passkey, whose user has signed out. */
async function withPasskey(options?: { synced: boolean }): Promise<{
  visitor: Visitor;
  authenticator: VirtualAuthenticator;
  person: Person;
}> {
  const visitor = await site.visit();
  const authenticator = await addAuthenticator(visitor, options);
  const person = await signUp(visitor);
  await addPasskey(visitor, "Laptop");
  return { visitor, authenticator, person };
}

/** Signs in from the page, at first with another origin in the client data. Kept as text, because it runs in the browser. */
const tampering = `(async () => {
  const post = (path, value) =>
    fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value) });
  const send = async (change) => {
    const options = await (await post("/sign-in/passkey/options", {})).json();
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    const json = (await navigator.credentials.get({ publicKey })).toJSON();
    const text = change(atob(json.response.clientDataJSON.replaceAll("-", "+").replaceAll("_", "/")));
    json.response.clientDataJSON = btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    return (await post("/sign-in/passkey", { response: json })).status;
  };
  const foreign = await send((text) => text.replace(location.origin, "https://evil.example"));
  return [foreign, await send((text) => text)];
})()`;

const passkeyButton = ({ page }: Visitor) => page.getByRole("button", { name: "Sign in with a passkey" });

test("a browser without passkeys: the page says so, and the password works", async () => {
  const visitor = await site.visit();
  await visitor.context.addInitScript({ content: "delete window.PublicKeyCredential" });
  const person = await signUp(visitor);
  await signOut(visitor);
  await visitor.page.getByText("This browser does not support passkeys.").waitFor();
  expect(await passkeyButton(visitor).isVisible()).toBe(false);
  await typePassword(visitor, person);
  await visitor.page.waitForURL("**/account");
  expect(visitor.complaints).toEqual([]);
  await visitor.context.close();
});

/** A user with a passkey proves it again before changes of the account (S04). */
async function proveByPasskey({ page }: Visitor): Promise<void> {
  await page.waitForURL("**/account/step-up?**");
  await page.getByRole("button", { name: "Use a passkey or security key" }).click();
  await page.waitForURL("**/account/authenticator");
}

describe("passkey in the browser", () => {
  test.each([false, true])("synced %s: registered, listed, used to sign in", async (synced) => {
    const { visitor, authenticator, person } = await withPasskey({ synced });
    const { page } = visitor;
    const row = page.getByRole("listitem").filter({ hasText: "Laptop" });
    await row.getByText(synced ? "Synced across your devices" : "Stored on one device").waitFor();
    await signOut(visitor);

    await passkeyButton(visitor).click();
    await page.waitForURL("**/account");
    await page.getByText(person.identifier).first().waitFor();
    const { credentials } = await authenticator.session.send("WebAuthn.getCredentials", {
      authenticatorId: authenticator.authenticatorId,
    });
    expect(credentials.map(({ isResidentCredential, backupState }) => [isResidentCredential, backupState])).toEqual([
      [true, synced],
    ]);
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("chosen from the browser's autofill", async () => {
    const visitor = await site.visit({ autofill: true });
    const { page } = visitor;
    await addAuthenticator(visitor);
    const person = await signUp(visitor);
    await addPasskey(visitor);
    const chosen = page.waitForResponse("**/sign-in/passkey");
    await page.getByRole("button", { name: "Sign out" }).click();
    expect((await chosen).status()).toBe(200);
    await page.waitForURL("**/account");
    await page.getByText(person.identifier).first().waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("a passkey is renamed and removed", async () => {
    const { visitor } = await withPasskey();
    const { page } = visitor;
    await page.getByRole("link", { name: "Rename Laptop" }).click();
    await page.getByLabel("Passkey name").fill("<b>Desk</b>");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "<b>Desk</b>" }).waitFor();
    // S79: the registration was a proof, so the removal needs no step-up.
    await page.getByRole("link", { name: "Remove <b>Desk</b>" }).click();
    await page.getByRole("button", { name: "Remove passkey" }).click();
    await page.getByText("No passkeys yet.").waitFor();
    await signOut(visitor);
    await passkeyButton(visitor).click();
    await page.getByText("This passkey did not sign you in.").waitFor();
    await visitor.context.close();
  });

  test("R040: a passkey is the second factor after the password", async () => {
    const { visitor, person } = await withPasskey();
    const { page } = visitor;
    await page.goto("/account/step-up?next=%2Faccount%2Fauthenticator");
    await proveByPasskey(visitor);
    await addApp(visitor);
    await signOut(visitor);
    await typePassword(visitor, person);
    await page.waitForURL("**/sign-in/second-factor?**");
    await page.getByRole("button", { name: "Use a passkey or security key" }).click();
    await page.waitForURL("**/account");
    await visitor.context.close();
  });

  test("S14: step-up with a passkey leads back to the same page", async () => {
    const { visitor, person } = await withPasskey();
    const { page } = visitor;
    await site.database.run(sql`
      update ses set auth_time = sallyport_now() - interval '1 hour', created_at = sallyport_now() - interval '2 hours'
      where usr_id = (select usr_id from cred where identifier = ${person.identifier})`);
    await page.goto("/account/passkeys/new");
    await page.getByLabel("Passkey name").fill("Second");
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByText("After that, add your passkey.").waitFor();
    await page.getByRole("button", { name: "Use a passkey or security key" }).click();
    await page.getByRole("button", { name: "Add a passkey" }).waitFor();
    expect(await page.getByLabel("Passkey name").inputValue()).toBe("Second");
    await visitor.context.close();
  });
});

/**
 * A browser with a synchronized passkey, whose counter stays at 0: Chromium's own authenticator always counts. The page's
 * script and everything behind it are real.
 */
async function withUncountedPasskey(): Promise<{ visitor: Visitor }> {
  const visitor = await site.visit();
  const authenticator = await newAuthenticator({ counts: false, backup: true });
  const origin = site.baseUrl;
  await visitor.context.exposeFunction("makeKey", (options: RegistrationOptions) =>
    authenticator.create(options, { origin }),
  );
  await visitor.context.exposeFunction("useKey", (options: AssertionOptions) => authenticator.get(options, { origin }));
  await visitor.context.addInitScript({
    content: `
      const text = (buffer) =>
        btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
      const bytes = (json) =>
        Uint8Array.from(atob(json.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0)).buffer;
      const answering = (answer) => async ({ publicKey: { challenge, user, rp, rpId } }) => {
        const asked = { challenge: text(challenge), rp, rpId, user: user && { ...user, id: text(user.id) } };
        const { rawId, response: { transports, ...members } } = await answer(asked);
        const response = Object.fromEntries(Object.entries(members).map(([name, json]) => [name, bytes(json)]));
        return { rawId: bytes(rawId), response: { ...response, getTransports: () => transports } };
      };
      navigator.credentials.create = answering(makeKey);
      navigator.credentials.get = answering(useKey);`,
  });
  await signUp(visitor);
  await addPasskey(visitor, "Phone");
  return { visitor };
}

describe("S75: a password manager", () => {
  /** As managers that replace the browser's functions have done: those of the credential throw, and newer ones are missing. */
  const careless = `
    delete PublicKeyCredential.parseCreationOptionsFromJSON;
    delete PublicKeyCredential.parseRequestOptionsFromJSON;
    const illegal = () => { throw new TypeError("Illegal invocation"); };
    PublicKeyCredential.prototype.toJSON = illegal;
    AuthenticatorAttestationResponse.prototype.getTransports = illegal;`;

  test("whose functions throw: the passkey is saved and signs in", async () => {
    const visitor = await site.visit();
    await visitor.context.addInitScript({ content: careless });
    await addAuthenticator(visitor);
    const person = await signUp(visitor);
    await addPasskey(visitor, "Manager");
    await signOut(visitor);
    await passkeyButton(visitor).click();
    await visitor.page.waitForURL("**/account");
    await visitor.page.getByText(person.identifier).first().waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  const finish = "**/account/passkeys";
  const created = async ({ session, authenticatorId }: VirtualAuthenticator) =>
    (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials.map(
      ({ credentialId }) => credentialId,
    );

  test("has a passkey that could not be saved: the page says so, and saves the same one at the next try", async () => {
    const visitor = await site.visit();
    const { page } = visitor;
    const authenticator = await addAuthenticator(visitor);
    await signUp(visitor);
    await page.goto("/account/passkeys/new");
    await page.route(finish, (route) => route.abort());
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByText("Your passkey was created, but could not be saved here.").waitFor();
    const made = await created(authenticator);
    await page.unroute(finish);
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.waitForURL("**/account/security?done=passkeys");
    // An authenticator replaces the passkey that it has for a user, so the number alone would show nothing.
    expect([made.length, await created(authenticator)]).toEqual([1, made]);
    await visitor.context.close();
  });

  test.each([
    { case: "refused", json: { message: "Canary." } },
    { case: "refused by leading to another page", json: { message: "Canary.", location: "/account/step-up" } },
  ])("has a passkey that was $case: the page says to remove it", async ({ json }) => {
    const visitor = await site.visit();
    const { page } = visitor;
    await addAuthenticator(visitor);
    await signUp(visitor);
    await page.goto("/account/passkeys/new");
    await page.route(finish, (route) => route.fulfill({ status: 401, json }));
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByText("Canary. Your device has a passkey that was not saved here: remove it there.").waitFor();
    expect(new URL(page.url()).pathname).toBe("/account/passkeys/new");
    await visitor.context.close();
  });
});

describe("assertion in the browser", () => {
  test.each([
    ["of an authenticator that counts", withPasskey],
    ["synced, whose counter stays at 0", withUncountedPasskey],
  ])("R039, %s: replayed by an eavesdropper: refused", async (_name, open) => {
    const { visitor } = await open();
    const { page } = visitor;
    await signOut(visitor);
    const sent = page.waitForRequest((request) => request.url().endsWith("/sign-in/passkey"));
    await passkeyButton(visitor).click();
    const captured = (await sent).postData()!;
    await page.waitForURL("**/account");
    await signOut(visitor);

    const replayed = await page.evaluate(async (body) => {
      const headers = { "content-type": "application/json" };
      const response = await fetch("/sign-in/passkey", { method: "POST", headers, body });
      return response.status;
    }, captured);
    expect(replayed).toBe(401);
    await page.goto("/account");
    await page.waitForURL("**/sign-in?next=%2Faccount&why=*");

    // The refusal does not change the passkey itself.
    await passkeyButton(visitor).click();
    await page.waitForURL("**/account");
    await visitor.context.close();
  });

  test("WebAuthn §7.2 step 12: requested by another origin: refused", async () => {
    const { visitor } = await withPasskey();
    const { page } = visitor;
    await signOut(visitor);
    const statuses = await page.evaluate(tampering);
    expect(statuses).toEqual([401, 200]);
    await visitor.context.close();
  });
});
