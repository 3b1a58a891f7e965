import { expect } from "vitest";
import { type CredentialId, uuidFor } from "../../../src/domain/id.ts";
import type { LinkedIdentity, ProvedIdentity } from "../../../src/domain/identity-provider.ts";
import type { ProviderPurpose } from "../../../src/engine/provider-attempts.ts";
import { sql } from "../../../src/store/sql.ts";
import { type Person, system, type World } from "../../support/auth.ts";
import { answerOf, freshIdentity, givenIdentity, waitingIdentity } from "../../support/practice-provider.ts";
import { context, hasStatus, type Write } from "./write.ts";

/** A provider's answer to a sign-in or, for a person, to the linking of an identity. */
export const answered = async (world: World, person?: Person) =>
  await answeredFor(world, person, person ? "link" : "sign_in", freshIdentity());

/** A provider's answer to a step-up, with an identity of the person's. */
export const answeredAgain = async (world: World, person: Person) => {
  const id = uuidFor("cred", await givenIdentity(world, person.userId));
  // The practice provider cannot ask for a new proof, so it counts only without a password.
  const [row] = await world.rows(sql<{ subject: string }>`
    with begun as (update ses set cred_id = ${id}::uuid where id = ${uuidFor("ses", person.session.id)}::uuid)
    update cred set status = 'suspended' where id = ${uuidFor("cred", person.credentialId)}::uuid
    returning (select oidc_subject from cred where id = ${id}::uuid) as subject`);
  return await answeredFor(world, person, "step_up", freshIdentity({ subject: row!.subject }));
};

async function answeredFor(
  { auth }: World,
  person: Person | undefined,
  purpose: ProviderPurpose,
  identity: ProvedIdentity,
) {
  const started = await auth.federation.start({ provider: "practice", purpose, actor: person?.actor });
  const { attempt } = started;
  return { provider: "practice", attempt, answer: answerOf(started, identity), context: context() };
}

export type Told = Parameters<World["auth"]["federation"]["heed"]>[0];
export type Answered = Awaited<ReturnType<typeof answered>>;

/** An identity that waits for its account's owner, and the database's time. */
export const waiting = async (world: World, { token, transport, identifier }: Person) => {
  const { asOf: now } = await world.auth.sessions.verify({ token, transport });
  return { identity: await waitingIdentity(world, identifier), now };
};
export type Waiting = Awaited<ReturnType<typeof waiting>>;

const isLinked = async (_world: World, linked: LinkedIdentity, { userId }: Person) =>
  expect(linked).toMatchObject({ userId, provider: "practice", status: "active" });

/** A message of the provider that ends a session. */
export async function toldOf(world: World, { userId }: Person): Promise<Told> {
  const id = uuidFor("cred", await givenIdentity(world, userId));
  const [row] = await world.rows(sql<{ issuer: string; subject: string }>`
    select oidc_issuer as issuer, oidc_subject as subject from cred where id = ${id}::uuid`);
  const now = Math.floor(Date.now() / 1_000);
  const notice = { ends: "sessions", ...row!, id: row!.subject, issuedAt: now, expiresAt: now + 180 };
  return { provider: "practice", token: JSON.stringify(notice), context: context() };
}

/** Acts with identities at providers. */
export const federationWrites: readonly Write[] = [
  {
    name: "federation.finish",
    action: "identity.sign_up",
    requests: 1,
    prepare: (world) => answered(world),
    act: (auth, _person, made: Answered) => auth.federation.finish(made),
    repeated: "unauthorized.provider",
    check: async ({ auth }, { token }: { token: string }) => {
      await auth.sessions.verify({ token, transport: "cookie" });
    },
  },
  {
    name: "federation.finishLink",
    action: "identity.credential.link",
    requests: 1,
    prepare: answered,
    act: (auth, { actor }, made: Answered) => auth.federation.finishLink({ ...made, actor }),
    repeated: "unauthorized.provider",
    check: isLinked,
  },
  {
    name: "federation.finishStepUp",
    action: "identity.session.step_up",
    requests: 1,
    prepare: answeredAgain,
    act: (auth, { actor }, made: Answered) => auth.federation.finishStepUp({ ...made, actor }),
    // The first step-up has replaced the session.
    repeated: "unauthorized.invalid_token",
    check: async ({ auth }, { token }: { token: string }) => {
      await auth.sessions.verify({ token, transport: "cookie" });
    },
  },
  {
    name: "federation.heed",
    action: "identity.session.end_at_provider",
    requests: 1,
    prepare: toldOf,
    act: (auth, _person, made: Told) => auth.federation.heed(made),
    repeated: "invalid_format.notice",
    check: async () => undefined,
  },
  {
    name: "federation.link",
    action: "identity.credential.link",
    requests: 1,
    prepare: waiting,
    act: (auth, { actor }, made: Waiting) => auth.federation.link({ actor, ...made }),
    repeated: "conflict.identity_in_use",
    check: isLinked,
  },
  {
    name: "federation.import",
    action: "identity.credential.import",
    requests: 1,
    prepare: async () => freshIdentity().subject,
    act: (auth, { userId }, subject: string) =>
      auth.federation.import({ actor: system, userId, provider: "practice", subject }),
    // It returns it as it is.
    repeated: "done",
    check: isLinked,
  },
  {
    name: "federation.unlink",
    action: "identity.credential.revoke",
    requests: 1,
    prepare: (world, { userId }) => givenIdentity(world, userId),
    act: (auth, { actor }, credentialId: CredentialId) => auth.federation.unlink({ actor, credentialId }),
    repeated: "conflict.already_terminal",
    check: hasStatus("revoked"),
  },
];
