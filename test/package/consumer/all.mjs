// The same with the peers that an application at the edge has.
import * as hono from "sallyport/hono";
import * as mfa from "sallyport/mfa";
import * as neon from "sallyport/neon";
import * as passkey from "sallyport/passkey";
import * as tokens from "sallyport/tokens";
import { useCore } from "./core.mjs";

const entries = { hono, mfa, neon, passkey, tokens };

export async function useAll() {
  const { exports, works } = await useCore();
  const names = Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, Object.keys(entry).sort()]));
  return { exports: { ...exports, ...names }, works };
}
