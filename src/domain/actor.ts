import type { SessionId, UserId } from "./id.ts";
import { cleanContext, type RequestContext } from "./request-context.ts";

/** Who asks for an operation: the user of a verified session, or the application itself. Every operation names one. */
export class Actor {
  /** A class with a private member, so that no object literal passes for one. */
  readonly #subject: { userId: UserId; sessionId: SessionId; identifier: string } | { system: string };
  readonly #context: RequestContext;

  private constructor(subject: Actor["subject"], context: RequestContext) {
    this.#subject = subject;
    this.#context = context;
  }

  /** What the audit log says of the request, cleaned when it is asked for: most requests write no event. */
  get context(): RequestContext {
    return cleanContext(this.#context);
  }

  get subject(): { userId: UserId; sessionId: SessionId; identifier: string } | { system: string } {
    return this.#subject;
  }

  /** The user that acts, or `undefined` for the application. */
  get userId(): UserId | undefined {
    return "userId" in this.#subject ? this.#subject.userId : undefined;
  }

  get sessionId(): SessionId | undefined {
    return "userId" in this.#subject ? this.#subject.sessionId : undefined;
  }

  /** The subject of a true actor; by the private member, since a `subject` can be written on anything (S29). @throws {TypeError} */
  static subjectOf(actor: Actor): Actor["subject"] {
    return actor.#subject;
  }

  /** Only session verification calls this; the architecture test holds it to that. */
  static forSession(
    session: { userId: UserId; sessionId: SessionId; identifier: string },
    context: RequestContext,
  ): Actor {
    return new Actor(session, context);
  }

  /** Only {@link systemActor} calls this. */
  static forSystem(name: string, context: RequestContext): Actor {
    return new Actor({ system: name }, context);
  }
}

/**
 * The application acting for itself, with every right and no ownership check. The name goes into the audit log.
 *
 * @throws {TypeError} If the name is not 1 to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`.
 */
export function systemActor(name: string, context: RequestContext = {}): Actor {
  if (!/^[a-z0-9._-]{1,64}$/.test(name)) throw new TypeError("A system actor's name is 1 to 64 of a-z 0-9 . _ -");
  return Actor.forSystem(name, context);
}
