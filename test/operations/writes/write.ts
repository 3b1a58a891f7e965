import { expect } from "vitest";
import { type FullAuth, freshAddress, outcome, type Person, type World } from "../../support/auth.ts";
import { addApp, ticketFor } from "../../support/factors.ts";

/** An operation that changes something. */
export interface Write {
  name: string;
  /** The event whose number shows how often it happened. */
  action: string;
  /** How many requests it takes. The last request makes the change. */
  requests: number;
  prepare?: (world: World, person: Person) => Promise<unknown>;
  act: (auth: FullAuth, person: Person, prepared: never) => Promise<unknown>;
  /** The answer to a caller who repeats it after it has happened. */
  repeated: string;
  /** Checks the result. */
  check?: (world: World, result: never, person: Person) => Promise<void>;
}

export const context = () => ({ address: freshAddress() });
export const opens = async (world: World, result: { token: string }) =>
  expect(await outcome(world.auth.sessions.verify({ token: result.token, transport: "token" }))).toBe("done");
export const hasStatus = (status: string) => async (_world: World, result: { status: string }) =>
  expect(result.status).toBe(status);
/** A user with an authenticator app, an unused code, recovery codes, and the ticket of their password. */
export const withApp = async (world: World, one: Person) => {
  const { app, person } = await addApp(world, one);
  const { codes } = await world.auth.factors.replaceRecoveryCodes(person);
  const totp = { type: "totp", code: await app.code() } as const;
  const recovery = { type: "recovery", code: codes[4]! } as const;
  return { app, person, ticket: await ticketFor(world, person), totp, recovery };
};
export type WithApp = Awaited<ReturnType<typeof withApp>>;

/** The secret of a link that was mailed to a person. */
export const withLink = async ({ auth, mailbox }: World, { actor, identifier }: Person) => {
  const before = mailbox.messages.length;
  await auth.identifiers.requestVerification({ actor });
  await auth.mail.deliver();
  await mailbox.arrival(identifier, before);
  return mailbox.secretTo(identifier);
};

export const newToken = ({ auth }: World, { actor, userId }: Person) =>
  auth.personalAccessTokens.create({ actor, userId, name: "ci", scope: ["docs:read"] });
export type NewToken = Awaited<ReturnType<typeof newToken>>;
