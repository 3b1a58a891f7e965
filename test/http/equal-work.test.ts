/**
 * What a stranger can ask about takes the same work and gets the same answer, whether or not it exists: for every route that
 * takes an identifier, a token or a credential id, and for every option that changes how it is answered.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromBase64Url, randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import type { PersonalAccessTokenId } from "../../src/domain/id.ts";
import { AuthError } from "../../src/index.ts";
import type { Database } from "../../src/store/sql.ts";
import {
  type FullOptions,
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  system,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { type CryptoWork, countingCrypto } from "../support/counting-crypto.ts";
import { givenPasskey } from "../support/factors.ts";
import { applicationOf, type HttpWorld, openHttp } from "../support/http-world.ts";
import { withVerifiedAddress } from "../support/links.ts";
import { usersWithPasskeys } from "../support/passkeys.ts";

let world: HttpWorld;
beforeAll(async () => {
  world = await openHttp("pglite");
});
afterAll(() => world.close());

/** A question that a stranger can ask: the route and options, and objects that must be answered alike. */
interface Question {
  readonly route: string;
  readonly options: Partial<FullOptions>;
  /** The objects that a stranger asks about. The first does not exist. */
  readonly objects: Readonly<Record<string, () => Promise<string>>>;
  /** The request, as the answer's status, its headers and the length of its body. */
  readonly ask: (auth: HttpWorld["auth"], about: string) => Promise<unknown>;
}

const withPasskeys = (count: number) => async () => {
  const { userId, identifier } = await world.person();
  for (let n = 0; n < count; n++) await givenPasskey(world, userId);
  return identifier;
};

const identifiers: Question["objects"] = {
  "no user has it": async () => freshIdentifier(),
  "it is not an identifier": async () => "two words",
  "a user with another password": async () => (await world.person({ password: otherPassword })).identifier,
  "a suspended user": async () => {
    const { identifier, userId } = await world.person();
    await world.auth.users.suspend({ actor: system, userId });
    return identifier;
  },
  "a user with a second factor": async () => {
    const { identifier, userId } = await world.person({ password: otherPassword });
    await world.enroll(userId);
    return identifier;
  },
  "a user with a verified address": async () => (await withVerifiedAddress(world, await world.person())).identifier,
  "an administrator": async () => (await withVerifiedAddress(world, await world.administrator())).identifier,
  "a user whose account has ended": async () => {
    const { identifier, userId } = await world.person();
    await world.auth.users.revoke({ actor: system, userId });
    return identifier;
  },
  "a user with one passkey": withPasskeys(1),
  "a user with three passkeys": withPasskeys(3),
  "a user with four passkeys": withPasskeys(4),
  "a user with six passkeys": withPasskeys(6),
};

async function token(
  change?: (made: { id: PersonalAccessTokenId; owner: Awaited<ReturnType<HttpWorld["person"]>> }) => unknown,
) {
  const owner = await world.person();
  const { pat, token } = await world.auth.personalAccessTokens.create({ ...owner, name: "ci", scope: ["a"] });
  await change?.({ id: pat.id, owner });
  return `${token.slice(0, 37)}${"A".repeat(43)}`;
}

/** Sends JSON, and keeps what a stranger sees of the answer. */
async function visible(auth: HttpWorld["auth"], path: string, json: unknown): Promise<unknown> {
  const reply = await applicationOf(auth).request(path, {
    method: "POST",
    body: JSON.stringify(json),
    headers: { "content-type": "application/json", "x-test-address": freshAddress() },
  });
  const headers = [...reply.headers].map(([name, value]) => [name, name === "x-request-id" ? value.length : value]);
  return { status: reply.status, headers, shape: shapeOf(await reply.json()) };
}

/** A body without what may differ: random texts are as long, credential ids have their usual lengths. */
function shapeOf(body: { challenge?: string; request_token?: string; allowCredentials?: { id: string }[] }): unknown {
  const { challenge, request_token: request, allowCredentials, ...rest } = body;
  return {
    ...rest,
    ...(request && { request_token: request.length }),
    ...(challenge && { challenge: challenge.length }),
    ...(allowCredentials && { allowCredentials: allowCredentials.map(({ id: _id, ...more }) => more) }),
  };
}

const signIn = (auth: HttpWorld["auth"], identifier: string) =>
  visible(auth, "/auth/sign-in", { identifier, password: goodPassword.toUpperCase() });
/** With a password that NFKC changes, which a database of two SDKs hashes twice. */
const signInDecomposed = (auth: HttpWorld["auth"], identifier: string) =>
  visible(auth, "/auth/sign-in", { identifier, password: `${goodPassword.toUpperCase()} pa\u0308sswo\u0308rd` });
const verifyCredential = (auth: HttpWorld["auth"], identifier: string) =>
  visible(auth, "/v1/credentials/verify", {
    type: "password",
    identifier,
    proof: { password: goodPassword.toUpperCase() },
  });
const passkeyOptions = (auth: HttpWorld["auth"], identifier: string) =>
  visible(auth, "/auth/sign-in/passkey/options", { identifier });

/** Asks for a message, and with `code` tries a code beside it that is wrong. */
const asksForMail =
  (path: string, { code = false } = {}) =>
  async (auth: HttpWorld["auth"], identifier: string) => {
    const asked = await visible(auth, path, { identifier, transport: "token" });
    if (!code) return asked;
    const { requestToken } = await auth.passwordReset.request({ identifier, context: { address: freshAddress() } });
    return await visible(auth, "/auth/mailed-code", { code: "000000", request_token: requestToken });
  };

const questions: readonly Question[] = [
  { route: "password reset", options: {}, objects: identifiers, ask: asksForMail("/auth/password-reset") },
  { route: "mailed sign-in", options: {}, objects: identifiers, ask: asksForMail("/auth/sign-in/link/request") },
  {
    route: "mailed sign-up",
    options: {},
    // An account cannot have every text as its identifier, and which ones is no secret.
    objects: Object.fromEntries(Object.entries(identifiers).filter(([name]) => name !== "it is not an identifier")),
    ask: asksForMail("/auth/sign-up/request"),
  },
  {
    route: "a wrong code of a message",
    options: {},
    objects: identifiers,
    ask: asksForMail("/auth/password-reset", { code: true }),
  },
  { route: "sign-in", options: {}, objects: identifiers, ask: signIn },
  { route: "sign-in, beyond ASCII", options: { allowNonAsciiIdentifiers: true }, objects: identifiers, ask: signIn },
  {
    route: "sign-in, in a database of two SDKs",
    options: { sharedDatabase: true },
    objects: identifiers,
    ask: signInDecomposed,
  },
  {
    route: "sign-in, in a database that another SDK has left",
    options: { sharedDatabase: "inherited" },
    objects: identifiers,
    ask: signInDecomposed,
  },
  { route: "verification of a credential", options: {}, objects: identifiers, ask: verifyCredential },
  { route: "passkey options", options: {}, objects: identifiers, ask: passkeyOptions },
  {
    route: "passkey options, identifier first",
    options: { identifierFirst: true },
    objects: identifiers,
    ask: passkeyOptions,
  },
  {
    route: "passkey",
    options: {},
    objects: {
      "no user has it": async () => toBase64Url(randomBytes(32)),
      "a user has it": async () => (await usersWithPasskeys(world).withPasskey()).authenticator.credentialId,
      "a suspended user has it": async () => {
        const { person, authenticator } = await usersWithPasskeys(world).withPasskey();
        await world.auth.users.suspend({ actor: system, userId: person.userId });
        return authenticator.credentialId;
      },
    },
    // The stranger knows the id and has another key.
    async ask(auth, credentialId) {
      const stranger = await newAuthenticator({ credentialId: fromBase64Url(credentialId) ?? randomBytes(32) });
      const response = await stranger.get(await auth.signIn.passkeyOptions(), {
        userHandle: toBase64Url(randomBytes(32)),
      });
      return await visible(auth, "/auth/sign-in/passkey", { response });
    },
  },
  {
    route: "personal access token",
    options: {},
    objects: {
      "no user has it": async () => `pat_${"0".repeat(32)}_${"A".repeat(43)}`,
      "its secret is wrong": () => token(),
      "it is revoked": () =>
        token(({ id, owner }) => world.auth.personalAccessTokens.revoke({ actor: owner.actor, tokenId: id })),
      "its user is suspended": () =>
        token(({ owner }) => world.auth.users.suspend({ actor: system, userId: owner.userId })),
    },
    async ask(auth, about) {
      const error: unknown = await auth.personalAccessTokens
        .verify({ token: about, context: { address: freshAddress() } })
        .catch((refusal: unknown) => refusal);
      // The specification says which state a known token is in (ADR 0016); the work must not differ.
      return error instanceof AuthError && error.status;
    },
  },
];

/** A database in which no message is due: messages are sent after the answer, and another worker may send them. */
function withoutDelivery(database: Database): Database {
  const isDelivery = (text: string) => text.includes("from mail_message") && text.includes("skip locked");
  return {
    ...database,
    run: async (statement, limit) => (isDelivery(statement.text) ? [] : database.run(statement, limit)),
  };
}

describe.each(questions)("S58: $route", ({ options, objects, ask }) => {
  const [absent, ...existing] = Object.keys(objects);

  /** The answer and the work of one request, after a first that fills the isolate's caches. */
  async function workOn(about: string) {
    const auth = world.isolate({ database: withoutDelivery(world.counting), ...options });
    await ask(auth, freshIdentifier());
    world.counting.reset();
    world.hasher.reset();
    let answer: unknown;
    const crypto: CryptoWork = await countingCrypto(async () => {
      answer = await ask(auth, about);
    });
    const statements = world.counting.statements.filter(
      (text) => !/delete from login_ticket where token_hash in/.test(text),
    );
    return { answer, crypto, hashes: world.hasher.computations, requests: world.counting.requests, statements };
  }

  test.each(existing)("%s: the answer and the work for what does not exist", async (name) => {
    expect(await workOn(await objects[name]!())).toEqual(await workOn(await objects[absent!]!()));
  });
});

test("planted fault, decoys made only where they are listed: detected", async () => {
  const hmac = async (count: number) =>
    await countingCrypto(async () => {
      const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      for (let n = 0; n < count; n++) await crypto.subtle.sign("HMAC", key, new Uint8Array(8));
    });
  expect(await hmac(17)).not.toEqual(await hmac(5));
  expect(await hmac(5)).toEqual({ generateKey: 1, sign: 5 });
});
