import { expect, test } from "vitest";
import { uuidFor } from "../../src/domain/id.ts";
import { sql } from "../../src/store/sql.ts";
import {
  freshAddress,
  freshIdentifier,
  goodPassword,
  otherPassword,
  outcome,
  type Person,
  tally,
} from "../support/auth.ts";
import { describeWorld } from "../support/describe-world.ts";
import { mailed, mailedChange, withNewAddress, withVerifiedAddress } from "../support/links.ts";
import { isUserLock, untilItLeaks } from "../support/races.ts";
import { rewritingDatabase } from "../support/rewriting-database.ts";

const roomy = { on: ["postgres"] as const, timeoutMilliseconds: 60_000 };

describeWorld("S16: racing changes of an address", roomy, (world) => {
  const verified = async () => await withVerifiedAddress(world, await world.person());
  const context = () => ({ address: freshAddress() });
  const confirm = ({ actor }: Person, token: string, auth = world.auth) =>
    outcome(auth.identifiers.confirmChange({ actor, token, transport: "token" }));
  const active = async ({ userId }: Pick<Person, "userId">) => {
    const rows = await world.rows<{ identifier: string }>(sql`
      select identifier from cred where usr_id = ${uuidFor("usr", userId)}::uuid and type = 'password' and status = 'active'`);
    return rows.map(({ identifier }) => identifier);
  };

  test("ten accounts and a sign-up want one address at once: one has it, and the others are as before", async () => {
    const identifier = freshIdentifier();
    const people = [];
    for (let index = 0; index < 10; index++) {
      const person = await verified();
      people.push({ person, token: (await mailedChange(world, person, identifier)).token });
      // The limit of messages to an address is not what this test is about.
      await world.rows(sql`delete from attempt where bucket like 'mailbox:%'`);
    }
    const [signedUp, ...codes] = await Promise.all([
      outcome(world.auth.signUp({ identifier, password: goodPassword, context: context() })),
      ...people.map(({ person, token }) => confirm(person, token)),
    ]);
    expect(tally([signedUp, ...codes])).toEqual({ done: 1, "conflict.duplicate_credential": 10 });
    for (const [index, { person }] of people.entries()) {
      expect(await active(person)).toEqual([codes[index] === "done" ? identifier : person.identifier]);
    }
  });

  /** A second change, and everything that the old mailbox and the new one can do about the first, at once. */
  async function everythingAtOnce(auth = world.auth): Promise<{ person: Person; codes: string[]; sessions: number }> {
    const person = await verified();
    const changed = await withNewAddress(world, person);
    const notMe = world.mailbox.secretTo(changed.identifier);
    const next = await mailedChange(world, changed);
    const reset = await mailed(world, "reset", changed.identifier);
    const codes = await Promise.all([
      confirm(changed, next.token, auth),
      outcome(auth.notices.disown({ token: changed.back, context: context() })),
      outcome(auth.notices.disown({ token: notMe, context: context() })),
      outcome(auth.passwordReset.confirm({ token: reset.token, password: otherPassword, context: context() })),
      outcome(auth.signIn.password({ identifier: changed.identifier, password: goodPassword, context: context() })),
    ]);
    return { person, codes, sessions: await world.liveSessions(person.userId) };
  }

  test("the way back, a second change, the other notice, a reset and a sign-in at once: the old address wins, 15 times", async () => {
    for (let round = 0; round < 15; round++) {
      const { person, codes, sessions } = await everythingAtOnce();
      expect(codes[1]).toBe("done");
      expect(await active(person)).toEqual([person.identifier]);
      expect(sessions).toBe(0);
      await world.auth.mail.deliver();
      const token = world.mailbox.secretTo(person.identifier);
      expect(await outcome(world.auth.passwordReset.confirm({ token, password: otherPassword }))).toBe("done");
    }
  });

  test("without the lock of the user, the old address does not always win", async () => {
    const faulty = rewritingDatabase(world.database, (text) => (isUserLock(text) ? undefined : text));
    const auth = world.isolate({ database: faulty });
    await untilItLeaks(60, async () => {
      const { person, codes, sessions } = await everythingAtOnce(auth);
      const isRight = codes[1] === "done" && String(await active(person)) === person.identifier && sessions === 0;
      return isRight ? 0 : 1;
    });
    expect(faulty.rewritten).toBeGreaterThan(0);
  });
});
