// The same with the peers that an application at the edge has.
import * as hono from "sallyport/hono";
import * as mfa from "sallyport/mfa";
import * as neon from "sallyport/neon";
import * as openapi from "sallyport/openapi";
import * as pages from "sallyport/pages";
import * as passkeys from "sallyport/passkeys";
import * as personalAccessTokens from "sallyport/personal-access-tokens";
import { useCore } from "./core.mjs";

const entries = { hono, mfa, neon, openapi, pages, passkeys, "personal-access-tokens": personalAccessTokens };

export async function useAll() {
  const { exports, works } = await useCore();
  const names = Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, Object.keys(entry).sort()]));
  return { exports: { ...exports, ...names }, works };
}
