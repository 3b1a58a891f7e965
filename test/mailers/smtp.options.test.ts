import { describe, expect, test } from "vitest";
import { type SmtpMailerOptions, smtpMailer } from "../../src/mailers/smtp.ts";
import { smtpSettings } from "../../src/mailers/smtp-settings.ts";
import { expectConfidential } from "../support/mail.ts";

const account = { user: "user-51aa-of-a-real-length", pass: "pass-9c0d-of-a-real-length" };

describe("a connection", () => {
  const [startTls, tls, plain] = [
    { secure: false, requireTLS: true, ignoreTLS: false },
    { secure: true, requireTLS: false, ignoreTLS: false },
    { secure: false, requireTLS: false, ignoreTLS: true },
  ];
  test.each([
    { case: "a host alone", options: { host: "smtp.example.com" }, expected: { port: 587, ...startTls } },
    { case: "port 465", options: { host: "smtp.example.com", port: 465 }, expected: { port: 465, ...tls } },
    { case: "port 25", options: { host: "smtp.example.com", port: 25 }, expected: { port: 25, ...startTls } },
    { case: "secure", options: { host: "smtp.example.com", secure: true }, expected: { port: 465, ...tls } },
    {
      case: "secure on another port",
      options: { host: "smtp.example.com", port: 2465, secure: true },
      expected: { port: 2465, ...tls },
    },
    {
      case: "port 465 without secure",
      options: { host: "smtp.example.com", port: 465, secure: false },
      expected: { port: 465, ...startTls },
    },
    {
      case: "loopback, whatever the DNS says of it",
      options: { host: "localhost" },
      expected: { host: "127.0.0.1", port: 587, ...plain },
    },
    { case: "loopback in capitals", options: { host: "LOCALHOST" }, expected: { host: "127.0.0.1", ...plain } },
    { case: "the last loopback address", options: { host: "127.255.255.255" }, expected: plain },
    { case: "IPv6 loopback", options: { host: "::1" }, expected: { host: "::1", ...plain } },
    { case: "IPv6 loopback in brackets", options: { host: "[::1]" }, expected: { host: "::1", ...plain } },
    { case: "secure loopback", options: { host: "localhost", secure: true }, expected: { host: "localhost", ...tls } },
    { case: "all addresses", options: { host: "0.0.0.0" }, expected: startTls },
    { case: "a name like loopback", options: { host: "localhost.example.com" }, expected: startTls },
    { case: "a name below localhost", options: { host: "smtp.localhost" }, expected: startTls },
    { case: "a dot after localhost", options: { host: "localhost." }, expected: startTls },
    { case: "127.0.0.256, which is a name", options: { host: "127.0.0.256" }, expected: startTls },
    { case: "127.0.0.01, which is a name", options: { host: "127.0.0.01" }, expected: startTls },
    { case: "127.1, which is a name", options: { host: "127.1" }, expected: startTls },
    { case: "a private address", options: { host: "192.168.1.1" }, expected: startTls },
  ])("with $case: encrypted unless it is loopback", ({ options, expected }) => {
    expect(smtpSettings(options)).toMatchObject({ ...expected, tls: { rejectUnauthorized: true } });
  });

  test("without an account or with one: signs in if there is one", () => {
    const host = "smtp.example.com";
    expect(smtpSettings({ host })).toMatchObject({ forceAuth: false });
    expect(smtpSettings({ host })).not.toHaveProperty("auth");
    expect(smtpSettings({ host, auth: account })).toMatchObject({ forceAuth: true, auth: account });
  });
});

describe("an option", () => {
  const given = (part: object): string => {
    try {
      smtpMailer({ host: "smtp.example.com", ...part } as SmtpMailerOptions);
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      expectConfidential(error);
      return (error as Error).message;
    }
    return "none";
  };
  test.each([
    { case: "a host alone", part: {} },
    { case: "port 1", part: { port: 1 } },
    { case: "port 65535", part: { port: 65_535 } },
    { case: "an account", part: { auth: account } },
    { case: "100 milliseconds", part: { timeoutMilliseconds: 100 } },
  ])("$case: accepted", ({ part }) => {
    expect(given(part)).toBe("none");
  });

  test.each([
    {
      case: "a missing host",
      part: { host: undefined },
      says: "it is missing, and must be the name of an SMTP server",
    },
    { case: "an empty host", part: { host: " " }, says: "must be the name of an SMTP server" },
    { case: "port 0", part: { port: 0 }, says: "it is 0, and must be a port, 1 to 65535" },
    { case: "port 65536", part: { port: 65_536 }, says: "must be a port" },
    { case: "a port as text", part: { port: "587" }, says: "must be a port" },
    { case: "secure as text", part: { secure: "true" }, says: "must be true or false" },
    { case: "an account without a name", part: { auth: { pass: account.pass } }, says: "the account's name" },
    { case: "an account without a password", part: { auth: { user: account.user } }, says: "the account's password" },
    { case: "an empty password", part: { auth: { ...account, pass: "" } }, says: "the account's password" },
    { case: "an account as text", part: { auth: "user-51aa:pass-9c0d-and-more" }, says: "the account's name" },
    { case: "an account that is null", part: { auth: null }, says: "the account's name" },
    { case: "an empty certificate", part: { ca: "" }, says: "certificates as PEM" },
    { case: "a time of 99", part: { timeoutMilliseconds: 99 }, says: "a whole number from 100 to 60000" },
  ])("$case: refused at once, without showing it", ({ part, says }) => {
    expect(given(part)).toContain(says);
  });
});
