/** The same with the account pages and those of organizations. */
import { pages } from "sallyport/pages";
import { organizationPages } from "sallyport/pages/organizations";
import app, { auth } from "./api.ts";

app.route("/", pages(auth, { parts: [organizationPages] }));

export default app;
