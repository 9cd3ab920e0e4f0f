/** The q-quantile of sorted numbers, nearest rank. */
export function quantile(sorted, q) {
  if (sorted.length === 0) return null;
  const i = Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1));
  return sorted[i];
}

/** n, min, p50, p99 and max of measured values. */
export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    n: sorted.length,
    min: sorted[0] ?? null,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1) ?? null,
  };
}

/** Microseconds since an arbitrary moment. */
export function micros() {
  return performance.now() * 1000;
}

/** A span of time that a cell may use before it stops and says how far it came. */
export class Budget {
  constructor(ms) {
    this.end = performance.now() + ms;
  }
  get spent() {
    return performance.now() > this.end;
  }
}
