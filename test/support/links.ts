import type { Actor } from "../../src/domain/actor.ts";
import { uuidFor } from "../../src/domain/id.ts";
import type { RequestedLink } from "../../src/operations/link-requests.ts";
import { sql } from "../../src/store/sql.ts";
import { withLink } from "../operations/writes/write.ts";
import { freshAddress, freshIdentifier, freshName, otherPassword, type Person, system, type World } from "./auth.ts";
import { personAt } from "./factors.ts";
import { organizationsIn } from "./organizations.ts";

/** The operations that mail a link without a session. */
export const askers = {
  reset: ({ auth }: World, identifier: string) =>
    auth.passwordReset.request({ identifier, context: { address: freshAddress() } }),
  signIn: ({ auth }: World, identifier: string) =>
    auth.mailedSignIn.request({ identifier, context: { address: freshAddress() } }),
  signUp: ({ auth }: World, identifier: string) =>
    auth.mailedSignUp.request({ identifier, context: { address: freshAddress() } }),
} as const;

/** What a message brought to the one who asked for it. */
export interface Mailed extends RequestedLink {
  readonly token: string;
  readonly code: string;
}

/** Asks for a link, and reads it in the mailbox. */
export async function mailed(world: World, kind: keyof typeof askers, identifier: string): Promise<Mailed> {
  const before = world.mailbox.messages.length;
  const asked = await askers[kind](world, identifier);
  await world.auth.mail.deliver();
  await world.mailbox.arrival(identifier, before);
  return { ...asked, token: world.mailbox.secretTo(identifier), code: world.mailbox.codeTo(identifier) };
}

/** Proves the address of a person, in their session. */
export async function withVerifiedAddress(world: World, person: Person): Promise<Person> {
  const { actor } = person;
  await world.auth.identifiers.verify({ token: await withLink(world, person), proof: { type: "session", actor } });
  return person;
}

/** Asks for a new address in a person's session, and reads the message to it. */
export async function mailedChange(
  world: World,
  { actor }: Pick<Person, "actor">,
  identifier: string = freshIdentifier(),
): Promise<Mailed & { readonly identifier: string }> {
  const before = world.mailbox.messages.length;
  const asked = await world.auth.identifiers.requestChange({ actor, identifier });
  await world.auth.mail.deliver();
  await world.mailbox.arrival(identifier, before);
  return {
    ...asked,
    identifier,
    token: world.mailbox.secretTo(identifier),
    code: world.mailbox.codeTo(identifier),
  };
}

/** A person with a new address, in the session that has confirmed it, and the link that puts the verified old one back. */
export async function withNewAddress(
  world: World,
  person: Person,
  to?: string,
): Promise<Person & { readonly before: string; readonly back: string }> {
  const { identifier, token } = await mailedChange(world, person, to);
  const { actor, transport } = person;
  // Before the change: whatever delivers meanwhile may send its messages.
  const before = world.mailbox.messages.length;
  const changed = await world.auth.identifiers.confirmChange({ actor, token, transport });
  await world.auth.mail.deliver();
  await world.mailbox.arrival(person.identifier, before);
  const back = world.mailbox.secretTo(person.identifier);
  const { session } = changed;
  return {
    ...(await personAt(world, person, changed)),
    identifier,
    credentialId: session.credentialId,
    before: person.identifier,
    back,
  };
}

/** A recovery whose delay is over: the link of the new address, and the link that stops it. */
export async function recoveryOf(
  world: Pick<World, "auth" | "mailbox" | "rows">,
  { userId, identifier: old }: Pick<Person, "userId" | "identifier">,
  actor: Actor = system,
  identifier: string = freshIdentifier(),
): Promise<{ readonly identifier: string; readonly token: string; readonly stop: string }> {
  const before = world.mailbox.messages.length;
  await world.auth.recovery.start({ actor, userId, identifier });
  const user = uuidFor("usr", userId);
  await world.rows(sql`
    update mail_message set due_at = sallyport_now() where usr_id = ${user}::uuid and kind = 'recover_account'`);
  await world.rows(sql`
    update verification_token set created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day'
    where usr_id = ${user}::uuid and purpose = 'recover_account'`);
  await world.auth.mail.deliver();
  await world.mailbox.arrival(identifier, before);
  await world.mailbox.arrival(old, before);
  return { identifier, token: world.mailbox.secretTo(identifier), stop: world.mailbox.secretTo(old) };
}

/** The secret of the notice that a person has a new personal access token. */
export async function noticeTo(world: World, one: Person): Promise<string> {
  const { userId, identifier } = await withVerifiedAddress(world, one);
  const before = world.mailbox.messages.length;
  await world.auth.personalAccessTokens.create({ actor: system, userId, name: "ci", scope: [] });
  await world.auth.mail.deliver();
  await world.mailbox.arrival(identifier, before);
  return world.mailbox.secretTo(identifier);
}

/** A body that each route of mailed links accepts, by its operation id. */
export function linkBodies(world: World): Readonly<Record<string, () => Promise<Record<string, string>>>> {
  const verified = async () => (await withVerifiedAddress(world, await world.person())).identifier;
  const request = async () => ({ identifier: freshIdentifier(), transport: "token" });
  const tokenFor = async (kind: keyof typeof askers, identifier: string) =>
    (await mailed(world, kind, identifier)).token;
  return {
    requestPasswordReset: request,
    requestSignInLink: request,
    requestSignUp: request,
    resetPassword: async () => ({ token: await tokenFor("reset", await verified()), password: otherPassword }),
    signInWithLink: async () => ({ token: await tokenFor("signIn", await verified()), transport: "token" }),
    confirmSignUp: async () => ({
      token: await tokenFor("signUp", freshIdentifier()),
      password: otherPassword,
      transport: "token",
    }),
    createDeploymentInvitation: async () => ({ identifier: freshIdentifier(), display_name: "Ada" }),
    acceptDeploymentInvitation: async () => ({
      token: (await world.auth.invitations.create({ actor: system, identifier: freshName() })).token,
      password: otherPassword,
      transport: "token",
    }),
    acceptInvitationAsNewUser: async () => {
      const owner = await organizationsIn(world).form();
      const asked = { actor: system, organizationId: owner.organizationId, invitedBy: owner.userId };
      const { token } = await world.auth.organizationInvitations.create({
        ...asked,
        identifier: freshName(),
        role: "member",
      });
      return { token, password: otherPassword, transport: "token" };
    },
    cancelRecovery: async () => ({ token: (await recoveryOf(world, await world.person())).stop }),
    finishRecovery: async () => ({
      token: (await recoveryOf(world, await world.person())).token,
      password: otherPassword,
    }),
    disownNotice: async () => ({ token: await noticeTo(world, await world.person()) }),
    exchangeMailedCode: async () => {
      const { requestToken, code } = await mailed(world, "signUp", freshIdentifier());
      return { code, request_token: requestToken };
    },
  };
}
