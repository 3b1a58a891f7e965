import { type Bytes, constantTimeEqual, fromBase64Url, toBase64Url } from "../crypto/bytes.ts";
import type { Core } from "./core.ts";
import { normalIdentifier } from "./identifiers.ts";

/** As many are named for everybody, so that their number tells nothing; few people have more. */
const namedCredentials = 4;
/** What authenticators draw, in bytes: the made-up ones have the same lengths. */
const usualLengths = [16, 20, 32, 64] as const;
const markBytes = 8;

/**
 * The credential ids of an identifier, filled up with made-up ones: the same each time, by a key of the deployment, and in an
 * order that says nothing (S26).
 */
export async function withDecoys(core: Core, typed: string, all: readonly string[]): Promise<readonly string[]> {
  // The newest of somebody who has more; the others sign in without being named.
  const real = all.slice(-namedCredentials);
  const identifier = normalIdentifier(core, typed) ?? typed;
  const decoys: string[] = [];
  for (let index = 0; real.length + decoys.length < namedCredentials; index++) {
    const first = (await macOf(core, [identifier, String(index), "1"]))!;
    const second = (await macOf(core, [identifier, String(index), "2"]))!;
    const length = usualLengths[second.at(-1)! % usualLengths.length]!;
    const head = new Uint8Array([...first, ...second]).subarray(0, length - markBytes);
    decoys.push(toBase64Url(new Uint8Array([...head, ...(await markOf(core, head))!])));
  }
  const keyed = await Promise.all(
    [...real, ...decoys].map(async (id) => ({ id, place: toBase64Url((await macOf(core, ["order", id]))!) })),
  );
  return keyed.sort((a, b) => (a.place < b.place ? -1 : 1)).map(({ id }) => id);
}

/** Whether a credential id is one that we made up: nobody has it, and nobody may register it and so learn that. */
export async function isDecoy(core: Core, credentialId: string): Promise<boolean> {
  const id = fromBase64Url(credentialId);
  if (!id || !usualLengths.some((length) => length === id.length)) return false;
  const mark = await markOf(core, id.subarray(0, -markBytes) as Bytes);
  return mark !== undefined && constantTimeEqual(mark, id.subarray(-markBytes));
}

/** The end of a made-up id, by which only we know it. */
async function markOf(core: Core, head: Bytes): Promise<Uint8Array | undefined> {
  return (await core.keys.mac("decoy", ["mark", head], core.keys.oldestVersion))?.subarray(0, markBytes);
}

/** By the oldest secret, so that they stay the same while two stand side by side. */
function macOf(core: Core, parts: readonly string[]): Promise<Uint8Array | undefined> {
  return core.keys.mac("decoy", parts, core.keys.oldestVersion);
}
