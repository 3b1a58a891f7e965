/** workerd and wrangler: the import is the compiled module. */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

/** Vercel's edge runtime: the same, by this suffix. */
declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}
