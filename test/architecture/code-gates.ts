import { builtinModules } from "node:module";
import {
  dottedName,
  type Gate,
  isForNode,
  isGenerated,
  literalText,
  placeOf,
  type SourceFile,
  type SyntaxNode,
  type Visited,
  visit,
} from "./source-tree.ts";

/** The rules about what a file may do. */
export const codeGates: readonly Gate[] = [
  {
    rule: "nothing of Node outside *.node.ts and the command line",
    find: (files) =>
      files
        .filter(({ path }) => !isForNode(path))
        .flatMap((file) => [
          ...file.imports
            .filter(({ target }) => target.startsWith("node:") || builtinModules.includes(target))
            .map(({ target }) => `${file.path} imports ${target}`),
          ...[...visit(file.program)]
            .filter(
              (visited) =>
                isReference(visited) && /^(process|Buffer|require|__\w+name|global)$/.test(visited.node.name as string),
            )
            .map(({ node }) => `${placeOf(file, node)} uses ${node.name}`),
        ]),
    planted: {
      "src/domain/a.ts": `import { readFile } from "node:fs";\nimport events from "events";\nconst { Buffer: b } = x;\nexport const key = process.env.KEY;`,
      "src/domain/b.ts": `export function f(bytes: Buffer) {\n  return bytes.buffer.process(Buffer.from(bytes));\n}`,
      "src/runtime/c.node.ts": `import { readFile } from "node:fs";`,
      "src/cli/d.ts": "process.exit();",
    },
    found: [
      "src/domain/a.ts imports node:fs",
      "src/domain/a.ts imports events",
      "src/domain/a.ts:4 uses process",
      "src/domain/b.ts:1 uses Buffer",
      "src/domain/b.ts:2 uses Buffer",
    ],
  },
  {
    rule: "an import starts nothing and makes only values",
    find: (files) => files.filter(({ path }) => !isForNode(path)).flatMap(findStarted),
    planted: {
      "src/store/a.ts": [
        "const pending = new Promise(() => {});",
        "await pending;",
        "const timer = setInterval(() => {}, 1000);",
        "export class A { static id = crypto.randomUUID(); later = crypto.randomUUID(); }",
        "const pool = [new pg.Pool()];",
        "(() => { fetch('/'); })();",
        "async function load() { await fetch('/'); } const loaded = load();",
        "function later() { setTimeout(later, 1); return new Promise(later); }",
        "const started = new Date();",
        "for await (const x of y) x();",
        "new TransformStream();",
        "const fixed = new Date(0), set = new Set([1]);",
        "const known = new OptionError('bad', { cause: new Error() });",
        "class Gone extends Error { later = new RangeError(); } const refuse = () => new AuthError('gone');",
      ].join("\n"),
    },
    found: [
      "src/store/a.ts:1 new Promise",
      "src/store/a.ts:2 await",
      "src/store/a.ts:3 setInterval",
      "src/store/a.ts:4 crypto.randomUUID",
      "src/store/a.ts:5 new pg.Pool",
      "src/store/a.ts:6 fetch",
      "src/store/a.ts:7 load",
      "src/store/a.ts:9 new Date",
      "src/store/a.ts:10 await",
      "src/store/a.ts:11 new TransformStream",
      "src/store/a.ts:13 new OptionError",
      "src/store/a.ts:13 new Error",
    ],
  },
  {
    // Otherwise a failure could read as yes.
    rule: "S56: nothing reads the result of a call whose failure is caught in place",
    find: (files) =>
      files
        .filter(({ path }) => /^src\/(domain|store|engine|operations)\//.test(path))
        .flatMap((file) => {
          const visited = [...visit(file.program)].map(({ node }) => node);
          const unread = new Set(
            visited.filter(({ type }) => type === "ExpressionStatement").map((node) => withoutWaiting(node.expression)),
          );
          return visited
            .filter((node) => node.type === "CallExpression" && isMember(node.callee as SyntaxNode, "catch"))
            .filter((node) => !unread.has(node) && !endsByThrowing((node.arguments as SyntaxNode[])[0]))
            .map((node) => `${placeOf(file, node)} catch`);
        }),
    planted: {
      "src/operations/a.ts": [
        "await run(one).catch(core.onError);",
        "void run(one).catch(core.onError);",
        "const row = await run(one).catch(core.onError);",
        "const isSpent = () => run(one).catch(() => undefined);",
        "const proved = await run(one).catch((error) => {\n  throw isWrong(error) ? refusal : error;\n});",
        "if ((await run(one).catch(() => [])).length === 0) allow();",
      ].join("\n"),
    },
    found: ["src/operations/a.ts:3 catch", "src/operations/a.ts:4 catch", "src/operations/a.ts:8 catch"],
  },
  {
    rule: "Math.random is used for nothing",
    find: (files) => findUses(files, /^(globalThis\.)?Math\.random$/, []),
    planted: { "src/crypto/a.ts": "const id = () => Math.random();" },
    found: ["src/crypto/a.ts:1 Math.random"],
  },
  {
    rule: "only waiting for a hash, a check or a reply is measured by this machine's clock",
    find: (files) => {
      const portable = files.filter(({ path }) => !isForNode(path));
      return [
        ...findUses(portable, /^(globalThis\.)?(Date|performance)\.now$/, [
          "src/crypto/hash-queue.ts",
          "src/engine/patience.ts",
          "src/engine/proved-tokens.ts",
          "src/crypto/epoch.ts",
          "src/oidc/clock.ts",
          "src/store/drivers/patience.ts",
        ]),
        ...portable.flatMap((file) =>
          [...visit(file.program)]
            .filter(
              ({ node }) =>
                /^(New|Call)Expression$/.test(node.type) && dottedName(node.callee as SyntaxNode) === "Date",
            )
            .filter(({ node }) => node.type === "CallExpression" || (node.arguments as unknown[]).length === 0)
            .map(({ node }) => `${placeOf(file, node)} Date`),
        ),
      ];
    },
    planted: {
      "src/operations/a.ts":
        "export const isOver = (at: Date) => at.getTime() < Date.now();\nconst at = () => new Date();\nnew Date(0);",
      "src/domain/b.ts": "const now = Date['now'];",
      "src/domain/c.ts": "const now = () => performance.now();",
      "src/crypto/hash-queue.ts": "const now = () => Date.now();",
      "src/engine/patience.ts": "const now = () => performance.now();",
    },
    found: [
      "src/operations/a.ts:1 Date.now",
      "src/domain/b.ts:1 Date.now",
      "src/domain/c.ts:1 performance.now",
      "src/operations/a.ts:2 Date",
    ],
  },
  {
    rule: "S29: only session verification makes a session's actor",
    find: (files) =>
      files
        .filter(({ path }) => path !== "src/operations/verify-session.ts")
        .flatMap((file) =>
          [...visit(file.program)]
            .filter(({ node }) => (node.type === "Identifier" ? node.name : literalText(node)) === "forSession")
            .filter(({ parent, field }) => !(parent?.shorthand === true && field === "key"))
            .filter(({ parent }) => !(parent?.type === "MethodDefinition" && file.path === "src/domain/actor.ts"))
            .map(({ node }) => placeOf(file, node)),
        ),
    planted: {
      "src/domain/actor.ts":
        "export class Actor {\n  static forSession() {}\n  static forgery() {\n    return Actor.forSession();\n  }\n}",
      "src/operations/a.ts":
        "const a = Actor.forSession();\nconst { forSession } = Actor;\nconst b = Actor['forSession']();",
      "src/operations/verify-session.ts": "Actor.forSession();",
    },
    found: ["src/domain/actor.ts:4", "src/operations/a.ts:1", "src/operations/a.ts:2", "src/operations/a.ts:3"],
  },
  {
    rule: "SQL is written with the tag of src/store/sql.ts and in no other way",
    find: (files) => files.filter(({ path }) => !isGenerated(path)).flatMap(findUntaggedSql),
    planted: {
      "src/store/a.ts": [
        `const one = \`select \${column} from usr\`;`,
        `const two = "delete from usr where id = " + id;`,
        `import { sql } from "./sql.ts"; const three = sql(strings);`,
        `const four = { text: "x", params: [] };`,
        `const five = sql\`select \${1} from usr\`;`,
        "const messages = ['Select a file.', 'Begin again.', 'With care.'];",
      ].join("\n"),
      "src/store/b.ts": "import { sql } from 'slonik';\nsql`select 1`;",
      "src/store/c.ts": "const raw = String.raw`update usr set name = 1`;",
      "src/store/columns.ts": "import { sql } from './sql.ts';\nsql([names]);\nconst raw = `select one from usr`;",
      "src/store/drivers/postgres.ts": `const begin = "begin";\nconst read = "select 1 from usr";`,
    },
    found: [
      "src/store/a.ts:1 untagged SQL",
      "src/store/a.ts:2 untagged SQL",
      "src/store/a.ts:3 the tag as a function",
      "src/store/a.ts:4 a statement by hand",
      "src/store/b.ts:2 another tag",
      "src/store/c.ts:1 untagged SQL",
      "src/store/columns.ts:3 untagged SQL",
      "src/store/drivers/postgres.ts:2 untagged SQL",
    ],
  },
  {
    rule: "what the audit log calls an act stands in the act's row",
    find: (files) =>
      files
        .filter(({ path }) => !path.startsWith("src/domain/acts/") && !isGenerated(path))
        .flatMap((file) =>
          [...visit(file.program)]
            .filter(({ node }) => /\b(identity|authz)\.\w/.test(literalText(node) ?? ""))
            .map(({ node }) => placeOf(file, node)),
        ),
    planted: {
      "src/domain/acts/a.ts": `export const suspend = { action: "identity.user.suspend" };`,
      "src/store/a.ts": `const event = { action: "identity.user.suspend" };`,
      "src/operations/b.ts": "const action = `authz.administrator.grant`;",
      "src/http/c.ts": `const name = "An identity. Authz of no kind.";`,
    },
    found: ["src/store/a.ts:1", "src/operations/b.ts:1"],
  },
  {
    rule: "no file is longer than 400 lines",
    find: (files) =>
      files
        .filter(({ path, text }) => !isGenerated(path) && text.trimEnd().split("\n").length > 400)
        .map(({ path }) => path),
    planted: {
      "src/domain/a.ts": "export {};\n".repeat(401),
      "src/domain/b.ts": "export {};\n".repeat(400),
      "src/store/generated/c.ts": "export {};\n".repeat(401),
    },
    found: ["src/domain/a.ts"],
  },
];

const isFunction = ({ type }: SyntaxNode) =>
  /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(type);

/** Code that runs when the module is imported, and not later. */
function visitAtImport({ program }: SourceFile): Generator<Visited> {
  const isLater = ({ node, parent, field }: Visited) =>
    (isFunction(node) && !(parent?.type === "CallExpression" && field === "callee")) ||
    (node.type === "PropertyDefinition" && node.static !== true);
  return visit(program, isLater);
}

/** Names that stand for a variable, not for a property or a key. */
const isReference = ({ node, parent, field }: Visited) =>
  node.type === "Identifier" &&
  !(parent?.type === "MemberExpression" && field === "property" && parent.computed !== true) &&
  !(field === "key" && parent?.computed !== true && parent?.shorthand !== true);

const startsAtImport =
  /^(set(Timeout|Interval|Immediate)|queueMicrotask|fetch|performance\.now|Date\.now|Math\.random|Promise\.\w+|crypto\.(getRandomValues|randomUUID|subtle\.\w+)|AbortSignal\.\w+|createAuth|randomBytes|neon|postgres|pglite|console\.\w+)$/;

/** An error among them, because it parses the whole bundle again to find its place in the code. */
const madeAtImport =
  /^(\w*Error|Promise|Request|Response|AbortController|AsyncLocalStorage|BroadcastChannel|MessageChannel|WebSocket|Worker|EventSource|\w*Stream|(pg\.)?(Pool|Client)|PGlite|Auth|WebAssembly\.Instance)$/;

function findStarted(file: SourceFile): string[] {
  const asyncFunctions = new Set(
    (file.program.body as SyntaxNode[])
      .filter((node) => node.type === "FunctionDeclaration" && node.async === true)
      .map((node) => (node.id as SyntaxNode).name),
  );
  return [...visitAtImport(file)].flatMap(({ node }) => {
    const found = (what: string) => [`${placeOf(file, node)} ${what}`];
    if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await === true))
      return found("await");
    if (node.type !== "CallExpression" && node.type !== "NewExpression") return [];
    const name = dottedName(node.callee as SyntaxNode)?.replace(/^globalThis\./, "") ?? "";
    if (node.type === "CallExpression") return startsAtImport.test(name) || asyncFunctions.has(name) ? found(name) : [];
    const isNow = name === "Date" && (node.arguments as unknown[]).length === 0;
    return isNow || madeAtImport.test(name) ? found(`new ${name}`) : [];
  });
}

function findUses(files: readonly SourceFile[], name: RegExp, allowed: readonly string[]): string[] {
  return files
    .filter(({ path }) => !allowed.includes(path))
    .flatMap((file) =>
      [...visit(file.program)]
        .filter(({ node }) => node.type === "MemberExpression" && name.test(dottedName(node) ?? ""))
        .map(({ node }) => `${placeOf(file, node)} ${dottedName(node)}`),
    );
}

/** The expression itself, without `await` and `void`. */
function withoutWaiting(expression: unknown): SyntaxNode {
  const node = expression as SyntaxNode;
  return node.type === "AwaitExpression" || node.type === "UnaryExpression" ? withoutWaiting(node.argument) : node;
}

function isMember(node: SyntaxNode, name: string): boolean {
  return node.type === "MemberExpression" && (node.property as SyntaxNode).name === name;
}

/** A handler that gives another error in place of the error. */
function endsByThrowing(handler: SyntaxNode | undefined): boolean {
  const body = handler?.body as SyntaxNode | undefined;
  return body?.type === "BlockStatement" && (body.body as SyntaxNode[]).at(-1)?.type === "ThrowStatement";
}

const sqlText = new RegExp(
  [
    /select (\d|[\s\S]*(\bfrom\b|\())/,
    /insert into|update \w+ set|delete from|with (recursive )?\w+ as|truncate \w+$|lock table/,
    /(create|alter|drop) (or replace |unlogged )?(table|index|function|type|schema|view)/,
    /set (local|transaction|session)|savepoint|(begin|commit|rollback)( isolation| transaction| to|;|$)/,
  ]
    .map(({ source }) => `^\\s*(${source})`)
    .join("|"),
  "i",
);

/**
 * A driver opens and ends transactions on its own connection and asks for their isolation level. It may contain no other SQL
 * text.
 */
const sessionControl =
  /^\s*(begin|commit|rollback|savepoint|set transaction|select current_setting\('transaction_isolation'\)$)/i;
const controlsSessions = (path: string) =>
  /^(src\/store\/drivers\/(postgres|pglite)|worker\/development\/neon-\w+\.node)\.ts$/.test(path);

function findUntaggedSql(file: SourceFile): string[] {
  const knowsTag = file.imports.some(
    ({ target, names }) => /^src\/(store\/sql|index)\.ts$/.test(target) && names.includes("sql"),
  );
  return [...visit(file.program)].flatMap(({ node, parent }) => {
    const found = (what: string) => [`${placeOf(file, node)} ${what}`];
    if (node.type === "TaggedTemplateExpression" && dottedName(node.tag as SyntaxNode) === "sql" && !knowsTag)
      return found("another tag");
    if (node.type === "CallExpression" && dottedName(node.callee as SyntaxNode) === "sql")
      return file.path === nameMaker ? [] : found("the tag as a function");
    if (node.type === "ObjectExpression") {
      const keys = (node.properties as SyntaxNode[]).map(({ key }) => (key as SyntaxNode | undefined)?.name);
      return keys.includes("text") && keys.includes("params") && !statementMakers.includes(file.path)
        ? found("a statement by hand")
        : [];
    }
    const text = literalText(node);
    const isTagged = parent?.type === "TaggedTemplateExpression" && dottedName(parent.tag as SyntaxNode) === "sql";
    if (text === undefined || isTagged || !sqlText.test(text)) return [];
    return controlsSessions(file.path) && sessionControl.test(text) ? [] : found("untagged SQL");
  });
}

/** Names of columns come from the tables of records. */
const nameMaker = "src/store/columns.ts";

/** The tag itself, and the migrations, whose text is a file of the project. */
const statementMakers = ["src/store/sql.ts", "src/store/migrate.ts"];
