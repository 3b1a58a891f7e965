/**
 * `npm run mutants -- --layer domain|store|operations [--files GLOB] [--sample 40] [--seed 1] [--seconds 90]`: plants faults in
 * the layer's sources, one at a time, and says which of them no test notices.
 *
 * `--files` takes a path with `*`, and `:LINE` after it for the mutants of one line. Exit code 1: fewer than 90 % are killed,
 * more than 5 % are listed as equivalent, or an entry of that list matches no mutant.
 *
 * @module
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Fate, openLaboratory } from "./laboratory.node.ts";
import { describeMutant, type Mutant, mutantsOf } from "./mutants.ts";
import { sampleOf } from "./sample.ts";
import { equivalentOf, readSettings, staleEntries } from "./settings.ts";
import { suitesFor } from "./suites.ts";

const root = process.cwd();
const options = readOptions();
const settings = readSettings(root);
const layer = settings.layers[options.layer];
if (!layer) throw new Error(`--layer is one of ${Object.keys(settings.layers).join(", ")}.`);

const mutantsIn = (path: string): Mutant[] => mutantsOf(path, readFileSync(join(root, path), "utf8"));
const stale = staleEntries(settings, root, mutantsIn);
for (const { path, line } of stale) console.log(`The list of equivalent mutants has no such line: ${path}: ${line}`);

const generated = globSync(`${layer.folder}/**/*.ts`, { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => !layer.except.some((folder) => path.startsWith(folder)))
  .sort()
  .flatMap(mutantsIn)
  .filter(isAsked(options.files));
const sampled = sampleOf(generated, options.sample, options.seed);
const equivalent = sampled.filter((mutant) => equivalentOf(mutant, settings));
const tried = sampled.filter((mutant) => !equivalent.includes(mutant));

const byFate: Record<Fate, Mutant[]> = { killed: [], survived: [], "timed out": [], invalid: [] };
const laboratory = await openLaboratory(root, { projects: layer.projects, never: settings.never });
try {
  const named = [...layer.suites, ...Object.values(layer.related ?? {}).flat()];
  const unknown = named.filter((start) => !laboratory.suites.some(({ path }) => path.startsWith(start)));
  if (unknown.length > 0) throw new Error(`There is no suite ${unknown.join(", ")}.`);
  for (const [index, mutant] of tried.entries()) {
    const started = performance.now();
    const suites = suitesFor(mutant.path, laboratory.suites, layer);
    const { fate, by } = await laboratory.tryMutant(mutant, suites, options.seconds);
    byFate[fate].push(mutant);
    const seconds = Math.round((performance.now() - started) / 1000);
    console.log(
      `${index + 1}/${tried.length} ${fate} ${seconds} s  ${describeMutant(mutant)}${by === undefined ? "" : `  [${by}]`}`,
    );
  }
} finally {
  await laboratory.close();
}

for (const fate of ["survived", "timed out", "invalid"] as const)
  for (const mutant of byFate[fate]) console.log(`${fate}: ${describeMutant(mutant)}`);
for (const mutant of equivalent)
  console.log(`equivalent: ${describeMutant(mutant)}  ${equivalentOf(mutant, settings)?.why}`);

const killed = byFate.killed.length;
const counted = killed + byFate.survived.length + byFate["timed out"].length;
const percent = (part: number, all: number): number => (all === 0 ? 0 : (100 * part) / all);
console.log(
  `${options.layer}: ${generated.length} generated, ${sampled.length} sampled (seed ${options.seed}), ${killed} killed, ` +
    `${byFate.survived.length} survived, ${byFate["timed out"].length} timed out, ${byFate.invalid.length} invalid, ` +
    `${equivalent.length} equivalent: ${percent(killed, counted).toFixed(1)} % killed`,
);
const isEnough = percent(killed, counted) >= 90 && percent(equivalent.length, sampled.length) <= 5;
process.exit(isEnough && stale.length === 0 ? 0 : 1);

interface Options {
  layer: string;
  files: string | undefined;
  sample: number | undefined;
  seed: number;
  seconds: number;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      layer: { type: "string" },
      files: { type: "string" },
      sample: { type: "string" },
      seed: { type: "string", default: "1" },
      seconds: { type: "string", default: "90" },
    },
  });
  const numberOf = (name: "sample" | "seed" | "seconds"): number | undefined => {
    const text = values[name];
    if (text !== undefined && !/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} is a whole number from 1.`);
    return text === undefined ? undefined : Number(text);
  };
  const { layer: name = "", files } = values;
  return { layer: name, files, sample: numberOf("sample"), seed: numberOf("seed")!, seconds: numberOf("seconds")! };
}

/** Whether a mutant is in the files, and on the line, that `--files` names. */
function isAsked(files: string | undefined): (mutant: Mutant) => boolean {
  if (files === undefined) return () => true;
  const [, glob = "", line] = /^(.*?)(?::(\d+))?$/.exec(files) ?? [];
  const pattern = new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*+/g, ".*")}$`);
  return (mutant) => pattern.test(mutant.path) && (line === undefined || mutant.line === Number(line));
}
