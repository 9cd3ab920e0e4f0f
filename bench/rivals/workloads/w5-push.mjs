import { after } from '../lib/server.mjs';
import { Session, turn } from '../lib/session.mjs';
import { Budget, micros, summary } from '../lib/stats.mjs';

/** W5: the server speaks about entities that have an operation pending. */
export async function* run(adapter, { entities, budget }) {
  const params = { pushes: entities, pending: entities };
  let s;
  try {
    s = await Session.open(adapter, { hold: true });
    const ids = await s.load(entities);
    const fill = new Budget(budget);
    let pending = 0;
    for (const id of ids) {
      s.tap(id, 'add', 1);
      if (++pending % 100 === 0) {
        await turn();
        if (fill.spent) break;
      }
    }
    await s.until(ids[pending - 1], (v) => v.count === 1, budget + 5000);
    await after(20);

    const values = [];
    const time = new Budget(budget);
    for (let i = 0; i < pending; i++) {
      if (time.spent && i >= 20) break;
      const truth = s.server.change(ids[i], { count: 10 });
      const start = micros();
      const done = s.client.receive(truth);
      if (typeof done?.then === 'function') await done;
      values.push(micros() - start);
    }
    await after(20);
    let right = 0;
    for (let i = 0; i < values.length; i++) {
      if ((await s.view(ids[i])).count === 11) right++;
    }
    const capped = values.length < entities || pending < entities;
    yield {
      params,
      reached: values.length,
      unit: 'us',
      ...summary(values),
      right: right === values.length,
      want: '11',
      got: `${right} of ${values.length} views show 11; the first shows ${(await s.view(ids[0])).count}`,
      notes: capped ? `${values.length} pushes, ${pending} pending in the time allowed` : '',
    };
  } catch (error) {
    yield { params, unit: 'us', right: false, error: String(error.message ?? error) };
  } finally {
    await s?.close();
  }
}
