import { describe, expect, test } from "vitest";
import { toBase64Url } from "../../src/crypto/bytes.ts";
import { type Mailer, type MailMessage, MailRefusedError } from "../../src/domain/mail.ts";
import { type Statement, sql } from "../../src/store/sql.ts";
import { advanceTestClock } from "../../src/testing/clock.ts";
import { freshAddress, outcome, secret, type World } from "../support/auth.ts";
import { countingDatabase } from "../support/counting-database.ts";
import { describeWorld } from "../support/describe-world.ts";
import { faultyDatabase } from "../support/faulty-database.ts";
import { withVerifiedAddress } from "../support/links.ts";
import { openMailbox } from "../support/mailbox.ts";

const nothing = { sent: 0, refused: 0, failed: 0 };

/** A mailer that does one thing after another with the messages that it gets. */
function scripted(...steps: ((message: MailMessage, signal: AbortSignal) => Promise<void>)[]) {
  const seen: MailMessage[] = [];
  const mailer: Mailer = {
    async send(message, signal) {
      seen.push(message);
      await steps.shift()?.(message, signal);
    },
  };
  return { mailer, seen };
}
const fails = async () => Promise.reject(new Error("the provider is down"));

/** Owes a link to a new user, and returns the address. */
async function owe(world: World): Promise<string> {
  const { actor, identifier } = await world.person();
  await world.auth.identifiers.requestVerification({ actor });
  return identifier;
}

describeWorld(
  "delivery of messages",
  { on: ["pglite", "postgres"], clock: new Date("2030-01-01T00:00:00Z") },
  (world) => {
    const stored = (address: string) =>
      world.rows<{ status: string }>(sql`
    select m.status, m.recipient, m.content from mail_message m join cred on cred.usr_id = m.usr_id where cred.identifier = ${address}`);
    const erased = (status: string) => [{ status, recipient: null, content: null }];

    test("a message is sent once, and erased", async () => {
      const address = await owe(world);
      expect(world.mailbox.messages.some(({ to }) => to === address)).toBe(false);
      expect(await world.auth.mail.deliver()).toEqual({ ...nothing, sent: 1 });
      expect(await world.auth.mail.deliver()).toEqual(nothing);
      expect(world.mailbox.messages.filter(({ to }) => to === address)).toHaveLength(1);
      expect(await stored(address)).toEqual(erased("sent"));
    });

    test.each([
      { owed: 6, limit: 5, sent: 5, requests: 2 },
      { owed: 4, limit: 5, sent: 4, requests: 2 },
      { owed: 6, limit: 6, sent: 6, requests: 4 },
      { owed: 5, limit: 100, sent: 5, requests: 3 },
      { owed: 0, limit: 100, sent: 0, requests: 1 },
    ])("$owed are due and at most $limit are asked for: $sent are sent, in $requests requests", async (row) => {
      const counting = countingDatabase(world.database);
      const auth = world.isolate({ database: counting });
      for (let count = 0; count < row.owed; count++) await owe(world);
      expect(await auth.mail.deliver({ limit: row.limit })).toEqual({ ...nothing, sent: row.sent });
      expect(counting.requests).toBe(row.requests);
      expect(await world.auth.mail.deliver()).toEqual({ ...nothing, sent: row.owed - row.sent });
    });

    test("the address in a message: a secret and a way on, if the message has them", async () => {
      const { identifier } = await withVerifiedAddress(world, await world.person());
      const [next, context] = ["/account?tab=2#tokens", { address: freshAddress() }];
      const { mailedSignIn, mailedSignUp, passwordReset } = world.auth;
      const asked = {
        "/sign-in/link next token": () => mailedSignIn.request({ identifier, next, context }),
        "/sign-in/link token": () => mailedSignIn.request({ identifier, context }),
        "/reset token": () => passwordReset.request({ identifier, context }),
        // Someone has the address already, so nothing can be done with it but to sign in.
        "/sign-in": () => mailedSignUp.request({ identifier, context }),
      };
      for (const [expected, ask] of Object.entries(asked)) {
        await ask();
        await world.auth.mail.deliver();
        const url = new URL(/https:\/\/example\.com\S*/.exec(world.mailbox.newestTo(identifier).text)![0]);
        expect([url.pathname, ...[...url.searchParams.keys()].sort()].join(" ")).toBe(expected);
        expect(url.searchParams.get("next")).toBe(expected.includes("next") ? next : null);
      }
    });

    test("a message that fails is the same one at each attempt, after waits that double", async () => {
      const { mailer, seen } = scripted(fails, fails, fails, fails);
      const faults: unknown[] = [];
      const auth = world.isolate({ mail: { mailer }, onError: (error) => faults.push(error) });
      const address = await owe(world);
      for (const seconds of [30, 60, 120, 240]) {
        expect(await auth.mail.deliver()).toEqual({ ...nothing, failed: 1 });
        await advanceTestClock(world.database, seconds - 1);
        expect(await auth.mail.deliver()).toEqual(nothing);
        await advanceTestClock(world.database, 1);
      }
      expect(await auth.mail.deliver()).toEqual({ ...nothing, sent: 1 });
      expect(seen).toHaveLength(5);
      for (const message of seen) expect(message).toEqual(seen[0]);
      expect(seen[0]).toMatchObject({ to: address, messageId: `<${seen[0]!.id}@example.com>` });
      expect(faults.map(String)).toEqual(Array(4).fill("MailFault: A message was not sent."));
    });

    test("the wait grows to an hour, and a message whose link has expired is given up", async () => {
      const { mailer, seen } = scripted(...Array.from({ length: 100 }, () => fails));
      const auth = world.isolate({ mail: { mailer }, onError: () => undefined });
      const address = await owe(world);
      for (let minutes = 0; minutes < 24 * 60 + 1; minutes += 1) {
        await auth.mail.deliver();
        await advanceTestClock(world.database, 60);
      }
      // 30, 60, … 1,920 seconds, then each hour.
      expect(seen.length).toBeGreaterThan(25);
      expect(seen.length).toBeLessThan(35);
      await auth.mail.deliver();
      await advanceTestClock(world.database, 3_600);
      expect(await auth.mail.deliver()).toEqual(nothing);
      expect(await stored(address)).toEqual(erased("expired"));
    });

    test("a message that the provider refuses is not tried again", async () => {
      const { mailer, seen } = scripted(async () => Promise.reject(new MailRefusedError("no such mailbox")));
      const auth = world.isolate({ mail: { mailer }, onError: () => undefined });
      const address = await owe(world);
      expect(await auth.mail.deliver()).toEqual({ ...nothing, refused: 1 });
      await advanceTestClock(world.database, 86_400);
      expect([await auth.mail.deliver(), seen.length]).toEqual([nothing, 1]);
      expect(await stored(address)).toEqual(erased("refused"));
    });

    test.each<[string, () => Promise<void>]>([
      ["never answers", () => new Promise(() => undefined)],
      ["fails without an error", () => Promise.reject(undefined)],
      [
        "throws at once",
        () => {
          throw "no error";
        },
      ],
    ])("a provider that %s holds up no other message", async (_case, step) => {
      const { mailer } = scripted(step);
      const auth = world.isolate({ mail: { mailer, timeoutMilliseconds: 100 }, onError: () => undefined });
      await owe(world);
      await owe(world);
      expect(await auth.mail.deliver()).toEqual({ ...nothing, sent: 1, failed: 1 });
      await advanceTestClock(world.database, 30);
      expect(await auth.mail.deliver()).toEqual({ ...nothing, sent: 1 });
    });

    describe("a worker that ends in the middle", () => {
      test.each(["before", "after"] as const)(
        "the lease's answer is lost, %s: the message is sent later",
        async (fault) => {
          const faulty = faultyDatabase(world.database);
          const address = await owe(world);
          faulty.reset([fault]);
          await expect(world.isolate({ database: faulty }).mail.deliver()).rejects.toThrow();
          await advanceTestClock(world.database, 71);
          expect(await world.auth.mail.deliver()).toEqual({ ...nothing, sent: 1 });
          expect(await stored(address)).toEqual(erased("sent"));
        },
      );

      test("the provider has accepted it, and the note is lost: it is sent once more, as the same message", async () => {
        const { mailer, seen } = scripted();
        const faulty = faultyDatabase(world.database);
        await owe(world);
        faulty.reset([undefined, "before"]);
        await expect(world.isolate({ database: faulty, mail: { mailer } }).mail.deliver()).rejects.toThrow();
        const auth = world.isolate({ mail: { mailer } });
        await advanceTestClock(world.database, 69);
        expect(await auth.mail.deliver()).toEqual(nothing);
        await advanceTestClock(world.database, 2);
        expect(await auth.mail.deliver()).toEqual({ ...nothing, sent: 1 });
        expect([seen.length, seen[0]]).toEqual([2, seen[1]]);
      });

      test("a worker that always ends in the middle holds a message for longer each time", async () => {
        const faulty = faultyDatabase(world.database);
        const auth = world.isolate({ database: faulty, mail: { mailer: openMailbox() } });
        await owe(world);
        for (const seconds of [70, 140, 280]) {
          faulty.reset([undefined, "before"]);
          await expect(auth.mail.deliver()).rejects.toThrow();
          await advanceTestClock(world.database, seconds - 1);
          faulty.reset();
          expect(await auth.mail.deliver()).toEqual(nothing);
          await advanceTestClock(world.database, 1);
        }
        expect(await auth.mail.deliver()).toEqual({ ...nothing, sent: 1 });
      });

      test("what was accepted before a worker ends is recorded, a few messages at a time", async () => {
        const mailbox = openMailbox();
        const faulty = faultyDatabase(world.database);
        const auth = world.isolate({ database: faulty, mail: { mailer: mailbox } });
        for (let count = 0; count < 12; count++) await owe(world);
        faulty.reset([undefined, undefined, undefined, "before"]);
        await expect(auth.mail.deliver()).rejects.toThrow();
        expect(mailbox.messages).toHaveLength(10);
        expect(await world.auth.mail.deliver()).toEqual({ ...nothing, sent: 2 });
        await advanceTestClock(world.database, 70);
        expect(await world.auth.mail.deliver()).toEqual({ ...nothing, sent: 5 });
      });

      test("a worker whose lease was taken over records nothing", async () => {
        const late: (() => void)[] = [];
        const { mailer } = scripted(() => new Promise((resolve) => late.push(resolve)), fails);
        const auth = world.isolate({ mail: { mailer }, onError: () => undefined });
        const address = await owe(world);
        const first = auth.mail.deliver();
        await expect.poll(() => late.length).toBe(1);
        await advanceTestClock(world.database, 71);
        expect(await auth.mail.deliver()).toEqual({ ...nothing, failed: 1 });
        late[0]!();
        await first;
        expect(await stored(address)).toMatchObject([{ status: "owed", recipient: address }]);
        await advanceTestClock(world.database, 3_600);
        await auth.mail.deliver();
      });
    });

    test("a message whose key is gone waits for it, and another message is sent", async () => {
      const next = `2:${toBase64Url(crypto.getRandomValues(new Uint8Array(32)))}`;
      await owe(world);
      const faults: unknown[] = [];
      const without = world.isolate({ secrets: next, onError: (error) => faults.push(error) });
      expect(await without.mail.deliver()).toEqual({ ...nothing, failed: 1 });
      expect(faults).toHaveLength(1);
      await advanceTestClock(world.database, 30);
      const both = world.isolate({ secrets: `${next},1:${secret}` });
      expect(await both.mail.deliver()).toEqual({ ...nothing, sent: 1 });
    });

    test("R023: between the commit and the sending, nothing in the database opens anything", async () => {
      const { actor, identifier } = await world.person();
      await world.auth.identifiers.requestVerification({ actor });
      const tables = await world.rows<{ name: string }>(sql`
      select table_name as name from information_schema.tables where table_schema = current_schema()`);
      const rows: unknown[] = [];
      for (const { name } of tables) {
        const text = `select to_jsonb(t)::text as row from "${name}" t`;
        rows.push(...(await world.rows({ text, params: [] } as Statement<{ row: string }>)));
      }
      const dump = JSON.stringify(rows);
      expect(dump).toContain(identifier);
      const words = new Set(dump.match(/[\w-]{20,}/g));
      expect(words.size).toBeGreaterThan(50);
      for (const word of words) {
        const hex = /^x?([0-9a-f]{64})$/.exec(word)?.[1];
        const token = hex ? toBase64Url(Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16))) : word;
        const spent = world.auth.identifiers.verify({ token, proof: { type: "session", actor } });
        expect(await outcome(spent)).toBe("unauthorized.invalid_link");
      }
      await world.auth.mail.deliver();
      expect(dump).not.toContain(world.mailbox.secretTo(identifier));
    });
  },
);

describeWorld("two workers at once", { on: ["postgres"] }, (world) => {
  test("sixty messages are sent once each", async () => {
    const mailbox = openMailbox();
    const addresses = await Promise.all(Array.from({ length: 60 }, () => owe(world)));
    const workers = Array.from({ length: 4 }, () => world.isolate({ mail: { mailer: mailbox } }).mail.deliver());
    const sent = (await Promise.all(workers)).reduce((sum, delivery) => sum + delivery.sent, 0);
    expect([sent, mailbox.messages.map(({ to }) => to).toSorted()]).toEqual([60, addresses.toSorted()]);
  });
});
