// The same with the peers that an application at the edge has.
import * as hono from "sallyport/hono";
import * as neon from "sallyport/neon";
import { useCore } from "./core.mjs";

export async function useAll() {
  const { exports, works } = await useCore();
  return { exports: { ...exports, hono: Object.keys(hono).sort(), neon: Object.keys(neon).sort() }, works };
}
