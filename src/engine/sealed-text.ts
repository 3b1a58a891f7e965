/**
 * Texts that a browser keeps and gives back. Each has an end and a MAC over its binding, so that it counts only there, and no row
 * is stored for it. A client can read the text, so it holds no secret.
 *
 * @module
 */
import { constantTimeEqual, fromBase64Url, toBase64Url, utf8 } from "../crypto/bytes.ts";
import type { Core } from "./core.ts";

/** The purpose of a text, and what it is bound to. A client cannot choose any of it freely. */
export type TextBinding = readonly [purpose: "form" | "act" | "attempt" | "identity", ...boundTo: string[]];

const form = /^(\d{1,12})\.([\w-]*)\.([\w-]{43})$/;

/**
 * Seals a text.
 *
 * @param end By the database's clock. Default: as long as the binding lasts.
 */
export async function sealText(core: Core, binding: TextBinding, text: string, end?: Date): Promise<string> {
  const seconds = String(end ? Math.floor(end.getTime() / 1000) : 0);
  const encoded = toBase64Url(utf8(text));
  const mac = await core.keys.mac("page", [...binding, seconds, encoded]);
  return [seconds, encoded, toBase64Url(mac!)].join(".");
}

/**
 * The sealed text, or `undefined` if it was not sealed for this binding or has ended.
 *
 * @param now The database's time. Only a text without an end needs none.
 */
export async function openText(
  core: Core,
  binding: TextBinding,
  sealed: string,
  now?: Date,
): Promise<string | undefined> {
  const [, seconds = "", encoded = "", macText = ""] = form.exec(sealed) ?? [];
  const bytes = fromBase64Url(encoded);
  const mac = fromBase64Url(macText);
  if (!bytes || !mac) return undefined;
  for (const version of core.keys.versions) {
    const expected = await core.keys.mac("page", [...binding, seconds, encoded], version);
    if (!expected || !constantTimeEqual(expected, mac)) continue;
    const end = Number(seconds);
    const isOver = end !== 0 && !(now && now.getTime() < end * 1000);
    return isOver ? undefined : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  }
  return undefined;
}
