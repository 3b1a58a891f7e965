/** Sign-in with an issuer on Cloudflare Workers, with begun sign-ins in KV and tokens in the database. */
import { neon } from "sallyport/neon";
import { tokenRows } from "sallyport/oidc/token-rows";
import { createApp, type Store } from "./app.ts";

interface Env {
  readonly ISSUER_URL: string;
  readonly CLIENT_ID: string;
  readonly CLIENT_SECRET: string;
  readonly BASE_URL: string;
  readonly DATABASE_URL: string;
  readonly TOKEN_KEYS: string;
  readonly SIGN_INS: Store;
}

export default {
  // A client for each request costs little: what is known of the issuer is kept in the isolate.
  fetch(request: Request, env: Env): Response | Promise<Response> {
    const { ISSUER_URL: issuerUrl, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, BASE_URL } = env;
    const options = { issuerUrl, clientId, clientSecret, redirectUri: `${BASE_URL}/callback` };
    const tokens = tokenRows({ database: neon(env.DATABASE_URL), sealingKeys: env.TOKEN_KEYS });
    return createApp(options, BASE_URL, { begun: env.SIGN_INS, tokens }).fetch(request);
  },
};
