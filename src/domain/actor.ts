import type { SessionId, UserId } from "./id.ts";
import { cleanContext, type RequestContext } from "./request-context.ts";

/** The user of a verified session. */
export interface SessionSubject {
  readonly userId: UserId;
  readonly sessionId: SessionId;
  readonly identifier: string;
}

/** The application itself. */
export interface SystemSubject {
  readonly system: string;
}

type Subject = SessionSubject | SystemSubject;

/** A member of the session; `undefined` for the application, which has no session. */
type Of<Acting extends Subject, Name extends keyof SessionSubject> = Acting extends SessionSubject
  ? Acting[Name]
  : undefined;

/** The caller of an operation: the user of a verified session, or the application itself. Every operation names one. */
export class Actor<Acting extends Subject = Subject> {
  /** A class with a private member, so that no object literal passes for one. */
  readonly #subject: Acting;
  readonly #context: RequestContext;

  private constructor(subject: Acting, context: RequestContext) {
    this.#subject = subject;
    this.#context = context;
  }

  /** The request's details for the audit log. They are cleaned on demand, because most requests write no event. */
  get context(): RequestContext {
    return cleanContext(this.#context);
  }

  get subject(): Acting {
    return this.#subject;
  }

  /** The acting user, or `undefined` for the application. */
  get userId(): Of<Acting, "userId"> {
    const subject: Subject = this.#subject;
    return ("userId" in subject ? subject.userId : undefined) as Of<Acting, "userId">;
  }

  get sessionId(): Of<Acting, "sessionId"> {
    const subject: Subject = this.#subject;
    return ("userId" in subject ? subject.sessionId : undefined) as Of<Acting, "sessionId">;
  }

  /**
   * The subject of a genuine actor. Reads the private member, because any object can have a member `subject`.
   *
   * @throws {TypeError}
   */
  static subjectOf<Acting extends Subject>(actor: Actor<Acting>): Acting {
    return actor.#subject;
  }

  /** Only session verification calls this; the architecture test holds it to that. */
  static forSession(session: SessionSubject, context: RequestContext): SessionActor {
    return new Actor(session, context);
  }

  /** Only {@link systemActor} calls this. */
  static forSystem(name: string, context: RequestContext): SystemActor {
    return new Actor({ system: name }, context);
  }
}

/** The user of a verified session, for operations that only a user can do. */
export type SessionActor = Actor<SessionSubject>;

/** The application, for operations that only it can do. */
export type SystemActor = Actor<SystemSubject>;

/**
 * The acting session.
 *
 * @throws {TypeError} If there is none, though the type says so.
 */
export function sessionOf(actor: SessionActor): SessionSubject {
  const subject: Subject = Actor.subjectOf(actor);
  if (!("userId" in subject)) throw new TypeError("Only the user of a session can do this.");
  return subject;
}

/**
 * The application acting for itself, with every right and no ownership check. The name goes into the audit log.
 *
 * @throws {TypeError} If the name is not 1 to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`.
 */
export function systemActor(name: string, context: RequestContext = {}): SystemActor {
  if (!/^[a-z0-9._-]{1,64}$/.test(name)) throw new TypeError("A system actor's name is 1 to 64 of a-z 0-9 . _ -");
  return Actor.forSystem(name, context);
}
