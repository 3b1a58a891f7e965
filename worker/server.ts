import { Hono } from "hono";
import { authErrorResponse, authRoutes, cloudflareAddress } from "../src/http/index.ts";
import { type Auth, AuthError, ConfigurationError, createAuth, type SignUpMode } from "../src/index.ts";
import { argon2id } from "../src/runtime/argon2id.workerd.ts";
import { neon } from "../src/store/drivers/neon.ts";

/** What the Worker is configured with. */
export interface Bindings {
  DATABASE_URL: string;
  /** Where Neon's SQL endpoint is, if not where its connection string says; for development. */
  NEON_FETCH_ENDPOINT?: string;
  SALLYPORT_SECRET: string;
  /** The origin that people see, such as `https://auth.example.com`. */
  BASE_URL: string;
  SIGN_UP?: string;
}

/** The operations of an isolate: a value, for Neon's driver holds no connection. Probed before the first use. */
interface Serving {
  readonly auth: Auth;
  probed: boolean;
}

/**
 * The finished server: Sallyport's routes on Neon. Any option that is missing or unsafe makes every answer a 503, and
 * `/health` says which.
 */
export function createServer(options: { signUp: (bindings: Bindings) => SignUpMode }): ExportedHandler<Bindings> {
  const isolates = new WeakMap<object, Serving>();
  const servingOf = (bindings: Bindings): Serving => {
    const known = isolates.get(bindings);
    if (known) return known;
    const serving = { auth: makeAuth(bindings, options.signUp(bindings)), probed: false };
    isolates.set(bindings, serving);
    return serving;
  };

  const app = new Hono<{ Bindings: Bindings }>();
  app.onError((error, c) => {
    onError(error);
    return authErrorResponse(error, c);
  });
  app.notFound((c) => authErrorResponse(new AuthError("not_found"), c));
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
  app.route(
    "/",
    authRoutes((c) => servingOf(c.env).auth, { clientAddress: cloudflareAddress, onError }),
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
  ["origins", "BASE_URL"],
]);

function makeAuth(bindings: Bindings, signUp: SignUpMode): Auth {
  const database = databaseOf(bindings);
  try {
    return createAuth({
      database,
      passwordHasher: argon2id(),
      secrets: bindings.SALLYPORT_SECRET,
      origins: [bindings.BASE_URL ?? ""],
      signUp,
      onError,
    });
  } catch (error) {
    const binding = error instanceof ConfigurationError && bindingOf.get(error.option);
    throw binding ? new ConfigurationError(binding, error.cause) : error;
  }
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

async function probe(auth: Auth): Promise<void> {
  try {
    await auth.probe();
  } catch (error) {
    throw new AuthError("unavailable.database", { cause: error, retryAfterSeconds: 5 });
  }
}
