/**
 * Tools for an application's own tests: a settable clock, and a session without a sign-in.
 *
 * @module
 */
export { advanceTestClock, installTestClock, setTestClock } from "./clock.ts";
export { dangerouslyCreateSession } from "./session.ts";
