import { after, Server } from './server.mjs';

/** A library that did not come to an end in the time allowed. */
export class Stuck extends Error {
  constructor(what) {
    super(`not finished in time: ${what}`);
    this.name = 'Stuck';
  }
}

/** One turn of the event loop: timers, I/O and microtasks have had their chance. */
export function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * One client and its server. An adapter's client offers:
 *
 *   load(ids)          the truth of these entities is known to the client
 *   show(id, changed)  the entity is on the screen; changed() on every change
 *   mutate(op)         begins the change; the promise ends when it is settled
 *   view(id)           what the screen shows, or a promise of it
 *   receive(truth)     the server says what is so, unasked
 *   close()
 */
export class Session {
  static async open(adapter, { variant, retry = false, push = false, ...server } = {}) {
    const s = new Session();
    s.server = new Server(server);
    s.client = await adapter.create(s.server, { variant, retry, push });
    s.ops = 0;
    s.unsettled = 0;
    return s;
  }

  async load(count) {
    const ids = Array.from({ length: count }, (_, i) => `e${i}`);
    await this.client.load(ids);
    return ids;
  }

  /** A tap: the operation, with done set once the library calls it settled. */
  tap(entity, kind, arg) {
    const op = { n: ++this.ops, entity, kind, arg };
    this.unsettled++;
    const end = () => {
      this.unsettled--;
    };
    this.client.mutate(op).then(end, end);
    return op;
  }

  async view(id) {
    const v = this.client.view(id);
    return typeof v?.then === 'function' ? await v : v;
  }

  /** Waits, in microtasks first, until the view passes the test. */
  async until(id, test, ms = 5000) {
    for (let i = 0; i < 200; i++) {
      let v = this.client.view(id);
      if (typeof v?.then === 'function') v = await v;
      if (test(v)) return;
      await undefined;
    }
    const deadline = Date.now() + ms;
    for (;;) {
      if (test(await this.view(id))) return;
      if (Date.now() > deadline) throw new Stuck('the view did not change');
      await turn();
    }
  }

  /** Waits until the call of operation n stands before the held server. */
  async arrived(n, ms = 3000) {
    const deadline = Date.now() + ms;
    while (!this.server.held.has(n)) {
      if (Date.now() > deadline) throw new Stuck(`operation ${n} was not sent`);
      await after(1);
    }
  }

  async settled(ms = 30000) {
    const deadline = Date.now() + ms;
    for (let i = 0; this.unsettled > 0; i++) {
      if (Date.now() > deadline) throw new Stuck(`${this.unsettled} operations unsettled`);
      await (i < 1000 ? turn() : after(1));
    }
  }

  async close() {
    await this.client.close();
  }
}
