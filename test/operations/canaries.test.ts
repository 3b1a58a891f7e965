/**
 * No secret in any log, error, table or audit event (R129, T22). The test runs the whole life of an account, remembers every
 * secret in it, and then searches for each of them in everything that was left behind.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toBase32 } from "../../src/crypto/base32.ts";
import { toHex, utf8 } from "../../src/crypto/bytes.ts";
import { AuthError } from "../../src/domain/error.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, openAuth, otherPassword, system, type World } from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { addApp, appOf, personAt, ticketFor } from "../support/factors.ts";
import { withoutChance } from "../support/searched-text.ts";

let world: World;
/** The secrets, by what they are. */
const canaries = new Map<string, string>();
/** The refusals, in every form in which an application may print them. */
const errors: string[] = [];
const logged: string[] = [];
const consoles = ["log", "info", "warn", "error", "debug"] as const;
const originals = consoles.map((name) => console[name]);

function remember<Text extends string>(name: string, secret: Text): Text {
  canaries.set(name, secret);
  return secret;
}

/** Runs an operation that must be refused, and keeps the refusal. */
async function refused(act: Promise<unknown>): Promise<void> {
  const error: unknown = await act.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof AuthError)) throw new Error("It was not refused.", { cause: error });
  errors.push(JSON.stringify([error.message, error.details ?? null, error.code]), String(error), error.stack ?? "");
}

beforeAll(async () => {
  for (const name of consoles) console[name] = (...args: unknown[]) => void logged.push(args.map(String).join(" "));
  world = await openAuth("postgres", { auth: { onError: (error) => errors.push(String(error)) } });
  const { auth } = world;
  const password = remember("password", "canary-password-vmqkzhrwxj");
  const wrong = remember("a wrong password", "canary-wrong-nzqkzhrwxj");
  const typo = remember("a password typed as identifier", "canary-typed-in-the-wrong-field");

  let person = await world.person({ password });
  remember("a session token", person.token);
  remember("a known device", person.knownDevice);
  await refused(auth.signIn.password({ ...person, password: wrong }));
  await refused(auth.signIn.password({ identifier: typo, password: wrong }));

  // An authenticator app, and codes that are wrong.
  const enrolled = await auth.factors.enrollTotp({ actor: person.actor, label: "phone" });
  const pending = appOf(world, enrolled);
  remember("the secret of an app that waits", enrolled.secretBase32);
  const confirm = (code: string) =>
    auth.factors.confirmTotp({ actor: person.actor, transport: "token", factorId: pending.factorId, code });
  await refused(confirm(remember("a wrong first code", "914725")));
  const made = await addApp(world, person);
  person = made.person;
  remember("the secret of an app", toBase32(made.app.secret));
  remember("the same in hex", toHex(made.app.secret));
  remember("a session token of a confirmation", person.token);
  const { codes } = await auth.factors.replaceRecoveryCodes(person);
  for (const [index, code] of codes.entries()) remember(`recovery code ${index}`, code);

  const ticket = remember("a login ticket", await ticketFor(world, person));
  const second = (type: "totp" | "recovery", code: string) => auth.signIn.factor({ ticket, proof: { type, code } });
  await refused(second("totp", remember("a wrong code", "591372")));
  await refused(second("recovery", remember("a wrong recovery code", "ABCD-EFGH-JKMN")));
  const signedIn = await second("recovery", codes[0]!);
  remember("a session token of a sign-in", signedIn.token);
  person = await personAt(world, person, signedIn);
  const code = await made.app.code();
  const stepped = await auth.stepUp({ actor: person.actor, transport: "token", proof: { type: "totp", code } });
  person = await personAt(world, person, stepped);
  remember("a code that was used", code);
  const again = remember("another ticket", await ticketFor(world, person));
  await refused(auth.signIn.factor({ ticket: again, proof: { type: "totp", code } }));

  // A passkey, and a damaged one.
  const authenticator = await newAuthenticator();
  const options = await auth.passkeys.registrationOptions(person);
  remember("a challenge", options.challenge);
  const response = await authenticator.create(options);
  await refused(
    auth.passkeys.register({ actor: person.actor, response: { ...(response as object), id: "x" }, transport: "token" }),
  );
  person = await personAt(
    world,
    person,
    await auth.passkeys.register({ actor: person.actor, response, transport: "token" }),
  );
  remember("a session token of a registration", person.token);
  const request = await auth.signIn.passkeyOptions();
  remember("another challenge", request.challenge);
  await refused(auth.signIn.passkey({ response: await authenticator.get(request, { flags: 1 }) }));
  const byKey = await auth.signIn.passkey({ response: await authenticator.get(await auth.signIn.passkeyOptions()) });
  remember("a session token of a passkey", byKey.token);

  // Tokens, a refresh, a change of password, an end.
  const { token } = await auth.personalAccessTokens.create({
    actor: person.actor,
    userId: person.userId,
    name: "ci",
    scope: [],
  });
  remember("a personal access token", token);
  remember("its secret", token.slice(37));
  await auth.personalAccessTokens.verify({ token, context: { address: freshAddress() } });
  await refused(auth.personalAccessTokens.verify({ token: `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}` }));
  const refreshed = await auth.sessions.refresh(person);
  remember("a refreshed token", refreshed.token);
  await refused(auth.sessions.verify(person));
  await auth.credentials.rotatePassword({ actor: system, credentialId: person.credentialId, password: otherPassword });
  remember("another password", otherPassword);
  await auth.users.revoke({ actor: system, userId: person.userId });
});
afterAll(async () => {
  for (const [index, name] of consoles.entries()) console[name] = originals[index]!;
  await world.close();
});

/** Every row of every table as text; bytes are in hex. */
async function everything(): Promise<{ table: string; text: string }[]> {
  const tables = await world.rows<{ name: string }>(sql`
    select tablename::text as name from pg_tables where schemaname = 'public' order by 1`);
  return await Promise.all(
    tables.map(async ({ name }) => {
      const statement = {
        text: `select coalesce(string_agg(t::text, e'\\n'), '') as text from "${name}" t`,
        params: [],
      };
      return { table: name, text: (await world.database.run<{ text: string }>(statement))[0]!.text };
    }),
  );
}

test("canaries: there are secrets to search for and tables to search", async () => {
  expect(canaries.size).toBeGreaterThan(25);
  expect(errors.length).toBeGreaterThan(20);
  const tables = await everything();
  expect(tables.length).toBeGreaterThan(12);
  expect(tables.find(({ table }) => table === "aud")!.text.split("\n").length).toBeGreaterThan(15);
});

test("canaries: a code is found in an event, and not in a time, an id or a digest", async () => {
  const [code, ...texts] = ["914725", "2026-12-02 10:40:11.914725+00", `ses_0190${"914725".repeat(5)}ab`];
  const digest = toHex(utf8("a digest of thirty-two bytes, 914"));
  expect(withoutChance([...texts, `\\x${digest}`].join(" "))).not.toContain(code);
  expect(withoutChance(`(${texts.join(",")},"{""code"": ""${code}""}")`)).toContain(code);
});

test("canaries: the search finds an identifier in the credentials table only", async () => {
  const { identifier } = await world.person();
  const found = (await everything()).filter(({ text }) => text.includes(identifier));
  expect(found.map(({ table }) => table)).toEqual(["cred"]);
});

describe("R129, T22: secrets in tables, as text or in hex", () => {
  test("no row of any table contains a secret", async () => {
    for (const { table, text } of await everything()) {
      for (const [name, secret] of canaries) {
        const searched = /^\d{6}$/.test(secret) ? withoutChance(text) : text;
        expect([table, name, searched.includes(secret), searched.includes(toHex(utf8(secret)))]).toEqual([
          table,
          name,
          false,
          false,
        ]);
      }
    }
  });
});

test("R129, T22: no error and no log line contains a secret", () => {
  for (const [name, secret] of canaries) {
    expect([name, errors.filter((text) => text.includes(secret))]).toEqual([name, []]);
    expect([name, logged.filter((text) => text.includes(secret))]).toEqual([name, []]);
  }
});
