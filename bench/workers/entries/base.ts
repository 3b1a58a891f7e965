/** The base Worker: sign-in with a password, and the routes of every application. */
import { workerWith } from "../entry-options.ts";

export default workerWith();
