import { same } from '../lib/model.mjs';
import { Session, turn } from '../lib/session.mjs';
import { Budget, micros } from '../lib/stats.mjs';

/** W2: rounds of taps over many entities until every one is settled. */
export async function* run(adapter, { entities, rounds, budget }) {
  const params = { entities, rounds };
  let s;
  try {
    s = await Session.open(adapter, { push: true });
    const ids = await s.load(entities);
    const time = new Budget(budget);
    let taps = 0;
    const start = micros();
    for (let r = 0; r < rounds && !time.spent; r++) {
      for (const id of ids) {
        s.tap(id, 'set', r % 2 === 0);
        if (++taps % 100 > 0) continue;
        await turn();
        if (time.spent) break;
      }
    }
    await s.settled();
    const took = micros() - start;
    let wrong = 0;
    for (const id of ids) if (!same(await s.view(id), s.server.truth(id))) wrong++;
    const planned = entities * rounds;
    yield {
      params,
      reached: taps,
      unit: 'us/tap',
      n: taps,
      mean: took / taps,
      metrics: { calls: s.server.calls, taps_per_s: taps / (took / 1e6) },
      right: wrong === 0,
      got: `${wrong} of ${entities} views differ from the server`,
      notes: taps < planned ? `stopped at ${taps} taps after ${budget} ms` : '',
    };
  } catch (error) {
    yield { params, unit: 'us/tap', right: false, error: String(error.message ?? error) };
  } finally {
    await s?.close();
  }
}
