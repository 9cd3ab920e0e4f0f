import {
  createCollection,
  createOptimisticAction,
  createPacedMutations,
  debounceStrategy,
} from '@tanstack/db';
import { applyTo, initial } from '../lib/model.mjs';

// An optimistic action: onMutate writes the collection, mutationFn persists and
// sees to it that the write has synced back before it returns.
export const name = 'tanstack-db';
export const title = 'TanStack DB';
export const pkg = '@tanstack/db';
export const doc = 'https://tanstack.com/db/latest/docs/guides/mutations';
export const retries = false;
/** debounce: paced mutations with debounceStrategy (same page), 300 ms, for wanted states. */
export const variants = ['debounce'];

let instances = 0;

export async function create(server, { variant }) {
  let sync;
  const posts = createCollection({
    id: `posts-${++instances}`,
    getKey: (post) => post.id,
    startSync: true,
    sync: {
      sync: (params) => {
        sync = params;
        params.markReady();
      },
    },
  });
  posts.subscribeChanges(() => {});

  function write(type, values) {
    sync.begin();
    for (const value of values) sync.write({ type, value });
    sync.commit();
  }

  const act = createOptimisticAction({
    onMutate: (op) => posts.update(op.entity, (draft) => applyTo(draft, op)),
    mutationFn: async (op) => write('update', [await server.call(op)]),
  });

  let paced = 0;
  const paceds = new Map();
  function pacedOf(id) {
    if (!paceds.has(id)) {
      paceds.set(
        id,
        createPacedMutations({
          onMutate: (op) => posts.update(op.entity, (draft) => applyTo(draft, op)),
          mutationFn: async ({ transaction }) => {
            for (const m of transaction.mutations) {
              const op = { n: -++paced, entity: m.key, kind: 'set', arg: m.modified.liked };
              write('update', [await server.call(op)]);
            }
          },
          strategy: debounceStrategy({ wait: 300 }),
        }),
      );
    }
    return paceds.get(id);
  }

  return {
    load: (ids) => write('insert', ids.map(initial)),
    show(_id, changed) {
      if (changed) posts.subscribeChanges(() => changed());
    },
    mutate(op) {
      const begin = variant === 'debounce' && op.kind === 'set' ? pacedOf(op.entity) : act;
      return begin(op).isPersisted.promise;
    },
    view: (id) => posts.get(id),
    receive: (truth) => write('update', [truth]),
    close: () => posts.cleanup(),
  };
}
