import { expect } from "vitest";
import { freshIdentifier, otherPassword, system, type World } from "../../support/auth.ts";
import { context, hasStatus, opens, type Write } from "./write.ts";

const invite = ({ auth }: World) => auth.invitations.create({ actor: system, identifier: freshIdentifier() });
type Made = Awaited<ReturnType<typeof invite>>;

/** Acts on invitations to the deployment. */
export const invitationWrites: readonly Write[] = [
  {
    name: "invitations.create",
    action: "identity.deployment_invitation.create",
    requests: 1,
    prepare: async () => freshIdentifier(),
    act: (auth, _person, identifier: string) => auth.invitations.create({ actor: system, identifier }),
    // It is renewed.
    repeated: "done",
    check: async ({ auth }, { token, invitation }: Made) => {
      expect((await auth.invitations.look({ token })).identifier).toBe(invitation.identifier);
    },
  },
  {
    name: "invitations.revoke",
    action: "identity.deployment_invitation.revoke",
    requests: 1,
    prepare: invite,
    act: (auth, _person, { invitation }: Made) =>
      auth.invitations.revoke({ actor: system, invitationId: invitation.id }),
    repeated: "done",
    check: hasStatus("revoked"),
  },
  {
    name: "invitations.accept",
    action: "identity.deployment_invitation.accept",
    requests: 2,
    prepare: invite,
    act: (auth, _person, { token }: Made) =>
      auth.invitations.accept({ token, password: otherPassword, context: context() }),
    repeated: "unauthorized.invalid_link",
    check: opens,
  },
];
