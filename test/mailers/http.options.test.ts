import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type HttpMailerOptions, httpMailer } from "../../src/mailers/http.ts";
import { expectConfidential, never, sent } from "../support/mail.ts";
import { type MailApi, openMailApi } from "../support/mail-api.ts";

let api: MailApi;
beforeAll(async () => {
  api = await openMailApi();
});
beforeEach(() => {
  api.received.length = 0;
});
afterAll(() => api.close());

const key = { Authorization: "Bearer key-8d2e" };
const mailer = (options: Partial<HttpMailerOptions> = {}) => httpMailer({ url: api.url, headers: key, ...options });

describe("options", () => {
  /** The message with which the options are refused. */
  function complaint(options: unknown): string {
    try {
      httpMailer(options as HttpMailerOptions);
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      expectConfidential(error);
      return (error as Error).message;
    }
    return "none";
  }
  const url = "https://api.example.com/emails";
  const given = (part: object) => complaint({ url, headers: key, ...part });

  test.each([["422"], [42], ["x"], [429], 422, "422"].map((refusing) => ({ refusing })))(
    "statuses that are none: $refusing",
    ({ refusing }) => {
      expect(given({ refusing })).toContain("a list of statuses from 400, such as [422]");
    },
  );

  test.each([
    "https://api.example.com/emails",
    "https://api.example.com:8443/?key=key-8d2e",
    "http://localhost:3000/",
    "http://127.0.0.1/",
    "http://127.255.0.1:1/",
    "http://[::1]:3000/",
  ])("url %s: accepted", (one) => {
    expect(given({ url: one })).toBe("none");
  });

  test.each([
    { case: "a missing url", part: { url: undefined }, says: "it is missing, and must be the URL of a mail API" },
    { case: "a url that is none", part: { url: "key-8d2e-4b7f-9a61" }, says: "must be the URL of a mail API" },
    {
      case: "http to a site",
      part: { url: "http://api.example.com/key-8d2e" },
      says: "https URL, or http on loopback",
    },
    { case: "http to all addresses", part: { url: "http://0.0.0.0/" }, says: "https URL, or http on loopback" },
    { case: "http to a name like loopback", part: { url: "http://localhost.example.com/" }, says: "https URL" },
    { case: "http to an address like loopback", part: { url: "http://127.0.0.1.example.com/" }, says: "https URL" },
    { case: "another scheme", part: { url: "ftp://localhost/" }, says: "https URL" },
    { case: "a user in the url", part: { url: "https://user-51aa@example.com/" }, says: "no user and password" },
    { case: "a password in the url", part: { url: "https://:pass-9c0d@example.com/" }, says: "no user and password" },
    { case: "no headers", part: { headers: undefined }, says: "it is missing, and must be an object of headers" },
    { case: "headers as a list", part: { headers: [["a", "key-8d2e"]] }, says: "must be an object of headers" },
    {
      case: "a header that is undefined",
      part: { headers: { Authorization: undefined } },
      says: "an object of headers",
    },
    {
      case: "a header with a line break",
      part: { headers: { a: "key-8d2e\r\nb: c" } },
      says: "that no header can have",
    },
    { case: "a header beyond Latin-1", part: { headers: { a: "key-8d2e€" } }, says: "that no header can have" },
    { case: "a name with a space", part: { headers: { "key-8d2e a": "b" } }, says: "that no header can have" },
    { case: "a body that is no function", part: { body: {} }, says: "must be a function" },
    { case: "a time of 99", part: { timeoutMilliseconds: 99 }, says: "a whole number from 100 to 60000" },
    { case: "a time of 60001", part: { timeoutMilliseconds: 60_001 }, says: "a whole number from 100 to 60000" },
    { case: "a time of 100.5", part: { timeoutMilliseconds: 100.5 }, says: "a whole number from 100 to 60000" },
  ])("$case: refused at once, without showing it", ({ part, says }) => {
    expect(given(part)).toContain(says);
  });

  test.each([100, 60_000])("a time of %i: accepted", (timeoutMilliseconds) => {
    expect(given({ timeoutMilliseconds })).toBe("none");
  });

  test("headers changed afterwards: not sent", async () => {
    const headers: Record<string, string> = { ...key };
    const one = mailer({ headers });
    headers.Authorization = "Bearer other";
    await one.send(sent, never());
    expect(api.received[0]!.headers.authorization).toBe("Bearer key-8d2e");
  });

  test("making a mailer: sends nothing and starts no timer", () => {
    const [fetched, timed] = [vi.spyOn(globalThis, "fetch"), vi.spyOn(globalThis, "setTimeout")];
    mailer();
    expect([fetched.mock.calls, timed.mock.calls]).toEqual([[], []]);
    vi.restoreAllMocks();
  });
});

describe("the examples of docs/mail.md", () => {
  /** Sends a message with an example, to this machine. */
  async function sendWith(name: string, env: Record<string, string>): Promise<void> {
    const page = await readFile(new URL("../../docs/mail.md", import.meta.url), "utf8");
    const text = new RegExp(`\`\`\`ts ${name}\\n(.*?)\`\`\``, "s").exec(page)![1]!;
    const entry = new URL("../../src/mailers/http.ts", import.meta.url).href;
    const folder = await mkdtemp(join(tmpdir(), "sallyport-mail-"));
    const file = join(folder, name);
    await writeFile(file, text.replace("sallyport/mail/http", entry).replace(/https:\/\/[^"]+/, api.url));
    const { mailerOf } = await import(/* @vite-ignore */ pathToFileURL(file).href);
    await mailerOf(env).send(sent, never());
    await rm(folder, { recursive: true });
  }

  test("Resend", async () => {
    await sendWith("resend.ts", { RESEND_API_KEY: "key-8d2e" });
    expect(api.received[0]).toMatchObject({
      headers: { authorization: "Bearer key-8d2e", "idempotency-key": sent.id },
      json: {
        from: '"Example" <accounts@example.com>',
        to: sent.to,
        headers: { "Message-ID": sent.messageId, "Auto-Submitted": "auto-generated" },
      },
    });
  });

  test("Postmark", async () => {
    await sendWith("postmark.ts", { POSTMARK_SERVER_TOKEN: "key-8d2e" });
    expect(api.received[0]).toMatchObject({ headers: { "x-postmark-server-token": "key-8d2e" } });
    expect(api.received[0]!.json).toEqual({
      From: '"Example" <accounts@example.com>',
      To: sent.to,
      Subject: sent.subject,
      TextBody: sent.text,
      HtmlBody: sent.html,
      MessageStream: "outbound",
      Headers: [
        { Name: "Message-ID", Value: sent.messageId },
        { Name: "X-PM-KeepID", Value: "true" },
      ],
    });
  });
});
