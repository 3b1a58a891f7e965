/**
 * In workerd: miniflare's `send_email` binding, which stores what it gets, and a stand-in for the codes of Email Service. Email
 * Service itself runs at Cloudflare only.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SendEmail } from "@cloudflare/workers-types";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { createTestHarness, type TestHarness } from "wrangler";
import { type CloudflareEmailBinding, cloudflareMailer, type MailMessage } from "../../src/mailers/cloudflare.ts";
import { confidential, outcomeOf, sent } from "../support/mail.ts";
import type { Outcome } from "./programs/attempt.ts";

let folder: string;
let harness: TestHarness;
beforeAll(async () => {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
  process.env.WRANGLER_SEND_METRICS = "false";
  process.env.WRANGLER_LOG = "error";
  folder = await mkdtemp(join(tmpdir(), "sallyport-mail-"));
  const config = {
    name: "mail",
    main: fileURLToPath(new URL("programs/cloudflare-worker.ts", import.meta.url)),
    compatibility_date: "2026-06-01",
    send_email: [{ name: "EMAIL" }, { name: "LIMITED", allowed_destination_addresses: ["eve@example.com"] }],
    services: [{ binding: "STAND_IN", service: "mail", entrypoint: "StandIn" }],
  };
  harness = createTestHarness({ root: folder, workers: [{ config }] });
  await harness.listen();
}, 60_000);
afterAll(async () => {
  await harness.close();
  await rm(folder, { recursive: true });
});

/** What becomes of a message. Fails if the error shows anything confidential. */
async function outcome(binding: string, part: Partial<MailMessage> = {}, limit?: number): Promise<string> {
  const body = JSON.stringify({ binding, message: { ...sent, ...part }, limit });
  const { ended, shown } = (await (await harness.fetch("/", { method: "POST", body })).json()) as Outcome;
  expect(confidential.filter((text) => shown.includes(text))).toEqual([]);
  return ended;
}

/** The newest message that miniflare's binding has stored. */
async function newest(): Promise<Record<string, unknown>> {
  const path = "/cdn-cgi/local/explorer/api/local/email/sending";
  const {
    result: [last],
  } = (await (await harness.fetch(path)).json()) as { result: { messageId: string }[] };
  const found = await harness.fetch(`${path}?email_id=${encodeURIComponent(last!.messageId)}`);
  return ((await found.json()) as { result: Record<string, unknown> }).result;
}

describe("miniflare's binding", () => {
  test("a message arrives with its fields, and without a header of its own", async () => {
    expect(await outcome("EMAIL")).toBe("sent");
    expect(await newest()).toEqual({
      worker: "mail",
      from: '"Example" <accounts@example.com>',
      to: [sent.to],
      subject: sent.subject,
      text: sent.text,
      html: sent.html,
      attachments: [],
      sentAt: expect.any(String),
      messageId: expect.stringMatching(/^<.+@example\.com>$/),
    });
  });

  test("a sender without a name: only the address", async () => {
    expect(await outcome("EMAIL", { from: { address: "accounts@example.com" }, subject: "No name" })).toBe("sent");
    expect(await newest()).toMatchObject({ from: "accounts@example.com", subject: "No name" });
  });

  test("a recipient that the binding does not allow: retried, because it is a setting", async () => {
    expect(await outcome("LIMITED")).toBe("Error UNKNOWN");
    expect(await outcome("LIMITED", { to: "eve@example.com" })).toBe("sent");
  });

  test.each([
    { case: "two recipients in one field", part: { to: "ada@example.org,eve@example.com" }, code: "INVALID_RECIPIENT" },
    { case: "a line break in the subject", part: { subject: "Hello\r\nBcc: eve@example.com" }, code: "INVALID_HEADER" },
  ])("$case: refused, and nothing is stored", async ({ part, code }) => {
    expect(await outcome("EMAIL", { subject: "Before" })).toBe("sent");
    expect(await outcome("EMAIL", part)).toBe(`MailRefusedError ${code}`);
    expect(await newest()).toMatchObject({ subject: "Before" });
  });
});

describe("a code of Email Service", () => {
  test.each(["E_RECIPIENT_SUPPRESSED", "E_VALIDATION_ERROR", "E_CONTENT_TOO_LARGE"])("%s: refused", async (code) => {
    expect(await outcome("STAND_IN", { subject: code })).toBe(`MailRefusedError ${code}`);
  });

  test.each([
    "E_FIELD_MISSING",
    "E_TOO_MANY_RECIPIENTS",
    "E_SENDER_NOT_VERIFIED",
    "E_SENDER_DOMAIN_NOT_AVAILABLE",
    "E_RECIPIENT_NOT_ALLOWED",
    "E_DELIVERY_FAILED",
    "E_RATE_LIMIT_EXCEEDED",
    "E_DAILY_LIMIT_EXCEEDED",
    "E_INTERNAL_SERVER_ERROR",
    "E_HEADER_NOT_ALLOWED",
    "E_ONE_THAT_NOBODY_KNOWS",
  ])("%s: retried", async (code) => {
    expect(await outcome("STAND_IN", { subject: code })).toBe(`Error ${code}`);
  });

  test("a text instead of a code: retried, and not shown", async () => {
    expect(await outcome("STAND_IN", { subject: "quoted-reply to ada@example.org" })).toBe("Error UNKNOWN");
  });

  test("no answer, aborted by the signal: retried", async () => {
    expect(await outcome("STAND_IN", { subject: "SILENCE" }, 200)).toBe("Error TIMEOUT");
  });

  test("a signal that has already aborted: the binding is not asked", async () => {
    const untouched: CloudflareEmailBinding = { send: () => Promise.reject(new Error("asked")) };
    await expect(cloudflareMailer(untouched).send(sent, AbortSignal.abort())).rejects.toMatchObject({
      code: "TIMEOUT",
    });
  });

  test("a binding that fails at once: as one that fails later", async () => {
    const failing: CloudflareEmailBinding = {
      send: () => {
        throw new Error(`quoted-reply ${sent.to}`);
      },
    };
    expect(await outcomeOf(cloudflareMailer(failing))).toBe("Error UNKNOWN");
  });
});

describe("the binding", () => {
  test("the platform's types fit", () => {
    expectTypeOf<SendEmail>().toExtend<CloudflareEmailBinding>();
  });

  test.each([undefined, null, {}, "EMAIL"])("%j: refused at once, saying what is wanted", (binding) => {
    expect(() => cloudflareMailer(binding as never)).toThrow("must be a send_email binding, such as env.EMAIL");
    expect(() => cloudflareMailer(binding as never)).toThrow(TypeError);
  });
});
