import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Mutant, onOneLine } from "./mutants.ts";

export interface Layer {
  readonly folder: string;
  /** Folders inside it that belong to other layers, or that a script writes. */
  readonly except: readonly string[];
  /** The projects of `vitest.config.ts` whose suites may kill. */
  readonly projects: readonly string[];
  /** The suites for a source whose name says too little: paths or their beginnings. */
  readonly related?: Readonly<Record<string, readonly string[]>>;
  /** The suites to run after the related ones: paths or their beginnings, broadest first. */
  readonly suites: readonly string[];
}

/** A mutant that no test can kill, because it changes nothing that can be observed. */
export interface Equivalent {
  readonly path: string;
  /** The line's text, without indentation. */
  readonly line: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

export interface Settings {
  /** Suites that never run: they judge the text of a source, or they are slow. Paths or their beginnings. */
  readonly never: readonly string[];
  readonly layers: Readonly<Record<string, Layer>>;
  readonly equivalent: readonly Equivalent[];
}

/** The settings of a checkout. */
export function readSettings(root: string): Settings {
  return JSON.parse(readFileSync(join(root, "test/mutation/settings.json"), "utf8")) as Settings;
}

/** The entry of the list for a mutant. */
export function equivalentOf(mutant: Mutant, { equivalent }: Settings): Equivalent | undefined {
  return equivalent.find(
    ({ path, line, before, after }) =>
      path === mutant.path &&
      line === mutant.lineText &&
      before === onOneLine(mutant.before) &&
      after === onOneLine(mutant.after),
  );
}

/** Entries of the list that match no mutant of their file: the line has changed, so its reason may no longer hold. */
export function staleEntries(settings: Settings, root: string, mutantsIn: (path: string) => Mutant[]): Equivalent[] {
  return settings.equivalent.filter(
    (entry) =>
      !existsSync(join(root, entry.path)) ||
      !mutantsIn(entry.path).some((mutant) => equivalentOf(mutant, { ...settings, equivalent: [entry] })),
  );
}
