/**
 * Functions that find a client's address. A client can send any header, so only the deployment knows which one to trust: each
 * function here is right for one kind of deployment and wrong for the others. If it finds no address, it returns an empty text,
 * which is reported as a fault.
 *
 * @module
 */
import { requireOption } from "../domain/option-error.ts";
import type { ClientAddress } from "../engine/options.ts";

type Asked = Parameters<ClientAddress>[0];

/** The address as Cloudflare's edge saw it. Anywhere else a client can send this header itself. */
export function cloudflareAddress(c: Asked): string {
  return c.req.header("cf-connecting-ip") ?? "";
}

/**
 * The address that the outermost of `hops` trusted proxies saw. Each proxy appends the address from which it received the
 * request.
 *
 * @param hops The number of your proxies in front of the server, each of which appends to `X-Forwarded-For`.
 */
export function forwardedAddress(hops: number): ClientAddress {
  const isCount = Number.isInteger(hops) && hops > 0;
  requireOption(isCount, hops, "the number of your own proxies, 1 or more", "clientAddress");
  return (c) => c.req.header("x-forwarded-for")?.split(",").at(-hops)?.trim() ?? "";
}

/**
 * The address at the other end of the socket, for a server that clients reach without a proxy: Node with `@hono/node-server`,
 * Bun, and Deno. Behind a proxy it is the proxy's address: use {@link forwardedAddress} there.
 */
export function socketAddress({ env, req }: Asked): string {
  // `@hono/node-server` passes the request of `node:http`, Bun its server, Deno its connection details.
  const { incoming, server = env, remoteAddr } = env ?? {};
  return (
    incoming?.socket?.remoteAddress ??
    (typeof server?.requestIP === "function" ? server.requestIP(req.raw)?.address : remoteAddr?.hostname) ??
    ""
  );
}

/**
 * No address: all clients share one counter, and a stranger's failures count against everyone. For tests, scripts, and servers
 * that only you can reach.
 */
export function sharedByAllClients(): undefined {
  return undefined;
}
