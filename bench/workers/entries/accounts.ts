/** The base Worker with the feature `accounts`. */
import { accounts } from "sallyport";
import { workerWith } from "../entry-options.ts";

export default workerWith(accounts());
