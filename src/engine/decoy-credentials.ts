import { type Bytes, constantTimeEqual, fromBase64Url, toBase64Url } from "../crypto/bytes.ts";
import type { Core } from "./core.ts";
import { normalIdentifier } from "./identifiers.ts";

/** The number of credentials that every response lists, so that their number reveals nothing. Few users have more. */
const namedCredentials = 4;
/** Lengths of authenticators' credential ids, in bytes. The decoys have the same lengths. */
const usualLengths = [16, 20, 32, 64] as const;
const markBytes = 8;

/**
 * The credential ids of an identifier, filled up with decoys. They are the same each time, by a key of the deployment, and in
 * an order that reveals nothing (S26). Every list takes the same work: all decoys are made, and then as many are dropped as there
 * are real ids (S58).
 */
export async function withDecoys(core: Core, typed: string, all: readonly string[]): Promise<readonly string[]> {
  // For a user with more credentials, the newest are listed. The user can still sign in with the others.
  const real = all.slice(-namedCredentials);
  const identifier = normalIdentifier(core, typed) ?? typed;
  const decoys: string[] = [];
  for (let index = 0; index < namedCredentials; index++) decoys.push(await decoyOf(core, identifier, String(index)));

  const listed = [...real, ...decoys.slice(0, namedCredentials - real.length)];
  const keyed: { id: string; place: string }[] = [];
  for (const id of listed) keyed.push({ id, place: toBase64Url((await macOf(core, ["order", id]))!) });
  return keyed.sort((a, b) => (a.place < b.place ? -1 : 1)).map(({ id }) => id);
}

/** One decoy of an identifier: a credential id of a usual length, with its mark. */
async function decoyOf(core: Core, identifier: string, index: string): Promise<string> {
  const first = (await macOf(core, [identifier, index, "1"]))!;
  const second = (await macOf(core, [identifier, index, "2"]))!;
  const length = usualLengths[second.at(-1)! % usualLengths.length]!;
  const head = new Uint8Array([...first, ...second]).subarray(0, length - markBytes);
  return toBase64Url(new Uint8Array([...head, ...(await markOf(core, head))!]));
}

/**
 * True if a credential id is a decoy. No user has it. No user may register it, because success would show that it is a decoy.
 */
export async function isDecoy(core: Core, credentialId: string): Promise<boolean> {
  const id = fromBase64Url(credentialId);
  if (!id || !usualLengths.some((length) => length === id.length)) return false;
  const mark = await markOf(core, id.subarray(0, -markBytes) as Bytes);
  return mark !== undefined && constantTimeEqual(mark, id.subarray(-markBytes));
}

/** The end of a decoy id, by which only this deployment recognizes it. */
async function markOf(core: Core, head: Bytes): Promise<Uint8Array | undefined> {
  return (await core.keys.mac("decoy", ["mark", head], core.keys.oldestVersion))?.subarray(0, markBytes);
}

/** Uses the oldest secret, so that decoys stay the same while two secrets are listed. */
function macOf(core: Core, parts: readonly string[]): Promise<Uint8Array | undefined> {
  return core.keys.mac("decoy", parts, core.keys.oldestVersion);
}
