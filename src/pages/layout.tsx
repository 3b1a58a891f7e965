import { html } from "hono/html";
import type { Child } from "hono/jsx";
import type { AuthError } from "../index.ts";
import { sentenceFor } from "./refusal.ts";
import type { Visit } from "./route.ts";
import type { Site } from "./site.ts";

/** The content of a page. */
export interface PageContent {
  readonly title: string;
  readonly children: Child;
  /** True if the page uses the passkey script. */
  readonly script?: boolean;
  /** True if a user is signed in, who can then sign out. */
  readonly signedIn?: boolean;
  /** The reason why the page is shown again, or instead of another page. Its status is the page's status. */
  readonly refusal?: AuthError | undefined;
}

/** The parts of a visit that a response needs. */
type Asked = Pick<Visit, "c" | "site">;

/** Responds with a page. */
export function respond({ c, site }: Asked, content: PageContent): Response | Promise<Response> {
  const { refusal } = content;
  if (refusal?.status === 429 || refusal?.status === 503) {
    c.header("Retry-After", String(refusal.retryAfterSeconds ?? 30));
  }
  // RFC 9110 §11.6.1: a 401 names a scheme. `Bearer` makes no browser ask for a password.
  if (refusal?.status === 401) c.header("WWW-Authenticate", "Bearer");
  return c.html(html`<!DOCTYPE html>${<Document site={site} {...content} />}`, refusal?.status ?? 200);
}

/** The page for a refusal that no other page shows. An `undefined` refusal is a fault, and gets no detail. */
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
        {/* Screen readers read the title first. */}
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
