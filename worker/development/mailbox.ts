import { html } from "hono/html";
import type { Mailer, MailMessage } from "../../src/http/mail.ts";

/** Messages that are kept: the newest ones, until the server restarts. */
const kept = 50;
const messages: MailMessage[] = [];

/** The mailer of the development server: it delivers to {@link mailboxPage}, whatever the recipient. */
export const mailboxMailer: Mailer = {
  async send(message) {
    messages.unshift(message);
    messages.length = Math.min(messages.length, kept);
  },
};

/** The messages, newest first, each with its links. */
export async function mailboxPage(): Promise<Response> {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Mailbox of the development server</title>
        <link rel="stylesheet" href="/pages/style.css" />
      </head>
      <body>
        <div class="columns"><span></span><main>
          <h1>Mailbox</h1>
          <p>The messages that this server has sent. Nothing leaves this machine. Reload to see new ones.</p>
          ${messages.length === 0 ? html`<p>There is no message yet.</p>` : messages.map(article)}
        </main></div>
      </body>
    </html>`;
  return new Response(String(await page), {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
    },
  });
}

function article({ to, subject, text }: MailMessage) {
  const links = text.match(/https?:\/\/\S+/g) ?? [];
  return html`<section>
    <h2>${subject}</h2>
    <p>To <bdi>${to}</bdi></p>
    ${text.split("\n\n").map((paragraph) => html`<p>${paragraph}</p>`)}
    ${links.map((link) => html`<p><a class="button" href="${link}">Open the link</a></p>`)}
  </section>`;
}
