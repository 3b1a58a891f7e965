/**
 * The part of `npm start` that runs workerd, through wrangler, in its own process.
 *
 * It is a separate process because wrangler ends its process at the first signal, and the embedded database must be closed
 * first. It is forked, and receives its settings over the channel to its parent. So bindings appear neither in a file nor in
 * `ps`, and it ends when the channel does, however the parent ended.
 *
 * @module
 */
import { unstable_startWorker } from "wrangler";
import type { CertificateFiles } from "./certificate.node.ts";

/** What the parent sends, once. Paths are absolute. */
export interface ServeSettings {
  readonly config: string;
  readonly entrypoint: string;
  /** The name or address to listen on. Default `localhost`. */
  readonly hostname?: string;
  readonly port: number;
  /** The files of a certificate, to serve https. */
  readonly certificate?: CertificateFiles | undefined;
  /** Hidden in wrangler's list of bindings. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Shown there; they replace those of `config`. */
  readonly variables?: Readonly<Record<string, string>>;
}

async function serve({
  config,
  entrypoint,
  hostname = "localhost",
  port,
  certificate,
  secrets,
  variables = {},
}: ServeSettings): Promise<void> {
  const worker = await unstable_startWorker({
    config,
    entrypoint,
    bindings: { ...bindingsOf("secret_text", secrets), ...bindingsOf("plain_text", variables) },
    // `npm start` has already generated the files, and with a build command wrangler would watch only that command's sources.
    build: { custom: { command: "" } },
    dev: {
      server: {
        hostname,
        port,
        ...(certificate && { secure: true, httpsKeyPath: certificate.key, httpsCertPath: certificate.certificate }),
      },
      inspector: false,
      remote: false,
      watch: true,
      persist: false,
    },
  });
  await worker.ready;
  process.send?.("ready");
}

function bindingsOf<Type extends "plain_text" | "secret_text">(
  type: Type,
  values: Readonly<Record<string, string>>,
): Record<string, { type: Type; value: string }> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { type, value }]));
}

// When its process ends, wrangler ends everything that it started, finished or not.
process.once("disconnect", () => process.exit(0));
process.once("message", (settings) => {
  serve(settings as ServeSettings).catch((error: Error) => {
    console.error(error.cause instanceof Error ? error.cause.message : error.message);
    process.exit(1);
  });
});
