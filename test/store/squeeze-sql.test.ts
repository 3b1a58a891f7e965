import { expect, test } from "vitest";
import { squeezeSql } from "../../build/squeeze-sql.node.ts";

const tag = "sql`";

test.each([
  { case: "lines", script: `${tag}\n    select 1\n    from usr\``, expected: `${tag} select 1 from usr\`` },
  { case: "a comment", script: `${tag}select\n  -- the first\n  1\``, expected: `${tag}select 1\`` },
  {
    case: "a comment after a value",
    script: `${tag}select \${one} -- one\n  from usr\``,
    expected: `${tag}select \${one} from usr\``,
  },
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

// On one line, a comment would hide what follows it, and a text would be another one. The sources run as they are written, so
// no other test would notice.
test.each([
  { case: "a comment after code", script: `${tag}select 1 -- one\n    from usr\`` },
  { case: "a value in a comment", script: `${tag}select 1\n  -- not \${one}\n  from usr\`` },
  { case: "a text of two lines", script: `${tag}select 'a\n  b'\`` },
  { case: "a text of two lines, one like a comment", script: `${tag}select 'a\n  -- b'\`` },
  { case: "a name of two lines", script: `${tag}select 1 as "a\n  b"\`` },
  { case: "a function's body", script: `${tag}do $$\n  begin end $$\`` },
])("$case: refused", ({ script }) => {
  expect(() => squeezeSql(script)).toThrow(TypeError);
});
