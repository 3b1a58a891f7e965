import { onTestFinished, vi } from "vitest";

/** For this test, every sign-in also purges in its first request, or none does: otherwise about one in a hundred does (S46). */
export function purgesBesideSignIns(always: boolean): void {
  const random = crypto.getRandomValues.bind(crypto);
  const chosen = vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
    random(array);
    // The chance is one random byte. So is the jitter of repeats, which may be anything.
    if (array.byteLength === 1) new Uint8Array(array.buffer, array.byteOffset, 1).fill(always ? 0 : 255);
    return array;
  });
  onTestFinished(() => chosen.mockRestore());
}
