import type { IdentityProvider, ProvedIdentity, ProviderAttempt } from "../../src/domain/identity-provider.ts";
import type { FullAuth } from "./auth.ts";

/** A provider whose answers a test writes itself: its port alone, without the protocol, which the tests of `oidc` cover. */
export function practiceProvider(name = "practice", issuers: readonly string[] = [practiceIssuer]): IdentityProvider {
  return {
    name,
    label: "Practice",
    issuers,
    begin: async ({ state, redirectUri }) =>
      `https://practice.example/authorize?${new URLSearchParams({ state, redirect_uri: redirectUri })}`,
    finish: async (answer, attempt) => readAnswer(answer, attempt),
  };
}

export const practiceIssuer = "https://practice.example";

function readAnswer(answer: URL | URLSearchParams, { state }: ProviderAttempt): ProvedIdentity {
  const parameters = answer instanceof URL ? answer.searchParams : answer;
  const refuse = (error: string) => Object.assign(new Error(error), { error });
  if (parameters.get("state") !== state) throw refuse("state_mismatch");
  const error = parameters.get("error");
  if (error) throw refuse(error);
  return JSON.parse(parameters.get("identity")!) as ProvedIdentity;
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
