import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import PostalMime from "postal-mime";
import type { SMTPServerOptions } from "smtp-server";
import { afterEach, describe, expect, test } from "vitest";
import { type SmtpMailerOptions, smtpMailer } from "../../src/mailers/smtp.ts";
import { never, outcomeOf, sent } from "../support/mail.ts";
import { openSmtp, reply, type SmtpSink } from "../support/smtp.ts";

let sink: SmtpSink | undefined;
afterEach(async () => {
  await sink?.close();
  sink = undefined;
});

/** A mailer for a new server with these options. */
async function mailerFor(options: SMTPServerOptions = {}, more: Partial<SmtpMailerOptions> = {}) {
  sink = await openSmtp(options);
  return { sink, mailer: smtpMailer({ host: "127.0.0.1", port: sink.port, ...more }) };
}

test("a message arrives with its fields, its Message-ID and one recipient", async () => {
  const { mailer, sink } = await mailerFor();
  await mailer.send(sent, never());
  expect(sink.accepted).toHaveLength(1);
  const [{ from, to, raw }] = sink.accepted as [(typeof sink.accepted)[0]];
  expect([from, to]).toEqual(["accounts@example.com", ["ada@example.org"]]);
  const parsed = await PostalMime.parse(raw);
  expect(parsed).toMatchObject({
    from: { address: "accounts@example.com", name: "Example" },
    to: [{ address: "ada@example.org", name: "" }],
    subject: sent.subject,
    messageId: sent.messageId,
    text: `${sent.text}\n`,
    html: `${sent.html}\n`,
  });
  expect(parsed.headers.map(({ key }) => key).sort()).toEqual(
    ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"].sort(),
  );
  expect(parsed.attachments).toEqual([]);
});

test("a sender without a name: only the address", async () => {
  const { mailer, sink } = await mailerFor();
  await mailer.send({ ...sent, from: { address: "accounts@example.com" } }, never());
  expect(sink.accepted[0]!.raw).toMatch(/^From: accounts@example\.com\r$/m);
});

test("two attempts: two connections and the same Message-ID", async () => {
  const { mailer, sink } = await mailerFor();
  await mailer.send(sent, never());
  await mailer.send(sent, never());
  expect(sink.lines().filter((line) => line.startsWith("EHLO"))).toHaveLength(2);
  const parsed = await Promise.all(sink.accepted.map(({ raw }) => PostalMime.parse(raw)));
  expect(parsed.map(({ messageId }) => messageId)).toEqual([sent.messageId, sent.messageId]);
});

describe.each([
  { form: "one command at a time", pipelining: { hidePIPELINING: true } },
  { form: "with pipelined commands", pipelining: {} },
])("a reply, $form", ({ pipelining }) => {
  const at = (step: "onConnect" | "onMailFrom" | "onRcptTo" | "onData", code: number, text: string) => {
    const answer = reply(code, text);
    const options: SMTPServerOptions = {
      onConnect: (_session, callback) => callback(step === "onConnect" ? answer : null),
      onMailFrom: (_address, _session, callback) => callback(step === "onMailFrom" ? answer : null),
      onRcptTo: (_address, _session, callback) => callback(step === "onRcptTo" ? answer : null),
      onData(stream, _session, callback) {
        stream.resume().on("end", () => callback(answer));
      },
    };
    if (step !== "onData") delete options.onData;
    return { ...pipelining, ...options };
  };

  test.each([
    { case: "an unknown mailbox", step: "onRcptTo", code: 550, text: "5.1.1 <ada@example.org> quoted-reply" },
    { case: "an unknown mailbox without an enhanced code", step: "onRcptTo", code: 550, text: "quoted-reply" },
    { case: "a full mailbox for good", step: "onRcptTo", code: 552, text: "5.2.2 quoted-reply" },
    { case: "a wrong mailbox name", step: "onRcptTo", code: 553, text: "5.1.3 quoted-reply" },
    { case: "a domain without mail", step: "onRcptTo", code: 556, text: "5.1.10 quoted-reply" },
    { case: "a refused content", step: "onData", code: 554, text: "5.6.0 quoted-reply" },
    { case: "a message that is too large", step: "onData", code: 552, text: "5.3.4 quoted-reply" },
  ] as const)("$code to $step, $case: refused", async ({ step, code, text }) => {
    const { mailer, sink } = await mailerFor(at(step, code, text));
    expect(await outcomeOf(mailer)).toBe(`MailRefusedError SMTP_${code}`);
    await sink.closed();
  });

  test.each([
    { case: "a server that turns everybody away", step: "onConnect", code: 554, text: "quoted-reply" },
    { case: "a server that is busy", step: "onConnect", code: 421, text: "4.3.2 quoted-reply" },
    { case: "a sender that is not allowed", step: "onMailFrom", code: 550, text: "5.1.8 quoted-reply" },
    { case: "a sender that must sign in", step: "onMailFrom", code: 530, text: "5.7.0 quoted-reply" },
    { case: "a recipient for whom one must sign in", step: "onRcptTo", code: 530, text: "quoted-reply" },
    { case: "no relaying", step: "onRcptTo", code: 554, text: "5.7.1 <ada@example.org> quoted-reply" },
    { case: "a failed SPF check", step: "onData", code: 550, text: "5.7.23 quoted-reply" },
    { case: "commands in a wrong order", step: "onRcptTo", code: 503, text: "5.5.1 quoted-reply" },
    { case: "greylisting", step: "onRcptTo", code: 450, text: "4.2.0 <ada@example.org> quoted-reply" },
    { case: "a full mailbox for now", step: "onRcptTo", code: 452, text: "4.2.2 quoted-reply" },
    { case: "a server that closes", step: "onRcptTo", code: 421, text: "4.4.2 quoted-reply" },
    { case: "a local fault", step: "onData", code: 451, text: "4.3.0 quoted-reply" },
  ] as const)("$code to $step, $case: retried", async ({ step, code, text }) => {
    const { mailer, sink } = await mailerFor(at(step, code, text));
    expect(await outcomeOf(mailer)).toBe(`Error SMTP_${code}`);
    expect(sink.accepted).toEqual([]);
    await sink.closed();
  });
});

describe("no reply", () => {
  test.each([
    { case: "to the recipient", options: (reached: () => void): SMTPServerOptions => ({ onRcptTo: reached }) },
    {
      case: "to the content",
      options: (reached: () => void): SMTPServerOptions => ({
        onData: (stream) => stream.resume().on("end", reached),
      }),
    },
  ])("$case, aborted by the signal: retried, and the connection is closed", { timeout: 5000 }, async ({ options }) => {
    const controller = new AbortController();
    const { mailer, sink } = await mailerFor(
      options(() => controller.abort()),
      { timeoutMilliseconds: 60_000 },
    );
    expect(await outcomeOf(mailer, sent, controller.signal)).toBe("Error TIMEOUT");
    await sink.closed();
  });

  test("a server that keeps its half of the connection open: gone all the same", { timeout: 4000 }, async () => {
    const controller = new AbortController();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      socket.write("220 example.com\r\n");
      socket.once("data", () => controller.abort());
      // A write fails once the client has no socket any more.
      const speak = () => socket.write("2", (error) => (error ? server.emit("left") : setImmediate(speak)));
      socket.on("end", speak);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const left = once(server, "left");
    const { port } = server.address() as AddressInfo;
    expect(await outcomeOf(smtpMailer({ host: "127.0.0.1", port }), sent, controller.signal)).toBe("Error TIMEOUT");
    await left;
    server.close();
    await once(server, "close");
  });

  test("a signal that has already aborted: no connection", async () => {
    const { mailer, sink } = await mailerFor();
    expect(await outcomeOf(mailer, sent, AbortSignal.abort())).toBe("Error TIMEOUT");
    expect(sink.lines()).toEqual([""]);
  });

  test.each([
    { case: "no greeting", write: "", code: "ETIMEDOUT" },
    { case: "garbage", write: "quoted-reply\r\n", code: "EPROTOCOL" },
    { case: "an end at once", write: undefined, code: "ECONNECTION" },
    { case: "half a greeting and an end", write: undefined, half: "220 quoted-", code: "ECONNECTION" },
  ])("$case: retried", async ({ write, half = "", code }) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      if (write === undefined) socket.end(half);
      else socket.write(write);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const mailer = smtpMailer({ host: "127.0.0.1", port, timeoutMilliseconds: 200 });
    expect(await outcomeOf(mailer)).toBe(`Error ${code}`);
    server.close();
    await once(server, "close");
  });

  test("a connection that ends after the content: retried, since the server may have lost it", async () => {
    const { mailer } = await mailerFor({
      onData: (stream) => stream.resume().on("end", () => sink!.drop()),
    });
    expect(await outcomeOf(mailer)).toBe("Error ECONNECTION");
  });

  test("a port without a server: retried, with the runtime's code", async () => {
    const { mailer, sink } = await mailerFor();
    await sink.close();
    expect(await outcomeOf(mailer)).toBe("Error ECONNREFUSED");
  });
});
