/**
 * What an application's own tests need: a clock that they can set, and a session without a sign-in.
 *
 * @module
 */
export { advanceTestClock, installTestClock, setTestClock } from "./clock.ts";
export { dangerouslyCreateSession } from "./session.ts";
