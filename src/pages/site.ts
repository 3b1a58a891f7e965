import { ConfigurationError } from "../index.ts";

export interface PagesOptions {
  /**
   * The path below which every page is, such as `/me`. Default: `""`, the root of the application.
   *
   * Mount the pages at `/` all the same: `app.route("/", pages(auth, { basePath: "/me" }))`.
   */
  readonly basePath?: string;
}

/** Where one application has the pages, as every row and the layout receive it. */
export interface Site {
  /** The path that a browser asks for, of a path in the table of pages. */
  path(relative: string): string;
}

/** Segments of RFC 3986's unreserved characters, which no router reads as a pattern and no proxy writes in another way. */
const basePathForm = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/;

/** @throws {ConfigurationError} Naming the option that no site can have. */
export function siteOf({ basePath = "" }: PagesOptions = {}): Site {
  if (!basePathForm.test(basePath)) {
    throw new ConfigurationError("basePath", new RangeError("it must be empty or a path such as /me."));
  }
  return { path: (relative) => (relative === "/" ? basePath || "/" : `${basePath}${relative}`) };
}
