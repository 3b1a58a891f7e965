/** What an issuer's server can do to a client over HTTP, with the runtime's own `fetch`. @module */
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type IdpClientOptions, OAuthError } from "../../src/oidc/index.ts";
import { type IssuerServer, openIssuerServer } from "../support/issuer-server.ts";

let server: IssuerServer;
let other: IssuerServer;
beforeEach(async () => {
  [server, other] = [await openIssuerServer(), await openIssuerServer()];
});
afterEach(async () => {
  await server.close();
  await other.close();
});

const metadata = "/.well-known/openid-configuration";
const endpoints = [metadata, "/jwks", "/token"];

/** A whole sign-in with the runtime's own `fetch`: the code of its refusal. */
async function signIn(options: Partial<IdpClientOptions> = {}): Promise<string> {
  const client = server.issuer.client({ fetch: undefined as never, ...options });
  return await server.issuer.signIn(client).then(
    () => "accepted",
    (error: unknown) => (error instanceof OAuthError ? error.error : String(error)),
  );
}

/** Answers one path in another way. */
const answer = (path: string, send: (response: ServerResponse) => void) => {
  server.takeover = (asked, response) => {
    if (asked === path) send(response);
    return asked === path;
  };
};

test("the right answers: accepted", async () => expect(await signIn()).toBe("accepted"));

describe("R091: a redirect is not followed", () => {
  const statuses = [301, 302, 303, 307, 308];
  test.each(endpoints.flatMap((path) => statuses.map((status) => [path, status] as const)))(
    "%s answers %i to another server",
    async (path, status) => {
      answer(path, (response) => response.writeHead(status, { location: `${other.issuer.url}${path}` }).end());
      expect(await signIn()).toBe("issuer_invalid_response");
      expect(server.paths).toContain(path);
      expect(other.paths).toEqual([]);
    },
  );

  test.each(["http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"])(
    "to the private address %s",
    async (location) => {
      answer(metadata, (response) => response.writeHead(302, { location }).end());
      // Faster than any answer of an address that is not there.
      expect(await signIn({ timeoutMs: 2_000 })).toBe("issuer_invalid_response");
    },
  );
});

describe("R092: size and time", () => {
  test.each(endpoints)("%s answers with 1 MB: refused before the end, and the connection is closed", async (path) => {
    const chunk = " ".repeat(16_384);
    let sent = 0;
    let isClosed = false;
    answer(path, async (response) => {
      response.on("close", () => {
        isClosed = true;
      });
      response.writeHead(200, { "content-type": "application/json" });
      while (sent < 64 && !isClosed) {
        sent++;
        response.write(chunk);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      response.end("{}");
    });
    expect(await signIn()).toBe("issuer_invalid_response");
    await expect.poll(() => isClosed).toBe(true);
    expect(sent).toBeGreaterThanOrEqual(16);
    expect(sent).toBeLessThan(64);
  });

  test.each(endpoints)("%s answers slowly, a byte at a time: refused in time", async (path) => {
    let isClosed = false;
    answer(path, (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const timer = setInterval(() => response.write(" "), 50);
      response.on("close", () => {
        clearInterval(timer);
        isClosed = true;
      });
    });
    const started = performance.now();
    expect(await signIn({ timeoutMs: 300 })).toBe("issuer_timeout");
    expect(performance.now() - started).toBeLessThan(3_000);
    await expect.poll(() => isClosed).toBe(true);
  });

  test.each(endpoints)("%s never answers: refused in time", async (path) => {
    answer(path, () => undefined);
    expect(await signIn({ timeoutMs: 300 })).toBe("issuer_timeout");
  });

  test("a server that is gone: refused", async () => {
    await server.close();
    expect(await signIn()).toBe("issuer_unreachable");
    server = await openIssuerServer();
  });
});
