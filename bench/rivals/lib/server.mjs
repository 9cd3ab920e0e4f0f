import { apply, initial } from './model.mjs';

/** What a call fails with. status 0 means that no answer came. */
export class CallError extends Error {
  constructor(status, message) {
    super(message);
    this.name = 'CallError';
    this.status = status;
  }
  /** Whether trying again can help. */
  get permanent() {
    return this.status === 403;
  }
}

const failures = {
  transient: () => new CallError(503, 'busy'),
  permanent: () => new CallError(403, 'refused'),
  lost: () => new CallError(0, 'no answer'),
};

/**
 * The server in the same process. A call waits for its latency, is applied at
 * that moment, and is answered with the truth of its entity. Held calls wait
 * until they are released one by one.
 */
export class Server {
  /**
   * @param {object} o
   * @param {number[]} [o.latencies] milliseconds, used in turn by the order of
   *   calls; none means that the answer is there at once
   * @param {(n: number, attempt: number) => number} [o.latencyOf] instead of latencies
   * @param {(n: number, attempt: number) => string} [o.outcome] ok, transient,
   *   permanent or lost (applied, but the answer never arrives)
   * @param {boolean} [o.hold]
   * @param {number} [o.readLatency] milliseconds that a read takes
   */
  constructor({ latencies, latencyOf, outcome, hold = false, readLatency = 0 } = {}) {
    this.latencies = latencies;
    this.latencyOf = latencyOf;
    this.outcome = outcome;
    this.hold = hold;
    this.readLatency = readLatency;
    this.calls = 0;
    this.reads = 0;
    this.entities = new Map();
    this.held = new Map();
    this.attempts = new Map();
    this.effects = new Map();
  }

  truth(id) {
    const s = this.entities.get(id) ?? initial(id);
    return { ...s, list: [...s.list] };
  }

  /** A change that another client made. */
  change(id, fields) {
    const s = this.truth(id);
    this.entities.set(id, { ...s, ...fields, version: s.version + 1 });
    return this.truth(id);
  }

  read(id) {
    this.reads++;
    if (!this.readLatency) return Promise.resolve(this.truth(id));
    return after(this.readLatency).then(() => this.truth(id));
  }

  /** One request that carries one operation. */
  call(op) {
    this.calls++;
    return this.deliver(op, this.latencyOfCall(op));
  }

  latencyOfCall(op) {
    if (this.latencyOf) return this.latencyOf(op.n, this.attempts.get(op.n) ?? 0);
    if (!this.latencies) return 0;
    return this.latencies[(this.calls - 1) % this.latencies.length];
  }

  /** What becomes of the next attempt to send op. */
  outcomeOf(op) {
    if (!this.outcome) return 'ok';
    const attempt = this.attempts.get(op.n) ?? 0;
    this.attempts.set(op.n, attempt + 1);
    return this.outcome(op.n, attempt);
  }

  /** Takes op in after latency: the body of a request, however it came. */
  deliver(op, latency, outcome = this.outcomeOf(op)) {
    if (this.hold) {
      return new Promise((resolve, reject) => this.held.set(op.n, { op, resolve, reject }));
    }
    if (!latency) return this.settle(op, outcome);
    return after(latency).then(() => this.settle(op, outcome));
  }

  settle(op, outcome) {
    if (outcome === 'ok' || outcome === 'lost') this.take(op);
    if (outcome === 'ok') return Promise.resolve(this.truth(op.entity));
    return Promise.reject(failures[outcome]());
  }

  take(op) {
    const before = this.entities.get(op.entity) ?? initial(op.entity);
    const next = apply(before, op);
    if (next.liked !== before.liked || op.kind !== 'set') {
      this.effects.set(op.n, (this.effects.get(op.n) ?? 0) + 1);
    }
    this.entities.set(op.entity, { ...next, version: before.version + 1 });
  }

  /** Lets a held call end; false if it is not here. */
  release(n, outcome = 'ok') {
    const held = this.held.get(n);
    if (!held) return false;
    this.held.delete(n);
    this.settle(held.op, outcome).then(held.resolve, held.reject);
    return true;
  }

  /** Releases everything held, and whatever comes from now on is answered. */
  open() {
    this.hold = false;
    for (const n of [...this.held.keys()]) this.release(n);
  }

  /** Operations that changed the server's state more than once. */
  duplicates() {
    let n = 0;
    for (const times of this.effects.values()) if (times > 1) n++;
    return n;
  }
}

export function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
