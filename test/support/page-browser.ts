import type { Hono } from "hono";
import { askPages, type PageReply, type SentToPage } from "./page-world.ts";

/** A browser without script: it keeps cookies, follows redirects, and submits a form of its current page. */
export interface PageBrowser {
  /** The path and query of its current page. */
  readonly path: string;
  readonly text: string;
  /** Every address that a page or a redirect has led to so far. */
  readonly addresses: ReadonlySet<string>;
  open(path: string): Promise<PageReply>;
  /** @throws {Error} If the page has no form with this action. */
  submit(action: string, fields?: Readonly<Record<string, string>>): Promise<PageReply>;
}

export function pageBrowser(app: Pick<Hono, "request">): PageBrowser {
  const cookies = new Map<string, string>();
  const addresses = new Set<string>();
  const shown = { path: "", text: "" };

  const ask = async (sent: SentToPage): Promise<PageReply> => {
    const reply = await askPages(app, { ...sent, cookies: Object.fromEntries(cookies) });
    for (const text of reply.setCookies) {
      const [, name, value, attributes] = /^([^=]+)=([^;]*);(.*)$/.exec(text)!;
      if (/Max-Age=0\b/.test(attributes!)) cookies.delete(name!);
      else cookies.set(name!, value!);
    }
    for (const address of addressesOf(reply)) addresses.add(address);
    if (reply.location) return await ask({ path: reply.location.replace(/#.*/, "") });
    Object.assign(shown, { path: sent.path, text: reply.text });
    return reply;
  };

  return {
    get path() {
      return shown.path;
    },
    get text() {
      return shown.text;
    },
    addresses,
    open: (path) => ask({ path }),
    submit: (action, fields = {}) => {
      const forms = [...shown.text.matchAll(/<form [^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/gs)];
      const form = forms.find(([, found]) => found === action);
      if (!form) throw new Error(`${shown.path} has no form of ${action}.`);
      const hidden = [...form[2]!.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
      const kept = Object.fromEntries(hidden.map(([, name, value]) => [name, value!]));
      return ask({ path: action, form: { ...kept, ...fields } });
    },
  };
}

/** Addresses in an answer: links, forms, assets, the script's requests, the next page, and a redirect. */
export function addressesOf({ headers, text, location }: PageReply): string[] {
  const found = [...text.matchAll(/ (?:href|action|src|data-options|data-finish|data-next)="([^"]*)"/g)];
  const next = [...text.matchAll(/ name="next" value="([^"]*)"/g)];
  const isJson = headers.get("content-type")?.startsWith("application/json") ?? false;
  const led = isJson ? (JSON.parse(text) as { location?: string }).location : location;
  const all = [...[...found, ...next].map(([, address]) => address!), ...(led ? [led] : [])];
  // The page after a proof is an address too.
  const later = all.map((address) => new URL(address, "https://example.com").searchParams.get("next"));
  return [...all, ...later.filter((address) => address !== null)];
}
