/**
 * The client's part of a ceremony: CollectedClientData, WebAuthn L3 §5.8.1, and the checks of §7.1 and §7.2 on it.
 *
 * @module
 */
import { type Bytes, constantTimeEqual, fromBase64Url } from "../../crypto/bytes.ts";
import { type CommonCheck, refuseCeremony, type WebAuthnRefusal } from "./refusal.ts";

/** The site that requests a ceremony: from configuration, never from a request. */
export interface RelyingParty {
  readonly rpId: string;
  /** Exact, as the client writes them; for an Android app `android:apk-key-hash:…`. */
  readonly origins: readonly string[];
  /**
   * Allows ceremonies in a frame whose ancestors have another origin. By default they are refused.
   *
   * A client that names the topmost origin must name one of these. A client that does not name it is accepted.
   */
  readonly crossOrigin?: { readonly topOrigins: readonly string[] };
}

/** Browsers write a few hundred bytes; this leaves room for long challenges and for future members. */
const maxClientDataBytes = 16_384;

/** Step 5 of §7.1: "UTF-8 decode", which strips a byte order mark, unlike "UTF-8 decode without BOM". */
const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** The first check that the client data fails, in Flametrench's order: text, JSON, type, origin, challenge. */
export function checkClientData(
  clientDataJson: Bytes,
  expected: {
    readonly type: "webauthn.create" | "webauthn.get";
    readonly challenge: Bytes;
    readonly relyingParty: RelyingParty;
  },
): WebAuthnRefusal<CommonCheck> | undefined {
  const { type, challenge, relyingParty } = expected;
  const text = decodeText(clientDataJson);
  if (text === undefined) return refuseCeremony("client_data_text");
  const clientData = parseMembers(text);
  if (!clientData) return refuseCeremony("client_data_json");
  if (clientData.get("type") !== type) return refuseCeremony("type");

  const { origins, crossOrigin } = relyingParty;
  if (!includes(origins, clientData.get("origin"))) return refuseCeremony("origin");
  const isCrossOrigin = clientData.get("crossOrigin") ?? false;
  if (isCrossOrigin !== false && (isCrossOrigin !== true || !crossOrigin)) return refuseCeremony("cross_origin");
  // §5.8.1: the member is present only if crossOrigin is true.
  const topOrigin = clientData.get("topOrigin");
  if (topOrigin !== undefined && !(isCrossOrigin && includes(crossOrigin?.topOrigins ?? [], topOrigin)))
    return refuseCeremony("top_origin");

  const presented = clientData.get("challenge");
  const presentedBytes = typeof presented === "string" ? fromBase64Url(presented) : undefined;
  if (!presentedBytes || !constantTimeEqual(presentedBytes, challenge)) return refuseCeremony("challenge");
  return undefined;
}

function includes(origins: readonly string[], origin: unknown): boolean {
  return typeof origin === "string" && origins.includes(origin);
}

function decodeText(clientDataJson: Bytes): string | undefined {
  if (clientDataJson.length > maxClientDataBytes) return undefined;
  try {
    return textDecoder.decode(clientDataJson);
  } catch {
    return undefined;
  }
}

/** The members of a JSON object. Unknown members are ignored (§5.8.1: the client may add some). */
function parseMembers(json: string): ReadonlyMap<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const members = new Map<string, unknown>(Object.entries(value));
  // JSON.parse keeps the last of two equal names, another reader the first: a sender that writes both means to deceive one.
  return memberNames(json).length === members.size ? members : undefined;
}

/** The names in the outermost object of a valid JSON text, each as often as it occurs. */
function memberNames(json: string): string[] {
  const names: string[] = [];
  let depth = 0;
  let string = "";
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (token !== ":") string = token;
    else if (depth === 1) names.push(string);
  }
  return names;
}
