import { describe, expect, test } from "vitest";

import { type DeploymentInvitationId, type InvitationId, type OrganizationId, uuidFor } from "../../src/domain/id.ts";
import type { MailKind } from "../../src/domain/mail-text.ts";
import type { NoticeKind } from "../../src/domain/notices.ts";
import { sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshAddress, freshIdentifier, goodPassword, otherPassword, type Person, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { verifyAddress } from "../support/invitations.ts";
import { withVerifiedAddress } from "../support/links.ts";
import { openMailbox } from "../support/mailbox.ts";
import { organizationsIn } from "../support/organizations.ts";

/** A message with a link of its own. The link of a notice lives as long as the notice says, and what happened is always told. */
type LinkKind = Exclude<
  MailKind,
  | NoticeKind
  | "sign_up_taken"
  | "change_identifier_taken"
  | "address_replaced"
  | "address_restored"
  | "recovery_started"
  | "recovery_finished"
>;

/** A message that waits, and what ends its link. */
interface Waiting {
  readonly to: string;
  end(): Promise<unknown>;
}

const context = () => ({ address: freshAddress() });

describeWorld(
  "messages whose link has ended before they were sent",
  { on: ["pglite", "postgres"], clock: new Date("2030-01-01T00:00:00Z") },
  (world) => {
    const verified = async () => withVerifiedAddress(world, await world.person());
    const endAccount = ({ userId }: Person) => world.auth.users.revoke({ actor: system, userId });
    const endPassword = ({ credentialId }: Person) => world.auth.credentials.revoke({ actor: system, credentialId });
    const changePassword = ({ credentialId }: Person) =>
      world.auth.credentials.rotatePassword({ actor: system, credentialId, password: otherPassword });
    const asks = {
      verify: ({ actor }: Person) => world.auth.identifiers.requestVerification({ actor }),
      reset: ({ identifier }: Person) => world.auth.passwordReset.request({ identifier, context: context() }),
      signIn: ({ identifier }: Person) => world.auth.mailedSignIn.request({ identifier, context: context() }),
    };

    /** A link for the address of a person, and what ends it. */
    const of = (ask: keyof typeof asks, end: (person: Person) => Promise<unknown>) => async (): Promise<Waiting> => {
      const person = ask === "verify" ? await world.person() : await verified();
      await asks[ask](person);
      return { to: person.identifier, end: () => end(person) };
    };
    /** A link for an address that no account has, and what ends it. */
    const ofStranger = (ask: (to: string) => Promise<unknown>) => async (): Promise<Waiting> => {
      const to = freshIdentifier();
      await ask(to);
      return { to, end: () => ask(to) };
    };
    const ofChange = (end: (person: Person, to: string) => Promise<unknown>) => async (): Promise<Waiting> => {
      const [person, to] = [await verified(), freshIdentifier()];
      await world.auth.identifiers.requestChange({ actor: person.actor, identifier: to });
      return { to, end: () => end(person, to) };
    };
    const ofRecovery = (end: (person: Person) => Promise<unknown>) => async (): Promise<Waiting> => {
      const [person, to] = [await verified(), freshIdentifier()];
      await world.auth.recovery.start({ actor: system, userId: person.userId, identifier: to });
      return {
        to,
        async end() {
          await end(person);
          await world.rows(sql`update mail_message set due_at = sallyport_now() where recipient = ${to}`);
        },
      };
    };

    /** An invitation of a fresh address to an organization, and what ends it. */
    const invited =
      (end: (id: InvitationId, organizationId: OrganizationId, token: string, to: string) => Promise<unknown>) =>
      async (): Promise<Waiting> => {
        const owner = await organizationsIn(world).form();
        const { actor, organizationId } = owner;
        const to = freshIdentifier();
        const made = await world.auth.organizationInvitations.create({
          ...{ actor, organizationId, role: "member", identifier: to },
        });
        return { to, end: () => end(made.invitation.id, organizationId, made.token, to) };
      };
    const deployed =
      (end: (id: DeploymentInvitationId, token: string, to: string) => Promise<unknown>) =>
      async (): Promise<Waiting> => {
        const to = freshIdentifier();
        const made = await world.auth.invitations.create({ actor: system, identifier: to });
        return { to, end: () => end(made.invitation.id, made.token, to) };
      };

    const invitedToBeRevoked = deployed((invitationId) =>
      world.auth.invitations.revoke({ actor: system, invitationId }),
    );

    const ends: Record<LinkKind, Record<string, () => Promise<Waiting>>> = {
      verify_identifier: {
        "another one is asked for": of("verify", asks.verify),
        "the account ends": of("verify", endAccount),
        "the password with the address is revoked": of("verify", endPassword),
      },
      reset_password: {
        "another one is asked for": of("reset", asks.reset),
        "the account ends": of("reset", endAccount),
        "the password is changed": of("reset", changePassword),
        "the password is revoked": of("reset", endPassword),
      },
      sign_in: {
        "another one is asked for": of("signIn", asks.signIn),
        "the account ends": of("signIn", endAccount),
        "the password with the address is revoked": of("signIn", endPassword),
      },
      sign_up: {
        "another one is asked for": ofStranger((identifier) =>
          world.auth.mailedSignUp.request({ identifier, context: context() }),
        ),
      },
      change_identifier: {
        "another one is asked for": ofChange(({ actor }, identifier) =>
          world.auth.identifiers.requestChange({ actor, identifier }),
        ),
        "the account ends": ofChange(endAccount),
      },
      recover_account: {
        "another recovery is started": ofRecovery(({ userId }) =>
          world.auth.recovery.start({ actor: system, userId, identifier: freshIdentifier() }),
        ),
        "the account ends": ofRecovery(endAccount),
      },
      invitation: {
        "it is revoked": invitedToBeRevoked,
        "it is made again": deployed((_id, _token, identifier) =>
          world.auth.invitations.create({ actor: system, identifier }),
        ),
        "it is accepted with the copied link": deployed((_id, token) =>
          world.auth.invitations.accept({ token, password: goodPassword, context: context() }),
        ),
      },
      organization_invitation: {
        "it is revoked": invited((invitationId) =>
          world.auth.organizationInvitations.revoke({ actor: system, invitationId }),
        ),
        "the organization ends": invited((_, organizationId) =>
          world.auth.organizations.revoke({ actor: system, organizationId }),
        ),
        "another SDK revokes it": invited((id) =>
          world.rows(
            sql`update inv set status = 'revoked', terminal_at = sallyport_now() where id = ${uuidFor("inv", id)}::uuid`,
          ),
        ),
        "it is accepted with the copied link": invited(async (_id, _organization, token, to) => {
          const ada = await world.person({ identifier: to });
          await verifyAddress(world, ada);
          await world.auth.organizationInvitations.accept({ actor: ada.actor, token });
        }),
      },
    };

    describe.each(Object.entries(ends))("%s", (kind, cases) => {
      test.each(Object.entries(cases))("%s: it is not sent, and erased", async (_case, wait) => {
        const mailer = openMailbox();
        const isolate = world.isolate({ mail: { mailer } });
        const { to, end } = await wait();
        const [before] = await world.rows<{ id: string }>(
          sql`select id from mail_message where kind = ${kind} and recipient = ${to} and status = 'owed'`,
        );
        await end();
        await isolate.mail.deliver();
        const link = await world.rows(
          sql`select status, recipient, content from mail_message where id = ${before!.id}::uuid`,
        );
        expect(link).toEqual([{ status: "expired", recipient: null, content: null }]);
        expect(mailer.messages.filter(({ id }) => id === before!.id)).toEqual([]);
      });
    });

    test("a code that is too old is left out, and its link is sent", async () => {
      const [mailer, person] = [openMailbox(), await verified()];
      await asks.signIn(person);
      await advanceTestClock(world.database, 601);
      await world.isolate({ mail: { mailer } }).mail.deliver();
      const { text } = mailer.newestTo(person.identifier);
      expect(text).toMatch(/\?token=[\w-]{43}\s/);
      expect(text).not.toMatch(/\d{3} \d{3}/);
      expect(text).not.toContain("code where you asked");
    });

    test("any number of them holds up no other message of the same delivery", async () => {
      const [mailer, person] = [openMailbox(), await verified()];
      for (let count = 0; count < 12; count++) {
        const { end } = await invitedToBeRevoked();
        await end();
      }
      await asks.reset(person);
      expect(await world.isolate({ mail: { mailer } }).mail.deliver()).toMatchObject({ failed: 0, refused: 0 });
      expect(mailer.messages.map(({ to }) => to)).toContain(person.identifier);
    });
  },
);
