import { expect, test } from "vitest";
import { squeezeSql } from "../../build/squeeze-sql.node.ts";

const tag = "sql`";

test.each([
  { case: "lines", script: `${tag}\n    select 1\n    from usr\``, expected: `${tag} select 1 from usr\`` },
  { case: "a comment", script: `${tag}select\n  -- the first\n  1\``, expected: `${tag}select 1\`` },
  { case: "a value", script: `${tag}select\n  \${one}::int,\n  2\``, expected: `${tag}select \${one}::int, 2\`` },
  {
    case: "a fragment in it",
    script: `${tag}a\n  \${b ? ${tag}c\n  d\` : null}\n  e\``,
    expected: `${tag}a \${b ? ${tag}c d\` : null} e\``,
  },
  { case: "a text of no statement", script: "const text = `a\n  b`;", expected: "const text = `a\n  b`;" },
  { case: "a tag in a comment", script: `// ${tag}a\nf();\n// b\``, expected: `// ${tag}a\nf();\n// b\`` },
])("$case", ({ script, expected }) => {
  expect(squeezeSql(script)).toBe(expected);
});
