import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A request that arrived. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: the content of the request is tested.
  readonly json: any;
}

/** How a server answers. Nothing more is sent if it leaves the response open. */
export type Answer = (response: ServerResponse) => void;

/** A mail provider's API on this machine. */
export interface MailApi {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** The answer to every request from now on. */
  answer: Answer;
  /** Resolves once a request has arrived and been answered. */
  next(): Promise<void>;
  /** Resolves once the connection of the newest request is closed. */
  closed: Promise<void>;
  close(): Promise<void>;
}

export const status =
  (code: number, body = '{"message":"ada@example.org: quoted-reply"}'): Answer =>
  (response) =>
    response.writeHead(code, { "content-type": "application/json" }).end(body);

export async function openMailApi(): Promise<MailApi> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { method = "", url = "", headers } = request;
    api.received.push({ method, path: url, headers, json: text === "" ? undefined : JSON.parse(text) });
    api.closed = closings.get(request.socket)!;
    api.answer(response);
    server.emit("answered");
  });
  const closings = new WeakMap<Socket, Promise<void>>();
  server.on("connection", (socket: Socket) => {
    closings.set(socket, new Promise((resolve) => socket.once("close", () => resolve())));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const api: MailApi = {
    url: `http://127.0.0.1:${port}/emails`,
    port,
    received: [],
    answer: status(200),
    closed: Promise.resolve(),
    async next() {
      await once(server, "answered");
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return api;
}
