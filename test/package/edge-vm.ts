import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { EdgeRuntime } from "edge-runtime";
import { build } from "esbuild";

/** A Vercel edge function: a bundle in a virtual machine that generates no code, from strings or from bytes. */
export interface EdgeFunction {
  /** The bundled files, relative to the project's folder. */
  readonly inputs: readonly string[];
  /** Evaluates an expression in which `application` holds the bundle's exports. */
  evaluate(expression: string): unknown;
}

/**
 * Bundles a program with the given conditions, as Vercel does, and loads it.
 *
 * The host compiles a WebAssembly module that is imported with `?module`, and hands it in; the platform does the same.
 */
export async function loadEdgeFunction(
  folder: string,
  entry: string,
  conditions: readonly string[],
): Promise<EdgeFunction> {
  const hostModules: Record<string, WebAssembly.Module> = {};
  const { outputFiles, metafile } = await build({
    absWorkingDir: folder,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: "iife",
    globalName: "application",
    platform: "browser",
    target: "es2022",
    conditions: [...conditions],
    plugins: [
      {
        name: "host-modules",
        setup({ onLoad }) {
          onLoad({ filter: /\.wasm$/ }, ({ path, suffix }) => {
            if (suffix !== "?module") throw new Error(`${basename(path)} is imported with "${suffix}".`);
            hostModules[basename(path)] = new WebAssembly.Module(readFileSync(path));
            return { contents: `export default hostModules[${JSON.stringify(basename(path))}]` };
          });
        },
      },
    ],
  });
  const runtime = new EdgeRuntime({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { hostModules }),
  });
  runtime.evaluate(outputFiles[0]!.text);
  return { inputs: Object.keys(metafile.inputs), evaluate: (expression) => runtime.evaluate(expression) };
}
