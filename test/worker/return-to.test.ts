/** The binding `RETURN_TO`: other places that a sign-in on the finished server leads back to. @module */
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshIdentifier, goodPassword } from "../support/auth.ts";
import { openWorker, type StartedWorker } from "../support/started-worker.ts";

const places = ["https://app.example.com/welcome", "https://shop.example.com/in?from=auth", "/own/page"];

let worker: StartedWorker;
beforeAll(async () => {
  worker = await openWorker({ variables: { RETURN_TO: `  ${places[0]} \n\t ${places[1]}  ${places[2]} ` } });
});
afterAll(() => worker?.close());

/** Where a browser is led that signs in on the page with `next`. */
async function ledTo(next: string): Promise<string | null> {
  const credential = { identifier: freshIdentifier(), password: goodPassword };
  const signedUp = await fetch(`${worker.baseUrl}/auth/sign-up`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: worker.baseUrl },
    body: JSON.stringify(credential),
  });
  expect(signedUp.status).toBe(201);
  const page = await (await fetch(`${worker.baseUrl}/sign-in?next=${encodeURIComponent(next)}`)).text();
  const [, kept = ""] = /name="next" value="([^"]*)"/.exec(page) ?? [];
  const response = await fetch(`${worker.baseUrl}/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: worker.baseUrl },
    body: new URLSearchParams({ ...credential, next: kept.replaceAll("&amp;", "&") }),
  });
  expect(response.status).toBe(303);
  return response.headers.get("location");
}

test.each(places)("%s is in the list: the sign-in leads there", async (place) => {
  expect(await ledTo(place)).toBe(place);
});

test.each([
  "https://app.example.com/",
  "https://app.example.com/welcome/2",
  "https://app.example.com.evil.example/welcome",
  `${places[0]} ${places[1]}`,
  "/own",
])("%s is not: the sign-in leads to the account", async (place) => {
  expect(await ledTo(place)).toBe("/account");
});

test("the pages' forms may lead to the listed sites and to no other", async () => {
  const { headers } = await fetch(`${worker.baseUrl}/sign-in`);
  const targets = /form-action ([^;]*);/.exec(headers.get("content-security-policy")!)![1]!;
  expect(targets).toBe("'self' https://app.example.com https://shop.example.com");
});

test("a place that is neither a path nor a URL: the server does not start, and names the variable", async () => {
  const wrong = await openWorker({ variables: { RETURN_TO: "/in app.example.com" } });
  try {
    const response = await fetch(`${wrong.baseUrl}/health`);
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('"RETURN_TO"')]);
  } finally {
    await wrong.close();
  }
});
