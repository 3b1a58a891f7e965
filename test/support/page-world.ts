import { Hono } from "hono";
import { linkMark } from "../../src/engine/link-mark.ts";
import {
  addressHeader,
  type FullAuth,
  freshAddress,
  type OpenOptions,
  openAuth,
  type Person,
  type World,
} from "./auth.ts";
import { pages } from "./every-page.ts";
import { origin } from "./http.ts";

/** The account pages on their own database, without a browser. */
export interface PageWorld extends World {
  readonly app: Hono;
  /** The errors that were answered with 500 or 503. */
  readonly errors: unknown[];
  /** Sends a request as a browser on one of the site's own pages would. */
  ask(sent: SentToPage): Promise<PageReply>;
}

export interface SentToPage {
  /** Default `POST` with a form or JSON, otherwise `GET`. */
  readonly method?: string;
  readonly path: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: BodyInit;
  /** The user whose session cookie comes with it. */
  readonly as?: Pick<Person, "token">;
  readonly cookies?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PageReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly location: string | null;
  readonly setCookies: readonly string[];
}

/** The same, of an application without terms, whose forms have no box for them. The type keeps them. */
export function withoutTerms(auth: FullAuth): FullAuth {
  return { ...auth, terms: undefined as never };
}

/** The pages of an application with every feature; with terms only if the options have them. */
export async function openPages(options: OpenOptions & { signUpIsOpen?: boolean } = {}): Promise<PageWorld> {
  const { signUpIsOpen = true, ...rest } = options;
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const world = await openAuth("pglite", { ...rest, auth: { onError, ...rest.auth } });
  const ofPages = (auth: FullAuth) => (rest.auth?.terms ? auth : withoutTerms(auth));
  const app = new Hono().route(
    "/",
    pages(ofPages(signUpIsOpen ? world.auth : world.isolate({ signUp: "invited", ...rest.auth }))),
  );
  return {
    ...world,
    auth: ofPages(world.auth),
    app,
    errors,
    ask: async (sent) => await askPages(app, await withFormKey(app, sent)),
  };
}

const formsWithKeys = [
  "/account/tokens/new",
  "/account/invitations/new",
  "/account/organizations/new",
  "/account/authenticator",
  "/account/recovery-codes",
];

/** Fills in the key of a form that works once, as the page with the form does. A test of the key gives its own. */
async function withFormKey(app: Hono, sent: SentToPage): Promise<SentToPage> {
  const { path, form, as, cookies, headers } = sent;
  if (!form || "form_key" in form || (headers && "sec-fetch-site" in headers)) return sent;
  if (path !== "/sign-in/enroll" && (!as || !formsWithKeys.includes(path))) return sent;
  const { text } = await askPages(app, { path, ...(as && { as }), ...(cookies && { cookies }) });
  const key = formKeyIn(text, path);
  return key === undefined ? sent : { ...sent, form: { form_key: key, ...form } };
}

/** The key of the form with this action. */
export function formKeyIn(text: string, action: string): string | undefined {
  const form = text.split("<form ").find((one) => one.includes(`action="${action}"`));
  return form && /name="form_key" value="([^"]*)"/.exec(form)?.[1];
}

/** Fills in the mark of the opened link, or of the message whose code is entered, as its page does. A test of the mark gives its own. */
async function withLinkMark({ path, form, cookies = {} }: SentToPage): Promise<SentToPage["form"]> {
  const token = cookies[path === "/check-mail" ? "__Host-mail-request" : "__Host-mailed-link"];
  return form && token !== undefined ? { link: await linkMark(token), ...form } : form;
}

/** The words of each label of a page. */
function labelsOf(html: string): string[] {
  return [...html.matchAll(/<label[^>]*>(.*?)<\/label>/gs)].map(([, inner]) => inner!.replace(/<[^>]*>/g, " ").trim());
}

/** Sends a request to the pages, and reads every label of the answer. */
export async function askPages(app: Pick<Hono, "request">, sent: SentToPage): Promise<PageReply> {
  const { path, json, as, cookies = {}, headers = {} } = sent;
  const form = await withLinkMark(sent);
  const body = form ? new URLSearchParams(form).toString() : json === undefined ? sent.body : JSON.stringify(json);
  const jar = Object.entries({ ...(as && { "__Host-session": as.token }), ...cookies });
  const response = await app.request(path, {
    method: sent.method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      [addressHeader]: freshAddress(),
      "sec-fetch-site": "same-origin",
      origin,
      ...(jar.length > 0 && { cookie: jar.map(([name, value]) => `${name}=${value}`).join("; ") }),
      ...(form && { "content-type": "application/x-www-form-urlencoded" }),
      ...(json !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body, duplex: "half" }),
  } as RequestInit);
  const text = await response.text();
  for (const label of labelsOf(text)) {
    if (/(\S{3,})\s+\1(\s|$)/.test(label)) throw new Error(`A label says something twice: ${label}`);
  }
  return {
    status: response.status,
    headers: response.headers,
    text,
    location: response.headers.get("location"),
    setCookies: response.headers.getSetCookie(),
  };
}

/** The cookies that a reply sets, as a browser keeps them. */
export function cookiesOf({ setCookies }: PageReply): Record<string, string> {
  const pairs = setCookies
    .map((one) => /^(__Host-[\w-]+)=([^;]*);(?! Max-Age=0)/.exec(one))
    .filter((one) => one !== null);
  return Object.fromEntries(pairs.map(([, name, value]) => [name!, value!]));
}
