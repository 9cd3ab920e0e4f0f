import { apply, initial } from '../lib/model.mjs';

// Not a library: the least that any of them must do. A Map write, the call and
// its promise; nothing is ever rolled back, ordered or retried.
export const name = 'floor-node';
export const title = 'floor (Node)';
export const pkg = null;
export const doc = 'bench/rivals/adapters/floor.mjs';

export async function create(server) {
  const shown = new Map();
  return {
    load(ids) {
      for (const id of ids) shown.set(id, initial(id));
    },
    show() {},
    mutate(op) {
      shown.set(op.entity, apply(shown.get(op.entity), op));
      return server.call(op);
    },
    view: (id) => shown.get(id),
    receive(truth) {
      shown.set(truth.id, truth);
    },
    close() {},
  };
}
