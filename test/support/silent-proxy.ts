import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy that falls silent on demand: it goes on accepting connections, as a load balancer does. */
export interface SilentProxy {
  readonly port: number;
  /** Connections that clients have open. */
  readonly open: number;
  /** From now on nothing passes, in either direction. */
  hold(): void;
  /** Everything passes again, and what was held passes now. */
  flush(): void;
  /** New connections pass. Those that were open in the silence stay open, and silent for ever. */
  forget(): void;
  /** From now on, a connection is closed as soon as it is opened; those that are open are closed. */
  reset(): void;
  close(): Promise<void>;
}

interface Pair {
  isDead: boolean;
  queue: (() => void)[];
  readonly client: Socket;
}

export async function silentProxy(to: { host: string; port: number }): Promise<SilentProxy> {
  let state: "open" | "held" | "reset" = "open";
  const pairs = new Set<Pair>();
  const server = createServer({ noDelay: true }, (client) => {
    client.on("error", () => undefined);
    if (state === "reset") {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...to, noDelay: true });
    const pair: Pair = { isDead: false, queue: [], client };
    pairs.add(pair);
    const passTo = (target: Socket) => (data: Buffer) => {
      if (pair.isDead) return;
      if (state === "held") pair.queue.push(() => target.write(data));
      else target.write(data);
    };
    client.on("data", passTo(upstream));
    upstream.on("data", passTo(client));
    upstream.on("error", () => undefined);
    client.on("close", () => {
      pairs.delete(pair);
      upstream.destroy();
    });
    upstream.on("close", () => {
      if (!pair.isDead) client.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const drain = (isDead: boolean) => {
    for (const pair of pairs) {
      if (isDead) pair.isDead = true;
      else for (const send of pair.queue) send();
      pair.queue = [];
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return pairs.size;
    },
    hold() {
      state = "held";
    },
    flush() {
      state = "open";
      drain(false);
    },
    forget() {
      state = "open";
      drain(true);
    },
    reset() {
      state = "reset";
      for (const { client } of pairs) client.resetAndDestroy();
    },
    async close() {
      for (const { client } of pairs) client.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
