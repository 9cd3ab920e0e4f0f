import { after } from '../lib/server.mjs';
import { Session, turn } from '../lib/session.mjs';
import { Budget } from '../lib/stats.mjs';

/** W6: heap per pending operation, and the rest after settling. */
export async function* run(adapter, { operations, warmup, budget }) {
  const params = { operations };
  const unit = 'bytes/op';
  let s;
  try {
    s = await Session.open(adapter, { hold: true });
    const ids = await s.load(operations + warmup);
    for (const id of ids.splice(operations)) {
      const op = s.tap(id, 'set', true);
      await s.arrived(op.n);
      s.server.release(op.n);
      await s.settled();
    }
    const before = await heap();
    const time = new Budget(budget);
    let pending = 0;
    for (const id of ids) {
      s.tap(id, 'set', true);
      if (++pending % 100 === 0) {
        await turn();
        if (time.spent) break;
      }
    }
    await s.until(ids[pending - 1], (v) => v.liked, budget + 5000);
    const full = await heap();
    const cell = {
      params,
      reached: pending,
      unit,
      value: (full - before) / pending,
      right: true,
      notes: pending < operations ? `stopped at ${pending} operations after ${budget} ms` : '',
      metrics: {},
    };
    if (await drain(s, budget)) {
      s.server.effects.clear();
      s.server.entities.clear();
      cell.metrics.left_bytes_per_op = ((await heap()) - before) / pending;
    } else {
      cell.got = `not settled ${2 * budget} ms after the answers`;
    }
    yield cell;
  } catch (error) {
    yield { params, unit, right: false, error: String(error.message ?? error) };
  } finally {
    await s?.close();
  }
}

/** Answers everything, a few calls at a time; false if that takes too long. */
async function drain(s, budget) {
  const time = new Budget(2 * budget);
  s.server.hold = false;
  while (s.unsettled > 0) {
    if (time.spent) return false;
    for (const n of [...s.server.held.keys()].slice(0, 20)) s.server.release(n);
    await turn();
  }
  await after(50);
  return true;
}

async function heap() {
  for (let i = 0; i < 3; i++) {
    await after(10);
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}
