/** The Worker of the comparison with Auth.js: sign-in with Google, sessions in Postgres. */
import { Auth, type AuthConfig } from "@auth/core";
import google from "@auth/core/providers/google";
import neonAdapter from "@auth/neon-adapter";
import { neonConfig, Pool } from "@neondatabase/serverless";
import { Hono } from "hono/tiny";

interface Bindings {
  DATABASE_URL: string;
  AUTH_SECRET: string;
  GOOGLE_CLIENT_ID: string;
  GOOGLE_CLIENT_SECRET: string;
}

// The adapter takes a pool. With this setting, its queries go over HTTP and not over a WebSocket.
neonConfig.poolQueryViaFetch = true;

let config: AuthConfig | undefined;

function configOf(env: Bindings): AuthConfig {
  config ??= {
    adapter: neonAdapter(new Pool({ connectionString: env.DATABASE_URL })),
    secret: env.AUTH_SECRET,
    trustHost: true,
    basePath: "/auth",
    session: { strategy: "database" },
    providers: [google({ clientId: env.GOOGLE_CLIENT_ID, clientSecret: env.GOOGLE_CLIENT_SECRET })],
  };
  return config;
}

const app = new Hono<{ Bindings: Bindings }>();
app.all("/auth/*", (c) => Auth(c.req.raw, configOf(c.env)));
app.get("/me", async (c) => {
  const cookie = c.req.header("cookie") ?? "";
  const asked = new Request(new URL("/auth/session", c.req.url), { headers: { cookie } });
  const session = (await (await Auth(asked, configOf(c.env))).json()) as { user?: { email: string } } | null;
  return session?.user ? c.json({ email: session.user.email }) : c.json({}, 401);
});
app.get("/", (c) => c.text("ready"));
export default app;
