/** The base Worker with passkeys. */
import { passkeys } from "sallyport/passkeys";
import { workerWith } from "../entry-options.ts";

export default workerWith(passkeys());
