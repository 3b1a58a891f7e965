/**
 * The issuer of `issuer.ts` as a server on loopback: redirects, sizes and waits are then what a runtime does with them. Its page to
 * sign in agrees at once, for one user.
 *
 * @module
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { TestIssuer, type TestUser } from "./issuer.ts";

/** Answers a request itself. False: the issuer answers. */
export type Takeover = (path: string, response: ServerResponse) => boolean;

export interface IssuerServer {
  readonly issuer: TestIssuer;
  /** Who signs in. */
  user: TestUser;
  /** Answers in place of the issuer. Default: it never does. */
  takeover: Takeover;
  /** The paths that were asked for. */
  readonly paths: readonly string[];
  close(): Promise<void>;
}

export async function openIssuerServer(port = 0): Promise<IssuerServer> {
  const paths: string[] = [];
  const server = createServer((request, response) => void serve(opened, request, response));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const opened = {
    issuer: await TestIssuer.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    user: { sub: "usr_1" } as TestUser,
    takeover: (() => false) as Takeover,
    paths,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return opened;
}

async function serve(server: IssuerServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { issuer, user } = server;
  const url = new URL(request.url!, issuer.url);
  (server.paths as string[]).push(url.pathname);
  if (server.takeover(url.pathname, response)) return;
  if (url.pathname === "/authorize") {
    response.writeHead(302, { location: issuer.authorize(url.href, user) }).end();
    return;
  }
  const headers = request.headers as Record<string, string>;
  const body = chunks.length > 0 ? Buffer.concat(chunks).toString() : null;
  const answer = await issuer.fetch(url.href, { method: request.method!, headers, body });
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
}
