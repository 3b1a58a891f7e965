/** The base Worker with organizations. */
import { organizations } from "sallyport/organizations";
import { workerWith } from "../entry-options.ts";

export default workerWith(organizations());
