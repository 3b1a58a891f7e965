/** How often each function of WebCrypto was called. */
export type CryptoWork = Readonly<Record<string, number>>;

/** Runs `work`, and counts what it asks of WebCrypto. Nothing else may run at the same time. */
export async function countingCrypto(work: () => Promise<void>): Promise<CryptoWork> {
  const counts: Record<string, number> = {};
  const subtle = crypto.subtle as unknown as Record<string, unknown>;
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(subtle)).filter(
    (name) => name !== "constructor" && typeof subtle[name] === "function",
  );
  for (const name of names) {
    const real = subtle[name] as (...inputs: unknown[]) => unknown;
    subtle[name] = (...inputs: unknown[]) => {
      counts[name] = (counts[name] ?? 0) + 1;
      return real.apply(crypto.subtle, inputs);
    };
  }
  try {
    await work();
  } finally {
    // The functions of the prototype show again.
    for (const name of names) delete subtle[name];
  }
  return counts;
}
