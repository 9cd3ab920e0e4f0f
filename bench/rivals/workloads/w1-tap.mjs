import { Session, turn } from '../lib/session.mjs';
import { Budget, micros, summary } from '../lib/stats.mjs';

/** W1: a tap with other entities pending, until the view has changed. */
export async function* run(adapter, { pending, taps, warmup, budget }) {
  for (const want of pending) {
    const params = { pending: want };
    const unit = 'us';
    let s;
    try {
      s = await Session.open(adapter, { hold: true });
      const ids = await s.load(want + warmup + taps);
      const others = await prefill(s, ids, want, budget);
      const values = await measure(s, ids.slice(want), { warmup, budget });
      yield {
        params,
        reached: others,
        unit,
        ...summary(values),
        metrics: { cached: ids.length },
        right: true,
        notes:
          others < want
            ? `${others} pending and ${ids.length} cached after ${budget} ms of filling`
            : '',
      };
    } catch (error) {
      yield { params, unit, right: false, error: String(error.message ?? error) };
    } finally {
      await s?.close();
    }
  }
}

/** Leaves want entities pending, or as many as fit in the budget. */
async function prefill(s, ids, want, budget) {
  const time = new Budget(budget);
  let done = 0;
  while (done < want && !time.spent) {
    s.tap(ids[done++], 'set', true);
    if (done % 50 === 0) {
      await s.until(ids[done - 1], (v) => v.liked, 30000);
      await turn();
    }
  }
  if (done > 0) await s.until(ids[done - 1], (v) => v.liked, 30000);
  return done;
}

/**
 * The latencies of single taps, the first of them (while time allows) thrown
 * away. Each tap is answered afterwards, so that the number of pending
 * entities stays; a library that has not sent it, or that takes more than the
 * budget over the answers, keeps a few more pending.
 */
async function measure(s, ids, { warmup, budget }) {
  const values = [];
  const time = new Budget(budget);
  const answering = new Budget(budget / 2);
  for (let i = 0; i < ids.length; i++) {
    if (time.spent && values.length >= 5) break;
    const start = micros();
    const op = s.tap(ids[i], 'set', true);
    await s.until(ids[i], (v) => v.liked);
    const took = micros() - start;
    if (i >= warmup || time.spent) values.push(took);
    await turn();
    if (!answering.spent && s.server.release(op.n)) await turn();
  }
  return values;
}
