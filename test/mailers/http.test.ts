import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type HttpMailerOptions, httpMailer, mailbox } from "../../src/mailers/http.ts";
import { never, outcomeOf, sent } from "../support/mail.ts";
import { type Answer, type MailApi, openMailApi, status } from "../support/mail-api.ts";

let api: MailApi;
beforeAll(async () => {
  api = await openMailApi();
});
beforeEach(() => {
  api.answer = status(200);
  api.received.length = 0;
});
afterAll(() => api.close());

const key = { Authorization: "Bearer key-8d2e" };
const mailer = (options: Partial<HttpMailerOptions> = {}) => httpMailer({ url: api.url, headers: key, ...options });

describe("a request", () => {
  test("has the fields of Resend, the key and the message's id", async () => {
    await mailer().send(sent, never());
    expect(api.received).toEqual([
      {
        method: "POST",
        path: "/emails",
        headers: expect.objectContaining({
          authorization: "Bearer key-8d2e",
          "content-type": "application/json",
          "idempotency-key": sent.id,
          "user-agent": "sallyport",
          accept: "application/json",
        }),
        json: {
          from: '"Example" <accounts@example.com>',
          to: "ada@example.org",
          subject: sent.subject,
          text: sent.text,
          html: sent.html,
          headers: { "Message-ID": sent.messageId, "Auto-Submitted": "auto-generated" },
        },
      },
    ]);
  });

  test("has the application's fields and headers, except for the two that the mailer sets", async () => {
    const headers = { "user-agent": "shop", "X-Token": "t", "Content-Type": "text/plain", "idempotency-key": "same" };
    const body: HttpMailerOptions["body"] = ({ from, to }) => ({ From: mailbox(from), To: to });
    await mailer({ headers, body }).send(sent, never());
    const [{ json, headers: own }] = api.received as [(typeof api.received)[0]];
    expect(json).toEqual({ From: '"Example" <accounts@example.com>', To: "ada@example.org" });
    expect(own).toMatchObject({ "user-agent": "shop", "x-token": "t", "content-type": "application/json" });
    expect(own["idempotency-key"]).toBe(sent.id);
  });

  test("is the same at each attempt", async () => {
    const one = mailer();
    await one.send(sent, never());
    await one.send(sent, never());
    expect(api.received[1]).toEqual(api.received[0]);
  });

  test.each([
    { case: "two recipients in one field", part: { to: "ada@example.org,eve@example.com" } },
    { case: "a line break in the subject", part: { subject: "Hello\r\nBcc: eve@example.com" } },
  ])("$case: refused, and nothing is sent", async ({ part }) => {
    expect(await outcomeOf(mailer(), { ...sent, ...part })).toMatch(/^MailRefusedError INVALID_/);
    expect(api.received).toEqual([]);
  });

  test("a sender that is no address: retried, and nothing is sent", async () => {
    expect(await outcomeOf(mailer(), { ...sent, from: { address: "Example" } })).toBe("Error INVALID_SENDER");
    expect(api.received).toEqual([]);
  });

  test("an application's function that fails: its own error, and nothing is sent", async () => {
    const fault = new Error("no such template");
    const failing = mailer({
      body: () => {
        throw fault;
      },
    });
    await expect(failing.send(sent, never())).rejects.toBe(fault);
    expect(api.received).toEqual([]);
  });
});

describe("an answer", () => {
  test.each([200, 201, 202, 204, 299])("%i: sent", async (code) => {
    api.answer = code === 204 ? (response) => response.writeHead(204).end() : status(code);
    expect(await outcomeOf(mailer())).toBe("sent");
  });

  test.each([400, 422])("%i: retried, unless the application knows that it refuses the message", async (code) => {
    api.answer = status(code);
    expect(await outcomeOf(mailer())).toBe(`Error HTTP_${code}`);
    expect(await outcomeOf(mailer({ refusing: [code] }))).toBe(`MailRefusedError HTTP_${code}`);
  });

  const retried = [300, 304, 401, 402, 403, 404, 405, 406, 408, 409, 413, 415, 425, 429, 451, 500, 502, 503, 504, 599];
  test.each(retried)("%i: retried", async (code) => {
    api.answer = code === 304 ? (response) => response.writeHead(304).end() : status(code);
    expect(await outcomeOf(mailer())).toBe(`Error HTTP_${code}`);
  });

  test.each([301, 302, 303, 307, 308])(
    "%i: not followed, so that the key stays where it is, and retried",
    async (code) => {
      const elsewhere = await openMailApi();
      api.answer = (response) => response.writeHead(code, { location: elsewhere.url }).end();
      expect(await outcomeOf(mailer())).toBe(`Error HTTP_${code}`);
      expect([api.received.length, elsewhere.received.length]).toEqual([1, 0]);
      await elsewhere.close();
    },
  );

  test.each([
    { code: 200, expected: "sent" },
    { code: 422, expected: "Error HTTP_422" },
  ])(
    "$code without an end: is not read, and its connection is closed",
    { timeout: 5000 },
    async ({ code, expected }) => {
      // Without this reference, the garbage collector might close the connection.
      const fetched = vi.spyOn(globalThis, "fetch");
      api.answer = (response) => {
        response.writeHead(code).write("quoted-reply".repeat(100));
      };
      expect(await outcomeOf(mailer())).toBe(expected);
      await api.closed;
      expect(fetched.mock.results).toHaveLength(1);
      fetched.mockRestore();
    },
  );
});

describe("no answer", () => {
  const silence: Answer = () => undefined;

  test("aborted by the signal: retried, and the connection is closed", { timeout: 5000 }, async () => {
    api.answer = silence;
    const controller = new AbortController();
    const outcome = outcomeOf(mailer({ timeoutMilliseconds: 60_000 }), sent, controller.signal);
    await api.next();
    controller.abort();
    expect(await outcome).toBe("Error TIMEOUT");
    await api.closed;
  });

  test("a signal that has already aborted: nothing is sent", async () => {
    expect(await outcomeOf(mailer(), sent, AbortSignal.abort())).toBe("Error TIMEOUT");
    expect(api.received).toEqual([]);
  });

  test("given up after the mailer's own time: retried", async () => {
    api.answer = silence;
    expect(await outcomeOf(mailer({ timeoutMilliseconds: 100 }))).toBe("Error TIMEOUT");
    await api.closed;
  });

  test.each([
    { case: "half a header and then silence, given up", write: "HTTP/1.1 200 OK\r\nContent-Le", code: /^TIMEOUT$/ },
    { case: "garbage", write: "quoted-reply\r\n\r\n", code: /^\w+$/ },
    { case: "an end before any answer", write: undefined, code: /^\w+$/ },
  ])("$case: retried", async ({ write, code }) => {
    const server = createServer((socket: Socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => (write === undefined ? socket.destroy() : socket.write(write)));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/emails?key=key-8d2e`;
    const outcome = await outcomeOf(mailer({ url, timeoutMilliseconds: 300 }));
    expect(outcome).toMatch(/^Error /);
    expect(outcome.slice("Error ".length)).toMatch(code);
    server.close();
    await once(server, "close");
  });

  test("a port without a server: retried, with the runtime's code", async () => {
    const elsewhere = await openMailApi();
    await elsewhere.close();
    const url = `${elsewhere.url}?key=key-8d2e`;
    expect(await outcomeOf(mailer({ url }))).toBe("Error ECONNREFUSED");
  });
});
