/**
 * SQLSTATEs that speak of the server, and not of the statement (PostgreSQL 15, Appendix A; poolers and Neon's proxy use the
 * same classes).
 *
 * @module
 */

/**
 * The server, or a proxy in front of it, cannot serve on this connection: a broken connection, a demoted primary (25006), a
 * transaction that a pooler left behind, a statement of another connection, a refused login, no such database, no room, a
 * shutdown, a system error, an internal error.
 */
const unserviceable = /^(08|25006|25P0[234]|26|28|3D|42P05|53|57P|58|[FX][0X])/;

/** The moment was wrong: conflicts that outlived their retries, an object in use, canceled by a deadline. */
const untimely = /^(40|55|57014)/;

/** True if nothing can be done on this connection. Whatever the statement was, nothing of it took effect. */
export function isUnserviceable(sqlstate: string): boolean {
  return unserviceable.test(sqlstate);
}

/** True if the same request may succeed later: the client is to ask again (503). */
export function isUnavailable(sqlstate: string): boolean {
  return unserviceable.test(sqlstate) || untimely.test(sqlstate);
}

/** True for a server that may serve in a moment: it is starting, handing over to another, or full. */
export function isPassing(sqlstate: string): boolean {
  return /^(08|25006|25P0[234]|26|42P05|53300|57P0[1235]|58|XX000)/.test(sqlstate);
}
