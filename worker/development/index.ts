/** The server that `npm start` runs. If `SIGN_UP` is `open`, anyone can sign up, and learns whether an identifier is taken. */
import { createServer } from "../server.ts";

const server = createServer({ signUp: ({ SIGN_UP }) => (SIGN_UP === "open" ? "open" : "closed") });

export default {
  ...server,
  async fetch(request, bindings, context) {
    const response = await server.fetch!(request, bindings, context);
    // A browser would remember it for `localhost`, and refuse http to every other project on this machine for a year.
    response.headers.delete("Strict-Transport-Security");
    return response;
  },
} satisfies typeof server;
