/**
 * Welch's t of two samples, each without its slowest tenth. Other work of the machine appears as rare long delays, which would
 * dominate the variance (the cropping of dudect, Reparaz et al. 2017).
 */
export function welchT(a: readonly number[], b: readonly number[]): number {
  const [left, right] = [describe(a), describe(b)];
  return (left.mean - right.mean) / Math.sqrt(left.variance / left.count + right.variance / right.count);
}

function describe(sample: readonly number[]): { mean: number; variance: number; count: number } {
  const kept = sample.toSorted((a, b) => a - b).slice(0, Math.ceil(sample.length * 0.9));
  const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  const variance = kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (kept.length - 1);
  return { mean, variance, count: kept.length };
}
