import type { CreateInvitation, MadeInvitation } from "../../src/operations/invitations.ts";
import { freshIdentifier, system, type World } from "./auth.ts";

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
