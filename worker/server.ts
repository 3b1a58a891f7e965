import { type Context, Hono } from "hono";
import { authErrorResponse, authRoutes, cloudflareAddress, requireUser } from "../src/http/index.ts";
import { createMfa, mfaRoutes } from "../src/http/mfa.ts";
import { createPasskeys, passkeyRoutes } from "../src/http/passkey.ts";
import { createTokens, tokenRoutes } from "../src/http/tokens.ts";
import { userBody } from "../src/http/wire.ts";
import { AuthError, ConfigurationError, createAuth, type SignUpMode } from "../src/index.ts";
import { argon2id } from "../src/runtime/argon2id.workerd.ts";
import { neon } from "../src/store/drivers/neon.ts";
import { failurePage, pages } from "./pages/pages.tsx";
import { relatedOrigins } from "./pages/related-origins.ts";
import type { ServerAuth } from "./pages/route.ts";

/** What the Worker is configured with. */
export interface Bindings {
  DATABASE_URL: string;
  /** Where Neon's SQL endpoint is, if not where its connection string says; for development. */
  NEON_FETCH_ENDPOINT?: string;
  SALLYPORT_SECRET: string;
  /** Seals the secrets of authenticator apps; other bytes than the root secret's. */
  SALLYPORT_SEALING_KEYS: string;
  /** The origin that people see, such as `https://auth.example.com`. */
  BASE_URL: string;
  SIGN_UP?: string;
}

/** The operations of an isolate: a value, for Neon's driver holds no connection. Probed before the first use. */
interface Serving {
  readonly auth: ServerAuth;
  readonly signUp: SignUpMode;
  probed: boolean;
}

/**
 * The finished server: Sallyport's routes and the account pages, on Neon. Any option that is missing or unsafe makes every answer a 503, and
 * `/health` says which.
 */
export function createServer(options: { signUp: (bindings: Bindings) => SignUpMode }): ExportedHandler<Bindings> {
  const isolates = new WeakMap<object, Serving>();
  const servingOf = (bindings: Bindings): Serving => {
    const known = isolates.get(bindings);
    if (known) return known;
    const signUp = options.signUp(bindings);
    const serving = { auth: makeAuth(bindings, signUp), signUp, probed: false };
    isolates.set(bindings, serving);
    return serving;
  };

  const app = new Hono<{ Bindings: Bindings }>();
  app.onError((error, c) => {
    onError(error);
    return failure(error, c);
  });
  app.notFound((c) => failure(new AuthError("not_found"), c));
  app.use(async (c, next) => {
    await next();
    c.header("Strict-Transport-Security", "max-age=31536000");
  });
  app.use(async (c, next) => {
    // Once for an isolate: no promise of it is kept, so requests that come first together each ask (S17, S50).
    const serving = c.req.path === "/health" ? undefined : servingOf(c.env);
    if (serving && !serving.probed) {
      await probe(serving.auth);
      serving.probed = true;
    }
    await next();
  });
  const source = (c: Context<{ Bindings: Bindings }>): ServerAuth => servingOf(c.env).auth;
  const signUpIsOpen = (c: Context<{ Bindings: Bindings }>): boolean => servingOf(c.env).signUp === "open";
  const clientAddress = cloudflareAddress;
  app.route("/", pages(source, { clientAddress, signUpIsOpen, onError }));
  app.get("/.well-known/webauthn", (c) => {
    const related = relatedOrigins(source(c).origins);
    return related ? c.json(related) : c.notFound();
  });
  // What a personal access token is good for on this server itself.
  app.get("/api/me", requireUser(source, { scope: "account:read", clientAddress }), (c) =>
    c.json({ user: userBody(c.var.user) }, 200, { "Cache-Control": "no-store" }),
  );
  app.route(
    "/",
    authRoutes(source, { clientAddress, onError, routes: [...mfaRoutes, ...passkeyRoutes, ...tokenRoutes] }),
  );
  return {
    async fetch(request, bindings, context) {
      return await app.fetch(request, bindings, context);
    },
    async scheduled(_event, bindings) {
      await servingOf(bindings).auth.purge();
    },
  };
}

/** The bindings that become options of another name, so that `/health` names what its reader can set. */
const bindingOf: ReadonlyMap<string, keyof Bindings> = new Map([
  ["secrets", "SALLYPORT_SECRET"],
  ["sealingKeys", "SALLYPORT_SEALING_KEYS"],
  ["origins", "BASE_URL"],
]);

function makeAuth(bindings: Bindings, signUp: SignUpMode): ServerAuth {
  // One object, by which the four know that their keys are the same.
  const options = {
    database: databaseOf(bindings),
    passwordHasher: argon2id(),
    secrets: bindings.SALLYPORT_SECRET,
    sealingKeys: bindings.SALLYPORT_SEALING_KEYS,
    origins: [bindings.BASE_URL ?? ""],
    signUp,
    onError,
  };
  try {
    return { ...createAuth(options), ...createMfa(options), ...createPasskeys(options), ...createTokens(options) };
  } catch (error) {
    const binding = error instanceof ConfigurationError && bindingOf.get(error.option);
    throw binding ? new ConfigurationError(binding, error.cause) : error;
  }
}

/** A page for a person, who asks for one, and JSON for a program. */
function failure(error: unknown, c: Context): Response | Promise<Response> {
  const wantsPage = c.req.header("accept")?.includes("text/html") ?? false;
  return wantsPage ? failurePage(error, c) : authErrorResponse(error, c);
}

/** The kind of error and nothing of it: what went wrong may be made of what somebody typed. */
function onError(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: the console is a Worker's log.
  console.error("sallyport", error instanceof Error ? error.name : "unknown error");
}

function databaseOf(bindings: Bindings): ReturnType<typeof neon> {
  try {
    return neon(bindings.DATABASE_URL ?? "", { fetchEndpoint: bindings.NEON_FETCH_ENDPOINT });
  } catch (error) {
    throw new ConfigurationError("DATABASE_URL", error);
  }
}

async function probe(auth: ServerAuth): Promise<void> {
  try {
    await auth.probe();
  } catch (error) {
    throw new AuthError("unavailable.database", { cause: error, retryAfterSeconds: 5 });
  }
}
