/** The same with the management of accounts. */
import { accounts } from "sallyport";
import { workerWith } from "../entry-options.ts";

export default workerWith(accounts());
