import { ConfigurationError } from "../index.ts";

/** The options of `pages`. */
export interface PagesOptions {
  /**
   * The path below which every page lies, such as `/me`. Default: `""`, the root of the application.
   *
   * Mount the pages at `/` even if you set it: `app.route("/", pages(auth, { basePath: "/me" }))`.
   */
  readonly basePath?: string;
  readonly brand?: {
    /** The name in titles and headers, as plain text. Default: `Sallyport`. */
    readonly name?: string;
    /** Where the name in the header leads, a path of the same origin. Default: the pages' own start. */
    readonly homePath?: string;
  };
  /** Where a user goes next, unless the request names a part of the account page. Paths of the same origin. */
  readonly returnPaths?: {
    /** Default: the account page. */
    readonly signIn?: string;
    /** Default: the account page. */
    readonly signUp?: string;
    /** Default: the sign-in page. */
    readonly signOut?: string;
  };
}

/** The place and name of the pages in one application, as every row and the layout receive them. */
export interface Site {
  readonly brand: { readonly name: string; readonly homePath: string };
  readonly returnPaths: { readonly signIn: string; readonly signUp: string; readonly signOut: string };
  /** The path that a browser requests, for a path in the table of pages. */
  path(relative: string): string;
}

/** Segments of RFC 3986's unreserved characters, which no router reads as a pattern and no proxy rewrites. */
const basePathForm = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/;

/** A path of the same origin: a browser reads `//` and `/\` as another host, and drops tabs and line ends (WHATWG URL §4.4). */
const ownPathForm = /^\/(?![/\\])[!-~]*$/;

/** @throws {ConfigurationError} Naming the option that is wrong. */
export function siteOf({ basePath = "", brand = {}, returnPaths = {} }: PagesOptions = {}): Site {
  requireForm("basePath", basePathForm.test(basePath), "it must be empty or a path such as /me.");
  const path = (relative: string) => (relative === "/" ? basePath || "/" : `${basePath}${relative}`);

  const { name = "Sallyport", homePath = path("/") } = brand;
  const { signIn = path("/account"), signUp = path("/account"), signOut = path("/sign-in") } = returnPaths;
  requireForm("brand.name", typeof name === "string" && name.trim() !== "", "it must be a text.");
  const paths = { "brand.homePath": homePath };
  const returns = { "returnPaths.signIn": signIn, "returnPaths.signUp": signUp, "returnPaths.signOut": signOut };
  for (const [option, value] of Object.entries({ ...paths, ...returns })) {
    requireForm(option, ownPathForm.test(value), "it must be a path of the same origin, such as /home.");
  }
  return { brand: { name, homePath }, returnPaths: { signIn, signUp, signOut }, path };
}

function requireForm(option: string, isMet: boolean, rule: string): void {
  if (!isMet) throw new ConfigurationError(option, new RangeError(rule));
}
