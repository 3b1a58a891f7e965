/**
 * The part of `npm start` that runs workerd, through wrangler, in a process of its own.
 *
 * Its own, because wrangler ends its process at the first signal, and the embedded database must be closed first. It is
 * forked, and told what to run over the channel to its parent: so bindings appear neither in a file nor in `ps`, and it ends
 * when the channel does, however the parent ended.
 *
 * @module
 */
import { unstable_startWorker } from "wrangler";

/** What the parent sends, once. Paths are absolute. */
export interface ServeSettings {
  readonly config: string;
  readonly entrypoint: string;
  readonly port: number;
  readonly bindings: Readonly<Record<string, string>>;
}

async function serve({ config, entrypoint, port, bindings }: ServeSettings): Promise<void> {
  const worker = await unstable_startWorker({
    config,
    entrypoint,
    // As secrets, so that wrangler's list of bindings hides them.
    bindings: Object.fromEntries(
      Object.entries(bindings).map(([name, value]) => [name, { type: "secret_text" as const, value }]),
    ),
    dev: { server: { hostname: "localhost", port }, inspector: false, remote: false, watch: true, persist: false },
  });
  await worker.ready;
  process.send?.("ready");
}

// Wrangler ends what it has started, finished or not, when its process does.
process.once("disconnect", () => process.exit(0));
process.once("message", (settings) => {
  serve(settings as ServeSettings).catch((error: Error) => {
    console.error(error.cause instanceof Error ? error.cause.message : error.message);
    process.exit(1);
  });
});
