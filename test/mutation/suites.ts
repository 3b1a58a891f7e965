import { posix } from "node:path";
import type { Layer } from "./settings.ts";

/** A test file: its path, and its text. */
export interface Suite {
  readonly path: string;
  readonly text: string;
  /** Whether it needs no database. */
  readonly isQuick: boolean;
}

/**
 * The order in which suites try to kill a mutant of a source: those that import it, those that the layer's table names for it,
 * those whose path shares words with it (a rare word counts more), then the layer's broad suites. Among these, those without a database come first. Others do not run.
 */
export function suitesFor(source: string, suites: readonly Suite[], layer: Layer): string[] {
  const wordsBySuite = new Map(suites.map(({ path }) => [path, wordsOf(path.replace(/^test\//, ""))]));
  const words = wordsOf(source.slice(layer.folder.length));
  const frequency = (word: string): number => [...wordsBySuite.values()].filter((other) => other.has(word)).length;
  const weights = new Map([...words].map((word) => [word, Math.log(suites.length / Math.max(1, frequency(word)))]));
  const related = suites
    .map(({ path, text }) => {
      const shared = [...words].filter((word) => wordsBySuite.get(path)!.has(word));
      const score = shared.reduce((sum, word) => sum + weights.get(word)!, 0);
      const isNamed = layer.related?.[source]?.some((start) => path.startsWith(start));
      return { path, score: score + (importsFile(path, text, source) ? 100 : 0) + (isNamed ? 50 : 0) };
    })
    .filter(({ score }) => score >= leastScore)
    .sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1))
    .map(({ path }) => path);
  const broad = layer.suites.flatMap((start) =>
    suites.map(({ path }) => path).filter((path) => path.startsWith(start)),
  );
  const chosen = [...new Set([...related, ...broad])];
  const quick = new Set(suites.filter(({ isQuick }) => isQuick).map(({ path }) => path));
  return [...chosen.filter((path) => quick.has(path)), ...chosen.filter((path) => !quick.has(path))];
}

/** A word in nearly half of the paths relates nothing. */
const leastScore = 0.8;

/** The words of a path, without endings of the plural. */
function wordsOf(path: string): Set<string> {
  const words = path.replace(/(\.test)?\.tsx?$/, "").match(/[a-z0-9]+/g) ?? [];
  return new Set(words.filter((word) => word.length > 2).map((word) => word.replace(/(?<!s)s$/, "")));
}

function importsFile(suite: string, text: string, source: string): boolean {
  return [...text.matchAll(/from "(\.[^"]+)"/g)].some(
    ([, target]) => posix.join(posix.dirname(suite), target!) === source,
  );
}
