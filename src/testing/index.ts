/**
 * What an application's own tests need: a clock that they can set.
 *
 * @module
 */
export { advanceTestClock, installTestClock, setTestClock } from "./clock.ts";
