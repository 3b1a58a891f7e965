/** Sign-in with an issuer on Cloudflare Workers, with the tokens in KV. */
import { createApp, type Store } from "./app.ts";

interface Env {
  readonly ISSUER_URL: string;
  readonly CLIENT_ID: string;
  readonly CLIENT_SECRET: string;
  readonly BASE_URL: string;
  readonly TOKENS: Store;
}

export default {
  // A client for each request costs little: what is known of the issuer is kept in the isolate.
  fetch(request: Request, env: Env): Response | Promise<Response> {
    const { ISSUER_URL: issuerUrl, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, BASE_URL } = env;
    const redirectUri = `${BASE_URL}/callback`;
    return createApp({ issuerUrl, clientId, clientSecret, redirectUri }, BASE_URL, env.TOKENS).fetch(request);
  },
};
