import { Replicache } from 'replicache';
import { apply, initial } from '../lib/model.mjs';
import { after } from '../lib/server.mjs';

// Mutators that run now and are replayed on every pull. The server side is the
// documented one: push takes mutations in order and remembers the last id, even
// of one that it refuses; pull sends what changed and that id. Storage is the
// library's own in-memory one, for Node has no IndexedDB.
export const name = 'replicache';
export const title = 'Replicache';
export const pkg = 'replicache';
export const doc = 'https://doc.replicache.dev/byob/remote-mutations';

let instances = 0;

/** The push and pull endpoints in front of the server that all rivals share. */
class Endpoints {
  constructor(server, poke) {
    this.server = server;
    this.poke = poke;
    this.last = new Map();
    this.changed = new Map();
    this.cookie = 0;
    this.info = { httpStatusCode: 200, errorMessage: '' };
    this.failed = { httpRequestInfo: { httpStatusCode: 503, errorMessage: 'busy' } };
  }

  note(truth) {
    this.changed.set(truth.id, truth);
  }

  // It is the request that the network fails, and with it all mutations in it;
  // what the server refuses is one mutation.
  push = async ({ mutations }) => {
    this.server.calls++;
    const first = mutations[0].args;
    let latency = this.server.latencyOfCall(first);
    const fate = this.server.outcomeOf(first);
    if (fate === 'transient') {
      await after(latency);
      return this.failed;
    }
    for (const m of mutations) {
      if (m.id <= (this.last.get(m.clientID) ?? 0)) continue;
      const refused = this.server.outcome?.(m.args.n, 0) === 'permanent';
      try {
        this.note(await this.server.deliver(m.args, latency, refused ? 'permanent' : 'ok'));
      } catch {
        // Refused: the id is remembered all the same, or the client would send it for ever.
      }
      this.last.set(m.clientID, m.id);
      this.poke();
      latency = 0;
    }
    return fate === 'lost' ? this.failed : { httpRequestInfo: this.info };
  };

  pull = async () => {
    if (this.server.readLatency) {
      this.server.reads++;
      await after(this.server.readLatency);
    }
    const patch = [...this.changed].map(([key, value]) => ({ op: 'put', key, value }));
    this.changed.clear();
    return {
      response: {
        cookie: ++this.cookie,
        lastMutationIDChanges: Object.fromEntries(this.last),
        patch,
      },
      httpRequestInfo: this.info,
    };
  };
}

export async function create(server, { push = false }) {
  let pulling = false;
  let again = false;
  let closed = false;
  const waiting = [];
  let seen = 0;

  const endpoints = new Endpoints(server, () => void sync());
  const rep = new Replicache({
    name: `client-${++instances}-${process.pid}`,
    kvStore: 'mem',
    logLevel: 'error',
    logSinks: [{ log() {} }],
    pullInterval: null,
    ...(push ? { pushDelay: 0 } : {}),
    requestOptions: { minDelayMs: 1, maxDelayMs: 80 },
    pusher: endpoints.push,
    puller: endpoints.pull,
    mutators: {
      change: async (tx, op) => {
        await tx.set(op.entity, apply(await tx.get(op.entity), op));
      },
    },
  });

  /** What a poke starts: a pull, and one more if the server spoke meanwhile. */
  async function sync() {
    if (pulling) {
      again = true;
      return;
    }
    pulling = true;
    do {
      again = false;
      const upTo = Math.max(0, ...endpoints.last.values());
      await rep.pull({ now: true });
      seen = upTo;
      while (waiting.length > 0 && waiting[0].id <= seen) waiting.shift().resolve();
    } while (again && !closed);
    pulling = false;
  }

  let ids = 0;
  return {
    async load(entities) {
      for (const id of entities) endpoints.note(initial(id));
      await rep.pull({ now: true });
    },
    show(id, changed) {
      if (changed) rep.subscribe((tx) => tx.get(id), { onData: changed });
    },
    mutate(op) {
      const id = ++ids;
      const settled = new Promise((resolve) => waiting.push({ id, resolve }));
      return rep.mutate.change(op).then(() => settled);
    },
    view: (id) => rep.query((tx) => tx.get(id)),
    async receive(truth) {
      endpoints.note(truth);
      await rep.pull({ now: true });
    },
    async close() {
      closed = true;
      await rep.close();
    },
  };
}
