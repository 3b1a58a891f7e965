import type { Context } from "hono";
import type { RequestContext } from "../domain/request-context.ts";
import { ConfigurationError } from "../engine/options.ts";
import type { Auth } from "../operations/auth.ts";

/**
 * The operations, or how to get them for a request: in a Worker the environment comes with the request. What the function
 * returns may be kept for the isolate, as a value, if its driver holds no connection (Neon's does not).
 */
// biome-ignore lint/suspicious/noExplicitAny: any application's environment will do.
export type AuthSource<Needed extends object = Auth> = Needed | ((c: Context<any>) => Needed);

/**
 * Makes the operations once for each environment, which a Worker's isolate has one of, and keeps them: what they have learnt
 * (derived keys, tokens that were proved) serves the next request too. Only for drivers that hold no connection, such as Neon's.
 */
export function perEnvironment<Bindings extends object, Made extends object>(
  make: (bindings: Bindings) => Made,
): (c: { readonly env: Bindings }) => Made {
  const made = new WeakMap<Bindings, Made>();
  return ({ env }) => {
    const known = made.get(env);
    if (known) return known;
    const fresh = make(env);
    made.set(env, fresh);
    return fresh;
  };
}

export function resolveAuth<Needed extends object>(source: AuthSource<Needed>, c: Context): Needed {
  if (typeof source !== "function") return source;
  try {
    return source(c);
  } catch (error) {
    // Such as a driver's refusal of a connection string that is not there (S34).
    throw error instanceof ConfigurationError ? error : new ConfigurationError("database", error);
  }
}

/**
 * Where the client's address comes from (S23). A client writes what headers it likes, so this is the runtime's to say:
 * {@link cloudflareAddress} on Cloudflare, the socket elsewhere. Without one all clients share one budget.
 */
// biome-ignore lint/suspicious/noExplicitAny: any application's environment will do.
export type ClientAddress = (c: Context<any>) => string | undefined;

/** The address as Cloudflare's edge saw it. Anywhere else a client can write this header itself. */
export function cloudflareAddress(c: Context): string | undefined {
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

/** What is told of a request in the audit log: its id is ours, the client's own name for it is kept apart (S41). */
export function requestContext(c: Context, clientAddress: ClientAddress | undefined): RequestContext {
  return new ContextOfRequest(c, clientAddress?.(c));
}

/** Reads what only an event asks for when one does: most requests write none, and each look at a header costs a call out of V8. */
class ContextOfRequest implements RequestContext {
  readonly address: string | undefined;
  readonly #c: Context;
  #requestId: string | undefined;

  constructor(c: Context, address: string | undefined) {
    this.#c = c;
    this.address = address;
  }

  get userAgent(): string | undefined {
    return this.#c.req.header("user-agent");
  }

  get requestId(): string {
    this.#requestId ??= crypto.randomUUID();
    return this.#requestId;
  }

  get clientRequestId(): string | undefined {
    return this.#c.req.header("x-request-id");
  }
}
