// Does at import what no entry may do.
globalThis.guilty = true;
Array.prototype.guilty = () => crypto.randomUUID();
new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
[].guilty();
setInterval(() => Math.random(), 1000).unref();
