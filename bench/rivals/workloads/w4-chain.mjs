import { after } from '../lib/server.mjs';
import { Session, turn } from '../lib/session.mjs';
import { Budget, micros } from '../lib/stats.mjs';

/** W4: a chain of unsettled operations on one entity whose first fails. */
export async function* run(adapter, { chain, budget }) {
  for (const length of chain) {
    const cell = await rollback(adapter, length, budget);
    yield cell;
    if (cell.error) return;
  }
}

async function rollback(adapter, length, budget) {
  const params = { chain: length };
  const unit = 'us';
  let s;
  try {
    s = await Session.open(adapter, { hold: true });
    const [id] = await s.load(1);
    await s.client.show(id);
    const time = new Budget(budget);
    const first = s.tap(id, 'add', 1);
    let depth = 1;
    while (depth < length && !time.spent) {
      s.tap(id, 'add', 1);
      if (++depth % 100 === 0) await turn();
    }
    const before = s.unsettled;
    await s.until(id, (v) => v.count === depth, budget + 5000);
    await s.arrived(first.n);
    const start = micros();
    s.server.release(first.n, 'permanent');
    const stop = Date.now() + 10000;
    while (s.unsettled === before) {
      if (Date.now() > stop) throw new Error('the failed operation was not settled in 10 s');
      await turn();
    }
    let view = await s.view(id);
    const took = micros() - start;
    await after(20);
    view = await s.view(id);
    return {
      params,
      reached: depth,
      unit,
      value: took,
      right: view.count === depth - 1,
      want: String(depth - 1),
      got: String(view.count),
      notes: depth < length ? `stopped at ${depth} operations after ${budget} ms` : '',
    };
  } catch (error) {
    return { params, unit, right: false, error: String(error.message ?? error) };
  } finally {
    await s?.close();
  }
}
