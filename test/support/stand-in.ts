import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that arrived. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** How a service answers. Nothing more is sent if it leaves the response open. */
export type Reply = (response: ServerResponse, asked: Asked) => void;

/** A service on this machine, in place of one on the internet. */
export interface StandIn {
  readonly url: string;
  readonly asked: Asked[];
  /** The answers to the next requests; the last one is repeated. */
  replies: Reply[];
  close(): Promise<void>;
}

export const replyWith =
  (status: number, body: string, headers: Record<string, string> = {}): Reply =>
  (response) =>
    response.writeHead(status, headers).end(body);

export const replyJson = (body: unknown): Reply =>
  replyWith(200, JSON.stringify(body), { "content-type": "application/json" });

/** Breaks the connection off in the middle of the body. */
export const breakOff: Reply = (response) => {
  response.writeHead(200, { "content-length": "1000" });
  response.write("{", () => response.destroy());
};

/** Never answers. */
export const stayOpen: Reply = () => undefined;

/** Sends a body that does not end. */
export const neverEnd: Reply = (response) => {
  response.writeHead(200);
  response.write("{");
};

/** Sends the body for as long as the client reads. */
export const endless: Reply = (response) => {
  response.writeHead(200);
  const more = () => {
    while (response.write("0".repeat(65_536)));
  };
  response.on("drain", more);
  more();
};

export async function openStandIn(path: string): Promise<StandIn> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", url = "", headers } = request;
    const asked = { method, path: url, headers, text: Buffer.concat(chunks).toString() };
    standIn.asked.push(asked);
    const [reply] = standIn.replies.length > 1 ? standIn.replies.splice(0, 1) : standIn.replies;
    reply?.(response, asked);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const standIn: StandIn = {
    url: `http://127.0.0.1:${port}${path}`,
    asked: [],
    replies: [],
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return standIn;
}
