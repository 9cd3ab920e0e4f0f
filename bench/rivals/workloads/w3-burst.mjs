import { after } from '../lib/server.mjs';
import { Session } from '../lib/session.mjs';

export const latencies = [60, 10, 40, 5];

/** W3: a burst of taps on one toggle while answers overtake each other. */
export async function* run(adapter, { taps }) {
  for (const variant of [undefined, ...(adapter.variants ?? [])]) {
    for (const count of taps) {
      // A variant that sends one call after the other needs half a minute for 1,000.
      if (variant && count > 100) continue;
      yield await burst(adapter, variant, count);
    }
  }
}

async function burst(adapter, variant, taps) {
  const params = { taps };
  const unit = 'calls';
  let s;
  try {
    s = await Session.open(adapter, { latencies, readLatency: 1, variant });
    const [id] = await s.load(1);
    await s.client.show(id);
    for (let k = 1; k <= taps; k++) {
      s.tap(id, 'set', k % 2 === 1);
      await after(1);
    }
    await s.settled();
    await after(100);
    const want = taps % 2 === 1;
    const server = s.server.truth(id).liked;
    const view = (await s.view(id)).liked;
    return {
      params,
      variant,
      unit,
      value: s.server.calls,
      metrics: { calls: s.server.calls, reads: s.server.reads },
      right: server === want && view === want,
      want: word(want),
      got: `server ${word(server)}, screen ${word(view)}`,
    };
  } catch (error) {
    return { params, variant, unit, right: false, error: String(error.message ?? error) };
  } finally {
    await s?.close();
  }
}

export function word(on) {
  return on ? 'ON' : 'OFF';
}
