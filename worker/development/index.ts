/**
 * The server that `npm start` runs. If `SIGN_UP` is `open`, anyone can sign up, and learns whether an identifier is taken. If
 * `MAILBOX` is `shown`, all who reach the server can read its messages at `/mailbox`.
 *
 * @module
 */
import type { Bindings } from "../bindings.ts";
import { createServer } from "../server.ts";
import { mailboxMailer, mailboxPage } from "./mailbox.ts";

const isShown = (bindings: Bindings & { MAILBOX?: string }): boolean => bindings.MAILBOX === "shown";

const server = createServer({
  signUp: ({ SIGN_UP }) => {
    const mode = SIGN_UP === "open" || SIGN_UP === "verify-first" ? SIGN_UP : "closed";
    return { mode, why: "as npm start says" };
  },
  mail: (bindings) =>
    isShown(bindings) ? { mailer: mailboxMailer, from: { address: "accounts@sallyport.example" } } : undefined,
});

export default {
  ...server,
  async fetch(request, bindings, context) {
    const { host, pathname } = new URL(request.url);
    // A page of another site that names this machine as its host must not read the messages (S37).
    if (pathname === "/mailbox" && isShown(bindings) && host === new URL(bindings.BASE_URL).host)
      return await mailboxPage();
    const response = await server.fetch!(request, bindings, context);
    // A browser would remember it for `localhost`, and refuse http to every other project on this machine for a year.
    response.headers.delete("Strict-Transport-Security");
    return response;
  },
} satisfies typeof server;
