/** The same with the OpenAPI document. */
import { openapiRoutes } from "sallyport/openapi";
import app, { auth } from "./api.ts";

app.route("/", openapiRoutes(auth));
export default app;
