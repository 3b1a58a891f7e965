import type { Child } from "hono/jsx";
import type { FormCaptcha } from "../http/rate-limit.ts";
import { ConfigurationError } from "../index.ts";
import { brandStyle, isColor } from "./brand-style.ts";
import { english, type PageLanguage, type PageTexts, type Voice, voiceOf } from "./language.ts";
import type { PagePart } from "./page-part.ts";

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
    /** The address of a picture beside the name, a path of the same origin such as `/logo.svg`. Default: none. */
    readonly logoPath?: string;
    /**
     * The color of buttons and links, as `#rrggbb`, or one for light and one for dark screens. Text on it is black or white,
     * whichever is easier to read. Default: a blue.
     */
    readonly accent?: string | { readonly light: string; readonly dark: string };
  };
  /** Style rules of your own, served after those of the pages. Default: none. */
  readonly css?: string;
  /** The languages of the pages. A reader gets the one that their browser asks for, otherwise the first. Default: English. */
  readonly languages?: readonly PageLanguage[];
  /**
   * The scopes that a user can choose from for an access token, with what each allows. Default: a field in which the user types
   * them.
   */
  readonly tokenScopes?: readonly { readonly scope: string; readonly text: string }[];
  /**
   * The captcha that the forms for signing in, signing up and asking for a link show once a client has used up a first limit:
   * `formCaptcha(…)` of `sallyport/rate-limit`. Default: none.
   */
  readonly captcha?: FormCaptcha;
  /**
   * Pages of features that not every application has, such as `organizationPages` of `sallyport/pages/organizations`. Default:
   * none.
   */
  readonly parts?: readonly PagePart[];
  /** Where a user goes next, unless the request names a page of the account. Paths of the same origin. */
  readonly returnPaths?: {
    /** Default: the account page. */
    readonly signIn?: string;
    /** Default: the account page. */
    readonly signUp?: string;
    /** Default: the sign-in page. */
    readonly signOut?: string;
  };
}

/** The place, name and language of the pages in one application, as every row and the layout receive them. */
export interface Site extends Voice<Child> {
  readonly brand: { readonly name: string; readonly homePath: string; readonly logoPath: string | undefined };
  readonly returnPaths: { readonly signIn: string; readonly signUp: string; readonly signOut: string };
  readonly tokenScopes: NonNullable<PagesOptions["tokenScopes"]> | undefined;
  readonly captcha: FormCaptcha | undefined;
  /** The pages and acts of the parts: rows of the table of pages. */
  readonly rows: readonly object[];
  readonly parts: readonly PagePart["name"][];
  /** The style of the brand, empty if there is none. */
  readonly brandStyle: string;
  /** The path that a browser requests, for a path in the table of pages. */
  path(relative: string): string;
}

/** Segments of RFC 3986's unreserved characters, which no router reads as a pattern and no proxy rewrites. */
const basePathForm = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/;

/** A path of the same origin: a browser reads `//` and `/\` as another host, and drops tabs and line ends (WHATWG URL §4.4). */
const ownPathForm = /^\/(?![/\\])[!-~]*$/;

/**
 * The site in each of its languages.
 *
 * @throws {ConfigurationError} Naming the option that is wrong.
 */
export function sitesOf(options: PagesOptions = {}): readonly [Site, ...Site[]] {
  const {
    basePath = "",
    brand = {},
    returnPaths = {},
    css = "",
    languages = [english],
    tokenScopes,
    captcha,
    parts = [],
  } = options;
  requireForm("basePath", basePathForm.test(basePath), "it must be empty or a path such as /me.");
  const path = (relative: string) => (relative === "/" ? basePath || "/" : `${basePath}${relative}`);

  const { name = "Sallyport", homePath = path("/"), logoPath, accent } = brand;
  const { signIn = path("/account"), signUp = path("/account"), signOut = path("/sign-in") } = returnPaths;
  requireForm("brand.name", typeof name === "string" && name.trim() !== "", "it must be a text.");
  const paths = { "brand.homePath": homePath, ...(logoPath !== undefined && { "brand.logoPath": logoPath }) };
  const returns = { "returnPaths.signIn": signIn, "returnPaths.signUp": signUp, "returnPaths.signOut": signOut };
  for (const [option, value] of Object.entries({ ...paths, ...returns })) {
    requireForm(option, ownPathForm.test(value), "it must be a path of the same origin, such as /home.");
  }
  requireForm("css", typeof css === "string", "it must be a text.");
  const colors = typeof accent === "string" ? { light: accent, dark: accent } : accent;
  if (colors) {
    const areColors = isColor(colors.light) && isColor(colors.dark);
    requireForm("brand.accent", areColors, "it must be a color such as #1d4ed8, or { light, dark }.");
  }
  requireForm("languages", languages.length > 0, "there must be at least one.");
  requireForm(
    "parts",
    Array.isArray(parts) && parts.every((part) => Array.isArray(part?.rows)),
    "it must list parts, such as organizationPages.",
  );
  requireForm("captcha", !captcha || typeof captcha.demand === "function", "it must be made by formCaptcha.");
  if (tokenScopes) {
    const areScopes = tokenScopes.every(({ scope, text }) => /^[!-~]{1,128}$/.test(scope) && typeof text === "string");
    requireForm("tokenScopes", areScopes, "each must have a scope without spaces, and a text.");
  }
  const common = {
    brand: { name, homePath, logoPath },
    returnPaths: { signIn, signUp, signOut },
    tokenScopes,
    captcha,
    rows: parts.flatMap(({ rows }) => rows),
    parts: parts.map((part) => part.name),
    brandStyle: brandStyle(colors, css),
    path,
  };
  const texts = Object.assign({}, ...parts.map((part) => part.texts)) as Partial<PageTexts>;
  const [first, ...others] = languages.map((language) => ({ ...common, ...voiceOf<Child>(language, texts) }));
  return [first!, ...others];
}

function requireForm(option: string, isMet: boolean, rule: string): void {
  if (!isMet) throw new ConfigurationError(option, new RangeError(rule));
}
