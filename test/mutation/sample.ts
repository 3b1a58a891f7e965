/** `count` of the values, in their order: the same ones for the same seed. Without `count`, all. */
export function sampleOf<Value>(values: readonly Value[], count: number | undefined, seed: number): Value[] {
  const random = randomFrom(seed);
  const drawn = values.map((value, index) => ({ value, index, rank: random() })).sort((a, b) => a.rank - b.rank);
  return drawn
    .slice(0, count)
    .sort((a, b) => a.index - b.index)
    .map(({ value }) => value);
}

/** Numbers from 0 to 1 that depend only on the seed: a linear congruential generator (Numerical Recipes §7.1). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  // Small seeds begin alike.
  for (let skipped = 0; skipped < 8; skipped++) next();
  return next;
}
