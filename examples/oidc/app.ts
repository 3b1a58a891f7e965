/** Sign-in with an OpenID Connect issuer, for every runtime. Tokens stay on the server. */
import { Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { createIdpClient, type IdpClientOptions, OAuthError, RefreshError, TokenExpiredError } from "sallyport/oidc";

/** Keeps tokens and begun sign-ins under a random name that only the browser's cookie has. Workers KV has this form. */
export interface Store {
  get(name: string): Promise<string | null>;
  put(name: string, value: string): Promise<unknown>;
  delete(name: string): Promise<unknown>;
}

const cookie = { path: "/", secure: true, httpOnly: true, sameSite: "Lax", prefix: "host" } as const;

export function createApp(options: IdpClientOptions, home: string, store: Store): Hono {
  const idp = createIdpClient(options);
  const app = new Hono();

  app.get("/login", async (c) => {
    const transaction = await idp.createAuthorizationUrl({ scopes: ["openid", "email", "offline_access"] });
    const name = crypto.randomUUID();
    await store.put(`sign-in ${name}`, JSON.stringify(transaction));
    setCookie(c, "sign-in", name, { ...cookie, maxAge: 600 });
    return c.redirect(transaction.url);
  });

  app.get("/callback", async (c) => {
    const name = deleteCookie(c, "sign-in", cookie);
    const begun = name && (await store.get(`sign-in ${name}`));
    if (!begun) return c.text("This browser began no sign-in.", 400);
    await store.delete(`sign-in ${name}`);
    const agent = await idp.exchangeCallback(c.req.url, JSON.parse(begun));
    const session = crypto.randomUUID();
    await store.put(`tokens ${session}`, JSON.stringify(agent.tokens));
    setCookie(c, "session", session, cookie);
    return c.redirect("/me");
  });

  app.get("/me", async (c) => {
    const session = getCookie(c, "session", "host");
    const tokens = session && (await store.get(`tokens ${session}`));
    if (!tokens) return c.text("Sign in first.", 401);
    const onRefresh = (renewed: object) => store.put(`tokens ${session}`, JSON.stringify(renewed));
    const agent = await idp.createAgent(JSON.parse(tokens), { onRefresh });
    return c.json({ hello: agent.email, mayRead: agent.hasAccessIn("org_1", "read", "projects") });
  });

  app.post("/logout", async (c) => {
    const session = deleteCookie(c, "session", cookie);
    const tokens = session && (await store.get(`tokens ${session}`));
    if (!tokens) return c.redirect("/");
    await store.delete(`tokens ${session}`);
    const { id_token: idTokenHint } = JSON.parse(tokens);
    return c.redirect(await idp.createLogoutUrl({ idTokenHint, postLogoutRedirectUri: home }), 303);
  });

  app.onError((error, c) => {
    if (error instanceof TokenExpiredError || error instanceof RefreshError) return c.text("Sign in again.", 401);
    if (error instanceof OAuthError) return c.text(`The sign-in failed: ${error.message}`, 400);
    throw error;
  });
  return app;
}
