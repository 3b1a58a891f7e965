/**
 * Where a client's address comes from. A client writes what headers it likes, so only the deployment can say which one to
 * trust: each function here is right for one kind of deployment and wrong for the others.
 *
 * @module
 */
import type { ClientAddress } from "../engine/options.ts";

type Asked = Parameters<ClientAddress>[0];

/** The address as Cloudflare's edge saw it. Anywhere else a client can write this header itself. */
export function cloudflareAddress(c: Asked): string | undefined {
  return c.req.header("cf-connecting-ip");
}

/**
 * The address that the outermost of `hops` trusted proxies saw: each appends the one it got the request from.
 *
 * @param hops How many proxies of yours stand in front, each of which appends to `X-Forwarded-For`.
 */
export function forwardedAddress(hops: number): ClientAddress {
  if (!Number.isInteger(hops) || hops < 1) throw new RangeError("`hops` is the number of your own proxies, 1 or more.");
  return (c) => c.req.header("x-forwarded-for")?.split(",").at(-hops)?.trim();
}

/**
 * The address at the other end of the socket, for a server that clients reach without a proxy: Node with
 * `@hono/node-server`, Bun, and Deno. Behind a proxy it is the proxy's: use {@link forwardedAddress} there.
 */
export function socketAddress({ env, req }: Asked): string | undefined {
  // `@hono/node-server` gives the request of `node:http`, Bun its server, Deno what it knows of the connection.
  const { incoming, server = env, remoteAddr } = env ?? {};
  return (
    incoming?.socket?.remoteAddress ??
    (typeof server?.requestIP === "function" ? server.requestIP(req.raw)?.address : remoteAddr?.hostname)
  );
}

/**
 * No address: all clients count on one counter, and a stranger's failures are everybody's. For tests, scripts, and servers
 * that nobody but you reaches.
 */
export function sharedByAllClients(): undefined {
  return undefined;
}
