/** Hono and nothing else: the others are compared with it. */
import { Hono } from "hono/tiny";

const app = new Hono();
app.get("/me", (c) => c.json({ id: "usr_00000000000070008000000000000000" }));
app.get("/", (c) => c.text("ready"));
export default app;
