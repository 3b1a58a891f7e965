/** The binding `RECOVERY`: administrators of the finished server name a new address for a user. @module */
import { afterAll, beforeAll, expect, test } from "vitest";
import { administratorRelation, systemObjectId, systemObjectType } from "../../src/domain/administrator.ts";
import { generateId, uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, goodPassword } from "../support/auth.ts";
import { openWorker, type StartedWorker } from "../support/started-worker.ts";

let worker: StartedWorker;
let without: StartedWorker;
beforeAll(async () => {
  worker = await openWorker({ variables: { RECOVERY: "on", MAILBOX: "shown" } });
  without = await openWorker({ variables: { MAILBOX: "shown" } });
});
afterAll(async () => {
  await worker?.close();
  await without?.close();
});

async function post(of: StartedWorker, path: string, json: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(of.baseUrl + path, {
    method: "POST",
    headers: { "content-type": "application/json", origin: of.baseUrl, ...headers },
    body: typeof json === "string" ? json : JSON.stringify(json),
  });
  const text = await response.text();
  return { status: response.status, text, json: text ? JSON.parse(text) : undefined };
}

async function person(of: StartedWorker) {
  const identifier = freshIdentifier();
  const { json } = await post(of, "/auth/sign-up", { identifier, password: goodPassword, transport: "token" });
  return { identifier, token: json.token as string, userId: json.user.id as string };
}

/** A user with the right to administer, in a session with a second factor proved now. */
async function administrator(of: StartedWorker) {
  const made = await person(of);
  const usr = uuidFor("usr", made.userId);
  await of.database.run(sql`
    insert into tup (id, subject_type, subject_id, relation, object_type, object_id)
    values (${uuidFor("tup", generateId("tup"))}::uuid, 'usr', ${usr}::uuid, ${administratorRelation}::text,
      ${systemObjectType}::text, ${systemObjectId}::uuid)`);
  await of.database.run(sql`
    update ses set amr = array['pwd', 'mfa'], mfa_verified_at = greatest(sallyport_now(), created_at)
    where usr_id = ${usr}::uuid`);
  return made;
}

const ask = (of: StartedWorker, json: unknown, token?: string, headers: Record<string, string> = {}) =>
  post(of, "/api/recovery", json, { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers });

test("an administrator starts a recovery, and the old address can stop it at once", async () => {
  const [user, by] = [await person(worker), await administrator(worker)];
  const identifier = freshIdentifier();
  expect(await ask(worker, { user_id: user.userId, identifier }, by.token)).toMatchObject({ status: 204, text: "" });
  const mailbox = async () => await (await fetch(`${worker.baseUrl}/mailbox`)).text();
  await expect.poll(mailbox, { timeout: 20_000 }).toContain(`${worker.baseUrl}/recover/stop?token=`);
  // The link to the new address waits for its delay.
  expect(await mailbox()).not.toContain(identifier);
});

test("every other request: refused, and nothing is started", async () => {
  const [user, by] = [await person(worker), await administrator(worker)];
  const asked = { user_id: user.userId, identifier: freshIdentifier() };
  expect(await ask(worker, asked)).toMatchObject({ status: 401 });
  expect(await ask(worker, asked, (await person(worker)).token)).toMatchObject({ status: 404 });
  expect(await ask(worker, { ...asked, user_id: by.userId }, by.token)).toMatchObject({ status: 403 });
  const cookie = { cookie: `__Host-session=${by.token}`, origin: "https://evil.example" };
  expect((await ask(worker, asked, undefined, cookie)).status).toBeGreaterThanOrEqual(401);
  for (const malformed of ["{", "null", "[]", "{}", { ...asked, identifier: 1 }, { user_id: user.userId }]) {
    expect(await ask(worker, malformed, by.token)).toMatchObject({ json: { code: "invalid_format.body" } });
  }
  expect(await ask(worker, { ...asked, identifier: "ada" }, by.token)).toMatchObject({
    json: { code: "invalid_format.identifier" },
  });
  expect(await ask(worker, `"${"x".repeat(70_000)}"`, by.token)).toMatchObject({ status: 413 });
  const [row] = await worker.database.run(sql<{ count: number }>`
    select count(*)::int as count from verification_token
    where purpose = 'recover_account' and usr_id = ${uuidFor("usr", user.userId)}::uuid`);
  expect(row!.count).toBe(0);
});

test("without RECOVERY, the route does not exist, for administrators too", async () => {
  const [user, by] = [await person(without), await administrator(without)];
  const asked = { user_id: user.userId, identifier: freshIdentifier() };
  expect(await ask(without, asked, by.token)).toMatchObject({ status: 404, json: { code: "not_found" } });
  expect(await ask(without, asked)).toMatchObject({ status: 404 });
});

test("another value than on or off: the server does not start, and names the variable", async () => {
  const wrong = await openWorker({ variables: { RECOVERY: "yes" } });
  try {
    const response = await fetch(`${wrong.baseUrl}/health`);
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('"RECOVERY"')]);
  } finally {
    await wrong.close();
  }
});
