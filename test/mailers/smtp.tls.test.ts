/**
 * Encryption and accounts. The address 0.0.0.0 leads to this machine and is not loopback by its name, so the mailer demands TLS
 * for it.
 *
 * @module
 */
import type { SMTPServerOptions } from "smtp-server";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type SmtpMailerOptions, smtpMailer } from "../../src/mailers/smtp.ts";
import { outcomeOf } from "../support/mail.ts";
import { certificateFor, openSmtp, reply, type SmtpSink } from "../support/smtp.ts";

const host = "0.0.0.0";
const auth = { user: "user-51aa", pass: "pass-9c0d" };

type Pem = Awaited<ReturnType<typeof certificateFor>>;
let right: Pem;
let forOther: Pem;
beforeAll(async () => {
  [right, forOther] = [await certificateFor(host), await certificateFor("smtp.example.com")];
});

let sink: SmtpSink;
afterEach(async () => {
  vi.unstubAllEnvs();
  await sink.close();
});

const startTls = (pem: Pem): SMTPServerOptions => ({ ...pem, disabledCommands: [] });
const implicitTls = (pem: Pem): SMTPServerOptions => ({ ...pem, secure: true });

/** What becomes of a message to a server with these options. */
async function outcome(server: SMTPServerOptions, mailer: Partial<SmtpMailerOptions>): Promise<string> {
  sink = await openSmtp(server);
  return await outcomeOf(smtpMailer({ host, port: sink.port, ...mailer }));
}

/** What clients sent before they encrypted, without the greeting. */
const inTheClear = (): readonly string[] =>
  sink.lines().filter((line) => /^[\x20-\x7e]+$/.test(line) && !/^(EHLO|HELO) /.test(line));

describe("a server that is not on this machine", () => {
  test.each([
    { case: "STARTTLS", server: startTls, secure: false },
    { case: "TLS from the first byte", server: implicitTls, secure: true },
  ])("$case: the message is encrypted", async ({ server, secure }) => {
    expect(await outcome(server(right), { secure, ca: right.cert })).toBe("sent");
    expect(sink.accepted.map(({ isEncrypted, to }) => [isEncrypted, to])).toEqual([[true, ["ada@example.org"]]]);
    expect(inTheClear().filter((line) => line !== "STARTTLS")).toEqual([]);
  });

  test.each([
    { case: "STARTTLS, a certificate that nothing trusts", server: startTls, secure: false, trusted: undefined },
    { case: "TLS, a certificate that nothing trusts", server: implicitTls, secure: true, trusted: undefined },
  ])("$case: retried, and nothing is sent", async ({ server, secure }) => {
    expect(await outcome(server(right), { secure, auth })).toBe("Error DEPTH_ZERO_SELF_SIGNED_CERT");
    expect(inTheClear().filter((line) => line !== "STARTTLS")).toEqual([]);
    expect(sink.accepted).toEqual([]);
  });

  test.each([
    { case: "STARTTLS, a certificate of another host", server: startTls, secure: false },
    { case: "TLS, a certificate of another host", server: implicitTls, secure: true },
  ])("$case: retried, and nothing is sent", async ({ server, secure }) => {
    const failed = await outcome(server(forOther), { secure, auth, ca: forOther.cert });
    expect(failed).toBe("Error ERR_TLS_CERT_ALTNAME_INVALID");
    expect(sink.accepted).toEqual([]);
  });

  test("an environment that turns checks off: the certificate is still checked", async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    expect(await outcome(startTls(right), {})).toBe("Error DEPTH_ZERO_SELF_SIGNED_CERT");
    expect(await outcome(implicitTls(right), { secure: true })).toBe("Error DEPTH_ZERO_SELF_SIGNED_CERT");
  });

  test.each([
    { case: "does not know STARTTLS", server: {} },
    { case: "hides STARTTLS, and refuses it", server: { hideSTARTTLS: true } },
  ])("one that $case: retried, and neither the account nor the message is sent", async ({ server }) => {
    expect(await outcome(server, { auth })).toMatch(/^Error (SMTP_5\d\d|ETLS)$/);
    expect(inTheClear().filter((line) => line !== "STARTTLS")).toEqual([]);
    expect(sink.accepted).toEqual([]);
  });

  test("one that hides STARTTLS and has it: the message is encrypted", async () => {
    expect(await outcome({ ...startTls(right), hideSTARTTLS: true }, { ca: right.cert })).toBe("sent");
    expect(sink.accepted.map(({ isEncrypted }) => isEncrypted)).toEqual([true]);
  });

  test("TLS to a server that speaks plain text: retried", async () => {
    expect(await outcome({}, { secure: true, timeoutMilliseconds: 2000 })).toMatch(/^Error \w+$/);
    expect(sink.accepted).toEqual([]);
  });
});

describe("a server on this machine", () => {
  test.each(["127.0.0.1", "localhost", "LOCALHOST", "127.0.0.2"])(
    "%s: plain text, whatever it offers",
    async (name) => {
      expect(await outcome(startTls(forOther), { host: name })).toBe("sent");
      expect(sink.accepted.map(({ isEncrypted }) => isEncrypted)).toEqual([false]);
    },
  );

  test("secure: encrypted and checked", async () => {
    const local = await certificateFor("127.0.0.1");
    expect(await outcome(implicitTls(local), { host: "127.0.0.1", secure: true, ca: local.cert })).toBe("sent");
    expect(await outcomeOf(smtpMailer({ host: "127.0.0.1", port: sink.port, secure: true }))).toBe(
      "Error DEPTH_ZERO_SELF_SIGNED_CERT",
    );
    expect(sink.accepted.map(({ isEncrypted }) => isEncrypted)).toEqual([true]);
  });
});

describe("an account", () => {
  const accounts: SMTPServerOptions = {
    authOptional: false,
    onAuth({ username, password }, _session, callback) {
      const isRight = username === auth.user && password === auth.pass;
      callback(isRight ? null : reply(535, "5.7.8 user-51aa quoted-reply"), isRight ? { user: username } : undefined);
    },
  };

  test.each(["PLAIN", "LOGIN"])("%s: signs in after the connection is encrypted", async (method) => {
    const server = { ...startTls(right), ...accounts, authMethods: [method] };
    expect(await outcome(server, { auth, ca: right.cert })).toBe("sent");
    expect(sink.accepted.map(({ user, isEncrypted }) => [user, isEncrypted])).toEqual([[auth.user, true]]);
    expect(inTheClear()).toEqual(["STARTTLS"]);
  });

  test("a wrong password: retried, because it is a setting", async () => {
    const wrong = { ...auth, pass: "pass-9c0d-wrong" };
    expect(await outcome({ ...startTls(right), ...accounts }, { auth: wrong, ca: right.cert })).toBe("Error SMTP_535");
    expect(sink.accepted).toEqual([]);
  });

  test("none where the server demands one: retried, because it is a setting", async () => {
    expect(await outcome({ ...startTls(right), ...accounts }, { ca: right.cert })).toBe("Error SMTP_530");
  });

  test("one where the server knows none: retried, and the message is not sent without it", async () => {
    const server = { ...startTls(right), disabledCommands: ["AUTH"] };
    expect(await outcome(server, { auth, ca: right.cert })).toMatch(/^Error (SMTP_5\d\d|EAUTH)$/);
    expect(sink.accepted).toEqual([]);
  });

  test("changed afterwards: not used", async () => {
    const changing = { ...auth };
    sink = await openSmtp({ ...startTls(right), ...accounts });
    const mailer = smtpMailer({ host, port: sink.port, auth: changing, ca: right.cert });
    changing.pass = "pass-9c0d-wrong";
    expect(await outcomeOf(mailer)).toBe("sent");
  });
});
