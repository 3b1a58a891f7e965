/** Hostile fields: whatever a message contains, the server gets one recipient, and no header or command more. @module */
import fc from "fast-check";
import PostalMime from "postal-mime";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { MailMessage } from "../../src/domain/mail.ts";
import { smtpMailer } from "../../src/mailers/smtp.ts";
import { never, outcomeOf, sent } from "../support/mail.ts";
import { openSmtp, type SmtpSink } from "../support/smtp.ts";

let sink: SmtpSink;
beforeAll(async () => {
  sink = await openSmtp();
});
beforeEach(() => sink.clear());
afterAll(() => sink.close());

const send = (part: Partial<MailMessage>) =>
  smtpMailer({ host: "127.0.0.1", port: sink.port }).send({ ...sent, ...part }, never());

const commands = (): string[] => {
  const lines = sink.lines();
  return lines.slice(0, lines.indexOf("DATA") + 1);
};

/** The header's fields as they travelled, with their continuations joined. */
const fields = (raw: string): string[] =>
  raw
    .slice(0, raw.indexOf("\r\n\r\n"))
    .replace(/\r\n[ \t]/g, " ")
    .split("\r\n");

/** Fails unless one plain message has arrived at one recipient. */
async function expectOne(to: string): Promise<Awaited<ReturnType<typeof PostalMime.parse>>> {
  const [hello, from, recipient, data, ...more] = commands();
  expect(hello).toMatch(/^EHLO /);
  expect([from!.replace(/ .*/, ""), recipient, data, more]).toEqual(["MAIL", `RCPT TO:<${to}>`, "DATA", []]);
  expect(from).toMatch(/^MAIL FROM:<accounts@example\.com>( BODY=8BITMIME| SMTPUTF8)*$/);
  expect(sink.accepted.map((one) => one.to.length)).toEqual([1]);
  const names = fields(sink.accepted[0]!.raw).map((line) => line.slice(0, line.indexOf(":")));
  expect(names.sort()).toEqual([
    "Auto-Submitted",
    "Content-Type",
    "Date",
    "From",
    "MIME-Version",
    "Message-ID",
    "Subject",
    "To",
  ]);
  expect(sink.accepted[0]!.raw).not.toMatch(/(?<!\r)\n|\r(?!\n)/);
  const parsed = await PostalMime.parse(sink.accepted[0]!.raw);
  expect(parsed.from!.address).toBe("accounts@example.com");
  expect(parsed.to!.map(({ address }) => address)).toEqual([to]);
  expect([parsed.cc, parsed.bcc, parsed.attachments]).toEqual([undefined, undefined, []]);
  return parsed;
}

describe("a recipient", () => {
  test.each([
    "ada@example.org, eve@example.com",
    "ada@example.org,eve@example.com",
    "ada@example.org;eve@example.com",
    "a@b@example.com",
    "ada@example.org> SIZE=1",
    "<ada@example.org>",
    "Ada <ada@example.org>",
    "ada@example.org\r\nRCPT TO:<eve@example.com>",
    "ada@example.org\nBcc: eve@example.com",
    '"ada@example.org, eve"@example.com',
    '"ada> eve"@example.com',
    "friends: ada@example.org, eve@example.com;",
    "=?utf-8?Q?ada=40example.org=2C?= <eve@example.com>",
  ])("%j: refused before a connection is opened", async (to) => {
    const mailer = smtpMailer({ host: "127.0.0.1", port: sink.port });
    expect(await outcomeOf(mailer, { ...sent, to })).toBe("MailRefusedError INVALID_RECIPIENT");
    expect(sink.lines()).toEqual([""]);
  });

  test.each([
    "ada@example.org",
    "ada+tag@example.org",
    '"ada.b"@example.org',
    "o'brien!#$%&*/=?^_`{|}~@example.org",
    "=?utf-8?Q?eve=40example.com?=@example.org",
    "-oQ@example.org",
  ])("%j: the only recipient, exactly", async (to) => {
    await send({ to });
    await expectOne(to);
  });

  test("a domain beyond ASCII: in punycode, as DNS has it", async () => {
    await send({ to: "ada@bücher.example" });
    await expectOne("ada@xn--bcher-kva.example");
  });
});

const hostile = [
  "Example, Inc.",
  'Example" <eve@example.com>, "',
  "Example <eve@example.com>",
  "eve@example.com",
  "Example\\",
  "(comment) Example",
  "friends: eve@example.com;",
  "=?utf-8?Q?Example=0D=0ABcc:_eve=40example.com?=",
  "=?utf-8?B?DQpCY2M6IGV2ZUBleGFtcGxlLmNvbQ==?=",
  "=?utf-8?Q?=22?= <eve@example.com>",
  "Exämple, 例え <eve@example.com>",
  "  spaces  ",
  "x".repeat(2000),
  "é".repeat(1000),
];

describe("a sender's name", () => {
  test.each(hostile)("%j: stays a name", async (name) => {
    await send({ from: { ...sent.from, name } });
    await expectOne("ada@example.org");
  });
});

describe("a subject", () => {
  test.each([...hostile, "Subject: other", "."])("%j: stays the subject", async (subject) => {
    await send({ subject });
    await expectOne("ada@example.org");
  });
});

describe("a body", () => {
  test.each([
    {
      case: "a line with a dot",
      text: "first\r\n.\r\nMAIL FROM:<eve@example.com>\r\nRCPT TO:<eve@example.com>\r\nDATA",
    },
    { case: "a dot between lone line feeds", text: "first\n.\nMAIL FROM:<eve@example.com>" },
    { case: "a dot between lone carriage returns", text: "first\r.\rMAIL FROM:<eve@example.com>" },
    { case: "lines that begin with dots", text: ".first\n..second" },
    { case: "something like a boundary", text: "--boundary\r\nContent-Type: text/html\r\n\r\n<b>x</b>" },
    { case: "something like a path", text: "/etc/passwd", html: "file:///etc/passwd" },
    {
      case: "an image as data and one from a file",
      text: "x",
      html: '<img src="data:image/png;base64,AA=="><img src="file:///etc/passwd">',
    },
  ])("with $case: arrives as it was written", async ({ text, html = sent.html }) => {
    await send({ text, html });
    const parsed = await expectOne("ada@example.org");
    const lines = (one: string | undefined) => one?.replace(/\r\n?/g, "\n").trimEnd();
    expect([lines(parsed.text), lines(parsed.html)]).toEqual([lines(text), lines(html)]);
  });
});

test.each([
  { case: "a path", body: { path: "/etc/passwd" }, code: "EFILEACCESS" },
  { case: "a URL", body: { href: "http://127.0.0.1:9/" }, code: "EURLACCESS" },
])("a body that is no text but an object with $case: nothing is read or sent", async ({ body, code }) => {
  const mailer = smtpMailer({ host: "127.0.0.1", port: sink.port });
  expect(await outcomeOf(mailer, { ...sent, html: body as never })).toBe(`Error ${code}`);
  expect(sink.accepted).toEqual([]);
});

test("R029: any name, subject and bodies: one message to one recipient", { timeout: 60_000 }, async () => {
  const line = fc.string({ unit: "binary", maxLength: 120 }).map((text) => text.replace(/\p{Cc}|\p{Cs}/gu, ""));
  const lines = fc.string({ unit: "grapheme", maxLength: 200 });
  const check = fc.asyncProperty(line, line, lines, lines, async (name, subject, text, html) => {
    sink.clear();
    await send({
      from: { ...sent.from, name },
      subject: `Hello ${subject}`,
      text: `Hello ${text}`,
      html: `<p>${html}`,
    });
    await expectOne("ada@example.org");
  });
  await fc.assert(check, { numRuns: 30 });
});
