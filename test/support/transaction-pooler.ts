import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import pg from "pg";

/** A pooler in transaction mode, such as PgBouncer: each transaction may run on another server connection. */
export interface TransactionPooler {
  readonly port: number;
  close(): Promise<void>;
}

/** What PgBouncer 1.22 tracks or forwards without being told to. */
const knownParameters = new Set([
  ...["user", "database", "client_encoding", "datestyle", "timezone", "standard_conforming_strings"],
  ...["application_name", "intervalstyle", "replication"],
]);

/** A connection to the server, signed in, whose messages are not read yet. */
async function openServer(config: pg.ClientConfig): Promise<Socket> {
  const client = new pg.Client(config);
  client.on("error", () => undefined);
  await client.connect();
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  stream.removeAllListeners("data");
  return stream;
}

/** Splits a stream into messages: a byte for the type, then the length of the rest. */
function messages(onMessage: (type: string, whole: Buffer) => void): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 5 && rest.length >= 1 + rest.readInt32BE(1)) {
      const end = 1 + rest.readInt32BE(1);
      const whole = rest.subarray(0, end);
      rest = rest.subarray(end);
      onMessage(String.fromCharCode(whole[0]!), whole);
    }
  };
}

const message = (type: string, ...parts: (string | Buffer)[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part)));
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
};
const fatal = (code: string, text: string): Buffer =>
  message("E", "SFATAL", "VFATAL", `C${code}`, `M${text}`, Buffer.from([0]));

/**
 * Starts a pooler on a real server. It admits everybody, refuses start-up parameters that it does not know, and gives each
 * transaction the server connection that has been idle for longest.
 */
export async function transactionPooler(server: pg.ClientConfig, size = 3): Promise<TransactionPooler> {
  const all = await Promise.all(Array.from({ length: size }, () => openServer(server)));
  const idle = [...all];
  const waiting: ((connection: Socket) => void)[] = [];
  const clients = new Set<Socket>();
  const giveBack = (connection: Socket): void => {
    const next = waiting.shift();
    if (next) next(connection);
    else idle.push(connection);
  };

  // Without it, each message of an answer would wait for the one before to be acknowledged: 40 ms.
  const listener = createServer({ noDelay: true }, (client) => {
    clients.add(client);
    client.on("error", () => undefined);
    let held: Socket | undefined;
    let queue: Buffer[] | undefined;
    client.on("close", () => {
      clients.delete(client);
      // A transaction that its client left is undone by ending the connection, as poolers do.
      held?.destroy();
    });
    const take = (connection: Socket): void => {
      held = connection;
      connection.removeAllListeners("data");
      connection.on(
        "data",
        messages((type, whole) => {
          client.write(whole);
          if (type === "Z" && String.fromCharCode(whole[5]!) === "I") {
            held = undefined;
            giveBack(connection);
          }
        }),
      );
      for (const whole of queue ?? []) connection.write(whole);
      queue = undefined;
    };
    const forward = messages((type, whole) => {
      if (type === "X") return void client.end();
      if (held) return void held.write(whole);
      if (queue) return void queue.push(whole);
      queue = [whole];
      const connection = idle.shift();
      if (connection) take(connection);
      else waiting.push(take);
    });
    client.once("data", (startup) => {
      const words = startup.subarray(8).toString().split("\0");
      const unknown = words.filter((word, index) => index % 2 === 0 && word !== "" && !knownParameters.has(word));
      if (unknown.length > 0) return void client.end(fatal("08P01", `unsupported startup parameter: ${unknown[0]}`));
      const ok = Buffer.alloc(4);
      client.write(
        Buffer.concat([
          message("R", ok),
          message("S", "server_version", "15.0"),
          message("S", "client_encoding", "UTF8"),
          message("K", Buffer.alloc(8)),
          message("Z", Buffer.from("I")),
        ]),
      );
      client.on("data", forward);
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    async close() {
      for (const client of clients) client.destroy();
      listener.close();
      await once(listener, "close");
      for (const connection of all) connection.destroy();
    },
  };
}
