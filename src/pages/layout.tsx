import { html } from "hono/html";
import type { Child } from "hono/jsx";
import type { AuthError } from "../index.ts";
import { sentenceFor } from "./refusal.ts";
import type { Visit } from "./route.ts";
import type { Site } from "./site.ts";

/** A page to be. */
export interface PageContent {
  readonly title: string;
  readonly children: Child;
  /** Whether the passkey script comes with it. */
  readonly script?: boolean;
  /** Whether somebody is signed in, who can then sign out. */
  readonly signedIn?: boolean;
  /** Why it is shown again, or in the place of another; its status is the page's. */
  readonly refusal?: AuthError | undefined;
}

/** What an answer needs of a request. */
type Asked = Pick<Visit, "c" | "site">;

/** Answers with a page. */
export function respond({ c, site }: Asked, content: PageContent): Response | Promise<Response> {
  const { refusal } = content;
  if (refusal?.status === 429 || refusal?.status === 503) {
    c.header("Retry-After", String(refusal.retryAfterSeconds ?? 30));
  }
  // RFC 9110 §11.6.1: a 401 names a scheme. Bearer makes no browser ask for a password.
  if (refusal?.status === 401) c.header("WWW-Authenticate", "Bearer");
  return c.html(html`<!DOCTYPE html>${<Document site={site} {...content} />}`, refusal?.status ?? 200);
}

/** The page for what no other page tells of; `undefined` for a fault, of which nothing is told. */
export function refusalPage(asked: Asked, refusal: AuthError | undefined): Response | Promise<Response> {
  const { c, site } = asked;
  const words = { not_found: "This page does not exist." } as const;
  const message = refusal ? sentenceFor(refusal, words) : "Try again later.";
  const children = (
    <>
      <h1>{refusal?.code === "not_found" ? "Not found" : "Something went wrong"}</h1>
      <p role="alert">{message}</p>
      <p>
        <a href={site.brand.homePath}>Go to the home page</a>
      </p>
    </>
  );
  if (refusal) return respond(asked, { title: "Something went wrong", children, refusal });
  c.status(500);
  const page = (
    <Document site={site} title="Something went wrong">
      {children}
    </Document>
  );
  return c.html(html`<!DOCTYPE html>${page}`, 500);
}

function Document({ site, title, children, script, signedIn, refusal }: PageContent & { site: Site }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {/* Whoever hears a page hears its title first. */}
        <title>
          {refusal ? `Error: ${title}` : title} – {site.brand.name}
        </title>
        <link rel="stylesheet" href={site.path("/pages/style.css")} />
        <link rel="icon" href={site.path("/pages/icon.svg")} type="image/svg+xml" />
        {script && <script src={site.path("/pages/passkey.js")} defer />}
      </head>
      <body>
        <header>
          <a class="brand" href={site.brand.homePath}>
            {site.brand.name}
          </a>
          {signedIn && (
            <form method="post" action={site.path("/sign-out")}>
              <button class="quiet" type="submit">
                Sign out
              </button>
            </form>
          )}
        </header>
        <main>{children}</main>
      </body>
    </html>
  );
}
