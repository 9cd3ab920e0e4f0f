import { MutationObserver, QueryClient, QueryObserver } from '@tanstack/query-core';
import { apply, initial } from '../lib/model.mjs';

// The documented pattern for optimistic updates: onMutate cancels refetches,
// keeps a snapshot and writes the cache; onError restores the snapshot;
// onSettled invalidates, which refetches what is on the screen.
export const name = 'tanstack-query';
export const title = 'TanStack Query';
export const pkg = '@tanstack/query-core';
export const doc =
  'https://tanstack.com/query/latest/docs/framework/react/guides/optimistic-updates';
/** scope: mutations with one scope id run one after the other (guides/mutations, "Mutation Scopes"). */
export const variants = ['scope'];

export async function create(server, { variant, retry }) {
  const client = new QueryClient({
    defaultOptions: {
      // The values that a browser gets by default; Node would keep everything for ever.
      queries: { staleTime: Infinity, gcTime: 300_000, retry: false },
      mutations: { gcTime: 300_000 },
    },
  });
  client.mount();
  const key = (id) => ['post', id];

  const options = {
    mutationFn: (op) => server.call(op),
    onMutate: async (op, context) => {
      await context.client.cancelQueries({ queryKey: key(op.entity) });
      const previous = context.client.getQueryData(key(op.entity));
      context.client.setQueryData(key(op.entity), (old) => apply(old, op));
      return { previous };
    },
    onError: (_error, op, result, context) => {
      context.client.setQueryData(key(op.entity), result.previous);
    },
    onSettled: (_data, _error, op, _result, context) =>
      context.client.invalidateQueries({ queryKey: key(op.entity) }),
  };
  if (retry) {
    options.retry = (failures, error) => failures < 3 && !error.permanent;
    options.retryDelay = (failures) => 10 * 2 ** failures;
  }
  const observer = new MutationObserver(client, options);
  const scoped = new Map();
  function observerOf(id) {
    if (variant !== 'scope') return observer;
    if (!scoped.has(id)) {
      scoped.set(id, new MutationObserver(client, { ...options, scope: { id } }));
    }
    return scoped.get(id);
  }

  return {
    load(ids) {
      for (const id of ids) client.setQueryData(key(id), initial(id));
    },
    show(id, changed) {
      new QueryObserver(client, {
        queryKey: key(id),
        queryFn: () => server.read(id),
      }).subscribe(() => changed?.());
    },
    mutate: (op) => observerOf(op.entity).mutate(op),
    view: (id) => client.getQueryData(key(id)),
    receive(truth) {
      client.setQueryData(key(truth.id), truth);
    },
    close() {
      client.unmount();
      client.clear();
    },
  };
}
