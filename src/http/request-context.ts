import type { Context } from "hono";
import type { RequestContext } from "../domain/request-context.ts";
import type { Realm } from "../engine/realm.ts";

/** What the audit log says of a request. Its id is ours; the client's own name for it is kept apart. */
export function requestContext(c: Context, { clientAddress }: Pick<Realm, "clientAddress">): ContextOfRequest {
  return new ContextOfRequest(c, clientAddress(c));
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
