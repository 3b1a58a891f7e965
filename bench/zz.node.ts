import { bundle } from "./workerd.node.ts";

const o = { external: ["sallyport/neon"] };
const all = await bundle("bench/workers/entries/all.ts", o);
const fed = await bundle("bench/workers/entries/all-with-federation.ts", o);
const goo = await bundle("bench/workers/entries/all-with-google.ts", o);
console.log(
  "federation",
  fed.gzipBytes - all.gzipBytes,
  "google",
  goo.gzipBytes - fed.gzipBytes,
  "both",
  goo.gzipBytes - all.gzipBytes,
);
const of = new Map(all.modules.map((m) => [m.path, m.bytes]));
let t = 0;
for (const m of fed.modules) {
  const d = m.bytes - (of.get(m.path) ?? 0);
  if (d > 30 || d < -30) {
    t += d;
    console.log(d, m.path);
  }
}
console.log(t);
await all.remove();
await fed.remove();
await goo.remove();
