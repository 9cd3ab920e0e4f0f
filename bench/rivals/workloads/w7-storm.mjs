import { draw, same } from '../lib/model.mjs';
import { after } from '../lib/server.mjs';
import { Session } from '../lib/session.mjs';
import { Budget } from '../lib/stats.mjs';

/** What becomes of an attempt: 5 % of operations are refused for good; of the
 * attempts of the others 30 % fail, and 5 % are applied but never answered. */
export function outcome(n, attempt) {
  if (draw(1, n, 0) < 0.05) return 'permanent';
  const u = draw(2, n, attempt);
  if (u < 0.3) return 'transient';
  if (u < 0.35) return 'lost';
  return 'ok';
}

export const latencyOf = (n, attempt) => Math.floor(draw(3, n, attempt) * 6);

/** W7: many taps through a bad network; what the screen and the server end on. */
export async function* run(adapter, { entities, rounds, budget }) {
  const params = { entities, rounds };
  let s;
  try {
    s = await Session.open(adapter, { outcome, latencyOf, readLatency: 1, retry: true });
    const ids = await s.load(entities);
    for (const id of ids) await s.client.show(id);
    const ideal = new Map(ids.map((id) => [id, { liked: false, count: 0 }]));
    const adds = [];
    const start = Date.now();
    const time = new Budget(budget);
    let done = 0;
    for (; done < rounds && !time.spent; done++) {
      const r = done;
      for (const id of ids) {
        const op = r % 2 === 0 ? s.tap(id, 'set', r % 4 === 0) : s.tap(id, 'add', 1);
        if (outcome(op.n, 0) === 'permanent') continue;
        if (op.kind === 'set') ideal.get(id).liked = op.arg;
        else {
          ideal.get(id).count++;
          adds.push(op.n);
        }
      }
      await after(2);
    }
    await s.settled(60000);
    const took = Date.now() - start;
    await after(100);
    let diverged = 0;
    let intent = 0;
    for (const id of ids) {
      const truth = s.server.truth(id);
      if (!same(await s.view(id), truth)) diverged++;
      if (truth.liked !== ideal.get(id).liked) intent++;
    }
    const duplicates = s.server.duplicates();
    const missing = adds.filter((n) => !s.server.effects.has(n)).length;
    yield {
      params,
      reached: s.ops,
      unit: 'entities',
      value: diverged,
      metrics: {
        diverged,
        duplicates,
        missing,
        last_intent_lost: intent,
        calls: s.server.calls,
        settled_ms: took,
      },
      right: diverged === 0 && duplicates === 0,
      want: 'no view differs from the server, nothing happens twice',
      got: `${diverged} of ${entities} views differ, ${duplicates} effects twice, ${missing} additions missing, ${intent} last taps lost`,
      notes: [
        adapter.retries === false ? 'has no retry for writes, and was given none' : '',
        done < rounds ? `stopped after ${done} rounds and ${budget} ms` : '',
      ]
        .filter(Boolean)
        .join('; '),
    };
  } catch (error) {
    yield { params, unit: 'entities', right: false, error: String(error.message ?? error) };
  } finally {
    await s?.close();
  }
}
