/** Sign-in with an issuer on Deno. */
import process from "node:process";
import pg from "pg";
import { tokenRows } from "sallyport/oidc/token-rows";
import { postgres } from "sallyport/postgres";
import { createApp } from "./app.ts";
import { memoryStore } from "./memory-store.ts";

const { ISSUER_URL = "", CLIENT_ID = "", CLIENT_SECRET = "", DATABASE_URL, TOKEN_KEYS, PORT = "3000" } = process.env;
const home = process.env.BASE_URL ?? `http://localhost:${PORT}`;
const options = { issuerUrl: ISSUER_URL, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET };

const pool = new pg.Pool({ connectionString: DATABASE_URL });
pool.on("error", (error: Error) => console.error(error.name));
const tokens = tokenRows({ database: postgres(pool), sealingKeys: TOKEN_KEYS });

const app = createApp({ ...options, redirectUri: `${home}/callback` }, home, { begun: memoryStore(), tokens });
Deno.serve({ port: Number(PORT) }, app.fetch);
