import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entrySources } from "./architecture/package-entries.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

interface Example {
  readonly page: string;
  /** The info string after its fence's language. None marks a sketch, whose gaps the reader fills. */
  readonly name: string | undefined;
  readonly text: string;
}

async function examples(): Promise<Example[]> {
  const pages = (await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md")).sort();
  const texts = await Promise.all(pages.map((page) => readFile(join(root, "docs", page), "utf8")));
  return texts.flatMap((markdown, index) =>
    [...markdown.matchAll(/^```ts(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(([, name, text]) => ({
      page: pages[index]!,
      name,
      text: text!,
    })),
  );
}

/** The text of each example that is a program, by its name. */
async function programs(): Promise<ReadonlyMap<string, string>> {
  return new Map((await examples()).flatMap(({ name, text }) => (name ? [[name, text] as const] : [])));
}

describe("examples in docs", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sallyport-docs-"));
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The compiler's messages for a program that resolves `sallyport` to the sources. */
  async function complaintsAbout(files: ReadonlyMap<string, string>): Promise<string> {
    for (const [name, text] of files) await writeFile(join(folder, name), text);
    const paths = Object.fromEntries(
      [...entrySources].map(([subpath, [source]]) => [`sallyport${subpath.slice(1)}`, [join(root, source!)]]),
    );
    const compilerOptions = {
      noEmit: true,
      declaration: false,
      isolatedDeclarations: false,
      lib: ["ES2024", "ESNext.Disposable", "WebWorker"],
      jsx: "react-jsx",
      jsxImportSource: "hono/jsx",
      paths,
    };
    const config = { extends: join(root, "tsconfig.json"), compilerOptions, include: [], files: [...files.keys()] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
    return await run(join(root, "node_modules/.bin/tsc"), ["-p", folder]).then(
      () => "",
      (error: { stdout: string }) => error.stdout,
    );
  }

  test("are all listed, and only the test harness's is a sketch", async () => {
    expect((await examples()).map(({ page, name }) => [page, name])).toEqual([
      ["activity.md", "activity.ts"],
      ["authorization.md", "authorization.ts"],
      ["authorization.md", "guard.ts"],
      ["authorization.md", "documents.ts"],
      ["authorization.md", "sharing.ts"],
      ["coming-from.md", "auth-js.ts"],
      ["conformance.md", undefined],
      ["federation.md", "discovery.ts"],
      ["federation.md", "domains.ts"],
      ["federation.md", "node-resolver.ts"],
      ["federation.md", "kept-tokens.ts"],
      ["invitations.md", "invitations.ts"],
      ["limits.md", "limits.ts"],
      ["limits.md", "cloudflare-limit.ts"],
      ["limits.md", "captcha.ts"],
      ["limits.md", "pages-captcha.ts"],
      ["mail.md", "resend.ts"],
      ["mail.md", "postmark.ts"],
      ["mail.md", "smtp.ts"],
      ["mail.md", "cloudflare.ts"],
      ["mail.md", "languages.ts"],
      ["merging.md", "merging.ts"],
      ["merging.md", "own-rows.ts"],
      ["oidc.md", "app.ts"],
      ["oidc.md", "guards.ts"],
      ["oidc.md", "token-rows.ts"],
      ["oidc.md", "token-cookies.ts"],
      ["organizations.md", "organizations.ts"],
      ["organizations.md", "organization-domains.ts"],
      ["organizations.md", "security-policy.ts"],
      ["pages.md", "application.ts"],
      ["pages.md", "texts.ts"],
      ["passkeys.md", "verifier.ts"],
      ["passwords.md", "common.ts"],
      ["passwords.md", "breached.ts"],
      ["passwords.md", "history.ts"],
      ["providers.md", "providers.ts"],
      ["providers.md", "marks.ts"],
      ["providers.md", "own-provider.ts"],
      ["providers.md", "google-token.ts"],
      ["terms.md", "terms.ts"],
    ]);
  });

  test("compile in strict mode", { timeout: 120_000 }, async () => {
    expect(await complaintsAbout(await programs())).toBe("");
  });

  test("an example with a wrong option: does not compile", { timeout: 120_000 }, async () => {
    const text = (await programs()).get("application.ts")!.replace("basePath:", "basePaht:");
    expect(await complaintsAbout(new Map([["wrong.ts", text]]))).toContain("basePaht");
  });
});
