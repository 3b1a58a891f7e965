/** What the owner of an account without a password hears of. @module */
import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import type { ProvedIdentity } from "../../src/domain/identity-provider.ts";
import { sql } from "../../src/store/sql.ts";
import { freshAddress, freshIdentifier, goodPassword, system } from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { answerOf, freshIdentity, signInWith } from "../support/practice-provider.ts";

describeWorld(
  "R021: notices of an account without a password",
  { on: ["pglite", "postgres"], auth: { signUp: "open" } },
  (world, auth) => {
    const signedUp = async (identity: ProvedIdentity) => {
      const done = await signInWith(auth, identity, { context: { address: freshAddress() } });
      if (!("session" in done)) throw new Error("No session was made.");
      const { actor, user } = await auth.sessions.verify({ token: done.token, transport: "cookie" });
      return { actor, userId: user.id };
    };
    const verified = () => freshIdentity({ email: freshIdentifier(), emailVerified: true });
    /** The messages about an account, oldest first. */
    const owed = async ({ userId }: { userId: string }) =>
      await world.rows(sql<{ kind: string; recipient: string; isUsed: boolean }>`
      select kind, recipient, used_at is not null as "isUsed" from mail_message
      where usr_id = ${uuidFor("usr", userId)}::uuid and event_id is not null and kind <> 'new_device' order by created_at, recipient`);
    const makeToken = async ({ actor, userId }: Awaited<ReturnType<typeof signedUp>>) =>
      await auth.personalAccessTokens.create({ actor, userId: userId as never, name: "ci", scope: [] });

    test("go to the address that its provider has verified, without a link", async () => {
      const identity = verified();
      const person = await signedUp(identity);
      await makeToken(person);
      expect(await owed(person)).toEqual([{ kind: "token_made", recipient: identity.email, isUsed: true }]);
      const before = world.mailbox.messages.length;
      await auth.mail.deliver();
      await world.mailbox.arrival(identity.email!, before);
      const message = world.mailbox.messages.findLast(({ to }) => to === identity.email)!;
      expect(message.text).toContain(identity.email);
      expect(message.text).not.toContain("https://");
    });

    test("not to an address that no one has verified", async () => {
      const person = await signedUp(freshIdentity({ email: freshIdentifier() }));
      await makeToken(person);
      expect(await owed(person)).toEqual([]);
    });

    test("of a new identity go to the former one, and only once to one address", async () => {
      const [first, second] = [verified(), verified()];
      const person = await signedUp(first);
      const link = async (identity: ProvedIdentity) => {
        const { actor } = person;
        const started = await auth.federation.start({ provider: "practice", purpose: "link", actor });
        const { attempt } = started;
        await auth.federation.finishLink({ provider: "practice", attempt, answer: answerOf(started, identity), actor });
      };
      await link(second);
      expect((await owed(person)).map(({ recipient }) => recipient)).toEqual([first.email]);
      await link(freshIdentity({ email: first.email, emailVerified: true }));
      const later = (await owed(person)).slice(1).map(({ recipient }) => recipient);
      expect(later.toSorted()).toEqual([first.email, second.email].toSorted());
    });

    test("go to the verified address of its password alone, once it has one", async () => {
      const identity = verified();
      const person = await signedUp(identity);
      const own = freshIdentifier();
      await auth.credentials.createPassword({
        actor: system,
        userId: person.userId,
        identifier: own,
        password: goodPassword,
      });
      await world.rows(sql`update cred set identifier_verified_at = sallyport_now() where identifier = ${own}`);
      await makeToken(person);
      expect((await owed(person)).filter(({ kind }) => kind === "token_made")).toEqual([
        { kind: "token_made", recipient: own, isUsed: false },
      ]);
    });
  },
);
