/** The workloads by name, each with its sizes in the full and the quick form. */
export const workloads = {
  W1: {
    module: './w1-tap.mjs',
    full: { pending: [1, 1000, 100000], taps: 300, warmup: 100, budget: 2000 },
    quick: { pending: [1, 1000], taps: 50, warmup: 20, budget: 700 },
  },
  W2: {
    module: './w2-throughput.mjs',
    full: { entities: 1000, rounds: 10, budget: 3000 },
    quick: { entities: 200, rounds: 4, budget: 700 },
  },
  W3: {
    module: './w3-burst.mjs',
    full: { taps: [10, 11, 100, 1000] },
    quick: { taps: [10, 11] },
  },
  W4: {
    module: './w4-chain.mjs',
    full: { chain: [10, 100, 1000, 10000], budget: 3000 },
    quick: { chain: [10, 100], budget: 700 },
  },
  W5: {
    module: './w5-push.mjs',
    full: { entities: 1000, budget: 3000 },
    quick: { entities: 100, budget: 700 },
  },
  W6: {
    module: './w6-memory.mjs',
    full: { operations: 2000, warmup: 20, budget: 4000 },
    quick: { operations: 500, warmup: 10, budget: 700 },
  },
  W7: {
    module: './w7-storm.mjs',
    full: { entities: 50, rounds: 8, budget: 3000 },
    quick: { entities: 20, rounds: 4, budget: 700 },
  },
  E: { module: './correctness.mjs', full: {}, quick: {} },
};
