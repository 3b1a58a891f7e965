/**
 * Provides a Chromium once for each run of the browser tests: the machine's own or the one from npm.
 *
 * As in `global-setup.ts`, a missing Chromium is not an error here: the suites that need it fail with the reason.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { foldersOfMachine, isExecutable } from "./programs.ts";

const run = promisify(execFile);

export interface ChromiumProgram {
  executablePath: string;
  /** Additions to the tests' environment. */
  env: Record<string, string>;
}

declare module "vitest" {
  export interface ProvidedContext {
    chromium: ChromiumProgram | { missing: string };
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-chromium-"));
  const program = findOnMachine() ?? (await unpackFromNpm(folder).catch((error) => ({ missing: String(error) })));
  project.provide("chromium", program);
  return () => rm(folder, { recursive: true, force: true });
}

function findOnMachine(): ChromiumProgram | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const paths = foldersOfMachine("/usr/bin").flatMap((folder) => names.map((name) => join(folder, name)));
  const executablePath = paths.find(isExecutable);
  return executablePath === undefined ? undefined : { executablePath, env: {} };
}

/** Run with the paths of the archives. The package unpacks each into the temporary folder. */
const unpack = `
import { inflate } from "@sparticuz/chromium";
await Promise.all(process.argv.slice(1).map(inflate));`;

/** The package also holds shared libraries and fonts that Chromium needs and a small machine may lack. */
async function unpackFromNpm(folder: string): Promise<ChromiumProgram> {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error("The browser tests need Chromium. npm has one for Linux on x64 only: install another on PATH.");
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const archives = ["chromium.br", "fonts.tar.br", "swiftshader.tar.br", "al2023.tar.br"];
  const paths = archives.map((name) => join(dirname(entry), "..", "bin", name));
  await run(process.execPath, ["--input-type=module", "--eval", unpack, ...paths], {
    cwd: import.meta.dirname,
    env: { ...process.env, TMPDIR: folder, NODE_OPTIONS: "" },
  });
  // The package's own file names folders outside `folder`, and Chromium crashes if it finds no font.
  const fonts = join(folder, "fonts.conf");
  await writeFile(
    fonts,
    `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${join(folder, "fonts")}</dir><cachedir>${join(folder, "fonts-cache")}</cachedir></fontconfig>
`,
  );
  return {
    executablePath: join(folder, "chromium"),
    env: { LD_LIBRARY_PATH: join(folder, "al2023", "lib"), FONTCONFIG_FILE: fonts },
  };
}
