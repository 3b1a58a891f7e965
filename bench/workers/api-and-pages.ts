/** The same with the account pages. */
import { pages } from "sallyport/pages";
import app, { auth } from "./api.ts";

app.route("/", pages(auth));
export default app;
