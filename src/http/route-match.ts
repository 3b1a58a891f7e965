import type { AnyRoute } from "./route.ts";

/** The rows of a path, and the row with the method. */
export interface Match {
  readonly row: AnyRoute | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  /** The methods of all rows of the path, in capitals. */
  readonly methods: readonly string[];
}

/** Finds the row of a request; `undefined` if no row has the path. HEAD is answered as GET. */
export function matchRows(rows: readonly AnyRoute[], method: string, path: string): Match | undefined {
  const segments = path.split("/");
  const wanted = method === "HEAD" ? "GET" : method;
  const methods: string[] = [];
  let row: AnyRoute | undefined;
  let parameters: Record<string, string> = {};
  for (const candidate of rows) {
    const found = parametersOf(candidate.path, segments);
    if (!found) continue;
    const name = candidate.method.toUpperCase();
    methods.push(...(name === "GET" ? ["GET", "HEAD"] : [name]));
    // A literal path wins over one with a parameter.
    if (name === wanted && (!row || Object.keys(found).length < Object.keys(parameters).length)) {
      row = candidate;
      parameters = found;
    }
  }
  return methods.length === 0 ? undefined : { row, parameters, methods: [...new Set(methods)] };
}

function parametersOf(pattern: string, segments: readonly string[]): Record<string, string> | undefined {
  const parts = pattern.split("/");
  if (parts.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index]!;
    if (part.startsWith(":")) {
      if (segment === "") return undefined;
      parameters[part.slice(1)] = segment;
    } else if (part !== segment) return undefined;
  }
  return parameters;
}
