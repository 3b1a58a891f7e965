import { freshIdentifier, otherPassword, system, type World } from "../../support/auth.ts";
import type { Budget } from "./budget.ts";

const invite = ({ auth }: World) => auth.invitations.create({ actor: system, identifier: freshIdentifier() });
type Made = Awaited<ReturnType<typeof invite>>;

export const invitationBudgets: readonly Budget[] = [
  {
    operation: "invitations.create",
    requests: 1,
    act: (auth) => auth.invitations.create({ actor: system, identifier: freshIdentifier() }),
  },
  { operation: "invitations.list", requests: 1, act: (auth) => auth.invitations.list({ actor: system }) },
  { operation: "invitations.mayInvite", requests: 1, act: (auth, { actor }) => auth.invitations.mayInvite({ actor }) },
  {
    operation: "invitations.revoke",
    requests: 1,
    prepare: invite,
    act: (auth, _person, { invitation }: Made) =>
      auth.invitations.revoke({ actor: system, invitationId: invitation.id }),
  },
  {
    operation: "invitations.look",
    requests: 1,
    prepare: invite,
    act: (auth, _person, { token }: Made) => auth.invitations.look({ token }),
  },
  {
    operation: "invitations.accept",
    requests: 2,
    prepare: invite,
    act: (auth, _person, { token }: Made) => auth.invitations.accept({ token, password: otherPassword }),
  },
];
