/** The base Worker with checks of single tuples. */
import { authorization } from "sallyport";
import { workerWith } from "../entry-options.ts";

export default workerWith(authorization());
