/** Sign-in with an issuer on Deno. */
import process from "node:process";
import { createApp } from "./app.ts";
import { memoryStore } from "./memory-store.ts";

const { ISSUER_URL = "", CLIENT_ID = "", CLIENT_SECRET = "", PORT = "3000" } = process.env;
const home = process.env.BASE_URL ?? `http://localhost:${PORT}`;
const options = { issuerUrl: ISSUER_URL, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET };
const app = createApp({ ...options, redirectUri: `${home}/callback` }, home, memoryStore());
Deno.serve({ port: Number(PORT) }, app.fetch);
