import { after } from '../lib/server.mjs';
import { Session, turn } from '../lib/session.mjs';
import { latencies, word } from './w3-burst.mjs';

// E1 to E8: small stories with one right ending each. Checkpoints are taken
// 30 ms after the server's answer; a story is right if all of its are.

/** Compares what was seen at the checkpoints with what ought to have been. */
function verdict(params, seen, want, metrics) {
  const got = seen.join(' → ');
  const wanted = want.join(' → ');
  return { params, unit: 'story', right: got === wanted, got, want: wanted, metrics };
}

/** Two operations on one entity, both unsettled, answered one after the other. */
async function two(s, [first, firstEnd], [second, secondEnd], read, seen) {
  const id = 'e0';
  const a = s.tap(id, ...first);
  await s.until(id, () => true);
  await turn();
  const b = s.tap(id, ...second);
  await s.arrived(a.n);
  await after(20);
  s.server.release(a.n, firstEnd);
  await after(30);
  seen.push(read(await s.view(id)));
  await s.arrived(b.n);
  s.server.release(b.n, secondEnd);
  await s.settled();
  await after(30);
  seen.push(read(await s.view(id)));
}

const add = ['add', 1];
const held = { hold: true, readLatency: 1 };
const count = (v) => v.count;

const stories = {
  E1: {
    options: held,
    async tell(s, params) {
      const seen = [];
      await two(s, [add, 'permanent'], [add, 'ok'], count, seen);
      return verdict(params, seen, [1, 1]);
    },
  },
  E2: {
    options: held,
    async tell(s, params) {
      const seen = [];
      await two(s, [add, 'permanent'], [add, 'permanent'], count, seen);
      return verdict(params, seen, [1, 0]);
    },
  },
  E3: {
    options: held,
    async tell(s, params) {
      const seen = [];
      const list = (v) => `[${v.list.join(' ')}]`;
      await two(s, [['push', 'b'], 'permanent'], [['push', 'c'], 'permanent'], list, seen);
      return verdict(params, seen, ['[a c]', '[a]']);
    },
  },
  E4: {
    options: held,
    async tell(s, params) {
      const seen = [];
      await two(s, [add, 'ok'], [add, 'permanent'], count, seen);
      return verdict(params, seen, [2, 1]);
    },
  },
  E5: {
    options: held,
    async tell(s, params) {
      const seen = [];
      const op = s.tap('e0', ...add);
      await s.arrived(op.n);
      await s.client.receive(s.server.change('e0', { count: 10 }));
      await after(30);
      seen.push(count(await s.view('e0')));
      s.server.release(op.n);
      await s.settled();
      await after(30);
      seen.push(count(await s.view('e0')));
      return verdict(params, seen, [11, 11]);
    },
  },
  E6: {
    options: held,
    async tell(s, params) {
      const seen = [];
      const fields = (v) => `x${v.x} y${v.y}`;
      const x = ['field', { x: 5 }];
      const y = ['field', { y: 7 }];
      await two(s, [x, 'permanent'], [y, 'ok'], fields, seen);
      return verdict(params, seen, ['x0 y7', 'x0 y7']);
    },
  },
  E7: {
    options: { latencies, readLatency: 1 },
    everyVariant: true,
    tell: (s, params) => taps(s, params, 4, () => true),
  },
  E8: {
    options: { latencies: [5], readLatency: 1 },
    everyVariant: true,
    tell: (s, params) => taps(s, params, 2, (calls) => calls === 0),
  },
};

/** Taps on a toggle that ends OFF, and how often the screen turned over. */
async function taps(s, params, n, callsAllowed) {
  let flips = 0;
  let shown = false;
  for (let k = 1; k <= n; k++) {
    s.tap('e0', 'set', k % 2 === 1);
    await s.until('e0', (v) => v.liked === (k % 2 === 1));
    flips++;
    shown = k % 2 === 1;
    await turn();
  }
  for (const stop = Date.now() + 10000; s.unsettled > 0 && Date.now() < stop; ) {
    const now = (await s.view('e0')).liked;
    if (now !== shown) flips++;
    shown = now;
    await turn();
  }
  await s.settled();
  await after(50);
  const view = (await s.view('e0')).liked;
  if (view !== shown) flips++;
  const server = s.server.truth('e0').liked;
  const calls = s.server.calls;
  return {
    params,
    unit: 'story',
    right: !server && !view && callsAllowed(calls),
    got: `server ${word(server)}, screen ${word(view)}, calls ${calls}, flips ${flips}`,
    want: n === 2 ? 'server OFF, screen OFF, calls 0' : 'server OFF, screen OFF',
    metrics: { calls, flips },
  };
}

export async function* run(adapter) {
  for (const [row, story] of Object.entries(stories)) {
    const variants = story.everyVariant ? (adapter.variants ?? []) : [];
    for (const variant of [undefined, ...variants]) {
      const params = { row };
      let s;
      try {
        s = await Session.open(adapter, { ...story.options, variant });
        await s.load(1);
        await s.client.show('e0');
        yield { variant, ...(await story.tell(s, params)) };
      } catch (error) {
        yield { params, variant, unit: 'story', right: false, error: String(error.message ?? error) };
      } finally {
        await s?.close();
      }
    }
  }
}
