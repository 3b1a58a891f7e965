/**
 * DNS answers as JSON: the form that Google introduced and Cloudflare adopted ("JSON API for DNS over HTTPS"). It has no RFC.
 *
 * @module
 */
import { utf8 } from "../crypto/bytes.ts";
import { ResolverError } from "./txt-resolver.ts";

/** Types of records (RFC 1035 §3.2.2). */
const [cname, txt] = [5, 16];
/** The name does not exist. */
const nxDomain = 3;
/** More than resolvers follow. */
const mostAliases = 16;

interface DnsRecord {
  readonly name: string;
  readonly type: number;
  readonly data: string;
}

/**
 * The TXT records of a name, or of the name for which it is an alias. Records of other names are ignored.
 *
 * @throws {ResolverError}
 */
export function readAnswer(text: string, name: string): readonly string[] {
  const { Status: status, TC: isCut, Question: questions, Answer: answers = [] } = parse(text);
  if (typeof status !== "number" || !Number.isInteger(status) || isCut === true) throw new ResolverError("MALFORMED");
  if (status !== 0 && status !== nxDomain) throw new ResolverError(`RCODE_${status}`);
  const [question] = Array.isArray(questions) && questions.length === 1 ? questions : [];
  // An answer to another question says nothing about this name.
  if (typeof question?.name !== "string" || hostOf(question.name) !== name || question.type !== txt) {
    throw new ResolverError("MALFORMED");
  }
  if (!Array.isArray(answers) || !answers.every(isRecord)) throw new ResolverError("MALFORMED");
  if (status === nxDomain) return [];
  const named = aliasesOf(answers, name);
  return answers
    .filter((record) => record.type === txt && named.has(hostOf(record.name)))
    .map(({ data }) => textOf(data));
}

function parse(text: string): Record<string, unknown> {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new ResolverError("MALFORMED");
  }
  return (answer ?? {}) as Record<string, unknown>;
}

function isRecord(record: unknown): record is DnsRecord {
  const { name, type, data } = (record ?? {}) as Record<string, unknown>;
  return typeof name === "string" && typeof type === "number" && typeof data === "string";
}

/** Google writes the dot at the end of a name, and Cloudflare does not always. */
function hostOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/** The name, and the names that it is an alias of, each from the one before (RFC 1034 §3.6.2). */
function aliasesOf(answers: readonly DnsRecord[], name: string): ReadonlySet<string> {
  const names = new Set([name]);
  let last: string | undefined = name;
  while (last !== undefined && names.size <= mostAliases) {
    const alias = answers.find((record) => record.type === cname && hostOf(record.name) === last);
    last = alias && hostOf(alias.data);
    if (last === undefined || names.has(last)) break;
    names.add(last);
  }
  return names;
}

const quoted = /^("(?:[^"\\]|\\.)*"\s*)+$/s;

/**
 * The text of a record, with its strings joined. Cloudflare quotes each string and escapes in it (RFC 1035 §5.1); Google writes the
 * joined text itself.
 */
function textOf(data: string): string {
  if (!quoted.test(data)) return data;
  const inner = [...data.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, string]) => string!).join("");
  const bytes = [...inner.matchAll(/\\(\d{3})|\\?(.)/gsu)].flatMap(([, code, character]) =>
    code === undefined ? [...utf8(character!)] : [Number(code)],
  );
  if (bytes.some((byte) => byte > 255)) throw new ResolverError("MALFORMED");
  // A byte order mark is a part of the text.
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(new Uint8Array(bytes));
}
