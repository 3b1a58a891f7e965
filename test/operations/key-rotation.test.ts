/**
 * Changing a key: at each of the three documented steps, isolates with the list from before and with the list from after serve at
 * the same time. Whatever one of them writes, the other reads.
 *
 * @module
 */
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { randomBytes, toBase64Url } from "../../src/crypto/bytes.ts";
import type { KeyLabel } from "../../src/crypto/root-secrets.ts";
import {
  type FullAuth,
  freshAddress,
  freshIdentifier,
  otherPassword,
  outcome,
  type Person,
  system,
} from "../support/auth.ts";
import { newAuthenticator } from "../support/authenticator.ts";
import { describeWorld } from "../support/describe-world.ts";
import { pages } from "../support/every-page.ts";
import { addApp, ticketFor } from "../support/factors.ts";
import { askPages, formKeyIn, type SentToPage } from "../support/page-world.ts";
import { answerOf, freshIdentity } from "../support/practice-provider.ts";

const key = () => toBase64Url(randomBytes(32));
const lists = (old: string, next: string) => ({
  before: `1:${old}`,
  published: `1:${old},2:${next}:read`,
  writing: `2:${next},1:${old}`,
  after: `2:${next}`,
});
const [secrets, sealing] = [lists(key(), key()), lists(key(), key())];
type Step = keyof typeof secrets;

describeWorld(
  "S59: two lists of keys side by side",
  { on: ["pglite"], clock: new Date("2026-11-22T12:00:00Z") },
  (world) => {
    const isolate = (step: Step): FullAuth =>
      world.isolate({ secrets: secrets[step], sealingKeys: sealing[step], identifierFirst: true });

    const ask = async (auth: FullAuth, sent: SentToPage) => await askPages(new Hono().route("/", pages(auth)), sent);
    const tokenForm = async (auth: FullAuth, as: Person) => {
      const { text } = await ask(auth, { path: "/account/tokens/new", as });
      return {
        name: "ci",
        scopes: "docs:read",
        expires: "30",
        last_day: "",
        form_key: formKeyIn(text, "/account/tokens/new")!,
      };
    };

    type Values = Readonly<Record<string, (writer: FullAuth, reader: FullAuth) => Promise<boolean>>>;
    /** Every value that a key makes: written by one isolate, read by another. Each returns `true` if the other could read it. */
    const byLabel: Readonly<Record<KeyLabel | "sealing", Values>> = {
      sealing: {
        "sealed secret of an authenticator app": async (writer, reader) => {
          const { app, person } = await addApp(world, await world.person(), writer);
          const ticket = await ticketFor(world, person, reader);
          const proof = { type: "totp", code: await app.code() } as const;
          return (
            (await outcome(reader.signIn.factor({ ticket, proof, context: { address: freshAddress() } }))) === "done"
          );
        },
      },
      challenge: {
        "challenge of a registration": async (writer, reader) => {
          const { actor } = await world.person();
          const response = await (await newAuthenticator()).create(
            await writer.passkeys.registrationOptions({ actor }),
          );
          return (await outcome(reader.passkeys.register({ actor, response, transport: "token" }))) === "done";
        },
        "challenge of a sign-in": async (writer, reader) => {
          const [{ actor }, authenticator] = [await world.person(), await newAuthenticator()];
          const registration = await authenticator.create(await writer.passkeys.registrationOptions({ actor }));
          await writer.passkeys.register({ actor, response: registration, transport: "token" });
          const response = await authenticator.get(await writer.signIn.passkeyOptions());
          return (await outcome(reader.signIn.passkey({ response, context: { address: freshAddress() } }))) === "done";
        },
      },
      refresh: {
        "successor of a refreshed session": async (writer, reader) => {
          const { token, transport } = await world.person();
          const first = await writer.sessions.refresh({ token, transport });
          const again = await reader.sessions.refresh({ token, transport }).catch(() => undefined);
          return again?.token === first.token;
        },
      },
      "known-device": {
        "known device": async (writer, reader) => {
          const { identifier, password } = await world.person();
          const signedIn = await writer.signIn.password({ identifier, password, context: { address: freshAddress() } });
          const knownDevice = signedIn.mfaRequired ? undefined : signedIn.knownDevice;
          const attempt = (more: { password: string; knownDevice?: string | undefined }) =>
            outcome(reader.signIn.password({ identifier, ...more, context: { address: freshAddress() } }));
          for (let n = 0; n < 10; n++) await attempt({ password: otherPassword });
          return (await attempt({ password, knownDevice })) === "done";
        },
      },
      provider: {
        "sign-in at a provider": async (writer, reader) => {
          const identity = freshIdentity();
          const started = await writer.federation.start({ provider: "practice" });
          const answer = answerOf(started, identity);
          const { attempt } = started;
          return (
            (await outcome(reader.federation.finish({ provider: "practice", attempt, answer }))) !==
            "unauthorized.provider"
          );
        },
      },
      mail: {
        "link of a message": async (writer, reader) => {
          const { actor, identifier } = await world.person();
          await writer.identifiers.requestVerification({ actor });
          await reader.mail.deliver();
          const token = world.mailbox.secretTo(identifier);
          return (await outcome(reader.identifiers.verify({ token, proof: { type: "session", actor } }))) === "done";
        },
        "code of a message": async (writer, reader) => {
          const [identifier, context] = [freshIdentifier(), { address: freshAddress() }];
          const { requestToken } = await writer.mailedSignUp.request({ identifier, context });
          await reader.mail.deliver();
          const code = world.mailbox.codeTo(identifier);
          const { token } = await writer.mailedCodes.exchange({ requestToken, code, context });
          return (await outcome(reader.mailedSignUp.confirm({ token, password: otherPassword, context }))) === "done";
        },
      },
      page: {
        "key of a form": async (writer, reader) => {
          const person = await world.person({ transport: "cookie" });
          const form = await tokenForm(writer, person);
          return (await ask(reader, { path: "/account/tokens/new", form, as: person })).text.includes("Your new token");
        },
        "act that waits for a proof": async (writer, reader) => {
          const person = await world.person({ transport: "cookie" });
          await world.age(person.session, 3_600);
          const form = await tokenForm(writer, person);
          const asked = await ask(writer, { path: "/account/tokens/new", form, as: person });
          const act = /name="act" value="([^"]+)"/.exec(asked.text)![1]!;
          const proof = { type: "password", password: person.password, act };
          return (await ask(reader, { path: "/account/step-up", form: proof, as: person })).text.includes(
            "Your new token",
          );
        },
      },
      identifier: {
        "idempotency key": async (writer, reader) => {
          const asked = { actor: system, displayName: "Ada", idempotencyKey: crypto.randomUUID() };
          return (await writer.users.create(asked)).id === (await reader.users.create(asked)).id;
        },
        "counter of attempts": async (writer, reader) => {
          const identifier = freshIdentifier();
          const attempt = (auth: FullAuth) =>
            outcome(
              auth.signIn.password({ identifier, password: otherPassword, context: { address: freshAddress() } }),
            );
          for (let n = 0; n < 5; n++) await Promise.all([attempt(writer), attempt(reader)]);
          return (await attempt(reader)) === "too_many_requests";
        },
      },
      decoy: {
        "decoy credential ids": async (writer, reader) => {
          const identifier = freshIdentifier();
          const ids = async (auth: FullAuth) =>
            (await auth.signIn.passkeyOptions({ identifier })).allowCredentials.map(({ id }) => id);
          return JSON.stringify(await ids(writer)) === JSON.stringify(await ids(reader));
        },
      },
    };
    const values: Values = Object.assign({}, ...Object.values(byLabel));

    const steps: readonly { name: string; lists: readonly [Step, Step] }[] = [
      { name: "1, the new key is published", lists: ["before", "published"] },
      { name: "2, the new key writes", lists: ["published", "writing"] },
    ];
    describe.each(steps)("step $name", ({ lists: [old, next] }) => {
      test.each(Object.keys(values))("%s: each reads what the other writes", async (name) => {
        const [before, after] = [isolate(old), isolate(next)];
        expect([await values[name]!(before, after), await values[name]!(after, before)]).toEqual([true, true]);
      });
    });

    // Names that must stay the same use the oldest key, so limits and idempotency start again when it goes.
    const { identifier: _names, decoy: _decoys, ...others } = byLabel;
    const lasting = Object.values(others).flatMap((made) => Object.keys(made));
    test.each(lasting)("step 3, the old key is dropped: %s: each reads what the other writes", async (name) => {
      const [before, after] = [isolate("writing"), isolate("after")];
      expect([await values[name]!(before, after), await values[name]!(after, before)]).toEqual([true, true]);
    });

    test.each([
      "sealed secret of an authenticator app",
      "challenge of a registration",
      "challenge of a sign-in",
      "successor of a refreshed session",
      "link of a message",
      "code of a message",
      "key of a form",
      "act that waits for a proof",
    ])("naive twin, without the first step: %s: the old isolate cannot read it", async (name) => {
      const [before, after] = [isolate("before"), isolate("writing")];
      expect(await values[name]!(after, before).catch(() => false)).toBe(false);
    });
  },
);
