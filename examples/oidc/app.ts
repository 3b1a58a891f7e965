/** Sign-in with an OpenID Connect issuer, for every runtime. Tokens stay on the server, sealed. */
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { requireAgent } from "sallyport/agents";
import { createIdpClient, type IdpClientOptions, OAuthError } from "sallyport/oidc";
import type { TokenRows } from "sallyport/oidc/token-rows";

/** Keeps begun sign-ins under a random name that only the browser's cookie has. Workers KV has this form. */
export interface Store {
  get(name: string): Promise<string | null>;
  put(name: string, value: string): Promise<unknown>;
  delete(name: string): Promise<unknown>;
}

const cookie = { path: "/", secure: true, httpOnly: true, sameSite: "Lax", prefix: "host" } as const;
const sessionOf = (c: Context) => getCookie(c, "session", "host");

export function createApp(options: IdpClientOptions, home: string, kept: { begun: Store; tokens: TokenRows }): Hono {
  const { begun, tokens } = kept;
  const idp = createIdpClient(options);
  const app = new Hono();

  app.get("/login", async (c) => {
    const transaction = await idp.createAuthorizationUrl({ scopes: ["openid", "email", "offline_access"] });
    const name = crypto.randomUUID();
    await begun.put(name, JSON.stringify(transaction));
    setCookie(c, "sign-in", name, { ...cookie, maxAge: 600 });
    return c.redirect(transaction.url);
  });

  app.get("/callback", async (c) => {
    const name = deleteCookie(c, "sign-in", cookie);
    const transaction = name && (await begun.get(name));
    if (!transaction) return c.text("This browser began no sign-in.", 400);
    await begun.delete(name);
    const agent = await idp.exchangeCallback(c.req.url, JSON.parse(transaction));
    const session = crypto.randomUUID();
    await tokens.write(session, agent.tokens);
    setCookie(c, "session", session, cookie);
    return c.redirect("/me");
  });

  app.get("/me", requireAgent(idp, { agent: (c) => tokens.createAgent(idp, sessionOf(c)) }), (c) => {
    const { agent } = c.var.principal;
    return c.json({ hello: agent.email, mayRead: agent.hasAccessIn("org_1", "read", "projects") });
  });

  app.post("/logout", async (c) => {
    const ended = await tokens.delete(deleteCookie(c, "session", cookie));
    if (!ended) return c.redirect("/", 303);
    return c.redirect(await idp.createLogoutUrl({ idTokenHint: ended.id_token, postLogoutRedirectUri: home }), 303);
  });

  app.onError((error, c) => {
    if (error instanceof OAuthError) return c.text(`The sign-in failed: ${error.message}`, 400);
    throw error;
  });
  return app;
}
