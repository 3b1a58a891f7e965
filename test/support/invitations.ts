import type { CreateInvitation, MadeInvitation } from "../../src/operations/invitations.ts";
import type {
  InviteToOrganization,
  MadeOrganizationInvitation,
} from "../../src/operations/organization-invitations.ts";
import { sql } from "../../src/store/sql.ts";
import { freshIdentifier, type Person, system, type World } from "./auth.ts";

/** An invitation with both of its secrets. */
export interface Invited extends MadeInvitation {
  readonly identifier: string;
  readonly mailedToken: string;
}

/** Invites an address, by the application unless an actor is given, and reads its mailbox. */
export async function invited(world: World, input: Partial<CreateInvitation> = {}): Promise<Invited> {
  const identifier = input.identifier ?? freshIdentifier();
  const before = world.mailbox.messages.length;
  const made = await world.auth.invitations.create({ actor: system, ...input, identifier });
  await world.auth.mail.deliver();
  await world.mailbox.arrival(made.invitation.identifier, before);
  return { ...made, identifier, mailedToken: world.mailbox.secretTo(made.invitation.identifier) };
}

/** An invitation to an organization with both of its secrets. */
export interface InvitedTo extends MadeOrganizationInvitation {
  readonly identifier: string;
  readonly mailedToken: string;
}

/** Invites an address to an organization, as a member unless a role is given, and reads its mailbox. */
export async function invitedTo(
  world: World,
  { actor, organizationId }: Pick<InviteToOrganization, "actor" | "organizationId">,
  more: Partial<InviteToOrganization> = {},
): Promise<InvitedTo> {
  const identifier = more.identifier ?? freshIdentifier();
  const before = world.mailbox.messages.length;
  const asked = { actor, organizationId, role: "member" as const, ...more, identifier };
  const made = await world.auth.organizationInvitations.create(asked);
  await world.auth.mail.deliver();
  await world.mailbox.arrival(made.invitation.identifier, before);
  return { ...made, identifier, mailedToken: world.mailbox.secretTo(made.invitation.identifier) };
}

/** Marks the address of an account as verified, without a message. */
export async function verifyAddress(world: World, { identifier }: Pick<Person, "identifier">): Promise<void> {
  await world.rows(sql`update cred set identifier_verified_at = sallyport_now() where identifier = ${identifier}`);
}
