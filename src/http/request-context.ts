import type { Context } from "hono";
import type { RequestContext } from "../domain/request-context.ts";
import type { Realm } from "../engine/realm.ts";

/** The request's details for the audit log. Its id is generated here; the client's own id is kept apart. */
export function requestContext(c: Context, { clientAddress }: Pick<Realm, "clientAddress">): ContextOfRequest {
  return new ContextOfRequest(c, clientAddress(c));
}

/** Reads what an event needs only on demand: most requests write none, and each read of a header costs a call out of V8. */
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
