import { type CredentialId, generateId, type UserId, uuidFor, wireId } from "../../src/domain/id.ts";
import type {
  IdentityProvider,
  ProvedIdentity,
  ProviderAttempt,
  ProviderNotice,
} from "../../src/domain/identity-provider.ts";
import { sql } from "../../src/store/sql.ts";
import { type FullAuth, freshAddress, type World } from "./auth.ts";

/** A provider whose answers a test writes itself: its port alone, without the protocol, which the tests of `oidc` cover. */
export function practiceProvider(
  name = "practice",
  issuers: readonly string[] = [practiceIssuer],
  provesAgain = false,
): IdentityProvider {
  return {
    name,
    provesAgain,
    pageClientId: "practice-client",
    answersByForm: true,
    label: "Practice",
    issuers,
    begin: async ({ state, redirectUri }) =>
      `https://practice.example/authorize?${new URLSearchParams({ state, redirect_uri: redirectUri })}`,
    finish: async (answer, attempt) => readAnswer(answer, attempt),
    readNotice: async (token) => {
      const error = token === "down" ? "issuer_unreachable" : "invalid_token";
      if (!token.startsWith("{")) throw Object.assign(new Error(error), { error });
      return JSON.parse(token) as ProviderNotice;
    },
  };
}

export const practiceIssuer = "https://practice.example";

/** The domains whose users sign in with the practice provider. */
export const practiceDomains: Readonly<Record<string, string>> = {
  "practice.example": "practice",
  "xn--bcher-kva.example": "practice",
};

function readAnswer(answer: URL | URLSearchParams, { state }: ProviderAttempt): ProvedIdentity {
  const parameters = answer instanceof URL ? answer.searchParams : answer;
  const refuse = (error: string) => Object.assign(new Error(error), { error });
  if (parameters.get("state") !== state) throw refuse("state_mismatch");
  const error = parameters.get("error");
  if (error) throw refuse(error);
  // A form has only the fields that providers send.
  return JSON.parse((parameters.get("identity") ?? parameters.get("user"))!) as ProvedIdentity;
}

/** A message of the practice provider about a user whom no account has, and the bodies of the routes that take it. */
export function providerBodies(): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const now = Math.floor(Date.now() / 1_000);
  const id = crypto.randomUUID();
  const notice = {
    ends: "sessions",
    issuer: practiceIssuer,
    subject: "nobody",
    id,
    issuedAt: now,
    expiresAt: now + 180,
  };
  const token = JSON.stringify(notice);
  return {
    discoverProvider: { identifier: "ada@practice.example" },
    receiveProviderAnswer: { state: "another", error: "access_denied" },
    endProviderSessions: { logout_token: token },
    receiveProviderNotice: { payload: token },
  };
}

let count = 0;

/** An identity that no account has. */
export function freshIdentity(more: Partial<ProvedIdentity> = {}): ProvedIdentity {
  return { issuer: practiceIssuer, subject: `subject-${process.pid}-${++count}`, emailVerified: false, ...more };
}

/** The provider's answer to a sign-in that was started. */
export function answerOf(started: { url: string }, answer: ProvedIdentity | { error: string }): URL {
  const state = new URL(started.url).searchParams.get("state")!;
  const callback = new URL("http://localhost:8787/auth/oidc/practice/callback");
  callback.searchParams.set("state", state);
  if ("error" in answer) callback.searchParams.set("error", answer.error);
  else callback.searchParams.set("identity", JSON.stringify(answer));
  return callback;
}

/** Signs in with an identity, from a fresh start. */
export async function signInWith(
  auth: FullAuth,
  identity: ProvedIdentity,
  more: Partial<Parameters<FullAuth["federation"]["finish"]>[0]> & { remember?: boolean } = {},
): ReturnType<FullAuth["federation"]["finish"]> {
  const provider = more.provider ?? "practice";
  const started = await auth.federation.start({ provider, remember: more.remember });
  const { attempt } = started;
  return await auth.federation.finish({ attempt, answer: answerOf(started, identity), ...more, provider });
}

/** An identity of a user, as if it had been linked. */
export async function givenIdentity(
  world: World,
  userId: UserId,
  status: "active" | "suspended" = "active",
  { subject }: ProvedIdentity = freshIdentity(),
): Promise<CredentialId> {
  const id = uuidFor("cred", generateId("cred"));
  await world.rows(sql`
    insert into cred (id, usr_id, type, status, identifier, oidc_issuer, oidc_subject)
    values (${id}::uuid, ${uuidFor("usr", userId)}::uuid, 'oidc', ${status}, ${subject}, ${practiceIssuer}, ${subject})`);
  return wireId("cred", id);
}

/**
 * An identity that a sign-in has proved, and that waits for the owner of the account with its address.
 *
 * @param identifier The account's address, which is verified first. Default: a new account's.
 */
export async function waitingIdentity(world: World, identifier?: string): Promise<string> {
  const email = identifier ?? (await world.person()).identifier;
  await world.rows(sql`update cred set identifier_verified_at = sallyport_now() where identifier = ${email}`);
  const context = { address: freshAddress() };
  const asked = await signInWith(world.auth, freshIdentity({ email, emailVerified: true }), { context });
  if (!("linkingRequired" in asked)) throw new Error("It was not asked for.");
  return asked.identity;
}

/** The headers of a request for the routes that need more than a session: what the browser keeps. */
export async function browserHeaders(
  world: World,
  routeId: string,
  identifier?: string,
): Promise<Readonly<Record<string, string>>> {
  if (/^followProvider/.test(routeId)) return { "sec-fetch-site": "same-origin" };
  if (routeId === "mergeUsers" || routeId === "cancelMerge") {
    const { token } = await world.person({ transport: "cookie" });
    return { cookie: `__Host-kept-session=${token}`, "sec-fetch-site": "same-origin" };
  }
  if (routeId !== "linkProvedIdentity") return {};
  const identity = await waitingIdentity(world, identifier).catch(() => "x");
  return { cookie: `__Host-identity=${identity}`, "sec-fetch-site": "same-origin" };
}
