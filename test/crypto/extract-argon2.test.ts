import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { extractArgon2 } from "../../src/runtime/extract-argon2.node.ts";

const script = fileURLToPath(new URL("../../src/runtime/extract-argon2.node.ts", import.meta.url));
const installed = fileURLToPath(new URL("../../node_modules/hash-wasm/", import.meta.url));
const folders: string[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-extract-"));
  folders.push(folder);
  return folder;
}

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

test("B59: the binary, as it was reviewed, as a file and as text, with hash-wasm's licence", async () => {
  const folder = await temporaryFolder();
  await extractArgon2(pathToFileURL(`${folder}/made/`));
  const made = join(folder, "made");
  expect((await readdir(made)).sort()).toEqual(["argon2.ts", "argon2.wasm", "hash-wasm.LICENSE.txt"]);

  const text = await readFile(join(made, "argon2.ts"), "utf8");
  expect(text).toContain("Copyright (c) 2020 Dani Biró");
  expect(await readFile(join(made, "hash-wasm.LICENSE.txt"), "utf8")).toContain("Copyright (c) 2020 Dani Biró");
  const bytes = await readFile(join(made, "argon2.wasm"));
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(
    "7a25eff94eb7bc559acb7305d8352ed24470670a9ae653d79d86f92f8a395c3d",
  );
  expect(text).toContain(`"${bytes.toString("base64").replace(/=+$/, "")}"`);
});

describe("a package that is not the reviewed one: refused, and nothing is written", () => {
  const bundle = join("dist", "index.esm.js");
  test.each([
    {
      case: "one character of the binary changed",
      file: bundle,
      change: (text: string) =>
        text.replace(/name\$\w+ = "argon2";\s*var data\$\w+ = "AGFzb.{400}./, (found) => {
          return found.slice(0, -1) + (found.endsWith("A") ? "B" : "A");
        }),
      message: /sha1/,
    },
    {
      case: "no binary of that name",
      file: bundle,
      change: (text: string) => text.replace(/(name\$\w+ = )"argon2"/, '$1"argon3"'),
      message: /0 binaries named argon2/,
    },
    {
      case: "two binaries of that name",
      file: bundle,
      change: (text: string) => `${text}\nvar name$zz = "argon2";\nvar data$zz = "AGFzbQ==";\n`,
      message: /2 binaries named argon2/,
    },
    {
      case: "another version",
      file: "package.json",
      change: (text: string) => text.replace('"version": "4.13.0"', '"version": "4.13.1"'),
      message: /4\.13\.1/,
    },
    {
      case: "another licence",
      file: "LICENSE",
      change: (text: string) => text.replace("MIT License", "Some License"),
      message: /licence/,
    },
  ])("$case", async ({ file, change, message }) => {
    const folder = await temporaryFolder();
    const copy = join(folder, "node_modules", "hash-wasm");
    await mkdir(join(copy, "dist"), { recursive: true });
    for (const name of ["package.json", "LICENSE", bundle]) await cp(join(installed, name), join(copy, name));
    const original = await readFile(join(copy, file), "utf8");
    expect(change(original)).not.toBe(original);
    await writeFile(join(copy, file), change(original));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await cp(script, join(folder, "extract-argon2.node.ts"));

    const copied = (await import(pathToFileURL(join(folder, "extract-argon2.node.ts")).href)) as {
      extractArgon2: typeof extractArgon2;
    };
    await expect(copied.extractArgon2(join(folder, "made"))).rejects.toThrow(message);
    expect(await readdir(folder)).not.toContain("made");
  });
});
