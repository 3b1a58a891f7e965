import { posix } from "node:path";

const rule = /\b[SRBFTHM]\d{2,3}\b/g;

/**
 * The rules of `docs/security.md` that the doc comments of exported names cite. Readers of those comments do not have that
 * page.
 *
 * @param entries The source files of the package's entries.
 */
export function findCitedRules(entries: readonly string[], textOf: (path: string) => string): string[] {
  const found = new Set<string>();
  const visit = (path: string, names: ReadonlySet<string> | undefined): void => {
    const text = textOf(path);
    for (const { name, declaration } of declarationsOf(text)) {
      if (names && !names.has(name)) continue;
      for (const comment of declaration.match(/\/\*\*.*?\*\//gs) ?? []) {
        for (const [cited] of comment.matchAll(rule)) found.add(`${path}: ${name} cites ${cited}`);
      }
    }
    for (const [, list, target] of text.matchAll(/^export (?:type )?\{([^}]*)\} from "(\.[^"]+)"/gm)) {
      const exported = list!.split(",").map((one) =>
        one
          .trim()
          .replace(/^type /, "")
          .replace(/ as .*/, ""),
      );
      const wanted = exported.filter((name) => name !== "" && (!names || names.has(name)));
      if (wanted.length > 0) visit(posix.join(posix.dirname(path), target!), new Set(wanted));
    }
  };
  for (const entry of entries) visit(entry, undefined);
  return [...found].sort();
}

/** The exported declarations of a file, each with the comment in front of it. */
function declarationsOf(text: string): { name: string; declaration: string }[] {
  const starts =
    /^(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?export (?:async )?(?:interface|type|function|const|class) (\w+)/gm;
  return [...text.matchAll(starts)].map((match) => {
    const rest = text.slice(match.index + match[0].length);
    // Members are indented; an unindented line begins another declaration.
    const end = rest.search(/\n(?=[^\s)}\]])/);
    return { name: match[1]!, declaration: match[0] + (end < 0 ? rest : rest.slice(0, end)) };
  });
}
