import { readFileSync } from 'node:fs';

// The sizes are the Go runner's too, so they are read from where it keeps them.
const sizes = JSON.parse(
  readFileSync(new URL('../../internal/workload/sizes.json', import.meta.url), 'utf8'),
);

const modules = {
  W1: './w1-tap.mjs',
  W2: './w2-throughput.mjs',
  W3: './w3-burst.mjs',
  W4: './w4-chain.mjs',
  W5: './w5-push.mjs',
  W6: './w6-memory.mjs',
  W7: './w7-storm.mjs',
  E: './correctness.mjs',
};

/** The workloads by name: how each is run, and its sizes in both forms. */
export const workloads = Object.fromEntries(
  Object.entries(modules).map(([name, path]) => [
    name,
    { load: () => import(path), ...sizes[name] },
  ]),
);
