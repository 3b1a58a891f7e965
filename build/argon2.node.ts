/**
 * Writes Argon2's compression function G (RFC 9106 §3.5, §3.6) as WebAssembly, at build time: with SIMD, and with 64-bit words
 * for machines that have none. The rest of Argon2id is in `crypto/argon2id.ts`.
 *
 * Both come from one description of the permutation P. A local holds one or two of P's sixteen words; four rows of such locals,
 * `a` to `d`, are its 4 × 4 matrix. The text is WebAssembly's own format; wabt assembles it. The digests pin the binaries that
 * were measured and tested, so that another assembler cannot change them unnoticed.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import wabt from "wabt";

/** The arithmetic of P on locals of one kind. Operands are expressions in WebAssembly's text format. */
interface Arithmetic {
  readonly type: "v128" | "i64";
  /** How many 64-bit words a local holds. */
  readonly words: 1 | 2;
  xor(x: string, y: string): string;
  add(x: string, y: string): string;
  /** Multiplies the lower 32 bits of each word. */
  multiplyLow(x: string, y: string): string;
  /** Rotates to the right. `x` is a local's name. */
  rotate(x: string, bits: Rotation): string;
  /** Moves each of the four words `by` places to the left: the statements for that, if any, and the resulting row. */
  turn(row: Row, by: 1 | 2 | 3): { readonly text: string; readonly row: Row };
}

type Row = readonly string[];
type Rotation = 16 | 24 | 32 | 63;

const get = (name: string): string => `(local.get $${name})`;
const set = (name: string, value: string): string => `(local.set $${name} ${value})\n`;
const advance = (names: readonly string[], bytes: number): string =>
  names.map((name) => set(name, `(i32.add ${get(name)} (i32.const ${bytes}))`)).join("");
const startingAt = (row: Row, by: number): Row => row.map((_, index) => row[(index + by) % row.length]!);

const scalar: Arithmetic = {
  type: "i64",
  words: 1,
  xor: (x, y) => `(i64.xor ${x} ${y})`,
  add: (x, y) => `(i64.add ${x} ${y})`,
  multiplyLow: (x, y) => `(i64.mul (i64.and ${x} (i64.const 0xffffffff)) (i64.and ${y} (i64.const 0xffffffff)))`,
  rotate: (x, bits) => `(i64.rotr ${get(x)} (i64.const ${bits}))`,
  turn: (row, by) => ({ text: "", row: startingAt(row, by) }),
};

const shuffle = (x: string, y: string, bytes: readonly number[]): string =>
  `(i8x16.shuffle ${bytes.join(" ")} ${x} ${y})`;
/** The source of each byte when two words are rotated. */
const rotatedBytes = (bits: number): number[] =>
  Array.from({ length: 16 }, (_, index) => (index & 8) | ((index + bits / 8) & 7));
/** The second word of one local and the first of another. */
const middle = (x: string, y: string): string =>
  shuffle(get(x), get(y), [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
/** The lower halves of both words, next to each other. */
const lowHalves = (x: string): string => shuffle(x, x, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);

/**
 * Uses the instructions that engines translate best, as measured in V8 and JavaScriptCore: a swizzle by a local is one machine
 * instruction, while a shuffle by the same bytes loads them again each time.
 */
const simd: Arithmetic = {
  type: "v128",
  words: 2,
  xor: (x, y) => `(v128.xor ${x} ${y})`,
  add: (x, y) => `(i64x2.add ${x} ${y})`,
  multiplyLow: (x, y) => `(i64x2.extmul_low_i32x4_u ${lowHalves(x)} ${lowHalves(y)})`,
  rotate: (x, bits) => {
    if (bits === 63) return `(v128.or (i64x2.add ${get(x)} ${get(x)}) (i64x2.shr_u ${get(x)} (i32.const 63)))`;
    if (bits === 32) return shuffle(get(x), get(x), rotatedBytes(32));
    return `(i8x16.swizzle ${get(x)} ${get(`rotate${bits}`)})`;
  },
  turn: ([first, second], by) => {
    const swapped = [second!, first!];
    if (by === 2) return { text: "", row: swapped };
    const text = set("t0", middle(first!, second!)) + set(second!, middle(second!, first!)) + set(first!, get("t0"));
    return { text, row: by === 1 ? [first!, second!] : swapped };
  },
};

/** P of §3.6 on `rows`: its statements, and the rows that hold the words afterwards. */
function permutation(arithmetic: Arithmetic, rows: readonly Row[]): { readonly text: string; readonly rows: Row[] } {
  const { xor, add, multiplyLow, rotate, turn } = arithmetic;
  /**
   * x = x + y + 2 · low(x) · low(y), and then z = (z ^ x) >>> bits, for a whole row at once, so that the columns overlap in
   * time.
   */
  const step = (x: Row, y: Row, z: Row, bits: Rotation): string =>
    [
      ...x.map((name, k) => set(`t${k}`, multiplyLow(get(name), get(y[k]!)))),
      ...x.map((name, k) => set(name, add(add(get(name), get(y[k]!)), add(get(`t${k}`), get(`t${k}`))))),
      ...z.map((name, k) => set(`t${k}`, xor(get(name), get(x[k]!))) + set(name, rotate(`t${k}`, bits))),
    ].join("");
  /** GB on each column. */
  const columns = (a: Row, b: Row, c: Row, d: Row): string =>
    step(a, b, d, 32) + step(c, d, b, 24) + step(a, b, d, 16) + step(c, d, b, 63);

  const [a, b, c, d] = rows as [Row, Row, Row, Row];
  // After these turns, the diagonals stand in columns.
  const [b1, c1, d1] = [turn(b, 1), turn(c, 2), turn(d, 3)];
  const [b2, c2, d2] = [turn(b1.row, 3), turn(c1.row, 2), turn(d1.row, 1)];
  const texts = [
    columns(a, b, c, d),
    ...[b1.text, c1.text, d1.text],
    columns(a, b1.row, c1.row, d1.row),
    ...[b2.text, c2.text, d2.text],
  ];
  return { text: texts.join(""), rows: [a, b2.row, c2.row, d2.row] };
}

/**
 * A module that exports `G(x, y, result)`, which compresses the blocks `x` and `y` and XORs the outcome into a third block,
 * which must be neither of them. Each argument is an address in the imported memory, whose first block is `G`'s own workspace.
 */
function compressionModule(arithmetic: Arithmetic): string {
  const { type, words, xor } = arithmetic;
  const rows = ["a", "b", "c", "d"].map((row) => Array.from({ length: 4 / words }, (_, k) => `${row}${k}`));
  const locals = [...rows.flat(), ...rows[0]!.map((_, k) => `t${k}`)];
  const { text: permute, rows: permuted } = permutation(arithmetic, rows);

  const load = (pointer: string, offset: number): string => `(${type}.load offset=${offset} ${get(pointer)})`;
  const store = (pointer: string, offset: number, value: string): string =>
    `(${type}.store offset=${offset} ${get(pointer)} ${value})\n`;
  const r = (offset: number): string => xor(load("x", offset), load("y", offset)); // R = X ^ Y
  /** The offsets of a local's words, in a row and in a column of the 8 × 8 matrix of registers. A register is two words. */
  const inRow = (local: number): number => 8 * words * local;
  const inColumn = (local: number): number => 128 * Math.floor((words * local) / 2) + 8 * ((words * local) % 2);

  const eightTimes = (label: string, body: string): string =>
    `${set("left", "(i32.const 8)")}(loop $${label}\n${body}` +
    `(br_if $${label} (local.tee $left (i32.sub ${get("left")} (i32.const 1)))))\n`;
  const ofRow = [
    ...rows.flat().map((name, local) => set(name, r(inRow(local)))),
    permute,
    ...permuted.flat().map((name, local) => store("work", inRow(local), get(name))),
    advance(["x", "y", "work"], 128),
  ];
  const ofColumn = [
    ...rows.flat().map((name, local) => set(name, load("work", inColumn(local)))),
    permute,
    ...permuted.flat().map((name, local) => {
      const at = inColumn(local);
      return store("result", at, xor(xor(load("result", at), r(at)), get(name)));
    }),
    advance(["x", "y", "work", "result"], 16),
  ];
  const constants = type === "i64" ? [] : ([16, 24] as const);
  return `(module
(import "env" "memory" (memory 1 65536))
(func (export "G") (param $x i32) (param $y i32) (param $result i32) (local $work i32) (local $left i32)
${locals.map((name) => `(local $${name} ${type})`).join(" ")}
${constants.map((bits) => `(local $rotate${bits} v128)`).join(" ")}
${constants.map((bits) => set(`rotate${bits}`, `(v128.const i8x16 ${rotatedBytes(bits).join(" ")})`)).join("")}
${eightTimes("rows", ofRow.join(""))}
${advance(["x", "y", "work"], -1024)}
${eightTimes("columns", ofColumn.join(""))}))`;
}

/** The two modules in WebAssembly's text format, and the SHA-256 of each binary. */
export const argon2Modules = {
  simd: {
    text: (): string => compressionModule(simd),
    digest: "d9ad12a808d381489ed62807c0dba5a898ec22bd7434f701777d55cb4abcff8f",
  },
  plain: {
    text: (): string => compressionModule(scalar),
    digest: "ec0186c588d7b749f73fc53bfbacea0b9947372684bf0933380c21f5892e28cf",
  },
};

/**
 * Writes `argon2.wasm` and `argon2.ts` (the same, and the one without SIMD, as base64) into a folder.
 *
 * @throws {Error} If a binary's digest differs. Then nothing is written.
 */
export async function generateArgon2(folder: URL): Promise<void> {
  const [simd, plain] = [await assemble("simd"), await assemble("plain")];
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL("argon2.wasm", folder), simd);
  writeFileSync(new URL("argon2.ts", folder), binariesModule(simd, plain));
}

async function assemble(name: keyof typeof argon2Modules): Promise<Buffer> {
  const { text, digest } = argon2Modules[name];
  const { buffer } = (await wabt()).parseWat(`${name}.wat`, text(), { simd: true }).toBinary({});
  const found = createHash("sha256").update(buffer).digest("hex");
  if (found !== digest) throw new Error(`The sha256 of Argon2's ${name} binary is ${found}, not ${digest}.`);
  return Buffer.from(buffer);
}

function binariesModule(simd: Buffer, plain: Buffer): string {
  const base64 = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");
  return `// Written by build/argon2.node.ts.

/** Argon2's compression function: ${simd.length} bytes, as unpadded base64. */
export const argon2Base64: string =
  "${base64(simd)}";

/** The same without SIMD: ${plain.length} bytes, as unpadded base64. */
export const argon2PlainBase64: string =
  "${base64(plain)}";
`;
}
