/** The same with the account pages in English and German. */
import { english, pages } from "sallyport/pages";
import { german } from "sallyport/pages/german";
import app, { auth } from "./api.ts";

app.route("/", pages(auth, { languages: [english, german] }));
export default app;
