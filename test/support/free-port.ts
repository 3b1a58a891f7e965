import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A free port of this machine, below those that the system gives to servers and connections that ask for any: another test cannot get
 * it in the meantime.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(20_000, 32_000);
  const server = createServer();
  try {
    // `localhost` may be either family, so this checks the one that is taken more often.
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return await freePort();
    throw error;
  }
  server.close();
  await once(server, "close");
  return port;
}
